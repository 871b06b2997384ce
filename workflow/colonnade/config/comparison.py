# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Configuration section `comparison`: what `host-comparison` runs on this machine."""

from typing import Annotated

from pydantic import Field

from colonnade.common.limits import MAX_THREADS
from colonnade.config.model import ModelName
from colonnade.config.pruning import Pattern
from colonnade.config.section import Number, Section, Whole


class ComparisonConfig(Section):
    """Section `comparison`: networks, and at what they are compared with the engines that people use.

    Each network is tuned for `throughput.batch` images and `throughput.threads` threads, and the
    schedules of that serve for all of `batches` and `threads`.
    """

    networks: tuple[ModelName, ...] = Field(
        default=("resnet18", "resnet50", "mobilenet_v2"),
        min_length=1,
        max_length=20,
        description="Of random weights, on which time does not depend.",
    )
    sparsities: tuple[Annotated[Number, Field(gt=0, lt=1)], ...] = Field(
        default=(0.5, 0.75, 0.875),
        min_length=1,
        max_length=20,
        description="Shares of the columns that are removed (`m: full`) of all convolutions but those"
        " that read images and those with groups.",
    )
    batches: tuple[Annotated[Whole, Field(ge=1, le=256)], ...] = Field(
        default=(1, 4), min_length=1, max_length=20, description="Images that run at once."
    )
    threads: tuple[Annotated[Whole, Field(ge=1, le=MAX_THREADS)], ...] = Field(
        default=(1, 2), min_length=1, max_length=20, description="Of every engine."
    )
    rounds: Whole = Field(
        default=15,
        ge=1,
        le=10_000,
        description="In each of them everybody has a turn: a run that warms up, and three that count.",
    )

    @property
    def patterns(self) -> tuple[Pattern, ...]:
        """What `sparsities` stand for."""
        return tuple(Pattern(m="full", sparsity=each) for each in self.sparsities)
