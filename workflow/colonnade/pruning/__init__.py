"""Pruning: patterns, the mask, scores, channel orders, and masks that follow a schedule.

Masks are imported from `mask`; so is what needs torch, from `layers` (masks of a model), `weights`,
`schedule`, `permutation` and `serial`.
"""

from colonnade.pruning.plan import LayerPlan, Plan, prunable_convs, uniform_plan
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
    "Distillation",
    "Gradual",
    "LayerPlan",
    "OneShot",
    "Pattern",
    "Plan",
    "PruningConfig",
    "Recipe",
    "Regrow",
    "prunable_convs",
    "uniform_plan",
]
