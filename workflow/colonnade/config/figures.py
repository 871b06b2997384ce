# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Configuration section `figures`: what `paper-figures` runs on the modelled X60."""

from typing import Annotated

from pydantic import Field

from colonnade.config.model import ModelName
from colonnade.config.pruning import Pattern
from colonnade.config.section import Number, Section


class FiguresConfig(Section):
    """Section `figures`: the paper's networks and sparsities.

    Time does not depend on weights, so they are random. Each network is tuned for `throughput.image_px`,
    `throughput.batch` and `throughput.threads`.
    """

    networks: tuple[ModelName, ...] = Field(
        default=(
            *("resnet18", "resnet34", "resnet50", "resnet101", "resnet152"),
            *("mobilenet_v2", "densenet121"),
        ),
        min_length=1,
        max_length=20,
        description="Of random weights, on which time does not depend.",
    )
    sparsities: tuple[Annotated[Number, Field(gt=0, lt=1)], ...] = Field(
        default=(0.25, 0.5, 0.75),
        min_length=1,
        max_length=20,
        description="Shares of the columns that are removed (`m: full`) of all convolutions but those"
        " that read images and those with groups.",
    )

    @property
    def patterns(self) -> tuple[Pattern, ...]:
        """What `sparsities` stand for."""
        return tuple(Pattern(m="full", sparsity=each) for each in self.sparsities)
