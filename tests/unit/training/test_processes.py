# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Training on two processes by torchrun, gloo between them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml

from colonnade.config.data import ImageNetConfig
from colonnade.config.training import TrainingConfig
from colonnade.data.opening import open_data
from colonnade.training.checkpoint import read_checkpoint
from colonnade.training.hardware import Hardware
from colonnade.training.judge import predict

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = """
import sys
from pathlib import Path
import yaml
from colonnade.config.data import ImageNetConfig
from colonnade.config.pruning import Pattern, Recipe
from colonnade.pruning.plan import prunable_convs, uniform_plan
from colonnade.config.training import TrainingConfig
from colonnade.training.stages import prune_and_finetune

values = yaml.safe_load(Path(sys.argv[1]).read_text())
output = Path(values["output"])
names = [name for name in prunable_convs("resnet18", ["conv1"]) if name.startswith("layer1")]
prune_and_finetune(
    Path(values["dense"]),
    uniform_plan(Pattern(n=1, m=4), dict.fromkeys(names, 8)),
    Recipe.model_validate(values["recipe"]),
    ImageNetConfig.model_validate(values["data"]),
    TrainingConfig.model_validate(values["training"]),
    1,
    output,
    output.with_suffix(".csv"),
)
"""

RECIPES = {
    "taylor-gradual": {
        "score": "taylor",
        "schedule": {"name": "gradual", "until": 1, "updates": 2},
    },
    "second-order-repaired": {"score": "second-order", "repair": {"images": 12}},
}


def _run(
    folder: Path,
    dense: Path,
    data: ImageNetConfig,
    training: TrainingConfig,
    output: Path,
    recipe: str = "taylor-gradual",
) -> subprocess.CompletedProcess[str]:
    (folder / "script.py").write_text(SCRIPT)
    values = {
        "dense": str(dense),
        "output": str(output),
        "recipe": RECIPES[recipe],
        "data": data.model_dump(mode="json"),
        "training": training.model_dump(mode="json"),
    }
    (folder / "values.yaml").write_text(yaml.safe_dump(values))
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    return subprocess.run(
        [sys.executable, *launcher, str(folder / "script.py"), str(folder / "values.yaml")],
        env={**os.environ, "PYTHONPATH": str(ROOT / "workflow"), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


@pytest.mark.parametrize("recipe", RECIPES)
def test_two_processes_share_batches_and_agree(
    recipe: str,
    dense_checkpoint: Path,
    folder_data: ImageNetConfig,
    tiny_training: TrainingConfig,
    tmp_path: Path,
) -> None:
    phase = tiny_training.finetune.model_copy(update={"average": 0.5, "norm_batches": 1})
    training = tiny_training.model_copy(update={"processes": 2, "finetune": phase})
    output = tmp_path / "pruned.safetensors"
    run = _run(tmp_path, dense_checkpoint, folder_data, training, output, recipe)
    assert run.returncode == 0, run.stderr[-3000:]
    found = read_checkpoint(output)
    assert {mask.kept for mask in found.masks.values()} == {144}
    before = read_checkpoint(dense_checkpoint).state["layer4.1.conv2.weight"]
    assert not torch.equal(found.state["layer4.1.conv2.weight"], before)
    metrics = output.with_suffix(".csv").read_text().splitlines()
    assert len(metrics) == 3
    # The processes' shares of the evaluation make the whole split's.
    judged = metrics[-1].split(",")
    split = open_data(folder_data).validation
    logits = predict(found.model(), split, Hardware())
    top1 = float((logits.argmax(1) == split.labels).double().mean())
    assert float(judged[metrics[0].split(",").index("validation_top1")]) == pytest.approx(top1)


def test_batches_too_small_to_share_are_refused(
    dense_checkpoint: Path,
    folder_data: ImageNetConfig,
    tiny_training: TrainingConfig,
    tmp_path: Path,
) -> None:
    phase = tiny_training.finetune.model_copy(update={"batch_size": 2})
    training = tiny_training.model_copy(update={"processes": 2, "finetune": phase})
    output = tmp_path / "out.safetensors"
    run = _run(tmp_path, dense_checkpoint, folder_data, training, output)
    assert run.returncode != 0
    assert "leave 1 images for one; allowed: at least 2" in run.stderr
    assert not output.exists()
