# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The cost model divides work among threads as the operator does, whose own function this is."""

import ctypes
import math
import random
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from colonnade.container import Container
from colonnade.tuning.cost_model.model import _share

SOURCE = "kernels/src/operators/convolution-colnm.c"
# What the function reads and writes of the operator.
AROUND = """
#include <stddef.h>
#include <stdint.h>
struct colnm_context {
  struct { size_t tiles; } shape;
  struct { size_t count; } panels;
  struct { size_t panels; } schedule;
  size_t block_panels, group_tiles, blocks, tile_groups;
};
static size_t min(size_t a, size_t b) { return a < b ? a : b; }
static size_t divide_round_up(size_t n, size_t q) { return n / q + (n % q != 0); }
#define colnm_tile_count(shape) (shape)->tiles
FUNCTIONS
void divide(size_t panels, size_t tiles, size_t most, size_t threads, size_t found[4]) {
  struct colnm_context context = {{tiles}, {panels}, {most}, 0, 0, 0, 0};
  divide_work(&context, threads);
  found[0] = context.block_panels;
  found[1] = context.group_tiles;
  found[2] = context.blocks;
  found[3] = context.tile_groups;
}
"""


@pytest.fixture(scope="module")
def operator(toolchain: Container, root: Path, scratch: Path) -> ctypes.CDLL:
    """The operator's division, compiled by itself."""
    text = (root / SOURCE).read_text()
    functions = re.findall(r"^static \w+ (?:time_of_share|divide_work)\(.*?^}\n", text, re.M | re.S)
    assert len(functions) == 2
    (scratch / "division.c").write_text(AROUND.replace("FUNCTIONS", "".join(functions)))
    made = (scratch / "division").relative_to(root)
    flags = ["-O2", "-Wall", "-Werror", "-shared", "-fPIC"]
    toolchain.run(["gcc-14", *flags, f"{made}.c", "-o", f"{made}.so"])
    return ctypes.CDLL(str(scratch / "division.so"))


@pytest.mark.parametrize("seed", range(4))
def test_the_busiest_thread_computes_as_much(operator: ctypes.CDLL, seed: int) -> None:
    rng = random.Random(seed)
    divided = 0
    for _ in range(500):
        panels, tiles = rng.randint(1, 400), rng.randint(1, 200)
        most, threads = rng.choice([1, 2, 4, 8, 16, 64, 500]), rng.randint(1, 16)
        found = (ctypes.c_size_t * 4)()
        operator.divide(*map(ctypes.c_size_t, (panels, tiles, most, threads)), found)
        block, group, blocks, groups = found
        assert (blocks, groups) == (math.ceil(panels / block), math.ceil(tiles / group))
        assert block <= most
        share = 1.0
        if threads > 1:
            turns = math.ceil(blocks * groups / threads)
            share = min(1.0, turns * block * group / (panels * tiles))
        divided += share < 1
        # A panel of eight positions.
        work = SimpleNamespace(
            positions=8 * panels, panel=8, tiles=tiles, blocks=math.ceil(panels / min(most, panels))
        )
        assert _share(work, threads) == pytest.approx(share), (panels, tiles, most, threads)  # type: ignore[arg-type]
    assert divided > 300
