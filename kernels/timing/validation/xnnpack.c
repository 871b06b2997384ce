// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// What XNNPACK's own benchmarks time, around microkernels of XNNPACK's source as it is: a quantised depthwise
// convolution, and batches of matrix products whose operands are packed first. The product by vectors is ours,
// after one that came to XNNPACK later. Prints "NAME SIZE" as main.c does.

#include <riscv_vector.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "marker.h"
#include "xnnpack/dwconv.h"
#include "xnnpack/packx.h"
#include "xnnpack/ppmm.h"

enum { TAPS = 9, KERNEL = 3, LARGEST = 1 << 20, ROWS = 384, LANES = 32, LINE = 64 };

static int8_t input[LARGEST], output[LARGEST], zeros[256];
static _Alignas(LINE) int8_t filter[256 * (TAPS + sizeof(int32_t))];
static const int8_t* indirection[LARGEST];
static volatile uint64_t sink;

static void read_all(const void* data, size_t bytes) {
  const uint64_t* words = data;
  uint64_t sum = 0;
  for (size_t i = 0; i < bytes / sizeof(*words); i++) {
    sum += words[i];
  }
  sink = sum;
}

// Pointers to the pixels of all windows of a row of outputs, column by column: windows that overlap share them.
static size_t point_to_pixels(size_t size, size_t channels, size_t stride) {
  const size_t outputs = size / stride, columns = (outputs - 1) * stride + KERNEL;
  const int8_t** next = indirection;
  for (size_t row = 0; row < outputs; row++) {
    for (size_t column = 0; column < columns; column++) {
      for (size_t tap = 0; tap < KERNEL; tap++) {
        const size_t y = row * stride + tap - 1, x = column - 1;
        *next++ = y < size && x < size ? input + (y * size + x) * channels : zeros;
      }
    }
  }
  return columns * KERNEL;
}

static void time_depthwise(const char* name, size_t size, size_t channels, size_t stride) {
  const size_t per_row = point_to_pixels(size, channels, stride), outputs = size / stride;
  union xnn_qs8_conv_minmax_params params;
  params.fp32_scalar.scale = 0.5f;
  params.fp32_scalar.output_zero_point = 0;
  params.fp32_scalar.output_min = INT8_MIN;
  params.fp32_scalar.output_max = INT8_MAX;
  colonnade_region_begin_cold();
  read_all(input, size * size * channels);
  colonnade_region_begin();
  do {
    for (size_t row = 0; row < outputs; row++) {
      xnn_qs8_dwconv_minmax_fp32_ukernel_9p4c__scalar_lrintf(
          channels, outputs, indirection + row * per_row, filter, output + row * outputs * channels,
          (intptr_t) (KERNEL * stride * sizeof(void*)), 0, 0, zeros, &params);
    }
  } while (colonnade_region_again());
  colonnade_region_end();
  printf("%s %zu\n", name, size);
}

typedef void multiply(size_t rows, size_t columns, size_t depth_bytes, const float* a,
                      const float* packed, float* c, size_t row_bytes, size_t column_bytes,
                      const union xnn_f32_minmax_params* params);

#define EACH_ROW(DO) DO(0) DO(1) DO(2) DO(3)
#define BEGIN(row) vfloat32m4_t sum##row = __riscv_vmv_v_v_f32m4(bias, vl);
#define ADD(row) sum##row = __riscv_vfmacc_vf_f32m4(sum##row, a[row], factor, vl);
#define END(row)                                                                              \
  sum##row = __riscv_vfmin_vf_f32m4(__riscv_vfmax_vf_f32m4(sum##row, params->scalar.min, vl), \
                                    params->scalar.max, vl);                                  \
  __riscv_vse32_v_f32m4((float*) ((char*) c + row * row_bytes), sum##row, vl);

// Four rows by groups of four registers.
static void multiply_vectors(size_t rows, size_t columns, size_t depth_bytes, const float* a,
                             const float* packed, float* c, size_t row_bytes, size_t column_bytes,
                             const union xnn_f32_minmax_params* params) {
  (void) rows;
  for (size_t vl; columns > 0; columns -= vl) {
    vl = __riscv_vsetvl_e32m4(columns);
    const vfloat32m4_t bias = __riscv_vle32_v_f32m4(packed, vl);
    packed += LANES;
    EACH_ROW(BEGIN)
    for (size_t k = depth_bytes; k > 0; k -= sizeof(float), a += 4, packed += LANES) {
      const vfloat32m4_t factor = __riscv_vle32_v_f32m4(packed, vl);
      EACH_ROW(ADD)
    }
    EACH_ROW(END)
    c = (float*) ((char*) c + column_bytes);
    a -= depth_bytes;  // four rows of that many bytes: as many floats
  }
}

static float a[2 * ROWS * ROWS], b[2 * ROWS * ROWS], c[2 * ROWS * ROWS];
static _Alignas(LINE) float packed_b[2 * (ROWS + 1) * ROWS], packed_a[4 * ROWS];

static void pack(size_t columns, size_t depth, size_t lanes, const float* from, float* to) {
  for (size_t left = 0; left < columns; left += lanes) {
    for (size_t lane = 0; lane < lanes; lane++) {
      *to++ = 0;
    }
    for (size_t k = 0; k < depth; k++) {
      for (size_t lane = 0; lane < lanes; lane++) {
        *to++ = from[(left + lane) * depth + k];
      }
    }
  }
}

static void multiply_batch(size_t columns, size_t depth, size_t lanes, multiply* kernel) {
  static const union xnn_f32_minmax_params params = {.scalar = {-1e30f, 1e30f}};
  pack(columns, depth, lanes, b, packed_b);
  for (size_t row = 0; row < ROWS; row += 4) {
    xnn_x32_packx_ukernel_4x__scalar(4, depth, (const uint32_t*) (a + row * depth), depth,
                                     (uint32_t*) packed_a);
    kernel(4, columns, depth * sizeof(float), packed_a, packed_b, c + row * columns,
           columns * sizeof(float), lanes * sizeof(float), &params);
  }
}

// One of the batches: all cost the same.
static void time_batch(const char* name, size_t columns, size_t depth, size_t lanes,
                       multiply* kernel) {
  colonnade_region_begin_cold();
  multiply_batch(columns, depth, lanes, kernel);
  colonnade_region_begin();
  do {
    multiply_batch(columns, depth, lanes, kernel);
  } while (colonnade_region_again());
  colonnade_region_end();
  printf("%s %zu\n", name, depth);
}

int main(void) {
  memset(input, 1, sizeof(input));
  time_depthwise("depthwise-32", 112, 32, 1);
  time_depthwise("depthwise-64", 112, 64, 2);
  time_depthwise("depthwise-128", 56, 128, 1);
  time_batch("batch-vectors-64", 64, ROWS, LANES, multiply_vectors);
  time_batch("batch-vectors-32", 32, ROWS, LANES, multiply_vectors);
  time_batch("batch-scalar-64", 64, ROWS, 4, xnn_f32_ppmm_minmax_ukernel_4x4__scalar);
  time_batch("batch-scalar-32", 32, ROWS, 4, xnn_f32_ppmm_minmax_ukernel_4x4__scalar);
  return EXIT_SUCCESS;
}
