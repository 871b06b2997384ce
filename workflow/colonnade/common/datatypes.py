# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Datatypes of activations and weights that the programs take: those of `kernels/generate.py`."""

from collections.abc import Mapping
from typing import Literal, get_args

Dtype = Literal["f32", "f16"]

F32_BYTES = 4
DTYPES: tuple[Dtype, ...] = get_args(Dtype)

_LARGEST: Mapping[str, int] = {"f16": 65504}


def overflow_hint(dtype: str) -> str:
    """What to add where numbers are not finite, if the datatype may be why."""
    return f"; {dtype} holds numbers up to {_LARGEST[dtype]}" if dtype in _LARGEST else ""


TOLERANCE: Mapping[Dtype, float] = {"f32": 1e-4, "f16": 2e-2}
"""Largest difference of an output from PyTorch's that passes, in relation to the largest number in it."""
