# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Which of an imported network's parameters are those of the module that it was exported from."""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from colonnade.models.importing.values import Constant, UnsupportedError

Array = NDArray[Any]


class Own(BaseModel):
    """A parameter of the module: its name, and its sizes there."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    sizes: tuple[int, ...]


class SourceNames(BaseModel):
    """Parameters by name that are not the module's parameters of the same name.

    `own` are others of the module: of a layer that is called twice each call has its own. `computed` are
    those that follow from the module in another way, with the SHA-256 of what was computed.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    own: dict[str, Own] = {}
    computed: dict[str, str] = {}


def source_names(
    state: Mapping[str, Array],
    origins: Mapping[str, Constant],
    module: Mapping[str, tuple[int, ...]],
) -> SourceNames | None:
    """The parameters that are no parameters of the module of the same name; None if all are.

    `origins` says what weights are made of, `module` has the sizes of the module's parameters.
    """
    own, computed = {}, {}
    for key, values in state.items():
        # Nothing reads these, but modules have them.
        if key in module and key.endswith(".num_batches_tracked"):
            continue
        name = _name(key, values, origins, module)
        if name is None:
            computed[key] = digest(values)
        elif name != key or module[name] != values.shape:
            own[key] = Own(name=name, sizes=module[name])
    return SourceNames(own=own, computed=computed) if own or computed else None


def _name(
    key: str,
    values: Array,
    origins: Mapping[str, Constant],
    module: Mapping[str, tuple[int, ...]],
) -> str | None:
    """The parameter of the module that has these values."""
    origin = origins.get(key)
    if origin is None or origin.name not in module:
        return None
    try:
        there = origin.floats()
    except UnsupportedError:
        return None
    same = there.size == values.size and np.array_equal(there.ravel(), values.ravel())
    return origin.name if same else None


def digest(values: Array) -> str:
    """The SHA-256 of the elements."""
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()
