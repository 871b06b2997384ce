// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Times short sequences of instructions by turns: ROUNDS times each, which prints "NUMBER TICKS REFERENCE". The
// sequences come from colonnade.validation.instructions; a call repeats one of them ITERATIONS times.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"

typedef uint64_t sequence(void* buffer, uint64_t iterations);  // its ticks

extern sequence* const sequences[];
extern const uint64_t sequence_count;

static unsigned char buffer[4 << 20] __attribute__((aligned(4096)));

int main(int argc, char** argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: %s ROUNDS ITERATIONS\n", argv[0]);
    return EXIT_FAILURE;
  }
  const uint64_t rounds = strtoull(argv[1], NULL, 10), iterations = strtoull(argv[2], NULL, 10);
  for (uint64_t round = 0; round < rounds; round++) {
    for (uint64_t i = 0; i < sequence_count; i++) {
      const uint64_t reference = colonnade_reference_ticks();
      const uint64_t ticks = sequences[i](buffer, iterations);
      printf("%llu %llu %llu\n", (unsigned long long) i, (unsigned long long) ticks,
             (unsigned long long) reference);
    }
  }
  return EXIT_SUCCESS;
}
