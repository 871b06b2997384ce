# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A package as a function of arrays."""

import ctypes
import os
import threading
import weakref
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from colonnade.common.errors import ColonnadeError
from colonnade.common.limits import PROGRAM_THREADS
from colonnade.common.paths import package_below
from colonnade.runtime.arrays import Floats, as_floats, like
from colonnade.runtime.library import FLOATS, RANK, SIZE, Options, library


def load(
    package: str | Path,
    *,
    dtype: str = "f32",
    threads: int = 1,
    schedules: str | Path | None = None,
) -> "Net":
    """The network of a package, ready to be called: `load("out/package")(images)`.

    Args:
        package: a folder with `graph.json`, as `colonnade optimize` writes it.
        dtype: of activations and weights inside, `f32` or `f16`; inputs and outputs are float32.
        threads: how many work on one call, 1 to 256.
        schedules: a schedules file; by default the package's own, or else one schedule for all.

    Raises:
        ColonnadeError: the package is missing or damaged, or an argument is wrong.
    """
    return Net(package, dtype, threads, schedules)


class Net:
    """A network that runs in this process; `load` makes it, `close` or a `with` block ends it.

    Calls of several threads take turns, and other threads of Python run meanwhile. A call with other
    shapes than the last one's packs the weights anew.
    """

    def __init__(
        self, package: str | Path, dtype: str, threads: int, schedules: str | Path | None
    ) -> None:
        """See `load`."""
        self._library = library()
        encoded = _path("package", package)
        self._package = os.fsdecode(encoded)
        if below := package_below(Path(self._package)):
            raise ColonnadeError(f"{package}: is no package{below}")
        options = Options(
            ctypes.sizeof(Options),
            str(dtype).encode(),
            None if schedules is None else _path("schedules", schedules),
            _unsigned(threads),
        )
        net = ctypes.c_void_p()
        self._library("create", encoded, ctypes.byref(options), ctypes.byref(net))
        self._lock = threading.Lock()
        self._net: ctypes.c_void_p | None = net
        self._process, self._threads = os.getpid(), threads
        self._finalizer = weakref.finalize(self, _destroy, self._library, net, self._process)
        count, self._outputs = self._library("input_count", net), self._library("output_count", net)
        self.inputs: dict[str, int] = {
            self._library("input_name", net, i).decode(): self._library("input_channels", net, i)
            for i in range(count)
        }
        """Channels of each input by its name, in the order in which a call takes them."""
        self.outputs: tuple[str, ...] = tuple(
            self._library("output_name", net, i).decode() for i in range(self._outputs)
        )
        """Names of the outputs, in the order in which a call returns them."""

    def __call__(self, *images: Any, **named: Any) -> Any:
        """The outputs for inputs [N, C, H, W] of any N, H and W that the network fits.

        Inputs come in order, or by name; features may be [N, C]. They are arrays of numpy, tensors of
        torch or whatever else speaks DLPack, and are read where they lie if they are contiguous float32.
        Outputs are [N, C, H, W] or [N, C], of torch where the first input is, otherwise of numpy;
        several are a tuple.

        Raises:
            ColonnadeError: arrays that the network does not take, no memory, or a net that is closed.
        """
        # Threads are of the process that made them: in a fork of it they would be waited for in vain.
        if self._threads > 1 and os.getpid() != self._process:
            raise ColonnadeError(
                f"{self._package}: another process loaded it, with {self._threads} threads; `load` it"
                " again in this one"
            )
        given = self._arranged(images, named)
        arrays = [self._map(name, value) for name, value in given.items()]
        shapes = (SIZE * (RANK * len(arrays)))(*(size for each in arrays for size in each.shape))
        with self._lock:
            if self._net is None:
                raise ColonnadeError(f"{self._package}: the net is closed; `load` opens it again")
            self._library("reshape", self._net, shapes)
            results = [np.empty(self._shape(i), np.float32) for i in range(self._outputs)]
            self._library("run", self._net, _pointers(arrays), _pointers(results))
        first = next(iter(given.values()))
        outputs = tuple(like(each, first) for each in results)
        return outputs[0] if len(outputs) == 1 else outputs

    def __reduce_ex__(self, _protocol: object) -> Any:
        """Refuse what `copy` and `pickle` would make of it: two owners of one network."""
        raise ColonnadeError(f"{self._package}: a net cannot be copied; `load` makes another one")

    def close(self) -> None:
        """Give the memory back, after the call that is running. A second time nothing happens."""
        with self._lock:
            self._net = None
            self._finalizer()

    def __enter__(self) -> "Net":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _arranged(self, images: tuple[Any, ...], named: Mapping[str, Any]) -> dict[str, Any]:
        given = dict(zip(self.inputs, images, strict=False))
        wrong = len(images) > len(self.inputs) or given.keys() & named.keys()
        if wrong or given.keys() | named.keys() != self.inputs.keys():
            seen = ", ".join([f"{len(images)} by position", *named])
            raise ColonnadeError(
                f"{self._package}: inputs: {seen}; allowed: {', '.join(self.inputs)}, each once"
            )
        given |= named
        return {name: given[name] for name in self.inputs}

    def _map(self, name: str, value: Any) -> Floats:
        where = f"{self._package}: input '{name}'"
        array = as_floats(value, where)
        if array.ndim == 2:
            array = array[:, :, np.newaxis, np.newaxis]
        if array.ndim != RANK:
            raise ColonnadeError(
                f"{where} is {list(array.shape)}; allowed: [images, {self.inputs[name]}, height, width]"
            )
        return array

    def _shape(self, output: int) -> tuple[int, ...]:
        sizes, rank = (SIZE * RANK)(), SIZE()
        self._library("output_shape", self._net, output, sizes, ctypes.byref(rank))
        return tuple(sizes[: rank.value])


def _destroy(library: Any, net: ctypes.c_void_p, process: int) -> None:
    if os.getpid() == process:
        library("destroy", net)


def _path(name: str, path: Any) -> bytes:
    """A path as C takes it: to its first NUL."""
    try:
        found = os.fsencode(path)
    except TypeError as error:
        raise ColonnadeError(f"{name}: {path!r}; allowed: a path") from error
    if not found:
        raise ColonnadeError(f"{name}: {path!r}; allowed: a path")
    if b"\0" in found:
        raise ColonnadeError(f"{name}: {path!r}; allowed: no NUL in it")
    return found


def _unsigned(threads: int) -> int:
    """A number that C takes as it is: one that is not in range it would fold."""
    if not isinstance(threads, int) or not 1 <= threads <= PROGRAM_THREADS:
        raise ColonnadeError(f"threads: {threads!r}; allowed: 1 to {PROGRAM_THREADS}")
    return threads


def _pointers(arrays: list[Floats]) -> Any:
    return (FLOATS * len(arrays))(*(each.ctypes.data_as(FLOATS) for each in arrays))
