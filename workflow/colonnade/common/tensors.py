# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Tensors of safetensors files as numpy has them."""

from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, load_file

from colonnade.common.errors import first_line


def load_tensors(source: Path | bytes) -> dict[str, NDArray[Any]]:
    """The tensors of a safetensors file, or of the content of one, by name.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is damaged, or has numbers that numpy does not have, such as bfloat16.
    """
    try:
        return load_file(source) if isinstance(source, Path) else load(source)
    except SafetensorError as error:
        raise ValueError(first_line(error)) from error
    # Each way to read looks for the type of the numbers in a way of its own.
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"numbers of a type that numpy does not have: {first_line(error)}"
        ) from error
