# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Schedules for a network of the user's: every convolution is tuned, as the workflow's rules do it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from colonnade.common.paths import DEFAULT_CONFIG
from colonnade.common.progress import track
from colonnade.config.errors import validated
from colonnade.config.pruning import Pattern
from colonnade.config.reading import check_threads
from colonnade.config.schema import ProfileConfig, ThroughputConfig
from colonnade.config.section import Section
from colonnade.config.sources import read_yaml
from colonnade.models.architecture import graph_conv_shapes
from colonnade.models.conv_shape import ConvShape
from colonnade.models.graph import Graph
from colonnade.package.description import SCHEDULES, TUNED
from colonnade.targets.target import Target
from colonnade.tuning.bench import DENSE, PROGRAM, Profiled
from colonnade.tuning.choice import collect, tiles_for
from colonnade.tuning.profiling import profile


class _Sections(Section):
    """Of the default configuration, what tuning needs."""

    profile: ProfileConfig
    throughput: ThroughputConfig


@dataclass(frozen=True)
class Tuner:
    """Tunes for a target; `scratch` is a folder that the target sees.

    Images have `image_px` pixels, or without it the size with which the network was imported.
    """

    target: Target
    image_px: int | None
    profile: ProfileConfig
    timed: ThroughputConfig
    scratch: Path

    @classmethod
    def of(
        cls,
        target: Target,
        image_px: int | None,
        threads: int,
        tile: int | None,
        scratch: Path,
    ) -> "Tuner":
        """One with the candidates of the default configuration, or those of one tile.

        Raises:
            ColonnadeError: the target has fewer cores than that, programs are not built, or the tile does
                not fit the registers.
        """
        check_threads(threads, target.name, target.config)
        target.check_built(PROGRAM)
        values: Any = read_yaml(DEFAULT_CONFIG)
        chosen = {key: values[key] for key in _Sections.model_fields}
        if tile is not None:
            chosen["profile"] = {**chosen["profile"], "tiles": [tile]}
        chosen["throughput"] = {**chosen["throughput"], "threads": threads}
        found = validated(_Sections, chosen, str(DEFAULT_CONFIG))
        return cls(target, image_px, found.profile, found.throughput, scratch)

    def tune(
        self, graph: Graph, name: str, pruned: Sequence[str], pattern: Pattern
    ) -> dict[str, int]:
        """Tune every convolution dense, and those of `pruned` by the pattern; return the tiles of these.

        One for which no pruned schedule is faster than a dense one has no tile. `SCHEDULES` and `TUNED`
        lie in `scratch` then.

        Raises:
            ColonnadeError: images that do not fit, or a convolution that cannot be tuned.
        """
        layers = graph_conv_shapes(graph, name, self.image_px, 1)
        masked = [(layer, conv) for layer, conv in layers if layer in set(pruned)]
        searches: dict[ConvShape, list[Profiled]] = {conv: [DENSE] for _, conv in layers}
        for _, conv in masked:
            if pattern.keeps(conv.reduction) < conv.reduction:
                searches[conv] = [DENSE, Profiled(pattern)]
        profiles = []
        count = sum(map(len, searches.values()))
        tuned = track(searches.items(), "tune", len(searches), "convolution")
        for index, (conv, each) in enumerate(tuned):
            profiles.append(self.scratch / f"{index}.json")
            profile(self.target, conv, each, self.profile, self.timed, count, profiles[-1])
        schedules = self.scratch / SCHEDULES
        collect(profiles, layers, name, self.target, schedules, self.scratch / TUNED)
        return tiles_for(schedules, masked, pattern)
