# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Configuration section `budget`: how fast networks with a pattern per layer are to be."""

from typing import Annotated

from pydantic import Field, field_validator

from colonnade.config.section import Number, Section


class BudgetConfig(Section):
    """Layers choose among staying dense and `pruning.patterns`, in tiles of several sizes.

    For each of `speedups`, of the convolutions over their dense schedules, the patterns and tiles are
    chosen that cost least accuracy. The fastest of these networks, and of the uniform ones, that loses at
    most `allowed_drop_points` of validation top-1 is marked as chosen.
    """

    speedups: tuple[Annotated[Number, Field(ge=1, le=1000)], ...] = Field(
        default=(1.2, 1.4, 1.6, 1.75),
        min_length=1,
        max_length=100,
        description="Of the convolutions over their dense schedules; one network each.",
    )
    allowed_drop_points: Number = Field(
        default=1,
        ge=0,
        le=100,
        description="Of validation top-1, in points, for the network that is marked as chosen.",
    )

    @field_validator("speedups", mode="after")
    @classmethod
    def _labels_differ(cls, speedups: tuple[float, ...]) -> tuple[float, ...]:
        labels = [f"{speedup:g}" for speedup in speedups]
        twice = sorted({label for label in labels if labels.count(label) > 1})
        if twice:
            raise ValueError(f"equal to six digits: {', '.join(twice)}")
        return speedups
