// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// The clock of a RISC-V processor that every program may read, and what tells cycles by it.

#ifndef COLONNADE_BOARD_CLOCK_H_
#define COLONNADE_BOARD_CLOCK_H_

#include <stdint.h>

// Additions of a reference, as colonnade.validation.measured and measure.sh have them.
enum { COLONNADE_REFERENCE_ADDS = 1 << 18 };

static inline uint64_t colonnade_ticks(void) {
  uint64_t ticks;
  __asm__ volatile("fence\n\trdtime %0" : "=r"(ticks)::"memory");
  return ticks;
}

// Ticks of additions that each wait for the last one.
uint64_t colonnade_reference_ticks(void);

// Ticks of two milliseconds: the coarsest clock, of 24 MHz or so, has an error of a few in ten thousand then.
uint64_t colonnade_enough_ticks(void);

#endif  // COLONNADE_BOARD_CLOCK_H_
