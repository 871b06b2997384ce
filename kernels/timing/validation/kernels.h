// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// The kernels that validation times; bytes and steps as in kernels.S, pixels in compute.c.

#ifndef COLONNADE_TIMING_VALIDATION_KERNELS_H_
#define COLONNADE_TIMING_VALIDATION_KERNELS_H_

#include <stddef.h>
#include <stdint.h>

#define COLONNADE_BYTE_LOOPS(lmul)                            \
  void copy_##lmul(void* to, const void* from, size_t bytes); \
  void fill_##lmul(void* to, size_t bytes);                   \
  size_t count_##lmul(const void* from, size_t bytes);

COLONNADE_BYTE_LOOPS(m1)
COLONNADE_BYTE_LOOPS(m2)
COLONNADE_BYTE_LOOPS(m4)
COLONNADE_BYTE_LOOPS(m8)

size_t find_zero_m1(const void* from);
void copy_words(void* to, const void* from, size_t bytes);

void chase_1(void** chains, size_t steps);
void chase_2(void** chains, size_t steps);
void chase_4(void** chains, size_t steps);
void chase_8(void** chains, size_t steps);

// Iterations, at most `limit`, of each point of a square picture of the Mandelbrot set.
void mandelbrot_scalar(uint32_t* result, size_t width, uint32_t limit);
void mandelbrot_m1(uint32_t* result, size_t width, uint32_t limit);
void mandelbrot_m2(uint32_t* result, size_t width, uint32_t limit);

// Quantised addition, output = clamp((a * a_scale + b * b_scale + bias) >> shift), LMUL 2.
struct QuantisedAdd {
  int32_t bias, a_scale, b_scale, zero_point, low, high;
  uint32_t shift;
};
void add_quantised(int8_t* output, const int8_t* a, const int8_t* b, size_t count,
                   const struct QuantisedAdd* parameters);

// Matrix multiplication, c += a b, by the arrays of rows of `rows` x GEMM_DEPTH, GEMM_DEPTH x `columns` and
// `rows` x `columns` elements. gemm_four_rows and gemm_eight_sums want a multiple of four rows, and an even
// number of columns; gemm_four_rows skips columns as the published one does, and gemm_eight_sums does one
// tile of GEMM_TILE rows and columns, or less.
enum { GEMM_DEPTH = 3000, GEMM_TILE = 64 };
typedef void gemm(float* const* a, float* const* b, float* const* c, size_t rows, size_t columns);
gemm gemm_scalar, gemm_compiler, gemm_multiply_add, gemm_fused, gemm_four_rows, gemm_eight_sums;
void gemm_tiles(float* const* a, float* const* b, float* const* c, size_t rows, size_t columns,
                size_t tile);

#endif  // COLONNADE_TIMING_VALIDATION_KERNELS_H_
