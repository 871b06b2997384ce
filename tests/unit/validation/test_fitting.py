# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Fitting a core to kernels, with a stand-in for the timing model whose cycles depend on the core."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.validation.fit import Fit, Parameter, fit_core, fit_description
from colonnade.validation.kernels import KERNEL_POINTS, Run
from colonnade.validation.model import TimingModel

from .conftest import FakeToolchain

POINTS = {point.name: point for point in KERNEL_POINTS if point.role == "fitted"}
CORE = {"name": "a core", "miss": {"fill": 5, "l2": {"latency": 1}}, "clock_mhz": 1600}
# At 1.6 GHz memset of 62186 bytes takes one cycle for every 7.64 bytes.
PUBLISHED = 62186 / 7.64


def slower(run: Run, core: Mapping[str, Any]) -> int:
    """Cycles that rise with the core's `miss.fill`; with 20 memset in L2 takes what was published."""
    if run == ("fill-m8", 62186):
        fill: int = core["miss"]["fill"]
        return round(PUBLISHED * fill / 20)
    return run[1] + 1000


@pytest.fixture
def core(tmp_path: Path) -> Path:
    path = tmp_path / "core.json"
    path.write_text(json.dumps(CORE))
    return path


@pytest.fixture
def fit(core: Path) -> Fit:
    return Fit(
        about=["a test"], core=core, parameters=[Parameter(path="miss.fill", values=[10, 20, 40])]
    )


def test_a_description_gets_the_values_that_meet_points_best(
    model: TimingModel, toolchain: FakeToolchain, fit: Fit
) -> None:
    toolchain.cycles = slower
    description = json.loads(json.dumps(CORE))
    expected = {"memset, L2": 7.64}
    values, residuals, trials = fit_description(model, fit, description, expected, "a test", 512)
    assert values == {"miss.fill": 20}
    assert residuals == {"memset, L2": pytest.approx(0, abs=1e-3)}
    assert description == {**CORE, "miss": {"fill": 20, "l2": {"latency": 1}}}
    # What the core had at first is tried first.
    assert [trial["values"]["miss.fill"] for trial in trials] == [5, 10, 20, 40]
    # The rate falls by as much as the cycles rise.
    squares = [trial["sum_of_squares"] for trial in trials]
    log2 = 0.6931471805599453
    assert squares == pytest.approx([(2 * log2) ** 2, log2**2, 0, log2**2], abs=1e-3)


def test_programs_are_built_once_and_run_only_the_kernels_of_the_points(
    model: TimingModel, toolchain: FakeToolchain, fit: Fit
) -> None:
    description = json.loads(json.dumps(CORE))
    fit_description(model, fit, description, {"memset, L2": 7.64}, "a test", 512)
    # XNNPACK's has no fitted points.
    assert toolchain.compiled == ["kernels", "multiply"]
    runs = [each for each in toolchain.commands if "-plugin" in each]
    assert len(runs) == 2 * 4
    for command in runs:
        assert command[command.index("-0") + 3 :] == ["fill-m8"]
        assert "vlen=512" in " ".join(command)
        assert f"core={model.work / 'fitted-core.json'}" in " ".join(command)


def test_a_fit_is_written_with_all_its_trials(
    model: TimingModel,
    toolchain: FakeToolchain,
    fit: Fit,
    core: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of two fitted points, of which one depends on what is fitted, and of one that is held out."""
    toolchain.cycles = slower
    names = ("memset, L2", "memset, DRAM", "memcpy, DRAM")
    points = [point for point in KERNEL_POINTS if point.name in names]
    assert len(points) == 3
    monkeypatch.setattr("colonnade.validation.fit.KERNEL_POINTS", points)
    file, output = tmp_path / "fit.json", tmp_path / "fitted.json"
    file.write_text(fit.model_dump_json())
    fit_core(model, file, output)
    found = json.loads(output.read_text())
    assert (found["core"], found["values"]) == (str(core), {"miss.fill": 20})
    residuals = found["residuals_percent"]
    assert residuals.keys() == {"memset, L2", "memset, DRAM"}
    assert residuals["memset, L2"] == pytest.approx(0, abs=0.05)
    (run,) = POINTS["memset, DRAM"].runs
    modelled = 2**23 / (run[1] + 1000) * 1600
    published = POINTS["memset, DRAM"].published
    assert residuals["memset, DRAM"] == pytest.approx(100 * (modelled / published - 1))
    assert len(found["trials"]) == 4
    # The core itself stays as it is.
    assert json.loads(core.read_text()) == CORE


@pytest.mark.parametrize("path", ["miss.none", "miss.none.deeper", "clock_mhz.low"])
def test_a_key_that_the_core_has_not_is_refused_by_name(
    model: TimingModel, fit: Fit, core: Path, tmp_path: Path, path: str
) -> None:
    wrong = fit.model_copy(update={"parameters": [Parameter(path=path, values=[1, 2])]})
    file, output = tmp_path / "fit.json", tmp_path / "fitted.json"
    file.write_text(wrong.model_dump_json())
    with pytest.raises(ColonnadeError) as caught:
        fit_core(model, file, output)
    assert str(caught.value) == f"{core}: has no {path}, which {file} sets"
    assert not output.exists()
