# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Arrays of other libraries as float32 of numpy, without copying where they are that already."""

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from colonnade.common.errors import ColonnadeError, first_line

Floats = NDArray[np.float32]
_ALLOWED = (
    "a numpy array, a torch tensor or another array with __dlpack__, of floating-point numbers"
)


def is_torch(value: Any) -> bool:
    """Whether it is a tensor of torch, which then is imported already."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def as_floats(value: Any, where: str) -> Floats:
    """A contiguous float32 array over an array's own memory, or a copy where its elements lie otherwise.

    `where` begins messages. Gradients end here.

    Raises:
        ColonnadeError: it is no array of floating-point numbers in this machine's memory.
    """
    if is_torch(value):
        if not value.is_floating_point():
            raise ColonnadeError(f"{where}: elements of {value.dtype}; allowed: {_ALLOWED}")
        if value.device.type != "cpu":
            raise ColonnadeError(
                f"{where}: lies on {value.device}; allowed: cpu (`.cpu()` copies it)"
            )
        # What DLPack knows nothing of: that numbers are to be negated as they are read.
        value = value.detach().float().resolve_neg()
    if not isinstance(value, np.ndarray):
        if not hasattr(value, "__dlpack__"):
            raise ColonnadeError(f"{where}: {type(value).__name__}; allowed: {_ALLOWED}")
        try:
            value = np.from_dlpack(value)
        except (BufferError, RuntimeError, TypeError, ValueError) as error:
            raise ColonnadeError(f"{where}: cannot be read: {first_line(error)}") from error
    if not np.issubdtype(value.dtype, np.floating):
        raise ColonnadeError(f"{where}: elements of {value.dtype}; allowed: {_ALLOWED}")
    if np.ma.is_masked(value):
        raise ColonnadeError(f"{where}: has masked elements; allowed: `.filled(NUMBER)` of it")
    try:
        return np.require(value, np.float32, ("C", "A"))
    except MemoryError as error:
        raise ColonnadeError(f"{where}: {list(value.shape)}: no memory for a copy") from error


def like(result: Floats, value: Any) -> Any:
    """The array as a tensor of torch, in the same memory, where `value` is one."""
    return sys.modules["torch"].from_numpy(result) if is_torch(value) else result
