# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Every core that is described has a target, and code runs there."""

import json
from pathlib import Path

import pytest

from colonnade.config.target import load_target
from colonnade.container import Container
from colonnade.targets.target import Target

ROOT = Path(__file__).resolve().parents[2]
CORES = sorted((ROOT / "kernels/timing/cores").glob("*.json"))
CONV = "n1c8h9w9-o8-k3x3-s1-p1-d1"


@pytest.mark.usefixtures("riscv64_programs", "timing_model")
@pytest.mark.parametrize("core", CORES, ids=lambda path: path.stem)
def test_every_core_has_a_target_that_runs(
    toolchain: Container, root: Path, scratch: Path, core: Path
) -> None:
    config = load_target(root / "config/targets", core.stem)
    assert config.core == core.relative_to(root)
    target = Target(core.stem, config, toolchain)
    arguments = ["--conv", CONV, "--algorithm", "direct,packed,xnnpack_nhwc_dense", "--check"]
    timing = scratch.relative_to(root) / f"{core.stem}.timing"
    lines = list(
        map(json.loads, target.run("colonnade-bench", arguments, timing=timing).splitlines())
    )
    assert len(lines) == 3
    for line in lines:
        assert line["vlen"] == config.vlen
        assert line["cycles"] > 0
        assert line["max_abs_error"] < 1e-5
