# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Sections `study` and `small_study`: what is compared, on which data, and how long each run trains.

The configured one trains 3 dense networks of 30 epochs and 60 of 15, each 3 to 4 min of a core with AMX.
"""

import re
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, model_validator

from colonnade.config.data import DataConfig, TexturesConfig
from colonnade.config.pruning import Distillation, Gradual, Pattern, Recipe, Repair, SrSte
from colonnade.config.section import MAX_GROUP, Name, Number, Section, Seed, Share, Tile, Whole
from colonnade.config.training import (
    AdamWConfig,
    CosineSchedule,
    OptimizerConfig,
    PhaseConfig,
    SGDConfig,
    TrainingConfig,
)

DATA = TexturesConfig(name="textures", classes=50, train_per_class=80, image_px=48)


def _candidate(optimizer: OptimizerConfig, epochs: int, **changes: Any) -> PhaseConfig:
    return PhaseConfig(
        epochs=epochs,
        optimizer=optimizer,
        schedule=CosineSchedule(warmup_epochs=0.5),
        norm_batches=16,
        **changes,
    )


# From a rate at which the dense network lost 2 to 4 points, to gentler ones.
CANDIDATES = {
    **{
        f"adamw-{rate:g}": _candidate(AdamWConfig(lr=rate, weight_decay=0.05), 6)
        for rate in (1e-4, 2.5e-4, 5e-4, 1e-3, 4e-3)
    },
    **{
        f"sgd-{rate:g}": _candidate(SGDConfig(name="sgd", lr=rate, nesterov=True), 6)
        for rate in (0.01, 0.03)
    },
    "adamw-averaged": _candidate(AdamWConfig(lr=1e-3, weight_decay=0.05), 6, average=0.99),
    "adamw-smoothed": _candidate(AdamWConfig(lr=1e-3, weight_decay=0.05), 6, label_smoothing=0.1),
    "adamw-long": _candidate(AdamWConfig(lr=1e-3, weight_decay=0.05), 15, average=0.99),
}
# By `recipe-search`, with seed 1: of all candidates the pruned network was best, and the dense one too.
FINETUNE = CANDIDATES["adamw-long"]
TRAINING = TrainingConfig(
    threads=1,
    precision="auto",
    dense=PhaseConfig(
        epochs=30,
        optimizer=AdamWConfig(lr=1e-3, weight_decay=0.05),
        schedule=CosineSchedule(warmup_epochs=1),
    ),
    finetune=FINETUNE,
)
RECIPES = {
    "repaired-untrained": Recipe(repair=Repair(), train=False),
    "permuted": Recipe(permute=True),
    "repaired": Recipe(repair=Repair()),
    "gradual": Recipe(schedule=Gradual(name="gradual")),
    "sr-ste": Recipe(schedule=SrSte(name="sr-ste")),
    "distilled": Recipe(distillation=Distillation()),
    "all": Recipe(permute=True, repair=Repair(), distillation=Distillation()),
}


# Few and simple enough that `full-run` can have them; a gentle rate, by which the dense network of a
# short training loses nothing.
SMALL_DATA = TexturesConfig(name="textures", classes=20, train_per_class=100, image_px=48)
SMALL_TRAINING = TrainingConfig(
    threads=1,
    precision="auto",
    dense=PhaseConfig(
        epochs=12,
        batch_size=32,
        optimizer=AdamWConfig(lr=1e-3, weight_decay=0.05),
        schedule=CosineSchedule(warmup_epochs=1),
    ),
    finetune=PhaseConfig(
        epochs=3,
        batch_size=32,
        optimizer=AdamWConfig(lr=2e-4, weight_decay=0.05),
        schedule=CosineSchedule(warmup_epochs=0.25),
        norm_batches=16,
    ),
)
SMALL_RECIPES = {
    "masked-untrained": Recipe(train=False),
    "permuted-repaired-untrained": Recipe(permute=True, repair=Repair(), train=False),
    **RECIPES,
}


PAPER = "paper"
# Sizes M of the groups of row-wise N:M patterns.
GROUPS = (4, 8, 16, 32)


def _trains(phase: PhaseConfig) -> PhaseConfig:
    if phase.epochs == 0:
        raise ValueError("epochs: 0: allowed: at least 1")
    return phase


def _rows_have_it(sparsity: float) -> float:
    if sparsity * GROUPS[-1] != int(sparsity * GROUPS[-1]):
        raise ValueError(f"allowed: multiples of 1/{GROUPS[-1]}, for the N:M patterns")
    return sparsity


def _own_names(recipes: dict[str, Recipe]) -> dict[str, Recipe]:
    if PAPER in recipes:
        raise ValueError(f"{PAPER!r} is the default recipe's name; take another")
    tiles = [name for name in recipes if re.fullmatch(r"t\d+", name)]
    if tiles:
        raise ValueError(f"{tiles[0]!r} would be named like a tile; take another")
    return recipes


Seeds = Annotated[tuple[Seed, ...], Field(min_length=1, max_length=100)]
Sparsity = Annotated[Share, AfterValidator(_rows_have_it)]
Recipes = Annotated[dict[Name, Recipe], AfterValidator(_own_names), Field(max_length=100)]


class StudyConfig(Section):
    """Patterns at each of `sparsities`, column-wise ones with the profiled and other `tiles`.

    All runs of a seed start from the same dense network and train for equally many epochs. Recipes
    are compared on the column-wise pattern with profiled tiles: all at `recipe_sparsity`, those that
    `everywhere` names at every sparsity.
    """

    data: DataConfig = Field(default=DATA, description="Which images.")
    training: TrainingConfig = Field(
        default=TRAINING, description="How dense networks and pruned ones are trained."
    )
    seeds: Seeds = Field(default=(1, 2, 3), description="Every run once with each.")
    sparsities: tuple[Sparsity, ...] = Field(
        default=(0.25, 0.5, 0.75, 0.875),
        min_length=1,
        max_length=GROUPS[-1],
        description=f"Multiples of 1/{GROUPS[-1]}, so that N:M patterns of rows have them too.",
    )
    methods_at: tuple[Sparsity, ...] | None = Field(
        default=None,
        max_length=GROUPS[-1],
        description="Of `sparsities`, those at which row-wise and unstructured patterns and whole filters"
        " are compared with column-wise ones; null: all.",
    )
    tiles: tuple[Tile, ...] = Field(
        default=(),
        max_length=100,
        description="Tiles of column-wise patterns, besides the profiled ones.",
    )
    groups: tuple[Annotated[Whole, Field(ge=2, le=MAX_GROUP)], ...] = Field(
        default=(),
        max_length=100,
        description="M of column-wise patterns, besides `full`: each with every one of `tiles`, at the"
        " sparsities of which N is a whole number.",
    )
    control_drop_points: Number = Field(
        default=0.3,
        ge=0,
        le=100,
        description="Points of validation top-1 that fine-tuning may cost the dense network; a training"
        " that costs more is refused: tables and figure say so.",
    )
    recipe_sparsity: Share = Field(
        default=0.75, description="One of `sparsities`, at which recipes are compared."
    )
    recipes: Recipes = Field(
        default=RECIPES,
        description="Recipes by name, beside the paper's; all of them are given or none.",
    )
    everywhere: tuple[Name, ...] = Field(
        default=(),
        max_length=100,
        description="Of `recipes`, those that run at every one of `sparsities`.",
    )
    candidates: dict[Name, Annotated[PhaseConfig, AfterValidator(_trains)]] = Field(
        default=CANDIDATES,
        min_length=1,
        max_length=100,
        description="What `recipe-search` compares in the place of `training.finetune`, by name, with"
        " the first of `seeds`; all of them are given or none.",
    )

    @property
    def recipe_pattern(self) -> Pattern:
        """The pattern on which recipes are compared."""
        return Pattern(m="full", sparsity=self.recipe_sparsity)

    @model_validator(mode="after")
    def _check(self) -> Self:
        allowed = ", ".join(f"{sparsity:g}" for sparsity in self.sparsities)
        if self.recipe_sparsity not in self.sparsities:
            raise ValueError(f"recipe_sparsity: {self.recipe_sparsity:g}: allowed: {allowed}")
        for sparsity in self.methods_at or ():
            if sparsity not in self.sparsities:
                raise ValueError(f"methods_at: {sparsity:g}: allowed: {allowed}")
        for name in self.everywhere:
            if name not in self.recipes:
                allowed = ", ".join(self.recipes) or "none, as there are no recipes"
                raise ValueError(f"everywhere: {name}: allowed: {allowed}")
        return self


class SmallStudyConfig(Section):
    """What `full-run` has of the study: methods at one sparsity, in minutes; null leaves it out.

    It shows their order, not what they cost: few images, and short trainings.
    """

    data: DataConfig = Field(default=SMALL_DATA, description="Which images.")
    training: TrainingConfig = Field(
        default=SMALL_TRAINING, description="How dense networks and pruned ones are trained."
    )
    seeds: Seeds = Field(default=(1,), description="Every run once with each.")
    sparsity: Sparsity = Field(
        default=0.75, description=f"A multiple of 1/{GROUPS[-1]}, at which methods are compared."
    )
    recipes: Recipes = Field(
        default=SMALL_RECIPES,
        description="Recipes by name, beside the paper's; all of them are given or none.",
    )

    @property
    def study(self) -> StudyConfig:
        """The study that it is, with the same limit for the dense control."""
        return StudyConfig(
            data=self.data,
            training=self.training,
            seeds=self.seeds,
            sparsities=(self.sparsity,),
            tiles=(),
            recipe_sparsity=self.sparsity,
            recipes=self.recipes,
        )
