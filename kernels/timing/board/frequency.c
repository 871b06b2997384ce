// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Prints the frequency of the CPU in MHz: additions that each wait for the last one, one a cycle.

#include <stdio.h>
#include <stdlib.h>

#include "clock.h"

enum { REFERENCES = 101 };

static int compare(const void* a, const void* b) {
  const uint64_t x = *(const uint64_t*) a, y = *(const uint64_t*) b;
  return (x > y) - (x < y);
}

int main(void) {
  uint64_t ticks[REFERENCES];
  for (int i = 0; i < REFERENCES; i++) ticks[i] = colonnade_reference_ticks();
  qsort(ticks, REFERENCES, sizeof(*ticks), compare);
  const double microseconds =
      2000.0 * (double) ticks[REFERENCES / 2] / (double) colonnade_enough_ticks();
  printf("%.1f\n", COLONNADE_REFERENCE_ADDS / microseconds);
  return EXIT_SUCCESS;
}
