# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Candidates that run side by side: the bench of this machine, and tuning with it."""

import json
from pathlib import Path
from typing import Any

import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import read_json
from colonnade.config.pruning import Pattern
from colonnade.config.schema import ProfileConfig, ThroughputConfig
from colonnade.models.conv_shape import ConvShape
from colonnade.results.records import Profile
from colonnade.targets.target import Target
from colonnade.tuning.bench import DENSE, Profiled
from colonnade.tuning.measured import profile_measured
from colonnade.tuning.rounds import Rounds
from colonnade.tuning.space import Candidate

CONV = ConvShape.parse("n1c16h9w9-o24-k3x3-s1-p1-d1-r")
SETTINGS: dict[str, Any] = {
    **{"algorithms": ["direct", "packed"], "tiles": [4, 6, 8], "lmuls": [1, 2], "panels": [1, 4]},
    **{"kc_splits": 2, "trials": 4, "margin_percent": 3, "audit": 1, "seed": 1},
}
TIMED = ThroughputConfig(image_px=32, batch=1, threads=2, repetitions=3, warmup=0)


@pytest.fixture
def settings(tmp_path: Path) -> ProfileConfig:
    return ProfileConfig.model_validate({**SETTINGS, "cache": tmp_path / "profile.sqlite"})


def test_every_candidate_runs_once_in_every_round(host: Target, settings: ProfileConfig) -> None:
    candidates = [Candidate("direct", 6, 2, 1), Candidate("packed", 8, 1, 4, 2)]
    pruned = Profiled(Pattern(m="full", sparsity=0.5))
    reports = Rounds(host, CONV, settings, TIMED).together([DENSE, pruned], candidates, 7)
    assert set(reports) == {(each, kept) for each in candidates for kept in (144, 72)}
    for report in reports.values():
        assert len(report["samples_ms"]) == 7
        assert sorted(report["samples_ms"])[3] == report["ms"] > 0
        assert (report["threads"], report["cycles"]) == (2, None)


def test_one_that_cannot_run_does_not_stop_the_others(
    host: Target, settings: ProfileConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    # The registers do not hold it.
    candidates = [Candidate("direct", 30, 4, 1), Candidate("direct", 6, 2, 1)]
    times = Rounds(host, CONV, settings, TIMED).times(DENSE, candidates, 3)
    assert list(times) == candidates[1:]
    assert "direct:30:4:1:1 is left out" in capsys.readouterr().err


def test_a_convolution_is_tuned(host: Target, settings: ProfileConfig, scratch: Path) -> None:
    pruned, output = Profiled(Pattern(m="full", sparsity=0.5)), scratch / "profile.json"
    profile_measured(host, CONV, [DENSE, pruned], settings, TIMED, 2, output)
    profile = read_json(output, Profile)
    assert profile["reference"]["ms"] > 0
    for each in profile["searches"]:
        assert {trial["algorithm"] for trial in each["trials"]} == {"direct", "packed"}
        assert min(trial["ms"] for trial in each["trials"]) == each["trials"][0]["ms"]
        assert each["tied"]


@pytest.mark.parametrize("flag", ["--check", "--dry-run"])
def test_interleaving_shares_outputs_and_cannot_be_checked(host: Target, flag: str) -> None:
    options = ["--conv", str(CONV), "--candidate", "direct:6:2:1:1", "--interleaved", flag]
    with pytest.raises(ColonnadeError, match=f"{flag} excludes --interleaved"):
        host.run("colonnade-bench", options, timing=None)


def test_alone_a_candidate_is_right(host: Target) -> None:
    """What is interleaved is what is checked without."""
    options = ["--conv", str(CONV), "--candidate", "direct:6:2:1:1,packed:8:1:4:2", "--check"]
    lines = host.run("colonnade-bench", options, timing=None).splitlines()
    assert len(lines) == 2
    assert all(json.loads(line)["max_abs_error"] < 1e-4 for line in lines)
