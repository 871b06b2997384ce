# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Settings of a job: a JSON file with what its rule names of the configuration, and nothing else.

The workflow writes the file (`canonical`); a command reads it (`read_settings`). What the file leaves
out a command cannot read: the attempt is refused, so that no rule depends on what it does not name.
"""

import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import read_json
from colonnade.config.partial import with_fields
from colonnade.config.schema import Config
from colonnade.config.target import TargetConfig
from colonnade.study.runs import StudyRun

Kind = TypeVar("Kind", bound=BaseModel)

# Beside sections of the configuration: hashes of files that the configuration only names, and the
# run of the study that a job is about.
INPUTS = "inputs"
RUN = "run"


@dataclass(frozen=True)
class Settings:
    """What a job was given. `config` refuses access to sections, and keys of them, that it was not."""

    file: Path
    config: Config
    described: TargetConfig | None
    described_run: StudyRun | None

    @property
    def run(self) -> StudyRun:
        """The run of the accuracy study that the job is about.

        Raises:
            ColonnadeError: it is about none.
        """
        if self.described_run is None:
            raise ColonnadeError(f"{self.file}: has no {RUN}")
        return self.described_run

    @property
    def target(self) -> TargetConfig:
        """The description of the target `config.target`.

        Raises:
            ColonnadeError: the job was not given one.
        """
        if self.described is None:
            raise ColonnadeError(f"{self.file}: has no target")
        return self.described


def select(values: Mapping[str, Any], sections: Sequence[str]) -> dict[str, Any]:
    """The named parts of nested values: `training` or `study.data`; `-training.finetune` leaves out.

    Raises:
        KeyError: there is no such part.
    """
    chosen: dict[str, Any] = {}
    for section in sections:
        *parents, key = section.removeprefix("-").split(".")
        source, inner = values, chosen
        for parent in parents:
            source, inner = source[parent], inner.setdefault(parent, {})
        if section.startswith("-"):
            del inner[key]
        else:
            inner[key] = copy.deepcopy(source[key])
    return chosen


def canonical(values: Mapping[str, Any]) -> str:
    """The text of a settings file: one line of JSON, equal for equal values in the same order.

    The order of names that a user gave, such as those of recipes, is the order of jobs and of rows.
    """
    return json.dumps(values, allow_nan=False)


def read_settings(path: Path) -> Settings:
    """Read the settings of a job.

    Raises:
        ColonnadeError: the file is missing or damaged, or a value is wrong.
    """
    values = read_json(path)
    if not isinstance(values, dict):
        raise ColonnadeError(f"{path}: not a settings file: no object of sections")
    values.pop(INPUTS, None)
    run, described = None, None
    if RUN in values:
        run = _valid(StudyRun, values.pop(RUN), path, RUN)
    if "target" in values:
        target = values["target"]
        if not isinstance(target, dict) or "name" not in target:
            raise ColonnadeError(f"{path}: target: a name and a description are needed")
        values["target"] = target["name"]
        description = {key: value for key, value in target.items() if key != "name"}
        described = _valid(TargetConfig, description, path, "target")
    return Settings(path, _given(Config, values, path, ""), described, run)


def _given(kind: type[Kind], values: Mapping[str, Any], file: Path, prefix: str) -> Kind:
    """A model of those of its fields that `values` has; access to the others is refused."""
    fields = kind.model_fields
    unknown = sorted(values.keys() - fields.keys())
    if unknown:
        raise ColonnadeError(f"{file}: {prefix}{unknown[0]}: unknown key")
    if values.keys() == fields.keys():
        whole: Kind = _valid(kind, values, file, prefix.rstrip("."))
        return whole
    given: dict[str, Any] = {}
    for name, value in values.items():
        part = fields[name].annotation
        if isinstance(part, type) and issubclass(part, BaseModel) and isinstance(value, dict):
            given[name] = _given(part, value, file, f"{prefix}{name}.")
        else:
            given[name] = _valid(fields[name].rebuild_annotation(), value, file, prefix + name)
    return with_fields(
        kind,
        given,
        lambda name: ColonnadeError(f"{file}: has no {prefix}{name}, which this command needs"),
    )


def _valid(kind: Any, value: Any, file: Path, key: str) -> Any:
    """The value of a type, or the first mistake in it."""
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(filter(None, [key, *map(str, first["loc"])]))
        raise ColonnadeError(f"{file}: {where}: {value!r}: {first['msg']}") from error
