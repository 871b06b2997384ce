# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The bench: every algorithm and pattern it offers, on emulated RISC-V and in its modelled cycles."""

import json
import random
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.config import section
from colonnade.config.pruning import Pattern
from colonnade.config.section import fits_registers
from colonnade.container import Container
from colonnade.models.architecture import conv_shapes
from colonnade.models.conv_shape import ConvShape
from colonnade.targets.emulator import emulator
from colonnade.tuning.space import SCHEDULE

POINTWISE = "n1c24h9w9-o20-k1x1-s1-p0-d1"
STRIDED = "n2c5h11w9-o13-k3x3-s2-p1-d1"


@pytest.fixture(scope="module")
def bench(toolchain: Container, riscv64_programs: Path, root: Path) -> Any:
    program = str(riscv64_programs.relative_to(root) / "colonnade-bench")

    def run(*options: str, vlen: int = 256) -> list[dict[str, Any]]:
        lines = toolchain.run(
            [*emulator(vlen, half_precision=False), program, *options]
        ).stdout.splitlines()
        return [json.loads(line) for line in lines]

    return run


@pytest.mark.parametrize(("threads", "residual"), [(1, ""), (2, ""), (1, "-r")])
def test_every_algorithm_matches_float64(
    bench: Any, scratch: Path, root: Path, threads: int, residual: str
) -> None:
    shapes = scratch / "shapes.txt"
    shapes.write_text(f"# two shapes\n{POINTWISE}{residual}  # 1\n\n{STRIDED}{residual}\n")
    lines = bench(
        *("--shapes", str(shapes.relative_to(root))),
        *("--algorithm", "direct,packed,unfused,xnnpack_nhwc_dense,xnnpack_spmm"),
        *("--tile", "4,7", "--lmul", "1,4", "--panels", "2", "--keep", "4:8"),
        *("--threads", str(threads), "--seed", "3", "--check"),
    )
    # Ours: tile 4 at both LMULs and tile 7 at both, on two shapes; the sparse one: two tiles, one shape.
    assert Counter(line["algorithm"] for line in lines) == {
        "direct": 8,
        "packed": 8,
        "unfused": 8,
        "xnnpack_nhwc_dense": 2,
        "xnnpack_spmm": 2,
    }
    for line in lines:
        assert line["threads"] == threads
        assert line["conv"].endswith("-d1" + residual)
        assert line["max_abs_error"] < 1e-4, line
        k = ConvShape.parse(line["conv"]).reduction
        kept = k if line["algorithm"] == "xnnpack_nhwc_dense" else Pattern(n=4, m=8).keeps(k)
        assert line["useful_macs"] * k == kept * line["macs"], line


@pytest.mark.parametrize("residual", ["", "-r"])
def test_winograds_algorithm_keeps_all_columns_and_matches_float64(
    bench: Any, residual: str
) -> None:
    lines = bench(
        *("--conv", f"n2c5h11w9-o13-k3x3-s1-p1-d1{residual}", "--keep", "1:2,1:4", "--check"),
        *("--algorithm", "direct,winograd2,winograd4", "--tile", "4,7", "--lmul", "1,4"),
        *("--panels", "2"),
    )
    # Of each pattern both tiles at both LMULs, and Winograd's once.
    assert Counter(line["algorithm"] for line in lines) == {
        "direct": 8,
        "winograd2": 4,
        "winograd4": 4,
    }
    for line in lines:
        assert line["max_abs_error"] < 1e-4, line
        if line["algorithm"] != "direct":
            assert line["useful_macs"] == line["macs"], line


def test_row_pattern_is_a_tile_of_one(bench: Any) -> None:
    lines = bench(
        *("--conv", POINTWISE, "--algorithm", "direct,packed,xnnpack_spmm", "--lmul", "8"),
        *("--pattern", "row", "--keep", "1:4", "--check"),
    )
    assert [(line["algorithm"], line["tile"]) for line in lines] == [
        ("direct", 1),
        ("packed", 1),
        ("xnnpack_spmm", 1),
    ]
    assert all(line["max_abs_error"] < 1e-4 for line in lines)
    assert all(line["useful_macs"] * 4 == line["macs"] for line in lines)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--conv", STRIDED, "--algorithm", "xnnpack_spmm"], "no candidate can run"),
        (["--conv", POINTWISE, "--tile", "8", "--lmul", "4"], "no candidate can run"),
        (["--conv", STRIDED, "--algorithm", "winograd4"], "no candidate can run"),
        (
            ["--conv", STRIDED, "--candidate", "winograd2:4:1:1:1"],
            "cannot run n2c5h11w9-o13-k3x3-s2-p1-d1; allowed: ",
        ),
        (["--conv", POINTWISE, "--pattern", "row", "--tile", "2"], "--pattern row excludes --tile"),
        (["--algorithm", "direct"], "--conv"),
        (["--conv", POINTWISE, "--tile", "4294967300"], "--tile: Value 4294967300 not in range"),
        (["--conv", POINTWISE, "--tile", "0"], "--tile: Value 0 not in range [1 - 31]"),
        (
            ["--conv", POINTWISE, "--panels", "4294967297"],
            "--panels: Value 4294967297 not in range",
        ),
        (
            ["--conv", POINTWISE, "--kc-splits", "0"],
            "--kc-splits: Value 0 not in range [1 - 1024]",
        ),
        (["--conv", POINTWISE, "--lmul", "4294967297"], "--lmul"),
        (["--conv", POINTWISE, "--threads", "4294967297"], "--threads: Value 4294967297 not in"),
        (["--conv", POINTWISE, "--repetitions", "-1"], "--repetitions: Value -1 not in range"),
        (["--conv", POINTWISE, "--seed", "4294967296"], "--seed: Value 4294967296 not in range"),
        (["--conv", POINTWISE, "--keep", "2"], "--keep '2': expected N:M, such as 1:4"),
        (["--conv", POINTWISE, "--keep", "5:4"], "--keep '5:4': N: 5; allowed: 1 to 4"),
        (["--conv", POINTWISE, "--keep", "0:4"], "--keep '0:4': N: 0; allowed: 1 to 4"),
        (
            ["--conv", POINTWISE, "--keep", "1:4294967297"],
            "M: 4294967297; allowed: 1 to 2147483647",
        ),
        (["--conv", POINTWISE, "--keep", "1:4x"], "--keep '1:4x': M: 4x; allowed:"),
        (["--conv", POINTWISE, "--sparsity", "1"], "--sparsity '1': allowed: 0, or below 1"),
        (["--conv", POINTWISE, "--sparsity", "0.5e0"], "--sparsity '0.5e0': allowed:"),
        (["--conv", POINTWISE, "--sparsity", "0.1234567891"], "at most nine decimals"),
        (["--conv", POINTWISE, "--sparsity", "0.5", "--keep", "1:2"], "--keep excludes --sparsity"),
        (["--conv", POINTWISE, "--candidate", "direct:8:2:4"], "expected ALGORITHM:TILE:LMUL"),
        (["--conv", POINTWISE, "--candidate", "direct:8:2:4:1:"], "expected ALGORITHM:TILE:LMUL"),
        (["--conv", POINTWISE, "--candidate", "direct:8:3:4:1"], "lmul: 3; allowed: 1, 2, 4, 8"),
        (["--conv", POINTWISE, "--candidate", "best:8:2:4:1"], "'best'; allowed: direct, packed,"),
        (
            ["--conv", POINTWISE, "--candidate", "direct:4294967304:1:4:1"],
            "TILE: 4294967304; allowed: 1 to 31",
        ),
        (
            ["--conv", POINTWISE, "--candidate", "packed:8:2:99999999999999999999:1"],
            "PANELS: 99999999999999999999; allowed: 1 to 1048576",
        ),
        (
            [
                "--conv",
                "n1c8h8w8-o8-k3x3-s1x2-p1-d1",
                "--candidate",
                "packed:8:2:4:1,direct:8:2:4:1",
            ],
            "--candidate 'direct:8:2:4:1': cannot run n1c8h8w8-o8-k3x3-s1x2-p1-d1; allowed: ",
        ),
        (
            ["--conv", POINTWISE, "--candidate", "packed:16:2:1:1"],
            "(TILE + 1) * LMUL at most 32",
        ),
    ],
)
def test_bad_options_are_refused(bench: Any, options: list[str], message: str) -> None:
    with pytest.raises(ColonnadeError, match=re.escape(message)):
        bench(*options)


SHAPES_SEED = 7


def test_random_shapes_have_one_name_and_size_seed7(bench: Any) -> None:
    """What a shape is called, and how much it computes, is the same in both languages."""
    drawn = random.Random(SHAPES_SEED)

    def sizes(least: int, most: int, count: int) -> tuple[int, ...]:
        return tuple(drawn.randint(least, most) for _ in range(count))

    shapes = []
    while len(shapes) < 60:
        (batch, c, o), (h, w), even = sizes(1, 5, 3), sizes(1, 20, 2), drawn.random() < 0.5
        padding = sizes(0, 1, 1) * 4 if even else sizes(0, 3, 4)
        windows = (sizes(1, 4, 2), sizes(1, 3, 2), padding, sizes(1, 2, 2))
        shape = ConvShape(batch, c, h, w, o, *windows, residual=drawn.random() < 0.5)
        if min(shape.out_height, shape.out_width) > 0:
            shapes.append(shape)
    assert [ConvShape.parse(str(shape)) for shape in shapes] == shapes
    lines = bench("--conv", ",".join(map(str, shapes)), "--dry-run")
    assert [line["conv"] for line in lines] == [str(shape) for shape in shapes]
    assert [line["macs"] for line in lines] == [shape.macs for shape in shapes]


def test_shapes_are_those_that_the_library_allows(
    bench: Any, toolchain: Container, riscv64_programs: Path, root: Path, scratch: Path
) -> None:
    """`ConvShape.parse` accepts the same, and refuses the same with the same words."""
    cases = json.loads((root / "tests/data/conv_shapes.json").read_text("utf-8"))
    accepted = bench("--conv", ",".join(cases["accepted"]), "--dry-run")
    assert [line["conv"] for line in accepted] == cases["accepted"]
    # The size of the output follows from all that a shape says.
    macs = [ConvShape.parse(text).macs for text in cases["accepted"]]
    assert [line["macs"] for line in accepted] == macs
    # One start of the container for all of them.
    program = riscv64_programs.relative_to(root) / "colonnade-bench"
    command = " ".join([*emulator(256), str(program), "--dry-run", "--conv"])
    refused = scratch / "refused"
    refused.write_bytes("".join(f"{text}\0" for text in cases["refused"]).encode())
    loop = (
        f'xargs -0 -n 1 sh -c \'{command} "$0" 2>&1; echo "exit $?"\' < {refused.relative_to(root)}'
    )
    answers = toolchain.run(["sh", "-c", loop]).stdout.split("exit 2\n")
    assert answers.pop() == ""
    assert len(answers) == len(cases["refused"])
    for (text, reason), answer in zip(cases["refused"].items(), answers, strict=True):
        assert reason in answer, (text, answer)


def test_kernels_are_those_that_fit_the_registers(bench: Any) -> None:
    sizes = [(tile, lmul) for tile in range(1, section.MAX_TILE + 1) for lmul in (1, 2, 4, 8)]
    lines = bench(
        *("--conv", POINTWISE, "--tile", ",".join(map(str, range(1, section.MAX_TILE + 1)))),
        *("--lmul", "1,2,4,8", "--dry-run"),
    )
    found = [(line["tile"], line["lmul"]) for line in lines]
    assert found == [each for each in sizes if fits_registers(*each)]


def test_a_schedule_has_the_fields_that_the_library_knows(bench: Any) -> None:
    candidate = "packed:5:4:3:2"
    (line,) = bench("--conv", POINTWISE, "--candidate", candidate, "--dry-run")
    assert ":".join(str(line[name]) for name in SCHEDULE) == candidate


def test_height_and_width_may_differ(bench: Any) -> None:
    """In the programs: the library's shapes have one stride, padding and dilation for both."""
    conv = "n1c3h9w12-o4-k1x3-s2x1-p0x1-d1x2-r"
    lines = bench("--conv", conv, "--algorithm", "direct,packed,xnnpack_nhwc_dense", "--check")
    # Planes are split into phases by one stride: none that is direct.
    assert [(line["conv"], line["algorithm"]) for line in lines] == [
        (conv, "packed"),
        (conv, "xnnpack_nhwc_dense"),
    ]
    assert all(line["max_abs_error"] < 1e-5 for line in lines)
    assert lines[0]["macs"] == (5 * 10) * 4 * 9


def test_panels_that_do_not_exist_change_nothing(bench: Any) -> None:
    """512 bits are as many lanes as it takes for 9000 panels of K rows to lie over 4 GiB apart."""
    lines = bench(
        *("--conv", "n1c512h7w7-o64-k3x3-s1-p1-d1", "--algorithm", "direct,packed,unfused"),
        *("--tile", "8", "--lmul", "2", "--panels", "7,9000,1000000", "--check"),
        vlen=512,
    )
    assert len(lines) == 9
    assert all(line["max_abs_error"] < 1e-3 for line in lines), lines


def test_offsets_that_do_not_fit_are_refused(bench: Any) -> None:
    with pytest.raises(
        ColonnadeError, match=r"packed, panels 1000000: .*4 GiB apart; allowed: less"
    ):
        bench(
            *("--conv", "n1c20h512w512-o1-k15x15-s1-p7-d1"),
            *("--algorithm", "packed", "--panels", "1000000"),
        )


@pytest.mark.parametrize("model", ["resnet18", "resnet50"])
def test_shape_files_are_those_of_the_models(root: Path, model: str) -> None:
    text = (root / "kernels/bench" / f"{model}.txt").read_text("utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    counts = {shape.strip(): int(count) for shape, count in (line.split("#") for line in lines)}
    assert counts == Counter(str(shape) for _, shape in conv_shapes(model, 224, 1))
