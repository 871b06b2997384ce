"""The configuration: typed, complete, and refused as a whole with every mistake listed.

docs/configuration.md documents the keys. Targets are files of their own, `config/targets/<name>.yaml`.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import read_json
from colonnade.config.budget import BudgetConfig
from colonnade.config.data import DataConfig
from colonnade.config.errors import COMMAND_LINE, Source, explain
from colonnade.config.model import ModelConfig
from colonnade.config.pruning import PruningConfig
from colonnade.config.section import (
    MAX_KC_SPLITS,
    MAX_PANELS,
    MAX_REPETITIONS,
    MAX_THREADS,
    ON_DISK,
    InputFile,
    Lmul,
    Number,
    OutputFile,
    Section,
    Seed,
    Tile,
    Whole,
)
from colonnade.config.sources import merge, read_yaml
from colonnade.config.study import StudyConfig
from colonnade.config.training import TrainingConfig
from colonnade.pruning.plan import prunable_convs

Model = TypeVar("Model", bound=BaseModel)

VECTOR_REGISTERS = 32
# The folder of all results, and the names in it that other folders of results cannot have.
RESULTS = "results"
TAKEN = frozenset(
    (
        *("accuracy", "baseline", "budget", "build", "data", "figures", "logs", "packages"),
        *("profile", "sensitivity", "settings", "study", "tables", "throughput", "toolchain"),
        *("train", "tuner"),
    )
)
# What the programs' arena has room for, of the deepest network: 64 images of 224 px.
MAX_TIMED_PIXELS = 64 * 224 * 224


def fits_registers(tile: int, lmul: int) -> bool:
    """Whether a tile's accumulators fit the vector registers beside a panel vector."""
    return (tile + 1) * lmul <= VECTOR_REGISTERS


class ContainerConfig(Section):
    """Section `container`."""

    engine: Literal["auto", "docker", "podman", "rootfs"] = Field(
        default="auto",
        description="What builds and runs the toolchain's container; `auto` is the first that works.",
    )


class ProfileConfig(Section):
    """Section `profile`: the candidates of every convolution, and how many of them are run.

    A candidate is an algorithm, a tile T, an LMUL, and the panels of an NC block, over which all tiles
    run; those that do not fit the vector registers, (T + 1) * LMUL > 32, are left out. Of the rest
    at most `trials` run, in the order of the cost model, until it says that all others are slower than
    the fastest so far even if it is wrong by `margin_percent`. The fastest runs again with its
    columns in 2, 4, ... up to `kc_splits` KC splits. `audit` is the number of searches that
    `tuner-quality` repeats over all candidates.
    """

    algorithms: tuple[Literal["direct", "packed"], ...] = Field(
        min_length=1, max_length=2, description="Of convolutions.", examples=[["direct"]]
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
        description="KC splits of the columns, at most, tried on the fastest candidate.",
    )
    trials: Whole = Field(
        ge=1, le=1_000_000, description="Candidates run of each convolution and pattern, at most."
    )
    margin_percent: Number = Field(
        ge=0,
        le=1e6,
        description="A search stops when all others would be slower even if the cost model is wrong"
        " by so much.",
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
        return self


class ThroughputConfig(Section):
    """Section `throughput`: the input whose inference is timed, and how often."""

    image_px: Whole = Field(
        ge=32, le=1792, multiple_of=32, description="Width and height of the images, in pixels."
    )
    batch: Whole = Field(ge=1, le=3136, description="Images that run at once.")
    threads: Whole = Field(
        ge=1, le=MAX_THREADS, description="On an emulated target at most its cores."
    )
    repetitions: Whole = Field(
        ge=1,
        le=MAX_REPETITIONS,
        description="Runs, of which the median counts, where time is measured; modelled time is exact.",
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


class NightlyConfig(Section):
    """Section `nightly`: the slowdown, in percent of the baseline's cycles, that is no regression."""

    allowed_slowdown_percent: Number = Field(
        ge=0, le=1e6, description="In modelled cycles; they repeat exactly, but masks may differ."
    )


class Config(Section):
    """All of it."""

    results: str = Field(
        default=RESULTS,
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
    nightly: NightlyConfig = Field(description="When `nightly-regression` fails.")
    study: StudyConfig = Field(description="What `accuracy-study` compares.")
    budget: BudgetConfig = Field(description="What `pareto-front` chooses.")

    @field_validator("results")
    @classmethod
    def _check_results(cls, folder: str) -> str:
        first, *below = folder.split("/")
        if first != RESULTS or not all(re.fullmatch(r"\w[\w.-]*", part) for part in below):
            raise ValueError(
                f"allowed: {RESULTS}, or a folder below it such as {RESULTS}/host, of"
                " letters, digits and . _ -"
            )
        if below and below[0] in TAKEN:
            raise ValueError(f"allowed: a name that {RESULTS} itself does not use")
        return folder

    def digest(self) -> str:
        """SHA-256 of the configuration's canonical JSON; where results go is no part of it."""
        values = self.model_dump(mode="json", exclude={"results"})
        text = json.dumps(values, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


class TargetConfig(Section):
    """A file of `config/targets/`: where code runs.

    `vlen` in bits and `clock_ghz` describe an emulated CPU; `core` is its timing model's description.
    """

    kind: Literal["emulated", "host"] = Field(
        description="`emulated`: under QEMU, time modelled; `host`: this machine, time measured."
    )
    vlen: Literal[128, 256, 512, 1024] | None = Field(
        default=None, description="Bits of a vector register."
    )
    core: InputFile | None = Field(default=None, description="The core's timing model.")
    clock_ghz: Number | None = Field(
        default=None, gt=0, le=100, description="Cycles of a nanosecond."
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        described = {"vlen": self.vlen, "core": self.core, "clock_ghz": self.clock_ghz}
        wrong = [key for key, value in described.items() if (value is None) == self.is_emulated]
        if wrong:
            verb = "needs" if self.is_emulated else "has no"
            raise ValueError(f"kind: {self.kind}: a target of this kind {verb} {', '.join(wrong)}")
        return self

    @property
    def is_emulated(self) -> bool:
        """Whether code runs under QEMU and its time is modelled."""
        return self.kind == "emulated"

    def contradictions(self) -> list[str]:
        """What an emulated target says otherwise than its core's description, one line each.

        Raises:
            ColonnadeError: the core's description is missing or damaged.
        """
        if self.core is None or self.clock_ghz is None:
            return []
        try:
            core = read_json(self.core)
            vlen, clock_ghz = int(core["vlen"]), core["clock_mhz"] / 1000
        except (KeyError, TypeError, ValueError) as error:
            raise ColonnadeError(f"{self.core}: vlen, clock_mhz: numbers are needed") from error
        same = {"vlen": (self.vlen, vlen), "clock_ghz": (self.clock_ghz, clock_ghz)}
        return [
            f"{key}: {ours:g}; allowed with the core {self.core}: {theirs:g}"
            for key, (ours, theirs) in same.items()
            if ours != theirs
        ]

    def modelled_cores(self) -> int:
        """How many cores the timing model of an emulated target has.

        Raises:
            ColonnadeError: the core's description is missing or damaged.
        """
        if self.core is None:
            return 0
        try:
            return int(read_json(self.core)["cores"]["count"])
        except (KeyError, TypeError, ValueError) as error:
            raise ColonnadeError(f"{self.core}: cores.count: a whole number is needed") from error


def read_config(
    values: Mapping[str, Any], files: Sequence[Path], targets: Path
) -> tuple[Config, TargetConfig]:
    """Merge and check a configuration, and the target it names.

    Args:
        values: what the command line sets; it wins over all files.
        files: configuration files, the one that wins first.
        targets: folder of the targets' descriptions, one file each.

    Raises:
        ColonnadeError: one line for every wrong or missing key.
    """
    sources: list[Source] = [(COMMAND_LINE, values)]
    sources += [(str(_shown(path)), read_yaml(path)) for path in files]
    merged = merge(Config, [content for _, content in reversed(sources)])
    problems: list[str] = []
    target = None
    config = _validate(Config, merged, sources, problems)
    name = merged.get("target")
    if isinstance(name, str):
        target = _read_target(targets, name, problems)
    if target is not None:
        problems += [f"{targets}/{name}.yaml: {line}" for line in target.contradictions()]
    if config is not None:
        problems += _contradictions(config, target)
    if config is None or target is None or problems:
        raise ColonnadeError("\n".join(problems))
    return config, target


def _contradictions(config: Config, target: TargetConfig | None) -> list[str]:
    """Mistakes between sections that are valid each."""
    problems = []
    try:
        prunable_convs(config.model.name, config.pruning.skip)
    except ColonnadeError as error:
        problems.append(str(error))
    if target is not None and target.is_emulated:
        threads, cores = config.throughput.threads, target.modelled_cores()
        if threads > cores:
            problems.append(
                f"throughput.threads: {threads}; allowed for the emulated target {config.target}:"
                f" 1 to {cores} (cores of {target.core})"
            )
    return problems


def load_target(targets: Path, name: str) -> TargetConfig:
    """Read `<name>.yaml` of the folder `targets`.

    Raises:
        ColonnadeError: there is no such target, or its file is wrong.
    """
    problems: list[str] = []
    target = _read_target(targets, name, problems)
    if target is None:
        raise ColonnadeError("\n".join(problems))
    return target


def _read_target(targets: Path, name: str, problems: list[str]) -> TargetConfig | None:
    known = sorted(file.stem for file in targets.glob("*.yaml"))
    if name not in known:
        allowed = ", ".join(known)
        problems.append(f"target: {name!r}; allowed: {allowed} (files of {targets})")
        return None
    path = targets / f"{name}.yaml"
    try:
        values = read_yaml(path)
    except ColonnadeError as error:
        problems.append(str(error))
        return None
    return _validate(TargetConfig, values, [(str(path), values)], problems)


def _shown(path: Path) -> Path:
    """As a user writes it: relative to the folder of the run where it is inside."""
    absolute, here = path.absolute(), Path.cwd()
    return absolute.relative_to(here) if absolute.is_relative_to(here) else path


def _validate(
    model: type[Model], values: object, sources: Sequence[Source], problems: list[str]
) -> Model | None:
    try:
        return model.model_validate(values, context=ON_DISK)
    except ValidationError as error:
        problems.extend(explain(error, model, values, sources))
        return None
