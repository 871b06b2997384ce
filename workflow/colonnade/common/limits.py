# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""How much may be asked of a run: of the programs (`kernels/common/run_limits.h`), by a configuration."""

PROGRAM_THREADS = 256
"""That the programs and the library take."""
MAX_THREADS = 64
"""That a configuration may ask for: as many cores as the timing model has at most."""

PROGRAM_RUNS = 1_000_000
"""Repetitions that the programs take, and as many runs before them."""
MAX_REPETITIONS = 10_000
"""That a configuration may ask for."""
