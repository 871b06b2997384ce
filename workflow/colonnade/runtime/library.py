# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The C interface, by ctypes: calls release the interpreter's lock, and failures are exceptions."""

import ctypes
import functools
from collections.abc import Callable
from typing import Any

from colonnade.common.errors import ColonnadeError
from colonnade.common.paths import LIBRARY
from colonnade.runtime.native import native

# Of kernels/api/colonnade.h, with which tests compare.
ABI = 1
RANK = 4

SIZE = ctypes.c_size_t
FLOATS = ctypes.POINTER(ctypes.c_float)
_NET = ctypes.c_void_p


class Options(ctypes.Structure):
    """`colonnade_options`."""

    _fields_ = (
        ("size", SIZE),
        ("dtype", ctypes.c_char_p),
        ("schedules", ctypes.c_char_p),
        ("threads", ctypes.c_uint),
    )


# Those that answer a status, and what they take.
_CHECKED: dict[str, tuple[Any, ...]] = {
    "create": (ctypes.c_char_p, ctypes.POINTER(Options), ctypes.POINTER(_NET)),
    "reshape": (_NET, ctypes.POINTER(SIZE)),
    "output_shape": (_NET, SIZE, ctypes.POINTER(SIZE), ctypes.POINTER(SIZE)),
    "run": (_NET, ctypes.POINTER(FLOATS), ctypes.POINTER(FLOATS)),
}
# The others, with what they return first.
_PLAIN: dict[str, tuple[Any, ...]] = {
    "version": (ctypes.c_char_p,),
    "abi": (ctypes.c_int,),
    "error": (ctypes.c_char_p,),
    "destroy": (None, _NET),
    "input_count": (SIZE, _NET),
    "input_name": (ctypes.c_char_p, _NET, SIZE),
    "input_channels": (SIZE, _NET, SIZE),
    "output_count": (SIZE, _NET),
    "output_name": (ctypes.c_char_p, _NET, SIZE),
}


class Library:
    """The functions of the header by their names without `colonnade_`."""

    def __init__(self) -> None:
        """Load the library.

        Raises:
            ColonnadeError: it is not built, cannot be loaded, or is of another version.
        """
        path = native(LIBRARY)
        try:
            loaded = ctypes.CDLL(str(path))
            self._functions = {
                name: _declared(loaded, name, *types) for name, types in _PLAIN.items()
            } | {
                name: _declared(loaded, name, ctypes.c_int, *types)
                for name, types in _CHECKED.items()
            }
        except (OSError, AttributeError) as error:
            raise ColonnadeError(f"{path}: cannot be loaded: {error}") from error
        abi = self("abi")
        if abi != ABI:
            raise ColonnadeError(
                f"{path}: of ABI {abi}; allowed: {ABI}, which `snakemake kernels_host` builds"
            )

    def __call__(self, name: str, *arguments: Any) -> Any:
        """Call a function.

        Raises:
            ColonnadeError: it failed, with the library's own words.
        """
        answer = self._functions[name](*arguments)
        if name in _CHECKED and answer != 0:
            raise ColonnadeError(self._functions["error"]().decode(errors="replace"))
        return answer


def _declared(loaded: ctypes.CDLL, name: str, returned: Any, *types: Any) -> Callable[..., Any]:
    function = getattr(loaded, f"colonnade_{name}")
    function.restype, function.argtypes = returned, types
    return function  # type: ignore[no-any-return]


@functools.cache
def library() -> Library:
    """The library, loaded when it is first asked for."""
    return Library()
