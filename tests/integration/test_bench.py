"""The bench: every algorithm and pattern it offers, on emulated RISC-V and in its modelled cycles."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from colonnade.container import Container
from colonnade.errors import ColonnadeError
from colonnade.models import conv_shapes

EMULATOR = ("/opt/qemu/bin/qemu-riscv64", "-cpu", "rv64,v=true,vlen=256")
POINTWISE = "n1c24h9w9-o20-k1x1-s1-p0-d1"
STRIDED = "n2c5h11w9-o13-k3x3-s2-p1-d1"


@pytest.fixture(scope="module")
def bench(toolchain: Container, riscv64_programs: Path, root: Path) -> Any:
    program = str(riscv64_programs.relative_to(root) / "colonnade-bench")

    def run(*options: str) -> list[dict[str, Any]]:
        lines = toolchain.run([*EMULATOR, program, *options]).stdout.splitlines()
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
        *("--tile", "4,7", "--lmul", "1,4", "--strips", "2", "--keep", "4:8"),
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
        kept = 1 if line["algorithm"] == "xnnpack_nhwc_dense" else 0.5
        assert line["useful_macs"] == pytest.approx(kept * line["macs"], rel=0.07), line


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
        (["--conv", "n1c4"], "convolution shape 'n1c4': expected the form"),
        (["--conv", STRIDED, "--algorithm", "xnnpack_spmm"], "no candidate can run"),
        (["--conv", POINTWISE, "--tile", "8", "--lmul", "4"], "no candidate can run"),
        (["--conv", POINTWISE, "--pattern", "row", "--tile", "2"], "--pattern row excludes --tile"),
        (["--algorithm", "direct"], "--conv"),
    ],
)
def test_bad_options_are_refused(bench: Any, options: list[str], message: str) -> None:
    with pytest.raises(ColonnadeError, match=message):
        bench(*options)


@pytest.mark.parametrize("model", ["resnet18", "resnet50"])
def test_shape_files_are_those_of_the_models(root: Path, model: str) -> None:
    lines = (root / "kernels/bench" / f"{model}.txt").read_text().splitlines()[1:]
    counts = {shape.strip(): int(count) for shape, count in (line.split("#") for line in lines)}
    assert counts == Counter(str(shape) for _, shape in conv_shapes(model, 224, 1))
