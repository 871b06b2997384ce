# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Dense baselines on emulated RISC-V against float64."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.container import Container
from colonnade.targets.emulator import emulator

OPENBLAS = "openblas_im2col"


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


def drawn(seed: int, *, winograd: bool) -> tuple[str, str]:
    """A convolution, and a candidate that computes it."""
    g = random.Random(seed)
    channels = f"n{g.randint(1, 2)}c{g.randint(1, 19)}"
    # Top, left, bottom, right.
    padding = "x".join(str(g.randint(0, 3)) for _ in range(4))
    size = f"h{g.randint(9, 30)}w{g.randint(9, 30)}-o{g.randint(1, 40)}"
    residual = g.choice(["", "-r"])
    if winograd:
        tile, lmul = g.choice([(14, 2), (30, 1), (7, 4), (3, 8)])
        plan = f"{g.choice([2, 4])}:{g.randint(1, 9)}:{g.choice(['direct', 'packed'])}"
        candidate = f"winograd:{plan}:{tile}:{lmul}:{g.randint(1, 9)}:{g.randint(1, 2)}"
        return f"{channels}{size}-k3x3-s1-p{padding}-d1{residual}", candidate
    kernel = f"k{g.randint(1, 4)}x{g.randint(1, 4)}-s{g.randint(1, 3)}"
    return f"{channels}{size}-{kernel}-p{padding}-d{g.randint(1, 2)}{residual}", OPENBLAS


def check(line: dict[str, Any], conv: str, candidate: str) -> None:
    assert (line["conv"], line["candidate"]) == (conv, candidate)
    # Sums of at most 19 * 16 products below 1; F(4x4) loses some 5 bits more than a plain sum does.
    assert 0 < line["max_abs_error"] < (2e-4 if candidate.startswith("winograd:4") else 3e-5)


@pytest.mark.parametrize("vlen", [128, 256, 512, 1024])
@pytest.mark.parametrize("seed", range(6))
def test_winograd_matches_float64(baselines: Any, seed: int, vlen: int) -> None:
    conv, candidate = drawn(seed, winograd=True)
    relu = ["--relu"] if seed % 2 else []
    options = ["--conv", conv, "--candidate", candidate, "--seed", str(seed), "--check", *relu]
    (line,) = baselines(*options, vlen=vlen)
    check(line, conv, candidate)
    assert line["vlen"] == vlen


@pytest.mark.parametrize("seed", range(12))
def test_openblas_matches_float64(baselines: Any, seed: int) -> None:
    """At the vectors that it is built for."""
    conv, candidate = drawn(seed, winograd=False)
    relu = ["--relu"] if seed % 2 else []
    (line,) = baselines("--conv", conv, "--candidate", candidate, "--check", *relu)
    check(line, conv, candidate)


@pytest.mark.parametrize(
    ("conv", "candidate", "said"),
    [
        ("n1c4h8w8-o4-k3x3-s2-p1-d1", "winograd:2:1:direct:14:2:4:1", "allowed for Winograd: 3x3"),
        ("n1c4h8w8-o4-k3x3-s1-p1-d1", "winograd:3:1:direct:14:2:4:1", "M 3; allowed: 2, 4"),
        ("n1c4h8w8-o4-k3x3-s1-p1-d1", "winograd:2:0:direct:14:2:4:1", "ROWS: 0; allowed: 1 to"),
        ("n1c4h8w8-o4-k3x3-s1-p1-d1", "winograd:2", "expected M:ROWS:ALGORITHM"),
        ("n1c4h8w8-o4-k3x3-s1-p1-d1", "eigen", "allowed: openblas_im2col, winograd:"),
        ("n1c4h8w8-o4-k3x3-s1-p1-d1-g2", OPENBLAS, "has groups; allowed: one"),
    ],
)
def test_what_none_computes_is_refused(
    baselines: Any, conv: str, candidate: str, said: str
) -> None:
    with pytest.raises(ColonnadeError) as refused:
        baselines("--conv", conv, "--candidate", candidate)
    assert said in str(refused.value)
