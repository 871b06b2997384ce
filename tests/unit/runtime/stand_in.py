# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""A shared library made of Python functions, with the C signatures of kernels/api/colonnade.h.

Its network reads `image`, of 3 channels, and `features`, of 2. It makes `sums` [N, 2], of each of its
inputs the sum over an image, and `twice`, the image times two.
"""

import ctypes
import time
from collections.abc import Callable
from typing import Any

import numpy as np

INPUTS, OUTPUTS = (("image", 3), ("features", 2)), ("sums", "twice")
_SIZES, _SIZE = ctypes.POINTER(ctypes.c_size_t), ctypes.c_size_t
# Beside `features`, whose elements are one per channel and image.
_FLOATS = ctypes.POINTER(ctypes.POINTER(ctypes.c_float))
# Strings are returned as addresses: of a Python function ctypes takes no others.
_TEXT = _NET = ctypes.c_void_p


class OptionsOfC(ctypes.Structure):
    """The structure of the header, written down once more."""

    _fields_ = (
        ("size", ctypes.c_size_t),
        ("dtype", ctypes.c_char_p),
        ("schedules", ctypes.c_char_p),
        ("threads", ctypes.c_uint),
    )


class StandIn:
    """The functions as attributes, as `ctypes.CDLL` has them, and what they were called with."""

    def __init__(self, abi: int = 1) -> None:
        self.created: list[dict[str, Any]] = []
        self.destroyed: list[int] = []
        self.reshaped: list[list[int]] = []
        self.read: list[list[int]] = []
        """Addresses of the inputs of each run."""
        self.during_run: Callable[[], None] = lambda: None
        self._shapes: list[int] = []
        self._texts: dict[str, Any] = {}
        self._said = ""
        self._busy = False
        for name, function in {
            "version": self._function(lambda: self._text("0.1.0"), _TEXT),
            "abi": self._function(lambda: abi, ctypes.c_int),
            "error": self._function(lambda: self._text(self._said), _TEXT),
            "create": self._function(
                self._create,
                *(ctypes.c_int, ctypes.c_char_p),
                *(ctypes.POINTER(OptionsOfC), ctypes.POINTER(_NET)),
            ),
            "destroy": self._function(self.destroyed.append, None, _NET),
            "input_count": self._function(lambda _: len(INPUTS), _SIZE, _NET),
            "input_name": self._function(
                lambda _, index: self._text(INPUTS[index][0]), _TEXT, _NET, _SIZE
            ),
            "input_channels": self._function(lambda _, index: INPUTS[index][1], _SIZE, _NET, _SIZE),
            "output_count": self._function(lambda _: len(OUTPUTS), _SIZE, _NET),
            "output_name": self._function(
                lambda _, index: self._text(OUTPUTS[index]), _TEXT, _NET, _SIZE
            ),
            "reshape": self._function(self._reshape, ctypes.c_int, _NET, _SIZES),
            "output_shape": self._function(
                self._output_shape, ctypes.c_int, _NET, _SIZE, _SIZES, _SIZES
            ),
            "run": self._function(self._run, ctypes.c_int, _NET, _FLOATS, _FLOATS),
        }.items():
            setattr(self, f"colonnade_{name}", function)

    @staticmethod
    def _function(function: Callable[..., Any], returned: Any, *types: Any) -> Any:
        return ctypes.CFUNCTYPE(returned, *types)(function)

    def _text(self, text: str) -> int:
        buffer = self._texts.setdefault(text, ctypes.create_string_buffer(text.encode()))
        return ctypes.addressof(buffer)

    def _fail(self, status: int, said: str) -> int:
        self._said = said
        return status

    def _create(self, package: bytes, options: Any, net: Any) -> int:
        given = {name: getattr(options[0], name) for name, _ in OptionsOfC._fields_}
        if given["dtype"] not in (b"f32", b"f16"):
            return self._fail(1, f"dtype: '{given['dtype'].decode()}'; allowed: f32, f16")
        self.created.append({"package": package, **given})
        net[0] = 4096 + len(self.created)
        return 0

    def _reshape(self, _: int, shapes: Any) -> int:
        sizes = list(shapes[: 4 * len(INPUTS)])
        self.reshaped.append(sizes)
        for (name, channels), at in zip(INPUTS, (0, 4), strict=True):
            if sizes[at + 1] != channels:
                return self._fail(1, f"input '{name}' has {sizes[at + 1]} channels")
        self._shapes = sizes
        return 0

    def _output_shape(self, _: int, output: int, sizes: Any, rank: Any) -> int:
        shape = (self._shapes[0], 2) if OUTPUTS[output] == "sums" else self._shapes[:4]
        for index, size in enumerate(shape):
            sizes[index] = size
        rank[0] = len(shape)
        return 0

    def _run(self, _: int, inputs: Any, outputs: Any) -> int:
        if self._busy:
            return self._fail(4, "two calls at once")
        self._busy = True
        self.during_run()
        self.read.append([ctypes.addressof(inputs[index].contents) for index in range(2)])
        shapes = self._shapes[:4], self._shapes[4:]
        # A call that came between would have given it other shapes by now.
        time.sleep(0.002)
        arrays = [np.ctypeslib.as_array(inputs[index], shape) for index, shape in enumerate(shapes)]
        sums = np.ctypeslib.as_array(outputs[0], (shapes[0][0], 2))
        for index, array in enumerate(arrays):
            sums[:, index] = array.sum(axis=(1, 2, 3))
        np.ctypeslib.as_array(outputs[1], shapes[0])[:] = 2 * arrays[0]
        self._busy = False
        return 0
