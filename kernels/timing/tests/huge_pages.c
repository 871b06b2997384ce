// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Reads lines 32 KB apart, again and again, from memory that lies in huge pages if there is an argument. There
// they share a set of the caches; in small pages each has a frame of its own, one behind the other.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "marker.h"

enum { LINES = 64, DISTANCE = 32 << 10, ROUNDS = 4, HUGE_PAGE = 2 << 20 };

int main(int argc, char** argv) {
  (void) argv;
  const size_t size = LINES * (size_t) DISTANCE;
  char* memory =
      mmap(NULL, size + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    return EXIT_FAILURE;
  }
  volatile char* lines = memory + (HUGE_PAGE - (uintptr_t) memory % HUGE_PAGE);
  if (argc > 1) {
    colonnade_huge_pages((const char*) lines, (const char*) lines + size);
  }
  colonnade_region_begin_cold();
  for (int round = 0; round < ROUNDS; round++) {
    for (int line = 0; line < LINES; line++) {
      (void) lines[(size_t) line * DISTANCE];
    }
  }
  colonnade_region_end();
  return EXIT_SUCCESS;
}
