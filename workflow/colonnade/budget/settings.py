"""Configuration section `budget`: how fast networks with a pattern per layer are to be."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class BudgetConfig(BaseModel):
    """Layers choose among staying dense and `pruning.patterns`.

    For each of `speedups`, of the convolutions over their dense schedules, the patterns are chosen
    that cost least accuracy. The fastest of these networks, and of the uniform ones, that loses at
    most `allowed_drop_points` of validation top-1 is marked as chosen.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    speedups: tuple[Annotated[float, Field(ge=1)], ...] = Field(
        default=(1.5, 2, 2.5, 3), min_length=1
    )
    allowed_drop_points: float = Field(default=1, ge=0)
