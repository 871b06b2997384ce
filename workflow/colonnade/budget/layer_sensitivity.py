# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""How much each layer minds each pattern and tile: loss on the validation split with only it pruned."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from colonnade.common.progress import track
from colonnade.config.data import DataConfig
from colonnade.config.pruning import Pattern
from colonnade.config.training import TrainingConfig
from colonnade.evaluation.top1 import judged, open_checkpoint
from colonnade.pruning.layers import importances, make_masks
from colonnade.pruning.plan import LayerPlan
from colonnade.pruning.weights import conv_weight, kept_weights
from colonnade.results.tables import LAYER_SENSITIVITY, NO_LAYER, write_table
from colonnade.training.judge import measure


def write_layer_sensitivity(
    dense: Path,
    patterns: Sequence[tuple[Pattern, Mapping[str, Sequence[int]]]],
    data: DataConfig,
    training: TrainingConfig,
    table: Path,
) -> None:
    """Prune one layer at a time, without fine-tuning, and measure over the validation split.

    Args:
        dense: the checkpoint of the dense network.
        patterns: each pattern, with the tiles that each layer may have at it.
        data: the data set whose validation split is used.
        training: device and threads of PyTorch.
        table: the CSV file to write; its first row is the dense network's.

    Raises:
        ColonnadeError: a damaged checkpoint, or other data than it was trained on.
    """
    source, images = open_checkpoint(dense, data)
    jobs = [
        (pattern, name, tile)
        for pattern, layers in patterns
        for name, tiles in layers.items()
        for tile in tiles
    ]
    with judged(source, training) as (network, hardware):
        rows = [_row(NO_LAYER, None, None, measure(network, images.validation, hardware))]
        for pattern, name, tile in track(jobs, "sensitivity", len(jobs), "layer"):
            weight = conv_weight(network, name)
            before = weight.detach().clone()
            plan = {name: LayerPlan(pattern=pattern, tile=tile)}
            masks = make_masks(importances(network, [name], "l1"), plan)
            weight.data.masked_fill_(~kept_weights(masks[name], weight), 0)
            rows.append(_row(name, pattern, tile, measure(network, images.validation, hardware)))
            weight.data.copy_(before)
    write_table(table, LAYER_SENSITIVITY, rows)


def _row(
    layer: str, pattern: Pattern | None, tile: int | None, measured: tuple[float, float]
) -> dict[str, str | float | None]:
    return {
        "layer": layer,
        "pattern": None if pattern is None else pattern.label,
        "tile": tile,
        "validation_loss": measured[0],
        "validation_top1": 100 * measured[1],
    }
