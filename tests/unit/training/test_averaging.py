# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Averaged weights and renewed batch norms, against their formulas in float64."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from colonnade.training.averaging import WeightAverage, renew_norms
from colonnade.training.hardware import Hardware


def _model(seed: int) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5), nn.ReLU(), nn.Conv2d(5, 2, 1))


def _steps(model: nn.Sequential, average: WeightAverage, count: int) -> list[np.ndarray]:
    """Random steps; the first convolution's weights after each."""
    seen = []
    for _ in range(count):
        with torch.no_grad():
            for value in (*model.parameters(), model[1].running_mean):
                value.add_(torch.randn_like(value))
        average.after_step()
        seen.append(model[0].weight.detach().double().numpy().copy())
    return seen


@pytest.mark.parametrize("share", [0.5, 0.9, 0.999])
@pytest.mark.parametrize("seed", range(3))
def test_the_average_is_exponential_and_begins_with_the_first_step(seed: int, share: float) -> None:
    model = _model(seed)
    average = WeightAverage(model, share)
    seen = _steps(model, average, 6)
    expected = seen[0]
    for weight in seen[1:]:
        expected = share * expected + (1 - share) * weight
    with average.applied():
        np.testing.assert_allclose(model[0].weight.detach(), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(model[0].weight.detach(), seen[-1].astype(np.float32))
    average.adopt()
    np.testing.assert_allclose(model[0].weight.detach(), expected, rtol=1e-5, atol=1e-6)
    adopted = model[0].weight.detach().clone()
    with average.applied():
        assert torch.equal(model[0].weight, adopted)


def test_running_statistics_are_averaged_too_and_a_state_continues() -> None:
    whole, start = _model(1), _model(1)
    averages = [WeightAverage(model, 0.8) for model in (whole, start)]
    for model, average in zip((whole, start), averages, strict=True):
        torch.manual_seed(9)
        _steps(model, average, 3)
    rest = copy.deepcopy(start)
    continued = WeightAverage(rest, 0.8)
    continued.load_state_dict(averages[1].state_dict())
    for model, average in ((whole, averages[0]), (rest, continued)):
        torch.manual_seed(10)
        _steps(model, average, 2)
        before = model[1].running_mean.clone()
        average.adopt()
        assert not torch.equal(before, model[1].running_mean)
    for name, value in whole.state_dict().items():
        assert torch.equal(value, rest.state_dict()[name])


def test_without_a_share_or_a_step_the_model_stays() -> None:
    for share in (None, 0.9):
        model = _model(2)
        average = WeightAverage(model, share)
        before = {name: value.clone() for name, value in model.state_dict().items()}
        with average.applied():
            assert all(torch.equal(before[n], v) for n, v in model.state_dict().items())
        average.adopt()
        assert all(torch.equal(before[n], v) for n, v in model.state_dict().items())


@pytest.mark.parametrize("seed", range(3))
def test_renewed_norms_hold_the_mean_and_variance_of_the_batches(seed: int) -> None:
    model = _model(seed)
    model[1].running_mean.fill_(7)
    batches = [(torch.randn(4, 3, 6, 6), torch.zeros(4)) for _ in range(3)]
    renew_norms(model, iter(batches), Hardware())
    assert not model.training
    assert model[1].momentum == 0.1
    with torch.no_grad():
        outputs = [model[0](images).double().numpy() for images, _ in batches]
    mean = np.mean([each.mean(axis=(0, 2, 3)) for each in outputs], axis=0)
    variance = np.mean([each.var(axis=(0, 2, 3), ddof=1) for each in outputs], axis=0)
    np.testing.assert_allclose(model[1].running_mean, mean, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(model[1].running_var, variance, rtol=1e-4, atol=1e-6)
