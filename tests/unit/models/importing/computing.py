# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What an imported network computes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from colonnade.models.importing.reading import Imported

Array = NDArray[Any]


def outputs(imported: Imported, inputs: Sequence[Array]) -> list[Array]:
    """Its outputs as arrays; features are fed as planes of one element."""
    network = imported.network().eval()
    images = [torch.from_numpy(np.ascontiguousarray(each, dtype=np.float32)) for each in inputs]
    images = [each[:, :, None, None] if each.ndim == 2 else each for each in images]
    with torch.no_grad():
        made = network(*images)
    return [each.numpy() for each in ([made] if isinstance(made, torch.Tensor) else made)]


def assert_equal(seen: Sequence[Array], expected: Sequence[Array], tolerance: float) -> None:
    """Equal up to a share of the largest expected value; planes of one element may be features."""
    assert len(seen) == len(expected) > 0
    for own, other in zip(seen, expected, strict=True):
        assert own.size == other.size
        finite = np.isfinite(other)
        own, other = own.reshape(other.shape), np.asarray(other)  # noqa: PLW2901
        np.testing.assert_array_equal(own[~finite], other[~finite])
        scale = max(float(np.abs(other[finite]).max()), 1e-6)
        difference = np.abs(own[finite] - other[finite]).max()
        assert difference <= tolerance * scale, difference
