# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The table of validation, with a stand-in for the compiler and the timing model."""

from pathlib import Path
from typing import Any

import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.results.tables import VALIDATION, read_table
from colonnade.targets.emulator import emulator, timed
from colonnade.targets.target import of_one_length
from colonnade.validation.compare import PROGRAMS, kernel_regions, write_validation
from colonnade.validation.instructions import MICROBENCHMARKS
from colonnade.validation.kernels import KERNEL_POINTS
from colonnade.validation.model import CLANG, GCC, TimingModel
from colonnade.validation.other_cores import C908, OTHER_CORES, X280

from .conftest import KERNELS, PLUGIN, SEQUENCES, FakeToolchain, any_cycles, runs_of

X60 = "kernels/timing/cores/x60.json"


@pytest.fixture
def rows(model: TimingModel, toolchain: FakeToolchain, tmp_path: Path) -> list[dict[str, Any]]:
    toolchain.factor = 1.25
    table = tmp_path / "validation.csv"
    write_validation(model, table)
    return read_table(table, VALIDATION).rows(named=True)


def cycles(name: str, size: int) -> int:
    return any_cycles((name, size), {})


def test_every_point_is_in_the_table_once_and_in_order(rows: list[dict[str, Any]]) -> None:
    others = [point.name for core in OTHER_CORES for point in core.points]
    measured = [each.name for each in MICROBENCHMARKS if each.role != "rule"]
    names = [*measured, *(point.name for point in KERNEL_POINTS), *others]
    assert [row["point"] for row in rows] == names


def test_rows_say_how_far_the_model_is_off(rows: list[dict[str, Any]]) -> None:
    instructions = [row for row in rows if row["group"] == "instruction"]
    assert instructions
    for row in instructions:
        assert row["published"] == SEQUENCES[row["point"]]
        assert row["modelled"] == pytest.approx(1.25 * row["published"])
        assert row["error_percent"] == pytest.approx(25)
    of = {row["point"]: row for row in rows}
    # By the clock of 1.6 GHz, as the published numbers were taken.
    add = of["qs8-vadd u2v, 10560"]
    assert (add["published"], add["unit"]) == (13591, "ns")
    assert add["modelled"] == pytest.approx(cycles("add-quantised", 10560) / 1.6)
    assert add["error_percent"] == pytest.approx(100 * (add["modelled"] / 13591 - 1))
    copy = of["memcpy m2, L1"]
    difference = cycles("copy-m2", 9394) - cycles("copy-m2", 2967)
    assert copy["modelled"] == pytest.approx((9394 - 2967) / difference)
    chase = of["8 pointer chains, L2"]
    assert chase["modelled"] == pytest.approx(cycles("chase-8-l2", 4096) / 4096 / 1.6)
    stream = of["memset, DRAM"]
    assert stream["modelled"] == pytest.approx(2**23 / cycles("fill-m8", 2**23) * 1600)
    product = of["f32 2000x3000x100, scalar"]
    assert product["modelled"] == pytest.approx(cycles("gemm-scalar", 4) * 500 / 1.6e9)
    batch = of["f32 batch 12x384x384x64, packed, 4x4v"]
    assert batch["modelled"] == pytest.approx(12 * cycles("batch-vectors-64", 384) / 1.6e6)


def test_points_of_whoever_measured_a_fitted_one_are_not_held_out(
    rows: list[dict[str, Any]],
) -> None:
    roles = {row["point"]: row["role"] for row in rows}
    assert roles["memcpy m2, L1"] == "fitted"
    # rvv-bench measured that one too, whichever its page is.
    assert roles["memcpy m1, L1"] == roles["mandelbrot f32 m1"] == "same source"
    # Nothing was fitted to XNNPACK's own numbers.
    assert roles["qs8-vadd u2v, 10560"] == roles["qs8 depthwise 3x3, 56x56x128"] == "held out"
    # That fits of one core say nothing of those of another.
    assert roles["C908, memcpy m2, L1"] == "fitted"
    assert roles["C908, memcpy m1, L1"] == roles["X280, memcpy m1, L1"] == "same source"


def test_programs_are_compiled_as_their_authors_did(
    toolchain: FakeToolchain, model: TimingModel
) -> None:
    built = [program.build(model) for program in PROGRAMS]
    assert built == [model.work / name for name in KERNELS]
    kernels, multiply, xnnpack = toolchain.commands
    source = "kernels/timing/validation"
    tail = [f"{source}/kernels.S", f"{source}/compute.c", f"{source}/main.c", "-o", str(built[0])]
    assert kernels == [*CLANG, *tail]
    assert multiply[: len(GCC)] == list(GCC)
    assert multiply[0] == "riscv64-linux-gnu-gcc-14"
    assert "/usr/src/xnnpack/src/x32-packx/x32-packx-4x-scalar.c" in xnnpack
    assert "-fno-vectorize" in xnnpack


def test_other_sources_and_flags_come_first(toolchain: FakeToolchain, model: TimingModel) -> None:
    PROGRAMS[1].build(model, Path("clock.c"), flags=["-Iboard"])
    (command,) = toolchain.commands
    assert command[:2] == [GCC[0], "-Iboard"]
    assert command[-3:] == ["clock.c", "-o", str(model.work / "multiply")]


def test_kernels_of_all_programs_are_found(model: TimingModel, toolchain: FakeToolchain) -> None:
    regions = kernel_regions(model)
    assert set(regions) == {run for name in KERNELS for run in runs_of(name)}
    assert all(region == {"cycles": cycles(*run)} for run, region in regions.items())
    for command, name in zip(toolchain.commands[1::2], KERNELS, strict=True):
        model_of_x60 = timed(Path(X60), model.work / "regions.jsonl", PLUGIN)
        program = of_one_length(model.work / name)
        assert command == ["env", "-i", *emulator(256), *model_of_x60, "-0", name, program]


def test_other_cores_run_the_kernels_of_their_points_with_their_vlen(
    model: TimingModel, toolchain: FakeToolchain, rows: list[dict[str, Any]]
) -> None:
    assert rows
    for core, command in zip((C908, X280), toolchain.commands[-2:], strict=True):
        words = " ".join(command)
        assert f"core={core.description}," in words
        assert f"vlen={core.vlen}," in words
        assert command[command.index("-0") + 3 :] == core.kernels


def test_a_point_without_a_kernel_is_named_and_no_table_is_written(
    model: TimingModel, toolchain: FakeToolchain, tmp_path: Path
) -> None:
    toolchain.lost = {("add-quantised", 87360)}
    with pytest.raises(ColonnadeError) as caught:
        write_validation(model, tmp_path / "validation.csv")
    assert str(caught.value) == (
        "kernels/timing/validation: no program runs [('add-quantised', 87360)]"
    )
    assert not (tmp_path / "validation.csv").exists()
