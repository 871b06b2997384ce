# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""OpenBLAS and oneDNN, dense baselines, on emulated RISC-V against float64.

oneDNN where COLONNADE_ONEDNN names an archive of its sources: no package index has them.
"""

import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.common.paths import ONEDNN_SOURCE
from colonnade.container import Container
from colonnade.container.sources import unpack_onednn
from colonnade.targets.emulator import emulator

ONEDNN = os.environ.get("COLONNADE_ONEDNN")


@pytest.fixture(scope="module")
def baselines(toolchain: Container, riscv64_programs: Path, root: Path) -> Callable[..., Any]:
    folder = riscv64_programs.relative_to(root)
    command = ["sh", "kernels/build.sh", "baselines", str(folder)]
    if ONEDNN is not None:
        unpack_onednn(Path(ONEDNN), root / ONEDNN_SOURCE)
        command.append(str(ONEDNN_SOURCE))
    toolchain.run(command)

    def run(*options: str, vlen: int = 256) -> list[dict[str, Any]]:
        command = [*emulator(vlen, half_precision=False), str(folder / "colonnade-baselines")]
        return [
            json.loads(line) for line in toolchain.run([*command, *options]).stdout.splitlines()
        ]

    return run


def drawn(seed: int) -> str:
    g = random.Random(seed)
    channels = f"n{g.randint(1, 2)}c{g.randint(1, 19)}"
    # Top, left, bottom, right.
    padding = "x".join(str(g.randint(0, 3)) for _ in range(4))
    size = f"h{g.randint(9, 30)}w{g.randint(9, 30)}-o{g.randint(1, 40)}"
    kernel = f"k{g.randint(1, 4)}x{g.randint(1, 4)}-s{g.randint(1, 3)}"
    return f"{channels}{size}-{kernel}-p{padding}-d{g.randint(1, 2)}{g.choice(['', '-r'])}"


@pytest.mark.parametrize("seed", range(12))
def test_openblas_matches_float64(baselines: Any, seed: int) -> None:
    """At the vectors that it is built for."""
    conv = drawn(seed)
    relu = ["--relu"] if seed % 2 else []
    line, *others = baselines("--conv", conv, "--check", *relu)
    assert (line["conv"], line["implementation"]) == (conv, "openblas_im2col")
    # Sums of at most 19 * 16 products below 1.
    assert 0 < line["max_abs_error"] < 3e-5
    assert line["right"]
    for other in others:
        assert other["right"] == (other["max_abs_error"] < 3e-5), other


@pytest.mark.skipif(ONEDNN is None, reason="COLONNADE_ONEDNN: an archive of oneDNN's sources")
@pytest.mark.parametrize(
    ("conv", "by"),
    [
        ("n1c32h24w24-o32-k3x3-s1-p1-d1-r", {"brgemm:rvv nhwc", "gemm:rvv nchw"}),
        ("n1c96h14w14-o96-k3x3-s1-p1-d1", {"wino:rvv nchw", "gemm:rvv nchw"}),
        ("n1c64h14w14-o32-k1x1-s1-p0-d1-r", {"jit_1x1:rvv nhwc", "gemm:rvv nhwc"}),
    ],
)
def test_onednn_matches_float64_by_each_of_its_ways(
    baselines: Any, conv: str, by: set[str]
) -> None:
    _, *lines = baselines("--conv", conv, "--check", "--relu")
    right = {line["candidate"].partition(" ")[2] for line in lines if line["right"]}
    assert by <= right
    assert {line["implementation"] for line in lines} == {"onednn"}
    # Winograd's transforms add up what they take apart again.
    assert all(line["max_abs_error"] < 2e-4 for line in lines if line["right"])


def test_groups_are_refused(baselines: Any) -> None:
    with pytest.raises(ColonnadeError, match="has groups; allowed: one"):
        baselines("--conv", "n1c4h8w8-o4-k3x3-s1-p1-d1-g2")
