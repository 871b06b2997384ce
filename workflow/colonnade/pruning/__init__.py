"""Pruning: patterns, the mask, scores, channel orders, and masks that follow a schedule."""

from colonnade.pruning.layers import (
    LayerPlan,
    Masks,
    Plan,
    conv_weight,
    importances,
    make_masks,
    prunable_convs,
    sparsity_of,
    uniform_plan,
)
from colonnade.pruning.mask import ColumnMask, make_mask, weight_matrix
from colonnade.pruning.permutation import permute, search, spaces
from colonnade.pruning.schedule import Sparsifier
from colonnade.pruning.serial import masks_from_tensors, masks_to_tensors
from colonnade.pruning.settings import (
    Distillation,
    Gradual,
    OneShot,
    Pattern,
    PruningConfig,
    Recipe,
    Regrow,
)

__all__ = [
    "ColumnMask",
    "Distillation",
    "Gradual",
    "LayerPlan",
    "Masks",
    "OneShot",
    "Pattern",
    "Plan",
    "PruningConfig",
    "Recipe",
    "Regrow",
    "Sparsifier",
    "conv_weight",
    "importances",
    "make_mask",
    "make_masks",
    "masks_from_tensors",
    "masks_to_tensors",
    "permute",
    "prunable_convs",
    "search",
    "spaces",
    "sparsity_of",
    "uniform_plan",
    "weight_matrix",
]
