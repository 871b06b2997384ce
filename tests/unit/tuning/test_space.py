# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The search space holds every schedule that can win, once."""

import pytest

from colonnade.config.schema import ProfileConfig
from colonnade.models.conv_shape import ConvShape
from colonnade.tuning.core import Core
from colonnade.tuning.space import XNNPACK, Candidate, grid, in_splits, search_space, winograd_space

CONV = ConvShape.parse("n1c64h56w56-o64-k3x3-s1-p1-d1")


def with_lists(settings: ProfileConfig, **lists: tuple[int, ...]) -> ProfileConfig:
    return settings.model_copy(update={"algorithms": ("packed",), **lists})


def test_the_papers_candidates_fit_the_registers_or_are_left_out(
    settings: ProfileConfig, core: Core
) -> None:
    paper = with_lists(settings, tiles=tuple(range(3, 13)), lmuls=(1, 2, 4, 8), panels=(1,))
    found = {(each.tile, each.lmul) for each in grid(CONV, paper, core)}
    assert found == {
        (tile, lmul) for tile in range(3, 13) for lmul in (1, 2, 4, 8) if (tile + 1) * lmul <= 32
    }


def test_schedules_that_run_alike_occur_once(settings: ProfileConfig, core: Core) -> None:
    # 49 positions are 7 panels of 8: blocks of 8 and 16 panels are the same one block.
    small = ConvShape.parse("n1c512h7w7-o12-k3x3-s1-p1-d1")
    lists = with_lists(settings, tiles=(8, 12, 16), lmuls=(1,), panels=(1, 4, 8, 16))
    found = {(each.tile, each.panels) for each in grid(small, lists, core)}
    assert found == {(tile, panels) for tile in (8, 12) for panels in (1, 4, 8)}


@pytest.mark.parametrize("algorithms", [("direct", "packed"), ("direct",), ("packed",)])
def test_what_no_kernel_runs_is_no_candidate(
    settings: ProfileConfig, core: Core, algorithms: tuple[str, ...]
) -> None:
    """Planes are split into phases by one stride of height and width."""
    lists = settings.model_copy(update={"algorithms": algorithms})
    uneven = ConvShape.parse("n1c64h56w56-o64-k3x3-s1x2-p1-d1")
    assert {each.algorithm for each in grid(uneven, lists, core)} == {"packed"}
    assert {each.algorithm for each in grid(CONV, lists, core)} == set(algorithms)


def test_dense_convolutions_of_3x3_run_by_winograds_algorithm_too(
    settings: ProfileConfig, core: Core
) -> None:
    lists = with_lists(settings, tiles=(8,), lmuls=(1,), panels=(1, 4, 64))
    assert winograd_space(CONV, lists, core) == []
    named = lists.model_copy(update={"algorithms": ("packed", "winograd")})
    assert grid(CONV, named, core) == grid(CONV, lists, core)
    assert search_space(CONV, named, core) == search_space(CONV, lists, core)
    found = winograd_space(CONV, named, core)
    # 64 panels of 8 tiles, of which 36 matrices have 64 channels each, are more than four L2 caches.
    assert {(each.algorithm, each.panels) for each in found} == {
        *(("winograd2", panels) for panels in (1, 4, 64)),
        *(("winograd4", panels) for panels in (1, 4)),
    }
    for other in ("k3x3-s2-p1-d1", "k3x3-s1-p1-d2", "k1x1-s1-p0-d1", "k3x3-s1-p1-d1-g2"):
        conv = ConvShape.parse(f"n1c64h56w56-o64-{other}")
        assert winograd_space(conv, named, core) == []


def test_order_of_the_lists_has_no_influence(settings: ProfileConfig, core: Core) -> None:
    turned = with_lists(settings, tiles=(16, 8, 14, 12, 8), panels=(8, 2))
    assert grid(CONV, turned, core) == grid(CONV, with_lists(settings), core)


@pytest.mark.parametrize(
    ("tile", "stays"), [(16, True), (22, True), (26, True), (28, True), (30, False)]
)
def test_tiles_that_leave_their_rows_empty_are_left_out(
    settings: ProfileConfig, core: Core, tile: int, stays: bool
) -> None:
    lists = with_lists(settings, tiles=(8, tile), lmuls=(1,))
    assert (tile in {each.tile for each in search_space(CONV, lists, core)}) == stays


def test_blocks_far_beyond_the_cache_are_left_out(settings: ProfileConfig, core: Core) -> None:
    # 2304 columns of 4 bytes: 2 MiB hold 227 positions, 28 panels.
    wide = ConvShape.parse("n1c256h14w14-o256-k3x3-s1-p1-d1")
    lists = with_lists(settings, lmuls=(1,), panels=(1, 16, 24))
    assert {each.panels for each in search_space(wide, lists, core)} == {1, 16, 24}
    larger = ConvShape.parse("n1c512h14w14-o256-k3x3-s1-p1-d1")
    assert {each.panels for each in search_space(larger, lists, core)} == {1}


def test_where_every_candidate_is_poor_all_stay(settings: ProfileConfig, core: Core) -> None:
    lists = with_lists(settings, tiles=(30,), lmuls=(1,), panels=(32,))
    wide = ConvShape.parse("n1c2048h14w14-o64-k3x3-s1-p1-d1")
    assert search_space(wide, lists, core) == grid(wide, lists, core) != []


def test_candidates_are_written_as_the_bench_reads_them() -> None:
    assert str(Candidate("packed", 14, 2, 8)) == "packed:14:2:8:1"
    assert str(XNNPACK) == "xnnpack_nhwc_dense"


def test_every_algorithm_has_all_schedules(settings: ProfileConfig, core: Core) -> None:
    both = grid(CONV, settings, core)
    assert len(both) == 2 * len(grid(CONV, with_lists(settings), core))
    assert {each.algorithm for each in both} == {"direct", "packed"}


def test_columns_are_cut_until_a_split_fits_half_of_the_cache(
    settings: ProfileConfig, core: Core
) -> None:
    whole = [Candidate("direct", 8, 1, panels) for panels in (4, 16)]
    many = settings.model_copy(update={"kc_splits": 64})
    found = [(each.panels, each.kc_splits) for each in in_splits(CONV, whole, many, core)]
    # 64 channels of 32 and of 128 positions are 8 and 32 KiB; half of L1 is 16.
    assert found == [(4, 1), (16, 1), (16, 2)]
    # A stride of 2 makes four planes of each channel.
    strided = ConvShape.parse("n1c64h56w56-o64-k3x3-s2-p1-d1")
    found = [(each.panels, each.kc_splits) for each in in_splits(strided, whole, many, core)]
    assert found == [(4, 1), (4, 2), (16, 1), (16, 2), (16, 4), (16, 8)]
    few = settings.model_copy(update={"kc_splits": 1})
    assert in_splits(CONV, whole, few, core) == whole
    # No more splits than input channels.
    stem = ConvShape.parse("n1c3h224w224-o64-k7x7-s2-p3-d1")
    large = [Candidate("direct", 8, 4, 1024)]
    assert [each.kc_splits for each in in_splits(stem, large, many, core)] == [1, 2]
