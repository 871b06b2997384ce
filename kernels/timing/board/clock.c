// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

#include "clock.h"

#include <time.h>

#include "pinning.h"

enum { UNROLL = 64 };

static uint64_t ticks_of_two_ms;

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double) now.tv_sec + 1e-9 * (double) now.tv_nsec;
}

// Before main: the CPUs are those of the job, and the clock's rate is known.
__attribute__((constructor)) static void start(void) {
  colonnade_pin();
  const double begin = seconds();
  const uint64_t ticks = colonnade_ticks();
  double passed;
  do {
    passed = seconds() - begin;
  } while (passed < 0.02);
  ticks_of_two_ms = (uint64_t) (0.002 / passed * (double) (colonnade_ticks() - ticks));
}

uint64_t colonnade_enough_ticks(void) { return ticks_of_two_ms; }

uint64_t colonnade_reference_ticks(void) {
  const uint64_t begin = colonnade_ticks();
  uint64_t value = 0, step = 3;
  for (int i = 0; i < COLONNADE_REFERENCE_ADDS / UNROLL; i++) {
    __asm__ volatile(".rept %2\n\tadd %0, %0, %1\n\t.endr" : "+r"(value) : "r"(step), "i"(UNROLL));
  }
  return colonnade_ticks() - begin;
}
