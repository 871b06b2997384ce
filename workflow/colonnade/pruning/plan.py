# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The plan of a network's pruning: which convolutions, and each by which pattern in which tiles."""

from collections.abc import Iterable, Mapping

from pydantic import BaseModel, ConfigDict

from colonnade.common.errors import ColonnadeError
from colonnade.config.pruning import Pattern
from colonnade.models.architecture import conv_names, grouped_convs


class LayerPlan(BaseModel):
    """How one convolution is pruned."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pattern: Pattern
    tile: int


Plan = Mapping[str, LayerPlan]


def is_tiled(pattern: Pattern) -> bool:
    """Whether kernels leave out what a pattern removes: columns of a tile, or of a row."""
    return pattern.method in ("column-wise", "row-wise")


# Tile of the masks of convolutions with groups: each group's rows read channels of its own.
GROUPED_TILE = 1


def uniform_plan(pattern: Pattern, tiles: Mapping[str, int]) -> dict[str, LayerPlan]:
    """The same pattern for all layers; `tiles` are those that profiling chose for each."""
    return {
        name: LayerPlan(pattern=pattern, tile=pattern.tile_for(tile))
        for name, tile in tiles.items()
    }


def prunable_convs(model_name: str, skip: Iterable[str], *, grouped: bool = False) -> list[str]:
    """Names of the convolutions that are pruned: all but those in `skip`, in execution order.

    Those with groups stay dense too, unless `grouped`: no kernel leaves out any of their weights.

    Raises:
        ColonnadeError: no such model, or `skip` names a layer that is no convolution of it.
    """
    names = conv_names(model_name)
    unknown = sorted(set(skip) - set(names))
    if unknown:
        raise ColonnadeError(
            f"pruning.skip: {', '.join(unknown)}: no such convolution in {model_name};"
            f" allowed: {', '.join(names)}"
        )
    stay = set(skip) if grouped else set(skip).union(grouped_convs(model_name))
    return [name for name in names if name not in stay]
