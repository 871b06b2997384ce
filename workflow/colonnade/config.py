"""The configuration: typed, complete, and refused as a whole with every mistake listed.

`config/default.yaml` documents the keys. Targets are files of their own, `config/targets/<name>.yaml`.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from colonnade.budget.settings import BudgetConfig
from colonnade.config_errors import explain
from colonnade.data.settings import DataConfig
from colonnade.errors import ColonnadeError
from colonnade.files import read_json, read_yaml
from colonnade.models.settings import ModelConfig
from colonnade.pruning.settings import PruningConfig
from colonnade.study.settings import StudyConfig
from colonnade.training.settings import TrainingConfig

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


def fits_registers(tile: int, lmul: int) -> bool:
    """Whether a tile's accumulators fit the vector registers beside a strip vector."""
    return (tile + 1) * lmul <= VECTOR_REGISTERS


class Section(BaseModel):
    """A configuration section: no key but the documented ones."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ContainerConfig(Section):
    """Section `container`."""

    engine: Literal["auto", "docker", "podman", "rootfs"] = "auto"


class ProfileConfig(Section):
    """Section `profile`: the candidates of every convolution, and how many of them are run.

    A candidate is an algorithm, a tile T, an LMUL, and the strips of a block over which all tiles
    run; those that do not fit the vector registers, (T + 1) * LMUL > 32, are left out. Of the rest
    at most `trials` run, in the order of the prior, until it says that all others are slower than
    the fastest so far even if it is wrong by `margin_percent`. The fastest runs again with its
    columns in 2, 4, ... up to `parts` parts. `audit` is the number of searches that `tuner-quality`
    repeats over all candidates.
    """

    algorithms: tuple[Literal["direct", "packed"], ...] = Field(min_length=1)
    tiles: tuple[Annotated[int, Field(ge=1, le=31)], ...] = Field(min_length=1)
    lmuls: tuple[Literal[1, 2, 4, 8], ...] = Field(min_length=1)
    strips: tuple[Annotated[int, Field(ge=1)], ...] = Field(min_length=1)
    parts: int = Field(ge=1)
    trials: int = Field(ge=1)
    margin_percent: float = Field(ge=0)
    audit: int = Field(ge=1)
    cache: Path
    seed: int = Field(ge=0)

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

    image_px: int = Field(ge=32, multiple_of=32)
    batch: int = Field(ge=1)
    threads: int = Field(ge=1, le=64)
    repetitions: int = Field(ge=1)
    warmup: int = Field(ge=0)


class AccuracyConfig(Section):
    """Section `accuracy`: on how much of the test split top-1 is taken, and how many images at a time."""

    n_images: int | None = Field(
        default=None,
        ge=1,
        description="Images of the test split, at most: as many of each class as of any other, as far"
        " as they go, drawn with `seed`. Null takes all. The accuracy table says how many it were.",
    )
    batch: int = Field(
        default=16,
        ge=1,
        le=4096,
        description="Images that run at a time: memory grows with them, but not with `n_images`.",
    )
    seed: int = Field(
        default=1, ge=0, lt=2**32, description="Of the draw of `n_images` from the test split."
    )


class NightlyConfig(Section):
    """Section `nightly`: the slowdown, in percent of the baseline's cycles, that is no regression."""

    allowed_slowdown_percent: float = Field(ge=0)


class Config(Section):
    """All of it."""

    results: str = RESULTS
    seed: int = Field(ge=0)
    target: str
    container: ContainerConfig
    model: ModelConfig
    data: DataConfig
    training: TrainingConfig
    pruning: PruningConfig
    profile: ProfileConfig
    throughput: ThroughputConfig
    accuracy: AccuracyConfig = AccuracyConfig()
    nightly: NightlyConfig
    study: StudyConfig
    budget: BudgetConfig

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

    kind: Literal["emulated", "host"]
    vlen: Literal[128, 256, 512, 1024] | None = None
    core: Path | None = None
    clock_ghz: float | None = Field(default=None, gt=0)

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
    """Check merged configuration values, and the target they name.

    Args:
        values: the configuration, merged from `files` and the command line.
        files: the files, the one that wins first; a mistake is told with the file it is in.
        targets: folder of the targets' descriptions, one file each.

    Raises:
        ColonnadeError: one line for every wrong or missing key.
    """
    contents = [(path, read_yaml(path)) for path in files]
    name = values.get("target")
    problems: list[str] = []
    target = None
    config = _validate(Config, values, contents, problems)
    if isinstance(name, str):
        target = _read_target(targets, name, problems)
    if target is not None:
        problems += [f"{targets}/{name}.yaml: {line}" for line in target.contradictions()]
    if config is not None and target is not None and target.is_emulated:
        threads, cores = config.throughput.threads, target.modelled_cores()
        if threads > cores:
            problems.append(
                f"throughput.threads: {threads}; allowed for the emulated target {name}: 1 to"
                f" {cores} (cores of {target.core})"
            )
    if config is None or target is None or problems:
        raise ColonnadeError("\n".join(problems))
    return config, target


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
    path = targets / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in targets.glob("*.yaml")))
        problems.append(f"target: {name!r}; allowed: {known} (files of {targets})")
        return None
    try:
        values = read_yaml(path)
    except ColonnadeError as error:
        problems.append(str(error))
        return None
    return _validate(TargetConfig, values, [(path, values)], problems)


def _validate(
    model: type[Model],
    values: object,
    files: Sequence[tuple[Path, object]],
    problems: list[str],
) -> Model | None:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        problems.extend(explain(error, model, values, files))
        return None
