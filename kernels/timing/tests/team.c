// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// A team of cores, as many as the argument says: each sums its parts of a vector up, again and
// again, and writes the sums side by side. Several members share cache lines of the result. A second
// argument ends the region before the team.

#include <stdio.h>
#include <stdlib.h>

#include "marker.h"

enum { COUNT = 1 << 17, PARTS = 64, ROUNDS = 2 };

static float values[COUNT];
static float sums[PARTS];

// Not inlined: what is private to a member lies below the stack pointer at the start of the team.
__attribute__((noinline)) static void sum_part(int part) {
  const float* first = values + part * (COUNT / PARTS);
  float local[COUNT / PARTS];
  float sum = 0;
  for (int i = 0; i < COUNT / PARTS; i++) {
    local[i] = first[i] * 0.5f;
    sum += local[(7 * i) % (i + 1)];
  }
  sums[part] += sum;
}

int main(int argc, char** argv) {
  const int size = argc > 1 ? atoi(argv[1]) : 1;
  for (int i = 0; i < COUNT; i++) {
    values[i] = (float) i;
  }
  colonnade_region_begin_cold();
  for (int round = 0; round < ROUNDS; round++) {
    colonnade_team_begin((unsigned long) size);
    for (int part = 0; part < PARTS; part++) {
      colonnade_team_member((unsigned long) (part % size));
      sum_part(part);
    }
    if (argc > 2) {
      // Too early: refused.
      colonnade_region_end();
    }
    colonnade_team_end();
  }
  colonnade_region_end();
  printf("%g\n", (double) sums[PARTS - 1]);
  return EXIT_SUCCESS;
}
