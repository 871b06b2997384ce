"""Configuration section `study`: what is compared, on which data, and how long each run trains.

The defaults train 87 networks of 6 epochs, about 70 s of a core with AMX each, and 3 dense ones of
30. The learning rate of fine-tuning was chosen by validation top-1 among 1, 2, 4 and 8e-3, on
column-wise pruning at 75% with one seed.
"""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from colonnade.data.settings import DataConfig, TexturesConfig
from colonnade.pruning.settings import Distillation, Gradual, Recipe
from colonnade.training.settings import (
    AdamWConfig,
    CosineSchedule,
    PhaseConfig,
    TrainingConfig,
)

DATA = TexturesConfig(name="textures", classes=50, train_per_class=80, image_px=48)
TRAINING = TrainingConfig(
    threads=1,
    precision="bfloat16",
    dense=PhaseConfig(
        epochs=30,
        optimizer=AdamWConfig(lr=1e-3, weight_decay=0.05),
        schedule=CosineSchedule(warmup_epochs=1),
    ),
    finetune=PhaseConfig(
        epochs=6,
        optimizer=AdamWConfig(lr=4e-3, weight_decay=0.05),
        schedule=CosineSchedule(warmup_epochs=0.25),
    ),
)
RECIPES = {
    "permuted": Recipe(permute=True),
    "gradual": Recipe(schedule=Gradual(name="gradual")),
    "distilled": Recipe(distillation=Distillation()),
    "permuted-distilled": Recipe(permute=True, distillation=Distillation()),
}
PAPER = "paper"


class StudyConfig(BaseModel):
    """Every pattern at each of `sparsities`, column-wise ones with the profiled and other `tiles`.

    All runs of a seed start from the same dense network and train for equally many epochs. Recipes
    are compared on the column-wise pattern with profiled tiles at `recipe_sparsity`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    data: DataConfig = DATA
    training: TrainingConfig = TRAINING
    seeds: tuple[Annotated[int, Field(ge=0, lt=2**31)], ...] = Field(
        default=(1, 2, 3), min_length=1
    )
    sparsities: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = Field(
        default=(0.5, 0.75, 0.875), min_length=1
    )
    tiles: tuple[Annotated[int, Field(ge=1)], ...] = (1, 4, 8, 16)
    recipe_sparsity: float = Field(default=0.75, gt=0, lt=1)
    recipes: dict[str, Recipe] = RECIPES

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.recipe_sparsity not in self.sparsities:
            allowed = ", ".join(f"{sparsity:g}" for sparsity in self.sparsities)
            raise ValueError(f"recipe_sparsity: {self.recipe_sparsity:g}: allowed: {allowed}")
        if PAPER in self.recipes:
            raise ValueError(f"recipes: {PAPER!r} is the default recipe's name; take another")
        return self
