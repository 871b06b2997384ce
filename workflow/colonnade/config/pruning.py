# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Configuration section `pruning`: patterns to prune with, how networks get there, and which layers."""

import math
from fractions import Fraction
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, field_validator, model_validator

from colonnade.config.section import MAX_GROUP, MAX_PATTERNS, Number, Section, Tile, Whole

Method = Literal["column-wise", "row-wise", "unstructured", "filters"]
Score = Literal["l1", "l2", "taylor", "second-order"]


def _number(value: Any) -> Any:
    """A whole number that is written as text, as every other key may have it."""
    return int(value) if isinstance(value, str) and value.isdecimal() else value


class Pattern(Section):
    """What is kept of a convolution's weight matrix [Cout, K].

    `column-wise` keeps `n` of each group of `m` consecutive columns, the same for all rows of a
    tile; `row-wise` lets each row keep its own. `m: full` makes the group all of K; then `sparsity`
    is given instead of `n`. With a whole `m` the sparsity follows: 1 - n / m. `unstructured` keeps
    single weights wherever they are, `filters` whole rows; both rank the layer as one group, so
    they need `m: full`. `tile` fixes T of a column-wise pattern; null takes the profiled one.
    """

    # Its sparsity is derived before keys are checked.
    model_config = ConfigDict(
        json_schema_extra={
            "required": ["m"],
            "anyOf": [{"required": ["n"]}, {"required": ["sparsity"]}],
        }
    )

    method: Method = Field(default="column-wise", description="What is removed as one.")
    n: Annotated[Whole, Field(ge=1, le=MAX_GROUP)] | None = Field(
        default=None, description="Columns that stay of each group, fewer than `m`."
    )
    m: Annotated[Whole, Field(ge=1, le=MAX_GROUP)] | Literal["full"] = Field(
        description="Columns of a group; `full`: all of K."
    )
    sparsity: Number = Field(
        description="With `m: full`: the share that is removed, above 0 and below 1; at least one"
        " column stays. Otherwise it follows: 1 - n / m."
    )
    tile: Tile | None = Field(
        default=None,
        description="Output channels of a tile, column-wise only; null takes the profiled ones.",
    )

    @model_validator(mode="before")
    @classmethod
    def _derive_sparsity(cls, value: Any) -> Any:
        if isinstance(value, dict) and "sparsity" not in value:
            n, m = _number(value.get("n")), _number(value.get("m"))
            if isinstance(n, int) and isinstance(m, int) and m > 0:
                return {**value, "sparsity": (m - n) / m}
            if m == "full":
                raise ValueError("m: full needs a sparsity; allowed: between 0 and 1")
            if n is None and isinstance(m, int):
                raise ValueError("a whole m needs n; allowed: 1 to m")
            # Refused for its m or n alone: nobody knows whether a sparsity is needed.
            return {**value, "sparsity": 0}
        return value

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.tile is not None and self.method != "column-wise":
            raise ValueError(f"tile: {self.tile}: allowed with method: column-wise only")
        if self.method in ("unstructured", "filters") and self.m != "full":
            raise ValueError(f"m: {self.m}: allowed with method: {self.method}: full")
        if self.m == "full":
            if self.n is not None:
                raise ValueError(f"n: {self.n}: not allowed with m: full; give a sparsity")
            if not 0 < self.sparsity < 1:
                raise ValueError(f"sparsity: {self.sparsity:g}: allowed: between 0 and 1")
            return self
        if self.n is None or self.n > self.m:
            raise ValueError(f"n: {self.n}: allowed: 1 to m, here {self.m}")
        if self.sparsity != (self.m - self.n) / self.m:
            raise ValueError(f"sparsity: {self.sparsity:g}: {self.n}:{self.m} already says it")
        return self

    @property
    def label(self) -> str:
        """Short name for files and tables, such as `1of4`, `full0.75-t8` or `row-wise-2of4`."""
        group = f"full{self.sparsity}" if self.m == "full" else f"{self.n}of{self.m}"
        prefix = "" if self.method == "column-wise" else f"{self.method}-"
        return prefix + group + ("" if self.tile is None else f"-t{self.tile}")

    def to_json(self) -> dict[str, Any]:
        """The pattern as graph.json has it."""
        return self.model_dump(include={"sparsity", "m"} if self.m == "full" else {"n", "m"})

    def tile_for(self, profiled: int) -> int:
        """The tile of a layer for which profiling chose `profiled`."""
        if self.method != "column-wise":
            return 1
        return self.tile or profiled

    def relaxed(self, share: float) -> "Pattern":
        """The pattern with only `share` (above 0, at most 1) of its sparsity, N rounded up."""
        if share == 1:
            return self
        if self.m == "full":
            return self.model_copy(update={"sparsity": share * self.sparsity})
        n = math.ceil((1 - Fraction(share) * (1 - self.kept_share)) * self.m)
        return self.model_copy(update={"n": n, "sparsity": (self.m - n) / self.m})

    @property
    def kept_share(self) -> Fraction:
        """The share of a whole group that is kept, exact for the sparsity as written in decimal."""
        if self.m == "full":
            return 1 - Fraction(repr(self.sparsity))
        assert self.n is not None
        return Fraction(self.n, self.m)

    def group(self, k: int) -> tuple[int, int]:
        """The pattern as whole numbers (n, m) for a matrix of `k` columns.

        With `m: full` the group is all of them, of which `keeps(k)` stay.
        """
        if self.m == "full":
            return self.keeps(k), k
        assert self.n is not None
        return self.n, self.m

    def keeps(self, k: int) -> int:
        """How many of `k` columns (single weights, rows) are kept.

        A remainder group of r = k mod m columns keeps ceil(n * r / m). With `m: full` it is
        ceil((1 - sparsity) * k), exact for the sparsity as written in decimal, and at least 1.
        """
        if self.m == "full":
            return max(1, math.ceil(self.kept_share * k))
        assert self.n is not None
        return k // self.m * self.n + -(-self.n * (k % self.m) // self.m)


_UNTIL = "Share of fine-tuning over which masks are chosen."
_UPDATES = "How many masks are chosen, evenly spaced."
_DECAY = "Shrinks the values of pruned weights, per unit of learning rate."


class OneShot(Section):
    """Masks are chosen once, before fine-tuning, as in the paper."""

    name: Literal["one-shot"] = Field(default="one-shot", description="This schedule.")


class Gradual(Section):
    """Sparsity rises along a cubic to its final value (Zhu and Gupta, arXiv 1710.01878).

    `updates` masks are chosen, evenly spaced over the first `until` (a share) of fine-tuning.
    """

    name: Literal["gradual"] = Field(description="This schedule.")
    until: Number = Field(default=0.5, gt=0, le=1, description=_UNTIL)
    updates: Whole = Field(default=8, ge=1, le=10_000, description=_UPDATES)


class Regrow(Section):
    """Masks are chosen anew now and then, and pruned columns may return (DPF, arXiv 2006.07253).

    Pruned weights are zero in forward and backward passes, yet keep a value of their own, which
    the gradient moves and `decay` (per unit of learning rate) shrinks. `updates` masks are chosen
    over the first `until` (a share) of fine-tuning; the last one stays.
    """

    name: Literal["regrow"] = Field(description="This schedule.")
    until: Number = Field(default=0.5, gt=0, le=1, description=_UNTIL)
    updates: Whole = Field(default=8, ge=1, le=10_000, description=_UPDATES)
    decay: Number = Field(default=0, ge=0, le=1e6, description=_DECAY)


class SrSte(Section):
    """Masks are chosen anew at every step: a sparse-refined straight-through estimator.

    SR-STE (Zhou et al., ICLR 2021, arXiv 2102.04010), with column-wise masks in the place of 2:4.
    As `regrow`, but masks follow the weights from step to step until `until`, where the last one
    is chosen.
    """

    name: Literal["sr-ste"] = Field(description="This schedule.")
    until: Number = Field(default=1, gt=0, le=1, description=_UNTIL)
    decay: Number = Field(default=2e-4, ge=0, le=1e6, description=_DECAY)


MaskSchedule = Annotated[OneShot | Gradual | Regrow | SrSte, Field(discriminator="name")]


class Repair(Section):
    """Kept weights are solved anew by least squares, so that layers give what dense ones did.

    Layer by layer, on calibration images from the training split, each layer on what the pruned
    network before it passes on; in closed form, without training (as SparseGPT, arXiv 2301.00774,
    for columns that the rows of a tile share).
    """

    images: Whole = Field(default=512, ge=1, le=1_000_000, description="Calibration images.")
    damping: Number = Field(
        default=0.01,
        gt=0,
        le=1e6,
        description="Pull towards the trained weights, in units of the mean square input times the"
        " number of inputs.",
    )


class Distillation(Section):
    """The dense network as teacher (Hinton et al., arXiv 1503.02531).

    Loss: (1 - weight) * cross-entropy + weight * temperature^2 * KL divergence of the softened
    logits + `features` * mean squared difference of the stages' outputs, relative to the
    teacher's mean square.
    """

    temperature: Number = Field(
        default=4, gt=0, le=1000, description="What both networks' logits are divided by."
    )
    weight: Number = Field(
        default=0.7, ge=0, le=1, description="Share of the teacher's logits in the loss."
    )
    features: Number = Field(
        default=0, ge=0, le=1e6, description="Weight of the stages' outputs in the loss."
    )


class Recipe(Section):
    """How a dense network becomes a pruned one; the default is the paper's way.

    `score` ranks columns: the L1 or L2 norm over a tile's rows, the first-order Taylor estimate of
    the loss, or the second-order estimate of the layer's output error. `permute` reorders output
    channels first, so that the rows of a tile agree.
    """

    score: Score = Field(default="l1", description="What columns are ranked by.")
    permute: bool = Field(
        default=False,
        description="Reorders output channels first, so that the rows of a tile agree.",
    )
    schedule: MaskSchedule = Field(default=OneShot(), description="When masks are chosen.")
    repair: Repair | None = Field(
        default=None,
        description="Least squares after masking, before fine-tuning; null: the weights as they are.",
    )
    distillation: Distillation | None = Field(
        default=None, description="The dense network as teacher; null: labels only."
    )
    train: bool = Field(
        default=True, description="false leaves out fine-tuning: what masks and repair alone give."
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.schedule.name != "one-shot":
            if self.repair is not None:
                raise ValueError(
                    f"repair: not with schedule: {self.schedule.name}; allowed: with one-shot"
                )
            if not self.train:
                raise ValueError(
                    f"train: false: not with schedule: {self.schedule.name}; allowed: with one-shot"
                )
        if self.schedule.name == "sr-ste" and self.score not in ("l1", "l2"):
            raise ValueError(f"score: {self.score}: allowed with schedule: sr-ste: l1, l2")
        if self.distillation is not None and not self.train:
            raise ValueError("distillation: not with train: false; allowed: null")
        return self


def _prunes(pattern: Pattern) -> Pattern:
    if pattern.n is not None and pattern.n == pattern.m:
        raise ValueError(
            f"n: {pattern.n} of m: {pattern.m} prunes nothing; allowed: n below m (the dense network"
            " is always run)"
        )
    return pattern


class PruningConfig(Section):
    """The patterns to compare, the recipe, and the convolutions that stay dense in all of them."""

    patterns: tuple[Annotated[Pattern, AfterValidator(_prunes)], ...] = Field(
        default=(Pattern(m="full", sparsity=0.5), Pattern(m="full", sparsity=0.75)),
        min_length=1,
        max_length=MAX_PATTERNS,
        description="One pruned network each, beside the dense one.",
    )
    recipe: Recipe = Field(
        default=Recipe(), description="How the dense network becomes a pruned one."
    )
    skip: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        default=("conv1",),
        max_length=1000,
        description="Convolutions that stay dense, by their names in torchvision.",
    )
    grouped: bool = Field(
        default=False,
        description="Masks convolutions with groups too, depthwise ones among them, in tiles of one"
        " channel: they get zeros that no kernel leaves out. Not in the study, nor in `pareto-front`.",
    )

    @field_validator("patterns", mode="after")
    @classmethod
    def _check(cls, patterns: tuple[Pattern, ...]) -> tuple[Pattern, ...]:
        labels = [pattern.label for pattern in patterns]
        repeated = sorted({label for label in labels if labels.count(label) > 1})
        if repeated:
            raise ValueError(f"given twice: {', '.join(repeated)}")
        return patterns

    @model_validator(mode="after")
    def _grouped_have_no_layer_inputs(self) -> Self:
        if self.grouped and self.recipe.score == "second-order":
            raise ValueError("grouped: true: not with score: second-order; allowed: false")
        if self.grouped and self.recipe.repair is not None:
            raise ValueError("grouped: true: not with repair; allowed: false")
        return self
