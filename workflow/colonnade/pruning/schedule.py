# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""When masks are chosen during fine-tuning, and what happens to pruned weights meanwhile."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from colonnade.config.pruning import Gradual, MaskSchedule, OneShot, Regrow, SrSte
from colonnade.pruning.layers import Masks
from colonnade.pruning.mask import ColumnMask
from colonnade.pruning.plan import Plan
from colonnade.pruning.serial import masks_from_tensors, masks_to_tensors
from colonnade.pruning.weights import conv_weight, kept_weights

# Masks of the model as it is, with the given share of the final sparsity.
Choose = Callable[[float], Masks]


class Sparsifier:
    """Follows a mask schedule on a model while an optimizer works on it.

    Call `advance` before every step; run forward, backward and evaluation inside `applied`; call
    `treat_gradients` before clipping and the optimizer's step, and `after_step` after it. `masks` are
    the present ones; from the last choice on they do not change.
    """

    def __init__(
        self, model: nn.Module, plan: Plan, schedule: MaskSchedule, choose: Choose
    ) -> None:
        self.masks: dict[str, ColumnMask] = {}
        self._weights = {name: conv_weight(model, name) for name in plan}
        self._tiles = {name: layer.tile for name, layer in plan.items()}
        # 1 where a weight stays, else 0: a product is many times faster than filling by a mask.
        self._kept: dict[str, Tensor] = {}
        self._schedule = schedule
        self._choose = choose
        self._updates = 0
        self._is_final = False

    def advance(self, progress: float) -> None:
        """Choose masks anew if they are due after `progress` of fine-tuning, a share 0 to 1."""
        due = self._due(progress)
        if self._is_final or due <= self._updates:
            return
        self._updates = due
        self._is_final = self._last(progress)
        self._set(self._choose(self._share()))
        if not self._dormant:
            self.hold()

    def finish(self) -> None:
        """Choose what is still due at the end; the model is left with its pruned weights at zero."""
        self.advance(1.0)
        self.hold()

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Within, pruned weights are zero; values that a regrowing schedule keeps come back after."""
        if not self._dormant:
            yield
            return
        kept = {name: self._weights[name].detach().clone() for name in self._kept}
        self.hold()
        try:
            yield
        finally:
            with torch.no_grad():
                for name, values in kept.items():
                    self._weights[name].copy_(values)

    @torch.no_grad()
    def treat_gradients(self) -> None:
        """Drop the gradients of pruned weights, or, while they may return, add the decay.

        Dropped gradients would count in the gradient's norm and gather in the optimizer's moments.
        """
        for name, stays in self._kept.items():
            weight = self._weights[name]
            if weight.grad is None:
                continue
            if self._dormant:
                assert isinstance(self._schedule, Regrow | SrSte)
                weight.grad.addcmul_(weight, 1 - stays, value=self._schedule.decay)
            else:
                weight.grad.mul_(stays)

    def after_step(self) -> None:
        """Call after the optimizer's step: it moves even weights without a gradient."""
        if not self._dormant:
            self.hold()

    @torch.no_grad()
    def hold(self) -> None:
        """Set the pruned weights to zero."""
        for name, stays in self._kept.items():
            self._weights[name].mul_(stays)

    def state_dict(self) -> dict[str, Any]:
        """What `load_state_dict` needs to continue; tensors and a number."""
        return {
            "updates": self._updates,
            "final": self._is_final,
            "masks": masks_to_tensors(self.masks),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a state."""
        self._updates = state["updates"]
        self._is_final = state["final"]
        if state["masks"]:
            weights = {f"{name}.weight": weight for name, weight in self._weights.items()}
            self._set(masks_from_tensors({**state["masks"], **weights}, self._tiles))

    def _due(self, progress: float) -> int:
        """Choices that belong to the time up to `progress`: one at each of `updates` even times.

        SR-STE chooses whenever it is asked.
        """
        if isinstance(self._schedule, OneShot):
            return 1
        if isinstance(self._schedule, SrSte):
            return self._updates + 1
        updates = self._schedule.updates
        if isinstance(self._schedule, Regrow):
            return min(updates, 1 + int((updates - 1) * progress / self._schedule.until))
        return min(updates, 1 + int(updates * progress / self._schedule.until))

    def _last(self, progress: float) -> bool:
        """Whether the choice that is due after `progress` is the last one."""
        if isinstance(self._schedule, OneShot):
            return True
        if isinstance(self._schedule, SrSte):
            return progress >= self._schedule.until
        return self._updates == self._schedule.updates

    def _share(self) -> float:
        if not isinstance(self._schedule, Gradual):
            return 1
        return 1 - (1 - self._updates / self._schedule.updates) ** 3

    @property
    def _dormant(self) -> bool:
        """Whether pruned weights still have a value and may return."""
        return isinstance(self._schedule, Regrow | SrSte) and not self._is_final

    def _set(self, masks: Masks) -> None:
        self.masks = dict(masks)
        # In the weights' own order in memory.
        self._kept = {
            name: torch.empty_like(self._weights[name]).copy_(
                kept_weights(mask, self._weights[name])
            )
            for name, mask in masks.items()
        }
