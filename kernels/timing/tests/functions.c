// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// A region whose time goes to two functions, one of which takes nine times as long.

#include <stdio.h>

#include "marker.h"

__attribute__((noinline)) static unsigned once(unsigned state, int count) {
  for (int i = 0; i < count; i++) {
    state = state * 1664525u + 1013904223u;
    __asm__ volatile("" : "+r"(state));
  }
  return state;
}

__attribute__((noinline)) static unsigned nine_times(unsigned state, int count) {
  for (int i = 0; i < 9 * count; i++) {
    state = state * 1664525u + 1013904223u;
    __asm__ volatile("" : "+r"(state));
  }
  return state;
}

int main(void) {
  const unsigned before = once(1, 1000);
  colonnade_region_begin_cold();
  const unsigned result = nine_times(once(before, 10000), 10000);
  colonnade_region_end();
  printf("%u\n", result);
  return 0;
}
