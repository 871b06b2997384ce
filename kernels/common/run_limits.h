// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// How much may be asked of the programs and of the library. colonnade.common.limits has the same, and
// tests/unit/config/test_limits.py compares.
#pragma once

namespace colonnade {

constexpr unsigned kMaxThreads = 256;
// Threads that are cores of the timing model, which has no more: MAX_CORES of kernels/timing/src/params.h.
constexpr unsigned kMaxModelledThreads = 64;
// Repetitions, and as many runs before them: together they stay far below what an unsigned holds.
constexpr unsigned kMaxRuns = 1000000;

}  // namespace colonnade
