# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Masks over the course of fine-tuning: held, tightened, and chosen anew with regrowth."""

import copy
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim import SGD, AdamW, Optimizer

from colonnade.config.pruning import Gradual, MaskSchedule, OneShot, Pattern, Regrow, SrSte
from colonnade.pruning.layers import Masks, importances, make_masks
from colonnade.pruning.plan import uniform_plan
from colonnade.pruning.schedule import Sparsifier
from colonnade.pruning.weights import kept_weights

PLAN = uniform_plan(Pattern(n=1, m=4), {"0": 4, "2": 2})
IMAGES = torch.randn(8, 3, 6, 6, generator=torch.Generator().manual_seed(1))
OPTIMIZERS = pytest.mark.parametrize(
    "optimizer",
    [
        lambda p: SGD(p, 0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
        lambda p: AdamW(p, 0.01, weight_decay=0.1),
    ],
    ids=["sgd", "adamw"],
)


def _model() -> nn.Sequential:
    torch.manual_seed(5)
    return nn.Sequential(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.Conv2d(6, 5, 2), nn.Flatten())


class _Run:
    """A model under a schedule, trained by `step`; every choice of masks is recorded."""

    def __init__(
        self,
        schedule: MaskSchedule,
        optimizer: Callable[..., Optimizer] = lambda p: SGD(p, 0.05),
    ) -> None:
        self.model = _model()
        self.optimizer = optimizer(self.model.parameters())
        self.shares: list[float] = []
        self.sparsifier = Sparsifier(self.model, PLAN, schedule, self._choose)

    def _choose(self, share: float) -> Masks:
        self.shares.append(share)
        return make_masks(importances(self.model, PLAN, "l1"), PLAN, share)

    def weight(self, name: str) -> torch.Tensor:
        weight = self.model.get_submodule(name).weight
        assert isinstance(weight, torch.Tensor)
        return weight

    def pruned(self, name: str) -> torch.Tensor:
        return ~kept_weights(self.sparsifier.masks[name], self.weight(name))

    def step(self, progress: float) -> None:
        self.sparsifier.advance(progress)
        self.optimizer.zero_grad()
        with self.sparsifier.applied():
            assert all(not self.weight(name)[self.pruned(name)].any() for name in PLAN)
            self.model(IMAGES).square().mean().backward()
        self.sparsifier.treat_gradients()
        self.optimizer.step()
        self.sparsifier.after_step()


@OPTIMIZERS
def test_pruned_weights_stay_zero_and_the_others_move(
    optimizer: Callable[..., Optimizer],
) -> None:
    run = _Run(OneShot(), optimizer)
    # Momentum from before pruning must not revive a weight either.
    run.model(IMAGES).square().mean().backward()
    run.optimizer.step()
    before = {name: run.weight(name).detach().clone() for name in PLAN}
    for index in range(3):
        run.step(index / 3)
        for name in PLAN:
            assert not run.weight(name)[run.pruned(name)].any()
            assert not run.weight(name).grad[run.pruned(name)].any()
    assert run.shares == [1]
    for name in PLAN:
        assert (run.weight(name) != before[name])[~run.pruned(name)].all()


@OPTIMIZERS
def test_gradual_pruning_tightens_along_the_cubic(optimizer: Callable[..., Optimizer]) -> None:
    run = _Run(Gradual(name="gradual", until=0.5, updates=4), optimizer)
    kept = []
    for index in range(8):
        before = {name: mask.expand() for name, mask in run.sparsifier.masks.items()}
        run.step(index / 8)
        for name, mask in run.sparsifier.masks.items():
            # What was pruned stays pruned.
            assert not (mask.expand() & ~before.get(name, np.array(True))).any()
            assert not run.weight(name)[run.pruned(name)].any()
        kept.append(run.sparsifier.masks["0"].kept)
    run.sparsifier.finish()
    assert run.shares == [1 - (1 - step / 4) ** 3 for step in (1, 2, 3, 4)]
    # N of 1:4 with K = 27: ceil(4 * (1 - 0.75 * share)) per group, the rest of 3 rounded up.
    assert kept == [21, 14, 14, 7, 7, 7, 7, 7]


def test_regrowth_lets_pruned_columns_return_until_masks_are_final() -> None:
    run = _Run(Regrow(name="regrow", until=0.5, updates=3, decay=0.0))
    run.step(0.0)
    first = run.sparsifier.masks["0"]
    lost = run.pruned("0")
    assert run.weight("0")[lost].any(), "pruned weights keep a value of their own"
    with torch.no_grad():
        run.weight("0")[lost] *= 100
    run.step(0.25)
    returned = run.sparsifier.masks["0"].expand() & ~first.expand()
    assert returned.any()
    for progress in (0.5, 0.75):
        run.step(progress)
    final = run.sparsifier.masks
    run.step(0.9)
    run.sparsifier.finish()
    assert run.sparsifier.masks == final
    assert len(run.shares) == 3
    for name in PLAN:
        assert not run.weight(name)[run.pruned(name)].any()


@OPTIMIZERS
def test_sr_ste_masks_follow_the_weights_at_every_step(
    optimizer: Callable[..., Optimizer],
) -> None:
    """The authors' rule: gradient of the masked network, plus the decay of what is masked."""
    run = _Run(SrSte(name="sr-ste", until=0.7, decay=0.3), optimizer)
    for index in range(10):
        before = copy.deepcopy(run.model)
        expected = make_masks(importances(before, PLAN, "l1"), PLAN)
        run.step(index / 10)
        final = index >= 7
        reference = copy.deepcopy(before)
        for name, mask in run.sparsifier.masks.items():
            assert bool(run.weight(name)[run.pruned(name)].any()) != final
            assert final or np.array_equal(mask.keep, expected[name].keep)
            with torch.no_grad():
                reference.get_submodule(name).weight.masked_fill_(run.pruned(name), 0)
        reference.zero_grad()
        reference(IMAGES).square().mean().backward()
        for name in PLAN if not final else ():
            straight = reference.get_submodule(name).weight.grad
            decay = 0.3 * before.get_submodule(name).weight.detach() * run.pruned(name)
            torch.testing.assert_close(run.weight(name).grad, straight + decay)
    run.sparsifier.finish()
    assert len(run.shares) == 8
    assert set(run.shares) == {1}


def test_dormant_weights_get_the_gradient_of_their_zero_and_the_decay() -> None:
    run = _Run(Regrow(name="regrow", until=1, updates=5, decay=0.5))
    run.sparsifier.advance(0.0)
    weight, pruned = run.weight("0"), run.pruned("0")
    dense = weight.detach().clone()
    with run.sparsifier.applied():
        run.model(IMAGES).square().mean().backward()
        straight = weight.grad.clone()
    assert torch.equal(weight, dense)
    run.sparsifier.treat_gradients()
    torch.testing.assert_close(weight.grad, straight + 0.5 * dense * pruned)


@pytest.mark.parametrize(
    "schedule",
    [
        OneShot(),
        Gradual(name="gradual", until=1, updates=3),
        Regrow(name="regrow", until=0.9, updates=3),
        SrSte(name="sr-ste"),
        SrSte(name="sr-ste", until=0.6, decay=0.1),
    ],
    ids=lambda schedule: schedule.name,
)
def test_a_continued_schedule_is_the_uninterrupted_one(
    schedule: MaskSchedule,
) -> None:
    whole, start, rest = _Run(schedule), _Run(schedule), _Run(schedule)
    for index in range(6):
        whole.step(index / 6)
    for index in range(3):
        start.step(index / 6)
    rest.model.load_state_dict(start.model.state_dict())
    rest.sparsifier.load_state_dict(start.sparsifier.state_dict())
    for index in range(3, 6):
        rest.step(index / 6)
    for run in (whole, rest):
        run.sparsifier.finish()
    for name in PLAN:
        assert torch.equal(whole.weight(name), rest.weight(name))
        assert np.array_equal(whole.sparsifier.masks[name].keep, rest.sparsifier.masks[name].keep)
    assert start.shares + rest.shares == whole.shares


def test_without_a_step_masks_are_chosen_at_the_end() -> None:
    run = _Run(Gradual(name="gradual"))
    run.sparsifier.finish()
    assert run.shares == [1]
    assert not run.weight("0")[run.pruned("0")].any()


def test_dense_networks_are_left_alone() -> None:
    model = _model()
    sparsifier = Sparsifier(model, {}, OneShot(), lambda _share: {})
    before = [value.clone() for value in model.state_dict().values()]
    sparsifier.advance(0)
    with sparsifier.applied():
        sparsifier.treat_gradients()
    sparsifier.finish()
    assert all(map(torch.equal, before, model.state_dict().values()))
