# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""OpenBLAS, the dense baseline, on emulated RISC-V against float64."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.container import Container
from colonnade.targets.emulator import emulator


@pytest.fixture(scope="module")
def baselines(toolchain: Container, riscv64_programs: Path, root: Path) -> Callable[..., Any]:
    folder = riscv64_programs.relative_to(root)
    toolchain.run(["sh", "kernels/build.sh", "baselines", str(folder)])

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
    (line,) = baselines("--conv", conv, "--check", *relu)
    assert line["conv"] == conv
    # Sums of at most 19 * 16 products below 1.
    assert 0 < line["max_abs_error"] < 3e-5


def test_groups_are_refused(baselines: Any) -> None:
    with pytest.raises(ColonnadeError, match="has groups; allowed: one"):
        baselines("--conv", "n1c4h8w8-o4-k3x3-s1-p1-d1-g2")
