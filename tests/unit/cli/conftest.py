# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Stand-ins of commands: a runner that onnxruntime is in, and functions that only note their calls."""

import importlib
import inspect
import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime
import pytest
import yaml
from click.testing import CliRunner, Result
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from colonnade.cli import cli
from colonnade.config.target import TargetConfig
from colonnade.evaluation import packages
from colonnade.package.archive import read_package
from colonnade.package.to_onnx import write_onnx
from colonnade.targets.target import Target
from colonnade.workflow.job_settings import SECTIONS
from colonnade.workflow.settings import Settings, read_settings
from colonnade.workflow.workflow import Workflow
from tests.unit.package.test_optimize import write_small

PX = 33
ROOT = Path(__file__).resolve().parents[3]


def call(*arguments: object) -> Result:
    """A command's end; what it refuses is raised."""
    return CliRunner().invoke(cli, [str(each) for each in arguments], catch_exceptions=False)


def said(*arguments: object) -> Any:
    """What a command prints as JSON."""
    result = call(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of the user's, for images of `PX` pixels."""
    return write_small(tmp_path_factory.mktemp("small") / "small.pt2", PX, seed=8)


@pytest.fixture(scope="session")
def made(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `optimize` makes of it, and the pruned network as `network.onnx`."""
    folder = tmp_path_factory.mktemp("optimized") / "made"
    assert call("optimize", source, folder, "--tile", 4).exit_code == 0
    write_onnx(folder / "pruned.safetensors", folder / "network.onnx")
    return folder


class StandInRunner:
    """The runner's command line; `offset` is added to what the network gives."""

    def __init__(self, folder: Path) -> None:
        self.offset = 0.0
        self.commands: list[dict[str, str]] = []
        self._session = onnxruntime.InferenceSession(folder / "network.onnx")

    def forward(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """The network's output for images."""
        (name,) = (each.name for each in self._session.get_inputs())
        # The file's batch is open or 1.
        rows = [self._session.run(None, {name: image[None]})[0] for image in images]
        return np.concatenate(rows) + np.float32(self.offset)

    def run(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        log: Path | None = None,
    ) -> SimpleNamespace:
        """Write output and report as the runner does; three runs take 4, 2 and 3 ms."""
        given = dict(itertools.pairwise(command))
        self.commands.append(given)
        (images,) = load_file(given["--input"]).values()
        (name,) = read_package(Path(given["--package"])).graph["outputs"]
        save_file({name: self.forward(images)}, given["--output"])
        layers = [
            ("wide", "conv2d", 0.002, "packed:4:1:4:1"),
            ("head", "fully_connected", 0.001, None),
        ]
        report = {
            **{"dtype": given["--dtype"], "threads": int(given["--threads"]), "batch": len(images)},
            "total": {"cycles": None, "seconds": 0.003, "samples": [0.004, 0.002, 0.003]},
            "layers": [
                {
                    **{"name": name, "op": op, "seconds": seconds, "schedule": schedule},
                    **{"cycles": None, "macs": 10, "useful_macs": 5},
                }
                for name, op, seconds, schedule in layers
            ],
        }
        Path(given["--report"]).write_text(json.dumps(report))
        return SimpleNamespace(stdout="")


@pytest.fixture
def runner(made: Path, monkeypatch: pytest.MonkeyPatch) -> StandInRunner:
    """This machine, whose runner is the stand-in."""
    stand_in = StandInRunner(made)
    here = Target("host", TargetConfig(kind="host"), stand_in)
    monkeypatch.setattr(packages, "this_machine", lambda: here)
    return stand_in


@dataclass
class Noted:
    """A function that does nothing but note its arguments, as the one that it stands for has them."""

    signature: inspect.Signature
    returns: Callable[..., Any]
    calls: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, *given: Any, **named: Any) -> Any:
        # A call that the function itself would refuse is refused here.
        bound = self.signature.bind(*given, **named)
        bound.apply_defaults()
        self.calls.append(dict(bound.arguments))
        return self.returns(**bound.arguments)

    @property
    def call(self) -> dict[str, Any]:
        """The arguments of the only call; of a target its name, which commands give a container."""
        assert len(self.calls) == 1
        found = dict(self.calls[0])
        if "target" in found:
            found["target"] = found["target"].name
        return found


Note = Callable[..., Noted]


@pytest.fixture
def note(monkeypatch: pytest.MonkeyPatch) -> Note:
    """Replaces a function, named by module and name, by one that notes its calls."""

    def replace(module: str, name: str, returns: Callable[..., Any] = lambda **_: None) -> Noted:
        place = importlib.import_module(f"colonnade.{module}")
        noted = Noted(inspect.signature(getattr(place, name)), returns)
        monkeypatch.setattr(place, name, noted)
        return noted

    return replace


@pytest.fixture
def plan(monkeypatch: pytest.MonkeyPatch) -> Workflow:
    """The workflow of the default configuration, in a checkout."""
    monkeypatch.chdir(ROOT)
    values: dict[str, Any] = yaml.safe_load((ROOT / "config/default.yaml").read_text())
    return Workflow.from_config(values, [])


@pytest.fixture
def settings(plan: Workflow, tmp_path: Path) -> str:
    """A settings file with all of the default configuration, and its target."""
    path = plan.settings.of(*SECTIONS)
    file = tmp_path / "settings.json"
    file.write_text(plan.settings.text(Path(path).stem))
    return str(file)


@pytest.fixture
def given(settings: str) -> Settings:
    """What that file says."""
    return read_settings(Path(settings))
