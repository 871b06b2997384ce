# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What kernels execute is read off their rendered code: every kernel, and every way to store."""

import itertools
from collections import Counter

import pytest

from colonnade.common.errors import ColonnadeError
from colonnade.config.section import fits_registers
from colonnade.tuning.core import KINDS, LMULS
from colonnade.tuning.cost_model.assembly import (
    TEMPLATE,
    arithmetics,
    generator,
    kernel_code,
    parse_code,
)
from colonnade.tuning.cost_model.calls import ROW_LOOP
from colonnade.tuning.cost_model.execution import Call, Executed, Region, Stores, execute
from colonnade.tuning.cost_model.operations import CLASSES, operations
from colonnade.tuning.cost_model.winograd import COUNTS

pytestmark = pytest.mark.slow

KERNELS = [
    (name, tile, lmul)
    for name, arithmetic in arithmetics().items()
    for lmul, tile in arithmetic.kernels()
]
WAYS: tuple[Stores, ...] = ("whole", "hole", "mask", "index")


def call(
    tile: int,
    lmul: int,
    kept: int = 4,
    panels: int = 1,
    *,
    arithmetic: str = "f32",
    residual: bool = False,
    stores: Stores = "whole",
    vector_lines: int = 1,
) -> Call:
    return Call(arithmetic, tile, lmul, kept, panels, 256, 64, vector_lines, 0, residual, stores)


def mnemonics(executed: list[Executed]) -> Counter[str]:
    return Counter(each.operation.instruction.mnemonic for each in executed)


def test_kernels_are_those_that_the_generator_lists() -> None:
    assert len(KERNELS) == 131
    assert {(tile, lmul) for name, tile, lmul in KERNELS if name == "f32"} == {
        (tile, lmul) for lmul in LMULS for tile in range(1, 32) if fits_registers(tile, lmul)
    }


def test_instructions_of_all_kernels_have_a_class_and_no_class_is_idle() -> None:
    """Those of im2col's loop, and of Winograd's transforms, are the others."""
    used = {
        instruction.mnemonic
        for name, tile, lmul in KERNELS
        for instruction in kernel_code(name, tile, lmul)
    }
    rows = {line.split()[0] for line in ROW_LOOP.splitlines() if line and ":" not in line}
    loads = {"vle32.v", "vlse32.v"}
    assert used | (rows - {"{load}"}) | loads == set(CLASSES)
    transforms = {
        "v_slide",
        *(kind for each in COUNTS.values() for kind in (each.load, each.store)),
    }
    assert set(CLASSES.values()) | transforms == set(KINDS)


def test_an_unknown_instruction_is_named() -> None:
    with pytest.raises(ColonnadeError, match=r"instruction 'vfdiv\.vv' has no class"):
        operations(parse_code(["vfdiv.vv v0, v1, v2"]))


def test_a_label_that_is_not_there_is_named() -> None:
    with pytest.raises(ColonnadeError, match=rf"{TEMPLATE.name}: 'j 2b' refers to no label"):
        parse_code(["j 2b", "2:"])


def test_a_kernel_that_is_not_there_is_named() -> None:
    with pytest.raises(ColonnadeError, match=r"generate\.py: makes no kernel 16x2v of f32"):
        kernel_code("f32", 16, 2)


@pytest.mark.parametrize(("arithmetic", "tile", "lmul"), KERNELS)
def test_every_kernel_multiplies_and_stores_all_it_should(
    arithmetic: str, tile: int, lmul: int
) -> None:
    """T FMAs for each column of each panel, T stores and as many loads of a residual; and it returns."""
    multiply = "vfwmacc.vf" if arithmetic == "f16_f32acc" else "vfmacc.vf"
    add = "vfwadd.wv" if arithmetic == "f16_f32acc" else "vfadd.vv"
    bits = arithmetics()[arithmetic].bits
    for kept, panels, residual, stores in itertools.product((1, 2, 5), (1, 3), (0, 1), WAYS):
        executed = execute(
            call(
                *(tile, lmul, kept, panels),
                arithmetic=arithmetic,
                residual=bool(residual),
                stores=stores,
            )
        )
        counts = mnemonics(executed)
        # What a kernel without a spare panel vector computes of the last column's successor is unused.
        assert counts[multiply] == panels * kept * tile, (kept, panels, stores)
        store = "vsuxei32.v" if stores == "index" else f"vse{bits}.v"
        assert counts[store] == panels * tile
        assert counts[add] == residual * panels * tile
        assert executed[-1].operation.instruction.mnemonic == "ret"


def test_the_next_panel_starts_in_the_shadow_of_the_stores() -> None:
    """The block between two panels has prefetches: those of rows that the panel after will write."""
    one, two = (mnemonics(execute(call(14, 2, kept=4, panels=count))) for count in (1, 2))
    added = two - one
    # Of four columns two are multiplied in the shadow, and two in the loop, which prefetches.
    assert added["vfmacc.vf"] == 4 * 14
    assert added["lb"] == 2 * 14 + 2 * 2


def test_lines_are_new_once_a_panel() -> None:
    tile, kept, panels = 14, 16, 3
    executed = execute(call(tile, 2, kept, panels))
    lines = Counter[Region]()
    for each in executed:
        lines[each.region] += len(each.lines)
    # A vector of LMUL 2 fills a line. Three columns more are read than are kept.
    operand = lines[Region.OPERAND] + lines[Region.RARE]
    assert panels * kept <= operand <= panels * (kept + 3)
    assert lines[Region.RARE] == panels
    weights = (kept + 3) * tile * 4 / 64
    assert panels * (weights - 3) <= lines[Region.WEIGHTS] <= panels * (weights + 1)
    # A row of the output is written a line at a time, and the next panel's is prefetched.
    assert lines[Region.OUTPUT] == panels * tile
    assert not lines[Region.RESIDUAL]
    wide = execute(call(tile, 2, kept, panels, vector_lines=2))
    wider = sum(len(each.lines) for each in wide if each.region in {Region.OPERAND, Region.RARE})
    assert wider == 2 * operand


def test_the_panels_fields_are_those_of_the_generator() -> None:
    assert set(generator().PANEL) == {
        *("PANEL_COUNT", "PANEL_INPUT", "PANEL_OUTPUT", "PANEL_RESIDUAL", "PANEL_OUTPUT_INDEX"),
        *("PANEL_RESIDUAL_INDEX", "PANEL_MASK", "PANEL_HOLE", "PANEL_SIZE"),
    }
