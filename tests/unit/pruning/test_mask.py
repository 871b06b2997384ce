# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The mask: its properties, against a brute-force choice written from the definition."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from pydantic import ValidationError

from colonnade.common.errors import ColonnadeError
from colonnade.config.pruning import Pattern
from colonnade.package.archive import compress
from colonnade.pruning.mask import ColumnMask, make_mask
from colonnade.pruning.weights import kept_weights, weight_matrix
from tests.unit.package.unpacked import expand

FULL = st.sampled_from([0.1, 0.3, 0.5, 0.7, 0.75, 0.875, 0.99])
GROUPED = st.integers(1, 12).flatmap(lambda m: st.tuples(st.integers(1, m), st.just(m)))
PATTERNS = st.one_of(
    FULL.map(lambda sparsity: Pattern(m="full", sparsity=sparsity)),
    GROUPED.map(lambda pair: Pattern(n=pair[0], m=pair[1])),
)
# The groups that the paper's pattern is configured with, at every sparsity of theirs.
NAMED = st.one_of(
    FULL.map(lambda sparsity: Pattern(m="full", sparsity=sparsity)),
    st.sampled_from([4, 8, 16, 32]).flatmap(
        lambda m: st.integers(1, m).map(lambda n: Pattern(n=n, m=m))
    ),
)
ROW_WISE = GROUPED.map(lambda pair: Pattern(method="row-wise", n=pair[0], m=pair[1]))
RANKED = st.tuples(st.sampled_from(["unstructured", "filters"]), FULL).map(
    lambda pair: Pattern(method=pair[0], m="full", sparsity=pair[1])
)
# Few distinct whole numbers: ties abound, and sums are exact.
WEIGHTS = arrays.arrays(
    np.float32,
    st.tuples(st.integers(1, 13), st.integers(1, 40)),
    elements=st.integers(-3, 3).map(float),
)
TILES = st.integers(1, 9)


def _groups(pattern: Pattern, k: int) -> list[tuple[range, int]]:
    """Each group of columns and how many of it are kept, from the definition."""
    if pattern.m == "full":
        exact = 1 - Fraction(str(pattern.sparsity))
        return [(range(k), max(1, math.ceil(exact * k)))]
    assert pattern.n is not None
    groups = [range(start, min(start + pattern.m, k)) for start in range(0, k, pattern.m)]
    return [(group, math.ceil(Fraction(pattern.n * len(group), pattern.m))) for group in groups]


def _brute_force(weight: np.ndarray, pattern: Pattern, tile: int) -> list[list[int]]:
    """Per tile, the kept columns: a stable descending sort of every group, column by column."""
    chosen = []
    for start in range(0, len(weight), tile):
        rows = weight[start : start + tile]
        score = [sum(abs(float(value)) for value in column) for column in rows.T]
        kept: list[int] = []
        for group, count in _groups(pattern, weight.shape[1]):
            kept += sorted(group, key=lambda column: (-score[column], column))[:count]
        chosen.append(sorted(kept))
    return chosen


@settings(max_examples=300, deadline=None)
@given(WEIGHTS, PATTERNS, TILES)
def test_mask_is_the_brute_force_choice(weight: np.ndarray, pattern: Pattern, tile: int) -> None:
    mask = make_mask(weight, pattern, tile)
    assert mask.columns.tolist() == _brute_force(weight, pattern, tile)
    assert mask.kept == pattern.keeps(weight.shape[1])


@settings(max_examples=200, deadline=None)
@given(WEIGHTS, PATTERNS, TILES)
def test_every_group_of_every_tile_keeps_exactly_n(
    weight: np.ndarray, pattern: Pattern, tile: int
) -> None:
    kept = make_mask(weight, pattern, tile).expand()
    assert kept.shape == weight.shape
    for start in range(0, len(weight), tile):
        rows = kept[start : start + tile]
        assert (rows == rows[0]).all()
        for group, count in _groups(pattern, weight.shape[1]):
            assert rows[0, group.start : group.stop].sum() == count


@settings(max_examples=200, deadline=None)
@given(WEIGHTS, PATTERNS, TILES)
def test_masking_twice_changes_nothing(weight: np.ndarray, pattern: Pattern, tile: int) -> None:
    # A column of zeros may lose its place to a lower one, so only the weights are compared.
    once = np.where(make_mask(weight, pattern, tile).expand(), weight, 0)
    twice = np.where(make_mask(once, pattern, tile).expand(), once, 0)
    assert np.array_equal(once, twice)


@settings(max_examples=60, deadline=None)
@given(
    arrays.arrays(
        np.float32,
        st.tuples(st.integers(1, 4), st.integers(1, 8)),
        elements=st.floats(-9, 9, width=32),
    ),
    PATTERNS,
    st.integers(1, 4),
)
def test_no_other_choice_keeps_more_magnitude(
    weight: np.ndarray, pattern: Pattern, tile: int
) -> None:
    kept = make_mask(weight, pattern, tile).expand()
    for start in range(0, len(weight), tile):
        score = np.abs(weight[start : start + tile].astype(np.float64)).sum(axis=0)
        groups = list(_groups(pattern, weight.shape[1]))
        assert groups
        for group, count in groups:
            best = max(score[list(each)].sum() for each in itertools.combinations(group, count))
            own = score[group.start : group.stop][kept[start, group.start : group.stop]].sum()
            assert own == pytest.approx(best, rel=1e-12)


@settings(max_examples=100, deadline=None)
@given(
    arrays.arrays(
        np.float32,
        st.tuples(st.integers(1, 12), st.integers(1, 96)),
        elements=st.floats(-9, 9, width=32),
    ),
    NAMED,
    TILES,
)
def test_the_papers_groups_keep_exactly_n(weight: np.ndarray, pattern: Pattern, tile: int) -> None:
    mask = make_mask(weight, pattern, tile)
    for group, count in _groups(pattern, weight.shape[1]):
        assert (mask.keep[:, group.start : group.stop].sum(axis=1) == count).all()
    again = make_mask(weight.copy(), pattern, tile)
    assert np.array_equal(mask.keep, again.keep)


@settings(max_examples=100, deadline=None)
@given(WEIGHTS, ROW_WISE)
def test_row_wise_is_column_wise_with_tiles_of_one_row(
    weight: np.ndarray, pattern: Pattern
) -> None:
    column_wise = pattern.model_copy(update={"method": "column-wise"})
    ours, theirs = make_mask(weight, pattern, 1), make_mask(weight, column_wise, 1)
    assert np.array_equal(ours.keep, theirs.keep)
    assert ours.is_uniform


@settings(max_examples=150, deadline=None)
@given(WEIGHTS, RANKED)
def test_unstructured_and_filters_keep_the_best_of_the_layer(
    weight: np.ndarray, pattern: Pattern
) -> None:
    kept = make_mask(weight, pattern, 1).expand()
    magnitude = np.abs(weight.astype(np.float64))
    if pattern.method == "filters":
        assert (kept == kept[:, :1]).all()
        kept, magnitude = kept[:, 0], magnitude.sum(axis=1)
    kept, magnitude = kept.ravel(), magnitude.ravel()
    count = max(1, math.ceil((1 - Fraction(str(pattern.sparsity))) * magnitude.size))
    best = sorted(range(magnitude.size), key=lambda index: (-magnitude[index], index))[:count]
    assert sorted(best) == kept.nonzero()[0].tolist()


@settings(max_examples=100, deadline=None)
@given(WEIGHTS, st.integers(1, 6), st.sampled_from([4, 8]))
def test_no_pattern_keeps_more_magnitude_than_unstructured_at_its_sparsity(
    weight: np.ndarray, tile: int, m: int
) -> None:
    magnitude = np.abs(weight.astype(np.float64)).ravel()
    for pattern in (Pattern(n=1, m=m), Pattern(method="row-wise", n=1, m=m)):
        kept = make_mask(weight, pattern, pattern.tile_for(tile)).expand().ravel()
        unconstrained = np.sort(magnitude)[::-1][: kept.sum()].sum()
        assert magnitude[kept].sum() <= unconstrained + 1e-9


@settings(max_examples=100, deadline=None)
@given(WEIGHTS, PATTERNS, TILES)
def test_dense_to_package_to_dense_is_exact(
    weight: np.ndarray, pattern: Pattern, tile: int
) -> None:
    mask = make_mask(weight, pattern, tile)
    values = compress(weight, mask)
    back = ColumnMask.from_columns(tile, mask.columns, mask.k, mask.out_channels)
    assert np.array_equal(back.keep, mask.keep)
    assert np.array_equal(expand(values, back), np.where(mask.expand(), weight, 0))


@pytest.mark.parametrize("share", [0.1, 0.33, 0.5, 0.9, 1])
@pytest.mark.parametrize(
    "pattern", [Pattern(n=1, m=4), Pattern(n=3, m=16), Pattern(m="full", sparsity=0.75)], ids=str
)
def test_relaxed_patterns_keep_more_and_end_in_the_pattern(pattern: Pattern, share: float) -> None:
    relaxed = Pattern.model_validate(pattern.relaxed(share).model_dump())
    for k in (16, 27, 576):
        assert relaxed.keeps(k) >= pattern.keeps(k)
    assert relaxed.sparsity <= share * pattern.sparsity + 1e-12
    assert pattern.relaxed(1) == pattern


def test_tiles_that_keep_different_numbers_have_no_columns() -> None:
    weight = np.array([[9, 8, 7, 6], [1, 1, 1, 1]], dtype=np.float32)
    mask = make_mask(weight, Pattern(method="unstructured", m="full", sparsity=0.5), 1)
    assert not mask.is_uniform
    assert mask.sparsity == 0.5
    with pytest.raises(ColonnadeError, match="different numbers"):
        _ = mask.columns


def test_only_column_wise_patterns_have_tiles() -> None:
    with pytest.raises(ColonnadeError, match=r"tile: 2: allowed for row-wise-1of2: 1"):
        make_mask(np.ones((2, 2)), Pattern(method="row-wise", n=1, m=2), 2)
    with pytest.raises(ColonnadeError, match=r"tile: 2: allowed for 1of2-t4: 4"):
        make_mask(np.ones((2, 2)), Pattern(n=1, m=2, tile=4), 2)


def test_ties_go_to_the_lower_column() -> None:
    weight = np.array([[1, 2, 2, 2, 0, 0, 0, 0]], dtype=np.float32)
    assert make_mask(weight, Pattern(n=2, m=4), 1).columns.tolist() == [[1, 2, 4, 5]]


def test_scores_are_summed_in_float64() -> None:
    # In float32 both columns would sum to 2**24, and the tie would go to column 0.
    weight = np.array([[2**24, 2**24], [0, 1]], dtype=np.float32)
    assert make_mask(weight, Pattern(n=1, m=2), 2).columns.tolist() == [[1]]


def test_remainder_group_keeps_its_rounded_up_share() -> None:
    weight = np.arange(1, 8, dtype=np.float32)[None]
    # K = 7 in groups of 4: the rest of 3 keeps ceil(1 * 3 / 4) = 1.
    assert make_mask(weight, Pattern(n=1, m=4), 1).columns.tolist() == [[3, 6]]
    assert make_mask(weight, Pattern(n=2, m=4), 1).columns.tolist() == [[2, 3, 5, 6]]


def test_tile_may_exceed_the_channels() -> None:
    mask = make_mask(np.ones((3, 4), dtype=np.float32), Pattern(n=1, m=2), 8)
    assert mask.columns.tolist() == [[0, 2]]
    assert mask.expand().shape == (3, 4)


@pytest.mark.parametrize(
    ("sparsity", "k", "kept"),
    # In floating point 1 - 0.7 is above 0.3 and 1 - 0.9 below 0.1: neither may decide a column.
    [(0.7, 10, 3), (0.9, 10, 1), (0.75, 576, 144), (0.5, 147, 74), (0.99, 5, 1), (0.1, 9, 9)],
)
def test_full_patterns_count_in_decimal(sparsity: float, k: int, kept: int) -> None:
    assert Pattern(m="full", sparsity=sparsity).keeps(k) == kept


def test_column_order_is_kh_kw_cin() -> None:
    weight = torch.arange(2 * 3 * 2 * 2, dtype=torch.float32).reshape(2, 3, 2, 2)
    matrix = weight_matrix(weight)
    for cout, cin, kh, kw in itertools.product(range(2), range(3), range(2), range(2)):
        assert matrix[cout, (kh * 2 + kw) * 3 + cin] == weight[cout, cin, kh, kw]
    mask = ColumnMask.from_columns(1, np.array([[1], [11]]), 12, 2)
    kept = kept_weights(mask, weight)
    assert kept.nonzero().tolist() == [[0, 1, 0, 0], [1, 2, 1, 1]]


@pytest.mark.parametrize(
    "values",
    [
        {"n": 5, "m": 4},
        {"n": 0, "m": 4},
        {"n": 1, "m": 0},
        {"n": -1, "m": 4},
        {"m": 4},
        {"m": 4, "sparsity": 0.5},
        {"n": 1, "m": 4, "sparsity": 0.5},
        {"m": "full"},
        {"m": "full", "sparsity": 0},
        {"m": "full", "sparsity": 1},
        {"m": "full", "sparsity": float("nan")},
        {"n": 1, "m": "full", "sparsity": 0.5},
        {"n": 1, "m": "half"},
        {"n": 1.5, "m": 4},
        {"n": 1, "m": 4, "k": 1},
        {"n": 1, "m": 4, "tile": 0},
        {"n": 1, "m": 4, "method": "filters"},
        {"n": 1, "m": 4, "method": "unstructured"},
        {"n": 1, "m": 4, "method": "row-wise", "tile": 4},
        {"n": 1, "m": 4, "method": "diagonal"},
        {"n": 1},
        {},
    ],
    ids=str,
)
def test_impossible_patterns_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Pattern.model_validate(values)


@pytest.mark.parametrize(
    ("pattern", "sparsity", "label", "described"),
    [
        (Pattern(n=1, m=4), 0.75, "1of4", {"n": 1, "m": 4}),
        (Pattern(n=4, m=4), 0.0, "4of4", {"n": 4, "m": 4}),
        (Pattern(m="full", sparsity=0.5), 0.5, "full0.5", {"sparsity": 0.5, "m": "full"}),
        (Pattern(n=1, m=8, tile=16), 0.875, "1of8-t16", {"n": 1, "m": 8}),
        (Pattern(method="row-wise", n=2, m=4), 0.5, "row-wise-2of4", {"n": 2, "m": 4}),
        (
            Pattern(method="filters", m="full", sparsity=0.5),
            0.5,
            "filters-full0.5",
            {"sparsity": 0.5, "m": "full"},
        ),
    ],
)
def test_patterns_describe_themselves(
    pattern: Pattern, sparsity: float, label: str, described: dict[str, object]
) -> None:
    assert (pattern.sparsity, pattern.label, pattern.to_json()) == (sparsity, label, described)
    assert Pattern.model_validate(pattern.model_dump()) == pattern


@pytest.mark.parametrize("tile", [0, -1])
def test_impossible_tiles_are_refused(tile: int) -> None:
    with pytest.raises(ColonnadeError, match=f"tile: {tile}"):
        make_mask(np.ones((2, 2), dtype=np.float32), Pattern(n=1, m=2), tile)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_weights_must_be_finite(bad: float) -> None:
    with pytest.raises(ColonnadeError, match="finite"):
        make_mask(np.array([[1, bad]], dtype=np.float32), Pattern(n=1, m=2), 1)


@pytest.mark.parametrize(
    "columns", [[[1, 0]], [[0, 0]], [[0, 4]], [[-1, 0]], [[0], [1]], [[]]], ids=str
)
def test_contradictory_masks_are_refused(columns: list[list[int]]) -> None:
    with pytest.raises(ColonnadeError, match="mask"):
        ColumnMask.from_columns(2, np.array(columns, dtype=np.int64), 4, 2)


def test_a_share_of_a_pattern_is_counted_in_fractions() -> None:
    """Half of two thirds leaves two of three; in floating point all three would stay."""
    assert Pattern(n=1, m=3).relaxed(0.5).n == 2


def test_patterns_that_differ_in_a_late_digit_have_names_of_their_own() -> None:
    labels = {Pattern(m="full", sparsity=each).label for each in (0.33333333, 0.33333334, 0.5)}
    assert labels == {"full0.33333333", "full0.33333334", "full0.5"}
