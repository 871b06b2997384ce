# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What is said of a training's length before it starts: right by its clock, and without any effect."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

from colonnade.config.data import ImageNetConfig
from colonnade.config.pruning import Distillation, Pattern, Recipe
from colonnade.config.training import AdamWConfig, PhaseConfig, TrainingConfig
from colonnade.data.dataset import ImageData, batch_count
from colonnade.data.opening import open_data
from colonnade.pruning.plan import uniform_plan
from colonnade.training import forecast as module
from colonnade.training.checkpoint import read_checkpoint
from colonnade.training.forecast import PREPARING_STEPS, forecast, is_long
from colonnade.training.hardware import Hardware
from colonnade.training.stages import prune_and_finetune

pytestmark = pytest.mark.slow


def told(data: ImageData, config: PhaseConfig, times: Iterator[float]) -> str:
    """The forecast of a network of one weight, by a clock that says these times."""
    weight = nn.Parameter(torch.zeros(1))
    return forecast(
        "a network",
        lambda images, _labels: weight.sum() * images.mean(),
        data,
        config,
        1,
        Hardware(),
        clock=lambda: float(next(times)),
    )


def test_a_training_lasts_as_long_as_its_steps(folder_data: ImageNetConfig) -> None:
    """Slow first steps, which prepare, are no part of it."""
    data = open_data(folder_data)
    config = PhaseConfig(epochs=1000, batch_size=2, optimizer=AdamWConfig(lr=1e-3))
    steps, judged = batch_count(data.train, 2), len(data.validation) / 2 / 3
    assert steps >= PREPARING_STEPS + module.TIMED_STEPS
    times = itertools.chain(
        itertools.accumulate([100.0] * PREPARING_STEPS), itertools.count(402, 2)
    )
    said = told(data, config, times)
    hours = 1000 * (steps + judged) * 2 / 3600
    assert said.startswith(
        f"a network: will take about {hours:.1f} h: 1000 epochs of {steps} batch"
    )
    assert f"2000 ms each as 4 of them took, with {len(data.validation)} validation" in said


def test_epochs_may_be_a_single_batch(folder_data: ImageNetConfig) -> None:
    data = open_data(folder_data)
    config = PhaseConfig(epochs=1000, batch_size=1000, optimizer=AdamWConfig(lr=1e-3))
    times = itertools.count(0, 3)
    said = told(data, config, times)
    assert batch_count(data.train, 1000) == 1
    assert "1000 epochs of 1 batch" in said and "3000 ms each as 4 of them took" in said


def test_only_long_trainings_are_forecast(folder_data: ImageNetConfig) -> None:
    data = open_data(folder_data)
    steps = batch_count(data.train, 2)
    few = module.LONG_STEPS // steps
    found = [
        is_long(data, PhaseConfig(epochs=each, batch_size=2, optimizer=AdamWConfig(lr=1e-3)))
        for each in (few - 1, few + 1)
    ]
    assert found == [False, True]


def test_a_forecast_changes_nothing(
    dense_checkpoint: Path,
    folder_data: ImageNetConfig,
    tiny_training: TrainingConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Not the weights that a training ends in, with a teacher that watches stages; and once told."""
    plan = uniform_plan(Pattern(n=1, m=4), {"layer1.0.conv1": 8})
    recipe = Recipe(distillation=Distillation(features=0.1))
    ends = []
    for name, limit in (("short", module.LONG_STEPS), ("long", 1)):
        monkeypatch.setattr(module, "LONG_STEPS", limit)
        output = tmp_path / f"{name}.safetensors"
        metrics = output.with_suffix(".csv")
        prune_and_finetune(
            dense_checkpoint, plan, recipe, folder_data, tiny_training, 1, output, metrics
        )
        ends.append(read_checkpoint(output).state)
        said = capsys.readouterr().err
        assert said.count("will take about") == (1 if name == "long" else 0)
        assert name == "short" or said.index("will take about") < said.index("epoch 1 of")
    assert ends[0].keys() == ends[1].keys()
    assert all(torch.equal(value, ends[1][key]) for key, value in ends[0].items())
