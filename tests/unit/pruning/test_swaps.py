# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Swaps of rows: never a loss, all that is gained is counted, and optima that they must find."""

import itertools

import numpy as np
import pytest

from colonnade.config.pruning import Pattern
from colonnade.pruning.mask import make_mask
from colonnade.pruning.swaps import Matrix, TiledRows, refine

SEEDS = pytest.mark.parametrize("seed", range(8))


def _kept(importance: Matrix, tile: int, sparsity: float) -> float:
    """By the masks that pruning makes."""
    mask = make_mask(importance, Pattern(m="full", sparsity=sparsity), tile)
    return float(importance[mask.expand()].sum())


def _layer(importance: Matrix, tile: int, sparsity: float) -> TiledRows:
    pattern = Pattern(m="full", sparsity=sparsity)
    return TiledRows(importance, tile, pattern.keeps(importance.shape[1]))


@SEEDS
def test_promise_and_gain_are_what_masks_say(seed: int) -> None:
    """Of every pair of rows: the gain with new masks exactly, the promise never more than it."""
    rng = np.random.default_rng(seed)
    channels, k = int(rng.integers(2, 14)), int(rng.integers(2, 30))
    tile, sparsity = int(rng.integers(1, channels + 1)), float(rng.uniform(0.1, 0.9))
    importance = rng.exponential(size=(channels, k))
    layer = _layer(importance, tile, sparsity)
    before = _kept(importance, tile, sparsity)
    assert layer.best.sum() == pytest.approx(before)
    for row, other in itertools.permutations(range(channels), 2):
        swapped = importance.copy()
        swapped[[row, other]] = importance[[other, row]]
        exact = _kept(swapped, tile, sparsity) - before
        found = layer.gains(row, np.array([other]))[0]
        assert found == pytest.approx(exact, abs=1e-9)
        if row // tile != other // tile:
            assert layer.promise(row)[other] <= found + 1e-9
    for row, other in zip(*rng.integers(0, channels, (2, 5)), strict=True):
        layer.swap(int(row), int(other))
    fresh = _layer(layer.importance, tile, sparsity)
    for name in ("scores", "best", "gain"):
        np.testing.assert_allclose(getattr(layer, name), getattr(fresh, name), atol=1e-9)


@SEEDS
def test_refined_orders_keep_more_and_come_again(seed: int) -> None:
    """Several layers that share an order, each with its own columns, tile and sparsity."""
    rng = np.random.default_rng(seed)
    channels = int(rng.integers(12, 40))
    settings = [
        (rng.exponential(size=(channels, int(rng.integers(8, 60)))), int(rng.integers(2, 9)), s)
        for s in rng.uniform(0.3, 0.9, int(rng.integers(1, 4)))
    ]
    start = rng.permutation(channels)

    def kept(order: np.ndarray) -> float:
        return sum(_kept(importance[order], tile, float(s)) for importance, tile, s in settings)

    def found() -> np.ndarray:
        layers = [_layer(values[start], tile, float(s)) for values, tile, s in settings]
        order = refine(layers, start)
        for layer, (values, _, _) in zip(layers, settings, strict=True):
            np.testing.assert_array_equal(layer.importance, values[order])
        return order

    order = found()
    assert sorted(order) == list(range(channels))
    assert kept(order) > kept(start)
    np.testing.assert_array_equal(order, found())


@SEEDS
def test_two_interleaved_kinds_of_rows_are_told_apart(seed: int) -> None:
    """Rows that live on disjoint columns: the best order keeps all there is."""
    rng = np.random.default_rng(seed)
    importance = rng.uniform(1, 2, (8, 12))
    importance[0::2, :6] = 0
    importance[1::2, 6:] = 0
    shuffled = importance[rng.permutation(8)]
    order = refine([_layer(shuffled, 4, 0.5)], np.arange(8))
    assert _kept(shuffled[order], 4, 0.5) == pytest.approx(importance.sum())


def test_one_tile_and_single_rows_stay_as_they_are() -> None:
    importance = np.random.default_rng(1).exponential(size=(6, 9))
    for tile in (1, 6, 8):
        order = refine([_layer(importance, tile, 0.5)], np.arange(6))
        np.testing.assert_array_equal(order, np.arange(6))
