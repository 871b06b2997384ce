# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The configuration: its sections and keys, and what each may be.

docs/configuration.md documents the keys. `colonnade.config.reading` reads files of them.
"""

import hashlib
import json
import re
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from colonnade.common.limits import MAX_REPETITIONS, MAX_THREADS
from colonnade.common.paths import RESULTS, TAKEN
from colonnade.config.baselines import BaselinesConfig
from colonnade.config.budget import BudgetConfig
from colonnade.config.comparison import ComparisonConfig
from colonnade.config.data import DataConfig
from colonnade.config.figures import FiguresConfig
from colonnade.config.model import ModelConfig
from colonnade.config.nightly import NightlyConfig
from colonnade.config.pruning import PruningConfig
from colonnade.config.section import (
    MAX_KC_SPLITS,
    MAX_PANELS,
    VECTOR_REGISTERS,
    Lmul,
    Number,
    OutputFile,
    Section,
    Seed,
    Tile,
    Whole,
    fits_registers,
)
from colonnade.config.study import SmallStudyConfig, StudyConfig
from colonnade.config.training import TrainingConfig

# What the programs' arena has room for, of the deepest network: 64 images of 224 px.
MAX_TIMED_PIXELS = 64 * 224 * 224
MIN_TIMED_PX = 32
MAX_BATCH = MAX_TIMED_PIXELS // MIN_TIMED_PX**2


class ContainerConfig(Section):
    """Section `container`."""

    engine: Literal["auto", "inside", "docker", "podman", "rootfs"] = Field(
        default="auto",
        description="What builds and runs the toolchain's container; `auto` is the first that works."
        " `inside`: the workflow is in a container of the release image, which has all of it.",
    )


class ProfileConfig(Section):
    """Section `profile`: the candidates of every convolution, and how many of them are run.

    A candidate is an algorithm, a tile T, an LMUL, the panels of an NC block, over which all tiles
    run, and 1, 2, 4, ... up to `kc_splits` KC splits; those that do not fit the vector registers,
    (T + 1) * LMUL > 32, are left out. Of the rest
    at most `trials` run, in the order of the cost model, until it says that all others are slower than
    the fastest so far even if it is wrong by `margin_percent`. To these come the first of each LMUL
    of which none ran, a few of each other
    algorithm, so that it is compared too, and the neighbours of the fastest of each algorithm, with
    half and twice its panels and KC splits: `layers.csv` has them all. Winograd's algorithm is searched
    in the same way by itself. `audit` is the number of
    searches that `tuner-quality` repeats over all candidates.

    Where time is measured there is no cost model: candidates race against each other, all of them at
    first, and the searches of a network share `minutes`; `trials`, `margin_percent` and `cache` have no
    say.
    """

    algorithms: tuple[Literal["direct", "packed", "winograd"], ...] = Field(
        min_length=1,
        max_length=3,
        description="Of convolutions: `direct`, `packed` or both, and `winograd`, by which dense ones of"
        " 3x3 at stride 1 are tried too.",
        examples=[["direct"]],
    )
    tiles: tuple[Tile, ...] = Field(
        min_length=1, max_length=31, description="Output channels of a tile, T."
    )
    lmuls: tuple[Lmul, ...] = Field(
        min_length=1, max_length=4, description="Vector registers that work as one."
    )
    panels: tuple[Annotated[Whole, Field(ge=1, le=MAX_PANELS)], ...] = Field(
        min_length=1, max_length=100, description="Panels of an NC block, over which all tiles run."
    )
    kc_splits: Whole = Field(
        ge=1,
        le=MAX_KC_SPLITS,
        description="KC splits of the columns, at most.",
    )
    trials: Whole = Field(
        ge=1,
        le=1_000_000,
        description="Candidates run of each convolution and pattern in the order of the cost model, at"
        " most; those of other LMULs and algorithms and neighbours of the fastest come on top.",
    )
    margin_percent: Number = Field(
        ge=0,
        le=1e6,
        description="A search stops when all others would be slower even if the cost model is wrong"
        " by so much.",
    )
    minutes: Number = Field(
        default=11,
        gt=0,
        le=1e6,
        description="Where time is measured: what the searches of a network take together, at most but"
        " for rounds that have begun.",
    )
    audit: Whole = Field(
        ge=1,
        le=1_000_000,
        description="Searches that `tuner-quality` repeats over all candidates, at most.",
    )
    cache: OutputFile = Field(
        description="SQLite file of candidates' results, and of the cost model's simulations."
    )
    seed: Seed = Field(description="Of the operands that are timed, and of the draw of `audit`.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        tile, lmul = min(self.tiles), min(self.lmuls)
        if not fits_registers(tile, lmul):
            raise ValueError(
                f"no candidate fits the registers: tile {tile} at lmul {lmul} needs"
                f" {(tile + 1) * lmul}; allowed: at most {VECTOR_REGISTERS}"
            )
        if set(self.algorithms) == {"winograd"}:
            raise ValueError(
                "algorithms: winograd alone: pruned convolutions do not run by it; allowed: direct or"
                " packed beside it"
            )
        return self


class ThroughputConfig(Section):
    """Section `throughput`: the input whose inference is timed, and how often."""

    image_px: Whole = Field(
        ge=MIN_TIMED_PX,
        le=1792,
        multiple_of=32,
        description="Width and height of the images, in pixels.",
    )
    batch: Whole = Field(ge=1, le=MAX_BATCH, description="Images that run at once.")
    threads: Whole = Field(
        ge=1, le=MAX_THREADS, description="On an emulated target at most its cores."
    )
    repetitions: Whole = Field(
        ge=1,
        le=MAX_REPETITIONS,
        description="Runs, of which the median counts, where time is measured; modelled time repeats.",
    )
    warmup: Whole = Field(ge=0, le=MAX_REPETITIONS, description="Runs before the counted ones.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        pixels = self.batch * self.image_px**2
        if pixels > MAX_TIMED_PIXELS:
            most = MAX_TIMED_PIXELS // self.image_px**2
            raise ValueError(
                f"batch: {self.batch}: allowed with image_px: {self.image_px}: 1 to {most}, whose"
                " activations fit into the programs' memory"
            )
        return self


class AccuracyConfig(Section):
    """Section `accuracy`: on how much of the test split top-1 is taken, and how many images at a time."""

    n_images: Whole | None = Field(
        default=None,
        ge=1,
        le=1_000_000_000,
        description="Images of the test split, at most: as many of each class as of any other, as far"
        " as they go, drawn with `seed`. Null takes all. The accuracy table says how many it were.",
    )
    batch: Whole = Field(
        default=16,
        ge=1,
        le=4096,
        description="Images that run at a time: memory grows with them, but not with `n_images`.",
    )
    seed: Seed = Field(default=1, description="Of the draw of `n_images` from the test split.")


class Config(Section):
    """All of it."""

    results: str = Field(
        default=str(RESULTS),
        description="Folder of the results: `results`, or one below it. Results of another target,"
        " network, data set or timed input need a folder of their own.",
    )
    seed: Seed = Field(description="Of weights, batches and random images.")
    target: str = Field(
        min_length=1,
        description="Where convolutions are profiled and networks timed: a file of `config/targets/`.",
    )
    container: ContainerConfig = Field(description="What the toolchain runs in.")
    model: ModelConfig = Field(description="Which network.")
    data: DataConfig = Field(description="Which images.")
    training: TrainingConfig = Field(description="How networks are trained.")
    pruning: PruningConfig = Field(description="Patterns and recipe.")
    profile: ProfileConfig = Field(description="Which schedules of a convolution are tried.")
    throughput: ThroughputConfig = Field(description="What is timed, and how often.")
    accuracy: AccuracyConfig = Field(
        default=AccuracyConfig(), description="On how many images top-1 is taken."
    )
    nightly: NightlyConfig = Field(description="What nightly runs compare, and when they fail.")
    study: StudyConfig = Field(description="What `accuracy-study` compares.")
    small_study: SmallStudyConfig | None = Field(
        default=SmallStudyConfig(), description="What `full-run` has of it; null: nothing."
    )
    budget: BudgetConfig = Field(description="What `pareto-front` chooses.")
    comparison: ComparisonConfig = Field(
        default=ComparisonConfig(), description="What `host-comparison` compares."
    )
    figures: FiguresConfig = Field(
        default=FiguresConfig(), description="What `paper-figures` runs."
    )
    baselines: BaselinesConfig = Field(
        default=BaselinesConfig(), description="What `dense-baselines` runs beside OpenBLAS."
    )

    @field_validator("results")
    @classmethod
    def _check_results(cls, folder: str) -> str:
        first, *below = folder.split("/")
        if first != str(RESULTS) or not all(re.fullmatch(r"\w[\w.-]*", part) for part in below):
            raise ValueError(
                f"allowed: {RESULTS}, or a folder below it such as {RESULTS}/host, of"
                " letters, digits and . _ -"
            )
        if below and below[0] in TAKEN:
            raise ValueError(f"allowed: a name that {RESULTS} itself does not use")
        return folder

    def resolved(self) -> dict[str, Any]:
        """Every key with its value, as JSON has it; where results go is no part of it."""
        return self.model_dump(mode="json", exclude={"results"})

    def digest(self) -> str:
        """SHA-256 of the configuration's canonical JSON; where results go is no part of it."""
        text = json.dumps(self.resolved(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()
