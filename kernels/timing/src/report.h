// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Writes one JSON line for each measured region.

#ifndef COLONNADE_TIMING_REPORT_H_
#define COLONNADE_TIMING_REPORT_H_

#include <stdbool.h>
#include <stdint.h>

#include "core.h"

struct RegionReport {
  uint64_t region;  // number, from 0
  uint64_t cycles;
  unsigned threads;          // cores that took part; the counters are sums over them
  struct Counters counters;
  struct MemoryCounters memory;
};

// Adds one core's counters.
void report_add(struct RegionReport* report, const struct Counters* counters,
                const struct MemoryCounters* memory);

// Appends the line to the file descriptor, complete before it returns. Functions that took less than a
// thousandth of the cycles are left out.
bool report_write(int file, const struct RegionReport* report, const struct Functions* functions);

#endif  // COLONNADE_TIMING_REPORT_H_
