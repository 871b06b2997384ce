# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Arrays of others are read where they lie, or refused by name."""

from typing import Any

import numpy as np
import pytest
import torch

from colonnade.common.errors import ColonnadeError
from colonnade.runtime.arrays import as_floats, like


class Foreign:
    """An array of a library that only speaks DLPack."""

    def __init__(self, values: np.ndarray) -> None:
        self._values = values

    def __dlpack__(self, **keywords: Any) -> Any:
        return self._values.__dlpack__(**keywords)

    def __dlpack_device__(self) -> Any:
        return self._values.__dlpack_device__()


def test_float32_is_not_copied() -> None:
    values = np.ones((2, 3, 4, 4), np.float32)
    tensor = torch.ones(2, 3, 4, 4, requires_grad=True)
    assert as_floats(values, "x") is values
    assert as_floats(tensor, "x").ctypes.data == tensor.data_ptr()
    assert as_floats(Foreign(values), "x").ctypes.data == values.ctypes.data


@pytest.mark.parametrize(
    "value",
    [
        np.arange(24, dtype=np.float64).reshape(1, 2, 3, 4),
        np.arange(24, dtype=np.float16).reshape(1, 2, 3, 4),
        np.arange(24, dtype=">f4").reshape(1, 2, 3, 4),
        np.arange(24, dtype=np.float32).reshape(4, 3, 2, 1).T,
        np.arange(48, dtype=np.float32).reshape(1, 2, 3, 8)[..., ::2],
        torch.arange(24, dtype=torch.bfloat16).reshape(1, 2, 3, 4),
        torch.arange(24, dtype=torch.float32).reshape(1, 4, 3, 2).permute(0, 3, 2, 1),
        torch.arange(48.0).reshape(1, 2, 3, 8)[..., ::2],
        torch.complex(torch.zeros(1, 2, 3, 4), torch.arange(24.0).reshape(1, 2, 3, 4)).conj().imag,
    ],
    ids=[
        *("f64", "f16", "big endian", "transposed", "strided", "bf16", "permuted"),
        *("strided tensor", "to be negated"),
    ],
)
def test_other_floating_point_numbers_are_converted(value: Any) -> None:
    array = as_floats(value, "x")
    assert array.dtype == np.float32 and array.dtype.isnative and array.flags.c_contiguous
    expected = value.double().numpy() if isinstance(value, torch.Tensor) else value
    np.testing.assert_array_equal(array, expected)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (np.zeros((1, 3, 4, 4), np.uint8), "elements of uint8; allowed: a numpy array"),
        (np.zeros((1, 3, 4, 4), np.complex64), "elements of complex64"),
        (torch.zeros(1, 3, 4, 4, dtype=torch.int64), "elements of torch.int64"),
        (torch.zeros(1, 3, 4, 4, device="meta"), r"lies on meta; allowed: cpu \(`.cpu\(\)`"),
        ([[1.0]], "list; allowed: a numpy array"),
        (None, "NoneType; allowed"),
        (
            np.ma.masked_greater(np.arange(4.0).reshape(1, 1, 2, 2), 2),
            r"has masked elements; allowed: `.filled\(NUMBER\)` of it",
        ),
        (
            np.broadcast_to(np.float64(0), (1, 3, 2**24, 2**24)),
            r"\[1, 3, 16777216, 16777216\]: no memory for a copy",
        ),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_what_is_no_array_is_refused_by_name(value: Any, words: str) -> None:
    with pytest.raises(ColonnadeError, match=f"^input 'x': {words}"):
        as_floats(value, "input 'x'")


def test_results_are_of_the_library_of_the_input() -> None:
    result = np.ones(3, np.float32)
    tensor = like(result, torch.zeros(1))
    assert isinstance(tensor, torch.Tensor)
    assert tensor.data_ptr() == result.ctypes.data
    assert like(result, result) is result
