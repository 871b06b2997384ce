"""Automatic tuning of pruning parameters: a pattern for every layer, from sensitivity and cost."""

from colonnade.budget.front import Network, write_front
from colonnade.budget.layer_sensitivity import write_layer_sensitivity
from colonnade.budget.plan import Budget, read_budget, write_budget
from colonnade.budget.settings import BudgetConfig

__all__ = [
    "Budget",
    "BudgetConfig",
    "Network",
    "read_budget",
    "write_budget",
    "write_front",
    "write_layer_sensitivity",
]
