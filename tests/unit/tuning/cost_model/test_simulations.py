# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What the cost model simulated is found again, exactly, by the same model of the same core alone."""

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import pytest

from colonnade.config.pruning import Pattern
from colonnade.config.schema import ProfileConfig, ThroughputConfig
from colonnade.models.conv_shape import ConvShape
from colonnade.targets.target import Target
from colonnade.tuning.audit import audit_conv
from colonnade.tuning.bench import DENSE, Profiled
from colonnade.tuning.core import Core
from colonnade.tuning.cost_model import simulations
from colonnade.tuning.cost_model.model import CostModel
from colonnade.tuning.cost_model.simulations import Simulations
from colonnade.tuning.search import profile_conv
from colonnade.tuning.space import Candidate, search_space

from ..conftest import CONV

pytestmark = pytest.mark.slow

SHAPE = ConvShape.parse(CONV)
KEPT = (576, 288, 144)


class SimulatedError(Exception):
    """Something was simulated."""


def simulate_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> float:
        raise SimulatedError

    monkeypatch.setattr(simulations, "call_cost", fail)
    monkeypatch.setattr(simulations, "row_cost", fail)


def rank(
    core: Core, settings: ProfileConfig, simulated: Simulations | None = None
) -> list[list[tuple[float, Candidate]]]:
    model, candidates = CostModel(core, 1, simulated), search_space(SHAPE, settings, core)
    return [model.rank(SHAPE, kept, candidates) for kept in KEPT]


@pytest.fixture(scope="module")
def simulated_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a profile cache is kept, once a test has filled it."""
    return tmp_path_factory.mktemp("simulated") / "profile.sqlite"


@pytest.fixture
def kept(core: Core, settings: ProfileConfig, simulated_once: Path) -> Path:
    """A profile cache of its own with all that ranking takes."""
    if not simulated_once.exists():
        simulated = Simulations(core, simulated_once)
        rank(core, settings, simulated)
        simulated.store()
    return Path(shutil.copy(simulated_once, settings.cache))


def test_kept_simulations_rank_as_fresh_ones_do(
    core: Core, settings: ProfileConfig, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = rank(core, settings)
    simulate_nothing(monkeypatch)
    assert rank(core, settings, Simulations(core, kept)) == fresh


def test_what_is_missing_is_simulated_and_added(
    core: Core, settings: ProfileConfig, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wide = settings.model_copy(update={"tiles": (8, 10, 12, 14, 16)})
    simulated = Simulations(core, kept)
    ranked = rank(core, wide, simulated)
    simulated.store()
    simulate_nothing(monkeypatch)
    assert rank(core, wide, Simulations(core, kept)) == ranked
    assert rank(core, settings, Simulations(core, kept))


def test_another_core_finds_nothing(
    core: Core, settings: ProfileConfig, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulate_nothing(monkeypatch)
    other = dataclasses.replace(core, mispredict=core.mispredict + 1)
    with pytest.raises(SimulatedError):
        rank(other, settings, Simulations(other, kept))


@pytest.mark.parametrize("changed", simulations.SOURCES, ids=lambda source: source.stem)
def test_changed_source_code_finds_nothing_and_the_old_finds_its_own(
    core: Core,
    settings: ProfileConfig,
    kept: Path,
    changed: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    copy = Path(shutil.copy(changed, tmp_path))
    copies = [copy if source == changed else source for source in simulations.SOURCES]
    monkeypatch.setattr(simulations, "SOURCES", copies)
    simulate_nothing(monkeypatch)
    assert rank(core, settings, Simulations(core, kept))
    copy.write_text(copy.read_text() + "# changed\n")
    with pytest.raises(SimulatedError):
        rank(core, settings, Simulations(core, kept))


@pytest.mark.parametrize("byte", [b"9", b"\xff"], ids=["a digit", "no text"])
def test_damaged_row_sets_the_file_aside(
    core: Core,
    settings: ProfileConfig,
    kept: Path,
    byte: bytes,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fresh = rank(core, settings)
    # The arguments of a call begin with its kernel's tile and LMUL.
    content = kept.read_bytes()
    kept.write_bytes(content.replace(b'["call", [8, 1', b'["call", [8, ' + byte, 1))
    assert kept.read_bytes() != content
    simulated = Simulations(core, kept)
    message = capsys.readouterr().err
    assert message.startswith(f"{kept}: damaged (the simulation of ")
    assert message.count("\n") == 1
    assert rank(core, settings, simulated) == fresh


def test_tuning_and_the_audit_share_simulations(
    target: Target,
    settings: ProfileConfig,
    timed: ThroughputConfig,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arguments = (target, SHAPE, [DENSE, Profiled(Pattern(m="full", sparsity=0.5))], settings, timed)
    profile_conv(*arguments, Path("results/conv.json"))
    simulate_nothing(monkeypatch)
    audit_conv(*arguments, Path("results/audit.json"))
    assert Path("results/audit.json").exists()
    other = dataclasses.replace(SHAPE, height=SHAPE.height + 1)
    with pytest.raises(SimulatedError):
        audit_conv(target, other, *arguments[2:], Path("results/other.json"))
