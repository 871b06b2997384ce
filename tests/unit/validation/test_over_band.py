# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A network's run on all cores of a band, with a stand-in for the runner under the timing model."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.config.schema import ThroughputConfig
from colonnade.config.target import load_target
from colonnade.container import CompletedRun
from colonnade.evaluation.runs import BandRun
from colonnade.package.archive import Package
from colonnade.targets.target import Target
from colonnade.validation.over_band import run_over_band

ROOT = Path(__file__).resolve().parents[3]
RUN = BandRun("colnm_tuned", "half", "f16", 4)
TIMED = ThroughputConfig(image_px=32, batch=1, threads=1, repetitions=5, warmup=2)
LAYERS = [("conv1", "conv2d"), ("relu", "relu"), ("fc", "linear")]


class Runner:
    """Runs the network once: each layer takes as many cycles as a miss of the core fills."""

    def __init__(self) -> None:
        self.commands: list[list[str]] = []
        self.lost = 0
        """How many regions the model leaves out on cores beside the target's own."""
        self.problem: ColonnadeError | None = None

    def run(self, command: Sequence[str], **_: Any) -> CompletedRun:
        self.commands.append(list(command))
        if self.problem is not None:
            raise self.problem
        options = command[command.index("-plugin") + 1].split(",")[1:]
        cores = [each.removeprefix("core=") for each in options[::2]]
        files = [each.removeprefix("out=") for each in options[1::2]]
        for core, file in zip(cores[1:], files[1:], strict=True):
            fill = json.loads(Path(core).read_text())["fill"]
            lines = [{"cycles": fill * (1 + index), "extra": 0} for index in range(len(LAYERS))]
            kept = lines[: len(lines) - self.lost]
            Path(file).write_text("".join(f"{json.dumps(each)}\n" for each in kept))
        report = {
            **{"threads": 4, "implementation": "colnm_tuned"},
            "layers": [
                {"name": name, "op": op, "cycles": 100 * index, "seconds": 1.0, "counters": {}}
                for index, (name, op) in enumerate(LAYERS)
            ],
            "total": {"cycles": 300, "seconds": 3.0},
        }
        Path(command[command.index("--report") + 1]).write_text(json.dumps(report))
        return CompletedRun("", "")


@pytest.fixture
def runner() -> Runner:
    return Runner()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with a core, a band of two more, and a package."""
    for name in ("config", "kernels"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "core.json").write_text(json.dumps({"fill": 1}))
    band = {
        **{"about": [], "core": "core.json"},
        "variants": [
            {"name": name, "about": "", "set": {"fill": fill}}
            for name, fill in (("slow", 7), ("fast", 2))
        ],
    }
    (tmp_path / "band.json").write_text(json.dumps(band))
    graph = {"model": "resnet18", "checkpoint_sha256": "0123"}
    monkeypatch.setattr(
        "colonnade.evaluation.throughput.read_package", lambda path: Package(path, graph, {})
    )
    return tmp_path


def over_band(runner: Runner, output: Path) -> None:
    target = Target("x60", load_target(ROOT / "config/targets", "x60"), runner)
    package, schedules, images = Path("package"), Path("schedules.json"), Path("images.st")
    run_over_band(target, package, RUN, schedules, images, TIMED, Path("band.json"), output)


def test_a_run_has_the_cycles_of_every_layer_on_every_core(folder: Path, runner: Runner) -> None:
    output = Path("results/sensitivity/a.json")
    over_band(runner, output)
    assert json.loads(output.read_text()) == {
        **{"model": "resnet18", "checkpoint_sha256": "0123", "implementation": "colnm_tuned"},
        **{"dtype": "f16", "threads": 4},
        "layers": [{"name": name, "op": op} for name, op in LAYERS],
        "cycles": {"nominal": [0, 100, 200], "slow": [7, 14, 21], "fast": [2, 4, 6]},
    }
    assert [path.name for path in output.parent.iterdir()] == ["a.json"]


def test_the_network_runs_once_as_the_run_says(folder: Path, runner: Runner) -> None:
    over_band(runner, Path("results/a.json"))
    (command,) = runner.commands
    place = command.index("--package")
    given = dict(zip(command[place::2], command[place + 1 :: 2], strict=True))
    assert (given["--dtype"], given["--threads"]) == ("f16", "4")
    assert given["--implementation"] == "colnm_tuned"
    # Modelled time is exact.
    assert (given["--repetitions"], given["--warmup"]) == ("1", "0")


def test_a_core_with_other_regions_than_layers_is_named(folder: Path, runner: Runner) -> None:
    runner.lost = 1
    with pytest.raises(ColonnadeError, match=r"slow\.timing: 2 regions; allowed: 3, one for a l"):
        over_band(runner, Path("results/a.json"))
    # Neither an output nor a scratch file.
    assert list(Path("results").iterdir()) == []


def test_a_runner_that_fails_leaves_nothing(folder: Path, runner: Runner) -> None:
    runner.problem = ColonnadeError("colonnade-run: exit status 1")
    with pytest.raises(ColonnadeError, match="colonnade-run: exit status 1"):
        over_band(runner, Path("results/a.json"))
    assert list(Path("results").iterdir()) == []


def test_a_damaged_band_is_refused_before_anything_runs(folder: Path, runner: Runner) -> None:
    Path("band.json").write_text("{}")
    with pytest.raises(ColonnadeError, match=r"band\.json: "):
        over_band(runner, Path("results/a.json"))
    assert runner.commands == []
    assert list(Path("results").iterdir()) == []
