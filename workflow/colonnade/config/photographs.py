# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What `snakemake photographs` runs: nothing of it is configured."""

from colonnade.common.datatypes import DTYPES, Dtype

SPARSITY = 0.25
VARIANTS = ("dense", "masked", "solved")
# The pruned ones compute in f32 what PyTorch does; half precision is shown of the dense one.
RUNS: tuple[tuple[str, Dtype], ...] = (
    *(("dense", dtype) for dtype in DTYPES),
    *((variant, DTYPES[0]) for variant in VARIANTS[1:]),
)
