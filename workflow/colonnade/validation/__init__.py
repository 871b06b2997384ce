# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The timing model against what others measured, and how far conclusions depend on what they did not.

Published numbers are facts with a source each; the programs that measure the same thing here are
ours. A point is `fitted` if the core's description was chosen by it, `same source` if who measured it
also measured a fitted one, else `held out`. The tables are written by `compare` and `sensitivity`.
"""

from colonnade.validation.instructions import MICROBENCHMARKS, Microbenchmark, assembly
from colonnade.validation.kernels import KERNEL_POINTS, KernelPoint
from colonnade.validation.model import Region, TimingModel

__all__ = [
    "KERNEL_POINTS",
    "MICROBENCHMARKS",
    "KernelPoint",
    "Microbenchmark",
    "Region",
    "TimingModel",
    "assembly",
]
