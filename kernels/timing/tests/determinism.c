// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// A program whose region uses the stack, the heap, indirect calls and vectors: what address
// randomisation and the size of the environment could disturb.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "marker.h"

enum { COUNT = 20000 };

static int compare(const void* left, const void* right) {
  const unsigned a = *(const unsigned*) left, b = *(const unsigned*) right;
  return a < b ? -1 : a > b;
}

static unsigned work(unsigned* values, float* sums) {
  unsigned state = 1;
  for (int i = 0; i < COUNT; i++) {
    state = state * 1664525u + 1013904223u;
    values[i] = state;
  }
  qsort(values, COUNT, sizeof(*values), compare);
  float local[1024];
  memset(local, 0, sizeof(local));
  for (int i = 0; i < COUNT; i++) {
    local[i % 1024] += (float) values[i];
    sums[i] = local[(7 * i) % 1024];
  }
  return values[COUNT / 2] ^ (unsigned) sums[COUNT - 1];
}

int main(void) {
  for (int repetition = 0; repetition < 2; repetition++) {
    unsigned* values = malloc(COUNT * sizeof(*values));
    float* sums = malloc(COUNT * sizeof(*sums));
    if (values == NULL || sums == NULL) {
      return EXIT_FAILURE;
    }
    colonnade_region_begin_cold();
    const unsigned result = work(values, sums);
    colonnade_region_end();
    printf("%u\n", result);
    free(values);
    free(sums);
  }
  return EXIT_SUCCESS;
}
