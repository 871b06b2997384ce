"""Column-wise N:M pruning: patterns, the mask, and holding it during fine-tuning."""

from colonnade.pruning.layers import HeldMasks, make_masks, prunable_convs
from colonnade.pruning.mask import ColumnMask, make_mask, weight_matrix
from colonnade.pruning.serial import masks_from_tensors, masks_to_tensors
from colonnade.pruning.settings import Pattern, PruningConfig

__all__ = [
    "ColumnMask",
    "HeldMasks",
    "Pattern",
    "PruningConfig",
    "make_mask",
    "make_masks",
    "masks_from_tensors",
    "masks_to_tensors",
    "prunable_convs",
    "weight_matrix",
]
