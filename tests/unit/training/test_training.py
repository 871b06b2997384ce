# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Training for real on a few images: masks hold, recipes work, and interrupted runs end the same."""

import csv
import functools
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from colonnade.common.errors import ColonnadeError
from colonnade.config.data import ImageNetConfig
from colonnade.config.pruning import (
    Distillation,
    Gradual,
    Pattern,
    Recipe,
    Regrow,
    Repair,
    SrSte,
)
from colonnade.config.training import (
    AdamWConfig,
    PhaseConfig,
    SGDConfig,
    StepSchedule,
    TrainingConfig,
)
from colonnade.data.opening import open_data
from colonnade.pruning.layers import importances, make_masks
from colonnade.pruning.plan import Plan, prunable_convs, uniform_plan
from colonnade.pruning.weights import kept_weights
from colonnade.training import loop as training_loop
from colonnade.training import stages as training_stages
from colonnade.training.checkpoint import Checkpoint, read_checkpoint
from colonnade.training.hardware import Hardware, open_hardware
from colonnade.training.judge import predict
from colonnade.training.loop import learning_rate
from colonnade.training.stages import prune_and_finetune

pytestmark = pytest.mark.slow

PATTERN = Pattern(n=1, m=4)
RECIPES = {
    "paper": Recipe(),
    "taylor": Recipe(score="taylor"),
    "permuted-distilled": Recipe(permute=True, distillation=Distillation(features=0.1)),
    "gradual": Recipe(schedule=Gradual(name="gradual", until=1, updates=2)),
    "regrown": Recipe(schedule=Regrow(name="regrow", until=0.6, updates=3)),
    "sr-ste": Recipe(schedule=SrSte(name="sr-ste")),
    "second-order-repaired": Recipe(score="second-order", repair=Repair(images=12)),
}


def _plan(pattern: Pattern = PATTERN) -> Plan:
    names = [name for name in prunable_convs("resnet18", ["conv1"]) if name.startswith("layer1")]
    return uniform_plan(pattern, dict.fromkeys(names, 8))


def _finetune(
    dense: Path,
    data: ImageNetConfig,
    training: TrainingConfig,
    output: Path,
    recipe: Recipe | None = None,
    plan: Plan | None = None,
) -> Checkpoint:
    plan = _plan() if plan is None else plan
    metrics = output.with_suffix(".csv")
    prune_and_finetune(dense, plan, recipe or Recipe(), data, training, 1, output, metrics)
    return read_checkpoint(output)


Finetuned = Callable[[str], Path]


@pytest.fixture(scope="module")
def finetuned(
    dense_checkpoint: Path,
    folder_data: ImageNetConfig,
    tiny_training: TrainingConfig,
    tmp_path_factory: pytest.TempPathFactory,
) -> Finetuned:
    """The checkpoint of a recipe by name, trained without interruption, once."""
    folder = tmp_path_factory.mktemp("finetuned")

    @functools.cache
    def train(name: str) -> Path:
        output = folder / f"{name}.safetensors"
        _finetune(dense_checkpoint, folder_data, tiny_training, output, RECIPES[name])
        return output

    return train


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_ends_in_masks_of_the_final_pattern(
    name: str, dense_checkpoint: Path, finetuned: Finetuned
) -> None:
    output = finetuned(name)
    found = read_checkpoint(output)
    assert found.info.recipe == RECIPES[name]
    assert found.info.source_sha256 == read_checkpoint(dense_checkpoint).sha256
    for layer, mask in found.masks.items():
        assert mask.kept == PATTERN.keeps(mask.k)
        weight = found.state[f"{layer}.weight"]
        assert bool(weight[kept_weights(mask, weight)].any())
    with output.with_suffix(".csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["epoch"] for row in rows] == ["0", "1"]
    assert all(0 <= float(row["validation_top1"]) <= 1 for row in rows)
    assert not output.with_name(f"{output.name}.resume").exists()


def test_the_papers_masks_come_from_the_dense_weights_and_do_not_change(
    dense_checkpoint: Path, finetuned: Finetuned
) -> None:
    dense = read_checkpoint(dense_checkpoint).model()
    found = read_checkpoint(finetuned("paper")).masks
    expected = make_masks(importances(dense, _plan(), "l1"), _plan())
    assert set(found) == set(expected) == set(_plan())
    for name, mask in expected.items():
        assert np.array_equal(found[name].keep, mask.keep)


def test_repair_alone_trains_nothing_and_takes_norms_anew(
    dense_checkpoint: Path,
    folder_data: ImageNetConfig,
    tiny_training: TrainingConfig,
    tmp_path: Path,
) -> None:
    renewed = tiny_training.model_copy(
        update={"finetune": tiny_training.finetune.model_copy(update={"norm_batches": 2})}
    )
    states = {}
    for name, training, repair in (
        ("masked", tiny_training, None),
        ("repaired", tiny_training, Repair(images=12)),
        ("renewed", renewed, Repair(images=12)),
    ):
        recipe = Recipe(repair=repair, train=False)
        output = tmp_path / f"{name}.safetensors"
        found = _finetune(dense_checkpoint, folder_data, training, output, recipe)
        assert found.info.epochs == 0
        assert set(found.masks) == set(_plan())
        assert not list(csv.DictReader(output.with_suffix(".csv").read_text().splitlines()))
        states[name] = found.state
    dense = read_checkpoint(dense_checkpoint).state
    for key, value in dense.items():
        is_norm = "running" in key or "num_batches" in key
        is_pruned = key.removesuffix(".weight") in _plan()
        assert torch.equal(value, states["masked"][key]) != is_pruned
        assert torch.equal(value, states["repaired"][key]) != is_pruned
        assert torch.equal(states["repaired"][key], states["renewed"][key]) != is_norm
        if is_pruned:
            assert not torch.equal(states["masked"][key], states["repaired"][key])


def test_an_average_of_the_weights_is_kept_and_resumed(
    dense_checkpoint: Path,
    folder_data: ImageNetConfig,
    tiny_training: TrainingConfig,
    finetuned: Finetuned,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    phase = tiny_training.finetune.model_copy(update={"average": 0.5, "norm_batches": 1})
    training = tiny_training.model_copy(update={"finetune": phase})
    arguments = (dense_checkpoint, folder_data, training)
    recipe = RECIPES["gradual"]
    whole = _finetune(*arguments, tmp_path / "whole.safetensors", recipe)
    assert whole.sha256 != read_checkpoint(finetuned("gradual")).sha256
    save = training_loop._save

    def save_and_stop(*values: Any) -> None:
        save(*values)
        raise _InterruptedError

    for name in ("after the first epoch", "after the last"):
        output = tmp_path / f"{name}.safetensors"
        for _ in range(2 if name == "after the last" else 1):
            with monkeypatch.context() as patch:
                patch.setattr(training_loop, "_save", save_and_stop)
                with pytest.raises(_InterruptedError):
                    _finetune(*arguments, output, recipe)
        assert _finetune(*arguments, output, recipe).sha256 == whole.sha256


def test_an_empty_plan_fine_tunes_the_dense_network(
    dense_checkpoint: Path,
    folder_data: ImageNetConfig,
    tiny_training: TrainingConfig,
    tmp_path: Path,
) -> None:
    output = tmp_path / "dense.safetensors"
    found = _finetune(dense_checkpoint, folder_data, tiny_training, output, plan={})
    assert not found.masks
    assert found.info.recipe is None
    before = read_checkpoint(dense_checkpoint).state
    assert not torch.equal(found.state["conv1.weight"], before["conv1.weight"])


def test_every_epoch_says_what_it_came_to(
    dense_checkpoint: Path,
    folder_data: ImageNetConfig,
    tiny_training: TrainingConfig,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = tmp_path / "pruned.safetensors"
    _finetune(dense_checkpoint, folder_data, tiny_training, output)
    lines = [line for line in capsys.readouterr().err.splitlines() if ", epoch " in line]
    with output.with_suffix(".csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert len(lines) == len(rows) == 2
    for number, (line, row) in enumerate(zip(lines, rows, strict=True), 1):
        assert f"epoch {number} of 2: loss {float(row['train_loss']):.4f}, top-1" in line
        top1 = 100 * float(row["validation_top1"])
        loss = float(row["validation_loss"])
        assert f"validation loss {loss:.4f}, top-1 {top1:.2f}%" in line
        assert line.endswith("left") == (number == 1)


class _InterruptedError(Exception):
    pass


@pytest.mark.parametrize("name", ["paper", "permuted-distilled", "sr-ste", "second-order-repaired"])
def test_interrupted_training_ends_in_the_same_bytes(
    name: str,
    dense_checkpoint: Path,
    folder_data: ImageNetConfig,
    tiny_training: TrainingConfig,
    finetuned: Finetuned,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arguments = (dense_checkpoint, folder_data, tiny_training)
    output = tmp_path / "stopped.safetensors"
    save = training_loop._save

    def save_and_stop(*values: Any) -> None:
        save(*values)
        raise _InterruptedError

    with monkeypatch.context() as patch:
        patch.setattr(training_loop, "_save", save_and_stop)
        with pytest.raises(_InterruptedError):
            _finetune(*arguments, output, RECIPES[name])
    assert not output.exists()
    assert output.with_name(f"{output.name}.resume").exists()
    # One epoch is left to train.
    epochs = []
    train = training_loop._train_epoch

    def count(*values: Any) -> tuple[float, float]:
        epochs.append(values[-1])
        return train(*values)

    with monkeypatch.context() as patch:
        patch.setattr(training_loop, "_train_epoch", count)
        resumed = _finetune(*arguments, output, RECIPES[name])
    assert epochs == [1]
    assert resumed.sha256 == read_checkpoint(finetuned(name)).sha256


def test_a_state_of_other_images_is_discarded(
    dense_checkpoint: Path,
    folder_data: ImageNetConfig,
    tiny_training: TrainingConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The folder's path is the same, and so are its files' names."""
    data = folder_data.model_copy(update={"path": tmp_path / "images"})
    shutil.copytree(folder_data.path, data.path)
    arguments = (dense_checkpoint, data, tiny_training, tmp_path / "stopped.safetensors")

    save = training_loop._save

    def save_and_stop(*values: Any) -> None:
        save(*values)
        raise _InterruptedError

    with monkeypatch.context() as patch:
        patch.setattr(training_loop, "_save", save_and_stop)
        with pytest.raises(_InterruptedError):
            _finetune(*arguments)
    first, second = sorted((data.path / "train/two").iterdir())[:2]
    shutil.copyfile(second, first)
    capsys.readouterr()
    _finetune(*arguments)
    assert "starting from the first epoch" in capsys.readouterr().err


@pytest.mark.parametrize("damage", ["another configuration", "truncated", "another network"])
def test_an_unfit_state_is_discarded_with_a_warning(
    damage: str,
    dense_checkpoint: Path,
    folder_data: ImageNetConfig,
    tiny_training: TrainingConfig,
    finetuned: Finetuned,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    output = tmp_path / "pruned.safetensors"
    resume = output.with_name(f"{output.name}.resume")
    if damage == "truncated":
        resume.write_bytes(b"PK")
    elif damage == "another network":
        monkeypatch.setattr(training_stages, "_fingerprint", lambda *_: "same")
        state = {"optimizer": {}, "sparsifier": {}, "rows": []}
        torch.save({"fingerprint": "same", "model": {"x": torch.zeros(1)}, **state}, resume)
    else:
        torch.save({"fingerprint": "other"}, resume)
    found = _finetune(dense_checkpoint, folder_data, tiny_training, output)
    assert "starting from the first epoch" in capsys.readouterr().err
    assert found.sha256 == read_checkpoint(finetuned("paper")).sha256


def test_mixed_precision_trains_what_is_judged_in_full(
    dense_checkpoint: Path,
    folder_data: ImageNetConfig,
    tiny_training: TrainingConfig,
    finetuned: Finetuned,
    tmp_path: Path,
) -> None:
    mixed = tiny_training.model_copy(update={"precision": "bfloat16"})
    found = _finetune(dense_checkpoint, folder_data, mixed, tmp_path / "mixed.safetensors")
    assert found.sha256 != read_checkpoint(finetuned("paper")).sha256
    assert all(value.dtype != torch.bfloat16 for value in found.state.values())
    split = open_data(folder_data).validation
    with open_hardware(mixed) as hardware:
        assert hardware.mixed
        exact = predict(found.model(), split, hardware.in_full())
    assert torch.equal(exact, predict(found.model(), split, Hardware()))
    rounded = predict(found.model(), split, hardware)
    assert rounded.dtype == torch.float32
    # Weights, sums and activations of 21 layers are rounded to 8 bits.
    assert 0 < (rounded - exact).norm() / exact.norm() <= 3 * 21 * 2.0**-8


def test_pruned_checkpoints_and_other_data_are_refused(
    pruned_checkpoint: Path,
    dense_checkpoint: Path,
    folder_data: ImageNetConfig,
    tiny_training: TrainingConfig,
    tmp_path: Path,
) -> None:
    output = tmp_path / "out.safetensors"
    with pytest.raises(ColonnadeError, match="is pruned already"):
        _finetune(pruned_checkpoint, folder_data, tiny_training, output)
    other = folder_data.model_copy(update={"split_seed": 9, "image_px": 64})
    with pytest.raises(ColonnadeError, match=r"image_px: 64, trained with 32; .*split_seed: 9"):
        _finetune(dense_checkpoint, other, tiny_training, output)
    assert not output.exists()


def test_who_only_evaluates_imports_no_compiler(dense_checkpoint: Path) -> None:
    """It takes a second, in every one of many short commands."""
    program = f"""
import sys
from pathlib import Path
from colonnade.training.checkpoint import read_checkpoint
from colonnade.training.loop import deterministic
from colonnade.training.stages import prune_and_finetune
with deterministic(seed=1, threads=1):
    read_checkpoint(Path({str(dense_checkpoint)!r})).model()
print({{"torch._dynamo", "torch._inductor", "scipy.optimize"}} & set(sys.modules))
"""
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout == "set()\n"


def test_divergence_is_named(
    dense_checkpoint: Path, folder_data: ImageNetConfig, tmp_path: Path
) -> None:
    phase = PhaseConfig(epochs=3, batch_size=9, optimizer=SGDConfig(name="sgd", lr=1e6))
    training = TrainingConfig(threads=1, dense=phase, finetune=phase)
    with pytest.raises(ColonnadeError, match=r"the loss is .*optimizer\.lr: 1e\+06"):
        _finetune(dense_checkpoint, folder_data, training, tmp_path / "out.safetensors")


def test_hardware_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with (
        pytest.raises(ColonnadeError, match="no GPU is available"),
        open_hardware(TrainingConfig(device="cuda")),
    ):
        pass
    with (
        pytest.raises(ColonnadeError, match=r"processes: 2: start the command by torchrun"),
        open_hardware(TrainingConfig(processes=2)),
    ):
        pass
    with open_hardware(TrainingConfig(processes=2).alone) as hardware:
        assert (hardware.device.type, hardware.world_size) == ("cpu", 1)


@pytest.mark.parametrize(
    ("known", "mixed"),
    [
        ({"avx512_bf16": True, "amx_bf16": False}, True),
        ({"avx512_bf16": False, "amx_bf16": True}, True),
        ({"avx512_bf16": False, "amx_bf16": False, "avx512_f": True}, False),
        ({"architecture": "aarch64"}, False),
    ],
)
def test_automatic_precision_is_what_the_device_is_fast_at(
    known: dict[str, Any], mixed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: known)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with open_hardware(TrainingConfig(precision="auto")) as hardware:
        assert hardware.mixed == mixed
        assert (hardware.memory_format == torch.channels_last) == mixed
    for precision in ("float32", "bfloat16"):
        with open_hardware(TrainingConfig(precision=precision)) as hardware:
            assert hardware.mixed == (precision == "bfloat16")


def test_learning_rates_of_the_recipes() -> None:
    adamw = AdamWConfig(lr=1e-4)
    step = PhaseConfig(
        epochs=90, optimizer=adamw, schedule=StepSchedule(name="step", every=30, factor=0.1)
    )
    assert [learning_rate(step, epoch) for epoch in (0, 29.9, 30, 60)] == pytest.approx(
        [1e-4, 1e-4, 1e-5, 1e-6]
    )
    cosine = PhaseConfig.model_validate(
        {"epochs": 5, "optimizer": adamw, "schedule": {"name": "cosine", "warmup_epochs": 1}}
    )
    assert [learning_rate(cosine, epoch) for epoch in (0, 0.5, 1, 3, 5)] == pytest.approx(
        [0, 5e-5, 1e-4, 5e-5, 0]
    )
