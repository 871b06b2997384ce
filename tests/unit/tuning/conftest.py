# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A small search space on the X60 core, and a bench that answers without running anything."""

import itertools
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.config.schema import ProfileConfig, ThroughputConfig
from colonnade.config.target import load_target
from colonnade.models.conv_shape import ConvShape
from colonnade.targets.target import Target
from colonnade.tuning.core import Core, core_of

ROOT = Path(__file__).resolve().parents[3]
CONV = "n1c64h56w56-o64-k3x3-s1-p1-d1"


@dataclass
class Finished:
    """A finished command."""

    stdout: str


@dataclass
class FakeContainer:
    """Answers the bench's command lines with cycles from `cycles`, by `CANDIDATE|N:M`.

    On the host `ms` has milliseconds instead, and those of `broken` fail.
    """

    cycles: Mapping[str, int] = field(default_factory=dict)
    ms: Mapping[str, float] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    commands: list[list[str]] = field(default_factory=list)

    def run(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        log: Path | None = None,
    ) -> Finished:
        """One line per candidate; those without an entry take 10^9 cycles, on the host 1 ms."""
        self.commands.append(list(command))
        values = dict(itertools.pairwise(command))
        if broken := self.broken & set(values["--candidate"].split(",")):
            raise ColonnadeError(f"bench failed: {sorted(broken)[0]}")
        lines = []
        for text, keep in itertools.product(
            values["--candidate"].split(","), values["--keep"].split(",")
        ):
            algorithm, tile, lmul, panels, splits = (*text.split(":"), *"0000")[:5]
            report = {
                **{"conv": values["--conv"], "algorithm": algorithm, "tile": int(tile)},
                **{"lmul": int(lmul), "panels": int(panels), "kc_splits": int(splits)},
            }
            if "-plugin" in command:
                cycles = self.cycles.get(f"{text}|{keep}", 10**9)
                report |= {"cycles": cycles, "ms": None, "mac_per_cycle": 1.0}
            else:
                ms, rounds = self.ms.get(f"{text}|{keep}", 1.0), int(values["--repetitions"])
                n, m = map(int, keep.split(":"))
                report |= {"cycles": None, "ms": ms, "mac_per_cycle": None}
                report |= {"samples_ms": [ms] * rounds}
                report["kept"] = ConvShape.parse(values["--conv"]).reduction * n // m
            lines.append(json.dumps(report))
        return Finished("\n".join(lines) + "\n")

    @property
    def candidates(self) -> list[str]:
        """All candidates that were run, in order."""
        lists = (command[command.index("--candidate") + 1] for command in self.commands)
        return [text for each in lists for text in each.split(",")]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty checkout as the working directory, with programs of which only the digest matters."""
    for built in (
        "riscv64/colonnade-bench",
        "host/colonnade-bench",
        "timing/libcolonnade-timing.so",
    ):
        path = tmp_path / "results/build" / built
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(built)
    core = tmp_path / "kernels/timing/cores/x60.json"
    core.parent.mkdir(parents=True)
    core.write_bytes((ROOT / "kernels/timing/cores/x60.json").read_bytes())
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def container() -> FakeContainer:
    """The bench."""
    return FakeContainer()


@pytest.fixture
def target(checkout: Path, container: FakeContainer) -> Target:
    """The emulated X60, with the bench's answers."""
    return Target("x60", load_target(ROOT / "config/targets", "x60"), container)


@pytest.fixture
def host(checkout: Path, container: FakeContainer, monkeypatch: pytest.MonkeyPatch) -> Target:
    """This machine, with the bench's answers; measurements that are real ones do not wait for them."""
    monkeypatch.setattr(tempfile, "tempdir", str(checkout))
    return Target("host", load_target(ROOT / "config/targets", "host"), container)


@pytest.fixture
def core() -> Core:
    """The X60."""
    config = load_target(ROOT / "config/targets", "x60")
    return core_of(config.model_copy(update={"core": ROOT / "kernels/timing/cores/x60.json"}))


@pytest.fixture
def settings(tmp_path: Path) -> ProfileConfig:
    """Thirty-two candidates, eight trials."""
    return ProfileConfig(
        algorithms=("direct", "packed"),
        tiles=(8, 12, 14, 16),
        lmuls=(1, 2),
        panels=(2, 8),
        kc_splits=4,
        trials=8,
        margin_percent=3,
        audit=2,
        cache=tmp_path / "profile.sqlite",
        seed=1,
    )


@pytest.fixture
def timed() -> ThroughputConfig:
    """One thread."""
    return ThroughputConfig(image_px=224, batch=1, threads=1, repetitions=5, warmup=0)
