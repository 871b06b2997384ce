# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Which convolutions a configuration prunes, and in which tiles."""

from pathlib import Path

import yaml

from colonnade.config.schema import Config
from colonnade.models.architecture import conv_names, grouped_convs
from colonnade.workflow.convolutions import Convolutions

DEFAULT = Path(__file__).resolve().parents[3] / "config/default.yaml"
SKIPPED = ["features.0.0", "features.1.conv.0.0"]
PROFILED = {"features.2.conv.0.0": 14, "features.1.conv.1": 7}


def convolutions(*, grouped: bool) -> Convolutions:
    values = yaml.safe_load(DEFAULT.read_text())
    values["model"]["name"] = "mobilenet_v2"
    values["pruning"] |= {"skip": SKIPPED, "grouped": grouped}
    return Convolutions(Config.model_validate(values))


def test_convolutions_with_groups_are_masked_only_if_asked_for() -> None:
    assert "features.1.conv.0.0" in grouped_convs("mobilenet_v2")
    dense, masked = convolutions(grouped=False), convolutions(grouped=True)
    assert list(dense.tiles(PROFILED).items()) == sorted(PROFILED.items())
    tiles = masked.tiles(PROFILED)
    assert len(tiles) == len(PROFILED) + 16
    alone = {name: tile for name, tile in tiles.items() if name not in PROFILED}
    assert set(alone) == set(grouped_convs("mobilenet_v2")) - set(SKIPPED)
    assert set(alone.values()) == {1}
    assert [name for name in conv_names("mobilenet_v2") if name in tiles] == list(tiles)


def test_nothing_is_profiled_for_masks_of_convolutions_with_groups() -> None:
    dense, masked = convolutions(grouped=False), convolutions(grouped=True)
    assert masked.pruned_layers == dense.pruned_layers
    assert masked.search_count == dense.search_count
