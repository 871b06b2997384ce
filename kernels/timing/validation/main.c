// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Runs the kernels that validation times, each in its own region, and prints their names in order:
// "NAME SIZE"; with arguments, only those of these names. A kernel runs once before its region, so that the region sees warm caches.

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#include "marker.h"

enum { LINE = 64, BUFFER = 9 << 20, CHAINS = 8, STEPS = 1 << 15 };

static unsigned char source[BUFFER] __attribute__((aligned(4096)));
static unsigned char target[BUFFER] __attribute__((aligned(4096)));
static uint32_t picture[1 << 14];
static volatile size_t result;  // of kernels that only read

static char** chosen;  // names of kernels, up to NULL; none: all

static bool is_chosen(const char* name) {
  for (char** each = chosen; *each != NULL; each++) {
    if (strcmp(*each, name) == 0) {
      return true;
    }
  }
  return *chosen == NULL;
}

static void time_kernel(const char* name, void (*kernel)(size_t), size_t size) {
  if (!is_chosen(name)) {
    return;
  }
  colonnade_region_begin_cold();
  kernel(size);
  colonnade_region_begin();
  do {
    kernel(size);
  } while (colonnade_region_again());
  colonnade_region_end();
  printf("%s %zu\n", name, size);
}

#define BYTE_LOOPS(lmul)                                                            \
  static void run_copy_##lmul(size_t bytes) { copy_##lmul(target, source, bytes); } \
  static void run_count_##lmul(size_t bytes) { result = count_##lmul(source, bytes); }

BYTE_LOOPS(m1)
BYTE_LOOPS(m2)
BYTE_LOOPS(m4)
BYTE_LOOPS(m8)

static void run_fill_m1(size_t bytes) { fill_m1(target, bytes); }
static void run_fill_m8(size_t bytes) { fill_m8(target, bytes); }

static void run_find_zero(size_t bytes) {
  source[bytes] = 0;
  result = find_zero_m1(source);
  source[bytes] = 1;
}

static void run_copy_words(size_t bytes) { copy_words(target, source, bytes); }

static void run_mandelbrot_scalar(size_t width) { mandelbrot_scalar(picture, width, 100); }
static void run_mandelbrot_m1(size_t width) { mandelbrot_m1(picture, width, 100); }
static void run_mandelbrot_m2(size_t width) { mandelbrot_m2(picture, width, 100); }

static void run_add_quantised(size_t count) {
  static const struct QuantisedAdd parameters = {1, 3, 5, 0, -128, 127, 4};
  add_quantised((int8_t*) target, (const int8_t*) source, (const int8_t*) source + count, count,
                &parameters);
}

static void* chains[CHAINS];

static void run_chase_1(size_t steps) { chase_1(chains, steps); }
static void run_chase_2(size_t steps) { chase_2(chains, steps); }
static void run_chase_4(size_t steps) { chase_4(chains, steps); }
static void run_chase_8(size_t steps) { chase_8(chains, steps); }

static uint32_t order[BUFFER / LINE];

// One cycle through all lines of a buffer in random order (Sattolo's algorithm).
static void link_lines(size_t bytes) {
  const size_t lines = bytes / LINE;
  for (size_t i = 0; i < lines; i++) {
    order[i] = (uint32_t) i;
  }
  uint32_t state = 1;
  for (size_t i = lines - 1; i > 0; i--) {
    state = state * 1664525u + 1013904223u;
    const size_t j = (size_t) (((uint64_t) state * i) >> 32);
    const uint32_t swapped = order[i];
    order[i] = order[j];
    order[j] = swapped;
  }
  for (size_t i = 0; i < lines; i++) {
    unsigned char* next = source + (size_t) order[(i + 1) % lines] * LINE;
    memcpy(source + (size_t) order[i] * LINE, &next, sizeof(next));
  }
}

static void time_chases(const char* level, size_t bytes) {
  static void (*const kernels[])(size_t) = {run_chase_1, run_chase_2, run_chase_4, run_chase_8};
  static const unsigned counts[] = {1, 2, 4, 8};
  link_lines(bytes);
  for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
    // As far apart on the cycle as they can be: what one brought is gone when the next one comes to it.
    for (size_t chain = 0; chain < counts[i]; chain++) {
      chains[chain] = source + (size_t) order[chain * (bytes / LINE) / counts[i]] * LINE;
    }
    char name[32];
    snprintf(name, sizeof(name), "chase-%u-%s", counts[i], level);
    time_kernel(name, kernels[i], STEPS / counts[i]);
  }
}

static void time_bytes(const char* name, void (*kernel)(size_t)) {
  time_kernel(name, kernel, 2967);
  time_kernel(name, kernel, 9394);
}

int main(int argc, char** argv) {
  chosen = argv + (argc > 0);
  memset(source, 1, sizeof(source));
  time_bytes("copy-m1", run_copy_m1);
  time_bytes("copy-m2", run_copy_m2);
  time_bytes("copy-m4", run_copy_m4);
  time_bytes("copy-m8", run_copy_m8);
  time_bytes("fill-m1", run_fill_m1);
  time_bytes("fill-m8", run_fill_m8);
  time_bytes("count-m1", run_count_m1);
  time_bytes("count-m2", run_count_m2);
  time_bytes("count-m4", run_count_m4);
  time_bytes("count-m8", run_count_m8);
  time_kernel("mandelbrot-scalar", run_mandelbrot_scalar, 96);
  time_kernel("mandelbrot-m1", run_mandelbrot_m1, 96);
  time_kernel("mandelbrot-m2", run_mandelbrot_m2, 96);
  time_kernel("add-quantised", run_add_quantised, 10560);
  time_kernel("add-quantised", run_add_quantised, 87360);
  time_kernel("fill-m8", run_fill_m8, 62186);
  time_kernel("copy-m8", run_copy_m8, 8 << 20);
  time_kernel("copy-words", run_copy_words, 8 << 20);
  time_kernel("fill-m8", run_fill_m8, 8 << 20);
  time_kernel("count-m1", run_count_m1, 8 << 20);
  time_kernel("count-m2", run_count_m2, 8 << 20);
  time_kernel("count-m4", run_count_m4, 8 << 20);
  time_kernel("find-zero-m1", run_find_zero, 8 << 20);
  time_chases("l1", 16 << 10);
  time_chases("l2", 128 << 10);
  time_chases("dram", 1 << 20);
  return EXIT_SUCCESS;
}
