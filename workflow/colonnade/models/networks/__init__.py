# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The networks by name: every module of this folder has some in its `NETWORKS`.

A network is a function that takes a number of classes and gives a `Graph`.
"""

import pkgutil
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module

from colonnade.common.errors import ColonnadeError
from colonnade.models.graph import Graph


def _found() -> Mapping[str, Callable[[int], Graph]]:
    networks: dict[str, Callable[[int], Graph]] = {}
    for module in sorted(each.name for each in pkgutil.iter_modules(__path__)):
        networks |= import_module(f"{__name__}.{module}").NETWORKS
    return networks


_NETWORKS = _found()
NAMES: tuple[str, ...] = tuple(_NETWORKS)


@cache
def network(name: str, classes: int) -> Graph:
    """The network of that name.

    Raises:
        ColonnadeError: there is none, or fewer than one class.
    """
    if name not in _NETWORKS:
        raise ColonnadeError(f"model {name!r}: allowed are {', '.join(NAMES)}")
    if classes < 1:
        raise ColonnadeError(f"model {name}: {classes} classes; at least 1 is needed")
    return _NETWORKS[name](classes)
