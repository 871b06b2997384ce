# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Bands: what is not known of a core, described as data by cores that differ from the nominal one."""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from colonnade.common.errors import ColonnadeError
from colonnade.common.files import read_json, read_record, write_json

Value = int | float | list[float]


class Variant(BaseModel):
    """A core that differs from the nominal one in the keys of `set`, dots between their parts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    about: str
    set: dict[str, Value]


class Band(BaseModel):
    """A file of kernels/timing/bands."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    about: list[str]
    core: Path
    variants: list[Variant]

    def description(self, name: str) -> dict[str, Any]:
        """The core's description with one variant's values.

        Raises:
            ColonnadeError: there is no such variant, or the core has no such key.
        """
        found = [variant for variant in self.variants if variant.name == name]
        if not found:
            allowed = ", ".join(variant.name for variant in self.variants)
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


def write_core_variant(band: Path, name: str, target: Path) -> None:
    """Write the description of one variant of a band's core.

    Raises:
        ColonnadeError: see `read_band` and `Band.description`.
    """
    write_json(target, read_band(band).description(name))
