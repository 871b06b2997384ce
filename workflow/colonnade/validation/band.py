# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Bands: what is not known of a core, described as data by cores that differ from the nominal one.

Some differ in one thing each, with its values together; others, the sample, in everything at once.
"""

import copy
import random
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import read_json, read_record, write_json

Value = int | float | list[float]


class Variant(BaseModel):
    """A core that differs from the nominal one in the keys of `set`, dots between their parts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    about: str
    set: dict[str, Value]


class Parameter(BaseModel):
    """A key of the core, and the ends between which it lies; lists element by element.

    Ends that are whole numbers have whole numbers between them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str
    about: str
    low: Value
    high: Value

    def at(self, share: float) -> Value:
        """The value that lies `share` of the way from low to high, from 0 to 1."""
        if isinstance(self.low, list) and isinstance(self.high, list):
            ends = zip(self.low, self.high, strict=True)
            return [_between(low, high, share) for low, high in ends]
        assert not isinstance(self.low, list)
        assert not isinstance(self.high, list)
        return _between(self.low, self.high, share)


# One run of a program is timed on the nominal core and on all of a band.
MAX_CORES = 63


class Sample(BaseModel):
    """Cores that differ in all `parameters` at once: a Latin hypercube.

    Of each parameter every core has another of as many evenly spaced values, both ends among them; which
    core has which follows from `seed`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    about: str
    seed: int
    cores: Annotated[int, Field(ge=2, le=MAX_CORES)]
    parameters: Annotated[list[Parameter], Field(min_length=1)]

    def variants(self) -> Sequence[Variant]:
        """The cores, `sample-01` and so on."""
        drawn = random.Random(self.seed)
        columns: dict[str, list[Value]] = {}
        for parameter in self.parameters:
            # Sorting by draws gives the same order with every version of Python; shuffle need not.
            draws = [drawn.random() for _ in range(self.cores)]
            order = sorted(range(self.cores), key=draws.__getitem__)
            columns[parameter.path] = [parameter.at(i / (self.cores - 1)) for i in order]
        return [
            Variant(
                name=f"sample-{number + 1:02}",
                about=self.about,
                set={path: values[number] for path, values in columns.items()},
            )
            for number in range(self.cores)
        ]


def _between(low: float, high: float, share: float) -> float:
    value = low + share * (high - low)
    return round(value) if isinstance(low, int) and isinstance(high, int) else value


class Band(BaseModel):
    """A file of kernels/timing/bands."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    about: list[str]
    core: Path
    variants: list[Variant]
    sample: Sample | None = None
    retuned: tuple[str, ...] = ()
    """Cores for which schedules are tuned again, to see what tuning for another core costs."""

    @model_validator(mode="after")
    def _run_together(self) -> Self:
        if len(self.cores) > MAX_CORES:
            raise ValueError(f"{len(self.cores)} cores; allowed: at most {MAX_CORES}")
        return self

    @model_validator(mode="after")
    def _retuned_are_known(self) -> Self:
        known = [core.name for core in self.cores]
        if unknown := [name for name in self.retuned if name not in known]:
            raise ValueError(f"retuned: {', '.join(unknown)}; allowed: {', '.join(known)}")
        return self

    @cached_property
    def cores(self) -> Sequence[Variant]:
        """All cores of the band: those that differ in one thing, then the sample."""
        return [*self.variants, *([] if self.sample is None else self.sample.variants())]

    def description(self, name: str) -> dict[str, Any]:
        """The core's description with one variant's values.

        Raises:
            ColonnadeError: there is no such variant, or the core has no such key.
        """
        found = [variant for variant in self.cores if variant.name == name]
        if not found:
            allowed = ", ".join(variant.name for variant in self.cores)
            raise ColonnadeError(f"variant of the core {name!r}: allowed: {allowed}")
        description = copy.deepcopy(read_json(self.core, dict[str, Any]))
        return with_values(description, found[0].set, self.core, f"variant {name!r}")


def with_values(
    description: dict[str, Any], values: Mapping[str, Value], core: Path, who: str
) -> dict[str, Any]:
    """Set keys of a core's description, dots between their parts; returns it.

    Args:
        description: of the core, from the file `core`.
        values: what is set.
        core: named in a message.
        who: sets them, for a message.

    Raises:
        ColonnadeError: it has no such key.
    """
    for path, value in values.items():
        section: Any = description
        *parents, key = path.split(".")
        for parent in parents:
            section = section.get(parent, {}) if isinstance(section, dict) else {}
        if not isinstance(section, dict) or key not in section:
            raise ColonnadeError(f"{core}: has no {path}, which {who} sets")
        section[key] = value
    return description


def read_band(path: Path) -> Band:
    """Read a band.

    Raises:
        ColonnadeError: it is missing or damaged.
    """
    return read_record(path, Band)


def write_core(band: Path, name: str, output: Path) -> None:
    """Write the description of one core of a band.

    Raises:
        ColonnadeError: see `read_band` and `Band.description`.
    """
    write_json(output, read_band(band).description(name))


def write_cores(band: Path, folder: Path) -> list[Path]:
    """Write descriptions of all cores of a band, each to a file of its name in `folder`.

    Raises:
        ColonnadeError: see `read_band` and `Band.description`.
    """
    read = read_band(band)
    described = [(folder / f"{each.name}.json", read.description(each.name)) for each in read.cores]
    for path, description in described:
        write_json(path, description)
    return [path for path, _ in described]
