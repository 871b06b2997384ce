# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Datatypes of activations and weights that the programs take: those of `kernels/generate.py`."""

from collections.abc import Mapping
from typing import Literal, get_args

Dtype = Literal["f32", "f16"]

DTYPES: tuple[Dtype, ...] = get_args(Dtype)

TOLERANCE: Mapping[Dtype, float] = {"f32": 1e-4, "f16": 2e-2}
"""Largest difference of an output from PyTorch's that passes, in relation to the largest number in it."""
