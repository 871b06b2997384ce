// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Runs the matrix multiplications of gemm.c as main.c runs other kernels, and prints "NAME ROWS". The published
// one is of 2000 x 3000 by 3000 x 100. Every row of the result costs the same, but those of a tile that share
// what it holds in the caches: a part of the rows is enough, after some that fill the caches.

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#include "marker.h"

enum { ROWS = 576, COLUMNS = 100, LINE = 64 };

static float *a[ROWS], *b[GEMM_DEPTH], *c[ROWS];

static void make_rows(float** rows, size_t count, size_t elements) {
  for (size_t i = 0; i < count; i++) {
    void* row;
    if (posix_memalign(&row, LINE, elements * sizeof(float)) != 0) {
      fprintf(stderr, "multiply: out of memory\n");
      exit(EXIT_FAILURE);
    }
    memset(row, 0, elements * sizeof(float));
    rows[i] = row;
  }
}

static void tiles_of_32(float* const* a_, float* const* b_, float* const* c_, size_t rows,
                        size_t columns) {
  gemm_tiles(a_, b_, c_, rows, columns, 32);
}

static void tiles_of_50(float* const* a_, float* const* b_, float* const* c_, size_t rows,
                        size_t columns) {
  gemm_tiles(a_, b_, c_, rows, columns, 50);
}

static void tiles_of_64(float* const* a_, float* const* b_, float* const* c_, size_t rows,
                        size_t columns) {
  gemm_tiles(a_, b_, c_, rows, columns, 64);
}

static void tiles_of_128(float* const* a_, float* const* b_, float* const* c_, size_t rows,
                         size_t columns) {
  gemm_tiles(a_, b_, c_, rows, columns, 128);
}

// The tiles in equal ranges for all of a team, as OpenMP's static schedule has it.
static void by_eight_cores(float* const* a_, float* const* b_, float* const* c_, size_t rows,
                           size_t columns) {
  enum { CORES = 8 };
  const size_t across = (columns + GEMM_TILE - 1) / GEMM_TILE;
  const size_t tiles = (rows + GEMM_TILE - 1) / GEMM_TILE * across;
  colonnade_team_begin(CORES);
  for (size_t round = 0; round < tiles / CORES; round++) {
    for (size_t core = 0; core < CORES; core++) {
      const size_t tile = core * (tiles / CORES) + round;
      const size_t top = tile / across * GEMM_TILE, left = tile % across * GEMM_TILE;
      float *rows_of_b[GEMM_DEPTH], *rows_of_c[GEMM_TILE];
      colonnade_team_member(core);
      for (size_t i = 0; i < GEMM_DEPTH; i++) rows_of_b[i] = b_[i] + left;
      for (size_t i = 0; i < GEMM_TILE; i++) rows_of_c[i] = c_[top + i] + left;
      const size_t width = columns - left < GEMM_TILE ? columns - left : GEMM_TILE;
      gemm_eight_sums(a_ + top, rows_of_b, rows_of_c, GEMM_TILE, width);
    }
  }
  colonnade_team_end();
}

static char** chosen;  // as in main.c

static bool is_chosen(const char* name) {
  for (char** each = chosen; *each != NULL; each++) {
    if (strcmp(*each, name) == 0) {
      return true;
    }
  }
  return *chosen == NULL;
}

static void time_gemm(const char* name, gemm* kernel, size_t before, size_t rows) {
  if (!is_chosen(name)) {
    return;
  }
  colonnade_region_begin_cold();
  kernel(a, b, c, before, COLUMNS);
  colonnade_region_begin();
  do {
    kernel(a + before, b, c + before, rows, COLUMNS);
  } while (colonnade_region_again());
  colonnade_region_end();
  printf("%s %zu\n", name, rows);
}

int main(int argc, char** argv) {
  chosen = argv + (argc > 0);
  make_rows(a, ROWS, GEMM_DEPTH);
  make_rows(b, GEMM_DEPTH, COLUMNS);
  make_rows(c, ROWS, COLUMNS);
  time_gemm("gemm-scalar", gemm_scalar, 1, 4);
  time_gemm("gemm-compiler", gemm_compiler, 1, 8);
  time_gemm("gemm-multiply-add", gemm_multiply_add, 1, 8);
  time_gemm("gemm-fused", gemm_fused, 1, 8);
  time_gemm("gemm-tiles-32", tiles_of_32, 32, 32);
  time_gemm("gemm-tiles-50", tiles_of_50, 50, 50);
  time_gemm("gemm-tiles-64", tiles_of_64, 64, 64);
  time_gemm("gemm-tiles-128", tiles_of_128, 128, 128);
  time_gemm("gemm-four-rows", gemm_four_rows, 64, 64);
  time_gemm("gemm-eight-cores", by_eight_cores, 0, 512);
  return EXIT_SUCCESS;
}
