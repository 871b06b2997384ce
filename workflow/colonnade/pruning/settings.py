"""Configuration section `pruning`: which patterns to prune with, and which convolutions."""

import math
from fractions import Fraction
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Pattern(BaseModel):
    """Of each group of `m` consecutive columns a tile keeps `n`.

    `m: full` makes the group all of K; then `sparsity` is given instead of `n`. With a whole `m`
    the sparsity follows: 1 - n / m.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    n: Annotated[int, Field(ge=1)] | None = None
    m: Annotated[int, Field(ge=1)] | Literal["full"]
    sparsity: float

    @model_validator(mode="before")
    @classmethod
    def _derive_sparsity(cls, value: Any) -> Any:
        if isinstance(value, dict) and "sparsity" not in value:
            n, m = value.get("n"), value.get("m")
            if isinstance(n, int) and isinstance(m, int) and m > 0:
                return {**value, "sparsity": 1 - n / m}
            if m == "full":
                raise ValueError("m: full needs a sparsity; allowed: between 0 and 1")
            if n is None:
                raise ValueError("a whole m needs n; allowed: 1 to m")
        return value

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.m == "full":
            if self.n is not None:
                raise ValueError(f"n: {self.n}: not allowed with m: full; give a sparsity")
            if not 0 < self.sparsity < 1:
                raise ValueError(f"sparsity: {self.sparsity:g}: allowed: between 0 and 1")
            return self
        if self.n is None or self.n > self.m:
            raise ValueError(f"n: {self.n}: allowed: 1 to m, here {self.m}")
        if self.sparsity != 1 - self.n / self.m:
            raise ValueError(f"sparsity: {self.sparsity:g}: {self.n}:{self.m} already says it")
        return self

    @property
    def label(self) -> str:
        """Short name for files and tables, such as `1of4` or `full0.75`."""
        return f"full{self.sparsity:g}" if self.m == "full" else f"{self.n}of{self.m}"

    def to_json(self) -> dict[str, Any]:
        """The pattern as graph.json and checkpoints have it."""
        return self.model_dump(include={"sparsity", "m"} if self.m == "full" else {"n", "m"})

    def keeps(self, k: int) -> int:
        """Columns that a tile keeps of a weight matrix with `k` columns.

        A remainder group of r = k mod m columns keeps ceil(n * r / m). With `m: full` it is
        ceil((1 - sparsity) * k), exact for the sparsity as written in decimal, and at least 1.
        """
        if self.m == "full":
            return max(1, math.ceil((1 - Fraction(repr(self.sparsity))) * k))
        assert self.n is not None
        return k // self.m * self.n + -(-self.n * (k % self.m) // self.m)


class PruningConfig(BaseModel):
    """The patterns to compare, and the convolutions that stay dense in all of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    patterns: tuple[Pattern, ...] = Field(
        default=(Pattern(m="full", sparsity=0.5), Pattern(m="full", sparsity=0.75)), min_length=1
    )
    skip: tuple[str, ...] = ("conv1",)

    @model_validator(mode="after")
    def _check(self) -> Self:
        labels = [pattern.label for pattern in self.patterns]
        repeated = sorted({label for label in labels if labels.count(label) > 1})
        if repeated:
            raise ValueError(f"patterns: given twice: {', '.join(repeated)}")
        return self
