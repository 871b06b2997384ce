# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The convolutions of a configuration's model, and the searches for their schedules."""

from collections.abc import Mapping
from dataclasses import dataclass

from colonnade.common.errors import ColonnadeError
from colonnade.config.pruning import Pattern
from colonnade.config.schema import Config
from colonnade.models.architecture import conv_shapes
from colonnade.models.conv_shape import ConvShape
from colonnade.pruning.plan import GROUPED_TILE, prunable_convs
from colonnade.tuning.bench import DENSE, Profiled
from colonnade.tuning.sampling import sample


@dataclass(frozen=True)
class Convolutions:
    """What follows from a configuration, or from those of its sections that a job was given."""

    config: Config

    @property
    def layers(self) -> list[tuple[str, ConvShape]]:
        """The convolutions of the model with schedules at the throughput section's input, by layer."""
        timed = self.config.throughput
        return conv_shapes(self.config.model.name, timed.image_px, timed.batch)

    @property
    def pruned_layers(self) -> list[tuple[str, ConvShape]]:
        """Those of `layers` that do not stay dense."""
        pruned = set(prunable_convs(self.config.model.name, self.config.pruning.skip))
        return [(name, conv) for name, conv in self.layers if name in pruned]

    def tiles(self, profiled: Mapping[str, int]) -> dict[str, int]:
        """Tiles of all that is pruned, in execution order.

        Those that were `profiled`, and if `pruning.grouped` asks for them the convolutions with groups.
        """
        model, pruning = self.config.model.name, self.config.pruning
        ungrouped = prunable_convs(model, pruning.skip)
        names = prunable_convs(model, pruning.skip, grouped=pruning.grouped)
        alone = dict.fromkeys((name for name in names if name not in ungrouped), GROUPED_TILE)
        tiles = {**profiled, **alone}
        return {name: tiles[name] for name in names if name in tiles}

    @property
    def distinct(self) -> list[str]:
        """The distinct convolutions, as shape strings."""
        return list(dict.fromkeys(str(shape) for _, shape in self.layers))

    def searches(self, conv: str) -> list[Profiled]:
        """What a convolution is profiled at: dense, and each pattern that prunes it.

        Patterns that keep equally many columns share a schedule; it is profiled with the first one's
        groups. One that keeps every column prunes nothing.
        """
        if not any(str(shape) == conv for _, shape in self.pruned_layers):
            return [DENSE]
        reduction = ConvShape.parse(conv).reduction
        distinct = {reduction: DENSE}
        for pattern in self.config.pruning.patterns:
            distinct.setdefault(pattern.keeps(reduction), Profiled(pattern))
        return list(distinct.values())

    @property
    def all_searches(self) -> list[tuple[ConvShape, Profiled]]:
        """Every distinct convolution at everything that it is profiled at."""
        return [
            (ConvShape.parse(conv), each) for conv in self.distinct for each in self.searches(conv)
        ]

    @property
    def search_count(self) -> int:
        """The searches of all convolutions."""
        return len(self.all_searches)

    def profiled(self, pattern: Pattern) -> Pattern:
        """The pattern, of those that are profiled, whose schedules serve for `pattern`."""
        share = pattern.kept_share
        return min(self.config.pruning.patterns, key=lambda each: abs(each.kept_share - share))

    @property
    def audited(self) -> dict[str, list[Profiled]]:
        """The convolutions that `tuner-quality` searches completely, each at these patterns."""
        searches = [(str(conv), each) for conv, each in self.all_searches]
        audited: dict[str, list[Profiled]] = {}
        for conv, each in sample(searches, self.config.profile):
            audited.setdefault(conv, []).append(each)
        return audited

    def audits(self, conv: str) -> list[Profiled]:
        """The patterns at which `tuner-quality` searches a convolution completely.

        Raises:
            ColonnadeError: it is not one of `audited`.
        """
        if conv not in self.audited:
            allowed = ", ".join(self.audited)
            raise ColonnadeError(f"convolution {conv!r}: not drawn; allowed: {allowed}")
        return self.audited[conv]
