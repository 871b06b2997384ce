// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// The regions of kernels/timing/marker.h by the clock of a real processor, for programs that stay on one CPU: a region
// does its work over and over for a while, and its end prints "TICKS RUNS REFERENCE". Ticks are of the time CSR, and
// REFERENCE of them is what a chain of so many additions took that each wait for the last: at one addition a cycle
// that is the frequency, whatever it is.

#ifndef COLONNADE_TIMING_MARKER_H_
#define COLONNADE_TIMING_MARKER_H_

#include <stdint.h>
#include <stdio.h>

#include "clock.h"

static uint64_t colonnade_region_start, colonnade_region_runs;

static inline void colonnade_region_begin_cold(void) {}

static inline void colonnade_region_begin(void) {
  colonnade_region_runs = 0;
  colonnade_region_start = colonnade_ticks();
}

static inline int colonnade_region_again(void) {
  colonnade_region_runs++;
  return colonnade_ticks() - colonnade_region_start < colonnade_enough_ticks();
}

static inline void colonnade_region_end(void) {
  const uint64_t ticks = colonnade_ticks() - colonnade_region_start;
  printf("%llu %llu %llu\n", (unsigned long long) ticks, (unsigned long long) colonnade_region_runs,
         (unsigned long long) colonnade_reference_ticks());
}

static inline void colonnade_team_begin(unsigned long size) { (void) size; }
static inline void colonnade_team_member(unsigned long member) { (void) member; }
static inline void colonnade_team_end(void) {}
static inline void colonnade_huge_pages(const void* begin, const void* end) {
  (void) begin, (void) end;
}

#endif  // COLONNADE_TIMING_MARKER_H_
