// Writes one JSON line for each measured region.

#ifndef COLONNADE_TIMING_REPORT_H_
#define COLONNADE_TIMING_REPORT_H_

#include <stdbool.h>
#include <stdint.h>

#include "core.h"

struct RegionReport {
  uint64_t region;  // number, from 0
  uint64_t cycles;
  unsigned threads;  // CPUs of the program alive; only the one that marked the region counts
  const struct Counters* counters;
};

// Appends the line to the file descriptor, complete before it returns.
bool report_write(int file, const struct RegionReport* report);

#endif  // COLONNADE_TIMING_REPORT_H_
