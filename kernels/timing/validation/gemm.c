// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// The matrix multiplications of AlexanderGSC/rvv-gemm, from plain loops to tiles: see kernels.h. What each
// loop does is theirs, the code is ours. Compiled with GCC as theirs were.

#include <riscv_vector.h>

#include "kernels.h"

// c[row][:] += a[row][k] * b[k][:], one element after the other.
#define PLAIN                                             \
  for (size_t row = 0; row < rows; row++)                 \
    for (size_t k = 0; k < GEMM_DEPTH; k++)               \
      for (size_t column = 0; column < columns; column++) \
        c[row][column] += a[row][k] * b[k][column];

__attribute__((optimize("no-tree-vectorize"))) void gemm_scalar(float* const* a, float* const* b,
                                                                float* const* c, size_t rows,
                                                                size_t columns) {
  PLAIN
}

__attribute__((optimize("O3"))) void gemm_compiler(float* const* a, float* const* b,
                                                   float* const* c, size_t rows,
                                                   size_t columns) {PLAIN}
// The same by register groups, all of a row of b for each element of a.
#define BY_GROUPS(name, ADD_PRODUCT)                                                          \
  void name(float* const* a, float* const* b, float* const* c, size_t rows, size_t columns) { \
    for (size_t row = 0; row < rows; row++) {                                                 \
      for (size_t k = 0; k < GEMM_DEPTH; k++) {                                               \
        for (size_t column = 0, vl; column < columns; column += vl) {                         \
          vl = __riscv_vsetvl_e32m8(columns - column);                                        \
          vfloat32m8_t sum = __riscv_vle32_v_f32m8(c[row] + column, vl);                      \
          const vfloat32m8_t factor = __riscv_vle32_v_f32m8(b[k] + column, vl);               \
          sum = ADD_PRODUCT(sum, a[row][k], factor, vl);                                      \
          __riscv_vse32_v_f32m8(c[row] + column, sum, vl);                                    \
        }                                                                                     \
      }                                                                                       \
    }                                                                                         \
  }

#define ADD_AFTER_MULTIPLY(sum, scalar, factor, vl) \
  __riscv_vfadd_vv_f32m8(sum, __riscv_vfmul_vf_f32m8(factor, scalar, vl), vl)

BY_GROUPS(gemm_multiply_add, ADD_AFTER_MULTIPLY) BY_GROUPS(gemm_fused, __riscv_vfmacc_vf_f32m8)

    static inline size_t least(size_t a, size_t b) {
  return a < b ? a : b;
}

// Cubes of `tile`; within one, sums stay in registers while k runs.
void gemm_tiles(float* const* a, float* const* b, float* const* c, size_t rows, size_t columns,
                size_t tile) {
  for (size_t top = 0; top < rows; top += tile) {
    for (size_t left = 0; left < columns; left += tile) {
      for (size_t front = 0; front < GEMM_DEPTH; front += tile) {
        const size_t bottom = least(top + tile, rows), right = least(left + tile, columns);
        const size_t back = least(front + tile, GEMM_DEPTH);
        for (size_t column = left, vl; column < right; column += vl) {
          vl = __riscv_vsetvl_e32m8(right - column);
          for (size_t row = top; row < bottom; row++) {
            vfloat32m8_t sum = __riscv_vle32_v_f32m8(c[row] + column, vl);
            for (size_t k = front; k < back; k++) {
              const vfloat32m8_t factor = __riscv_vle32_v_f32m8(b[k] + column, vl);
              sum = __riscv_vfmacc_vf_f32m8(sum, a[row][k], factor, vl);
            }
            __riscv_vse32_v_f32m8(c[row] + column, sum, vl);
          }
        }
      }
    }
  }
}

// Four rows at once, four sums that do not wait for each other. As published: a vector length of LMUL 2 in
// groups of four, and every other one left out.
void gemm_four_rows(float* const* a, float* const* b, float* const* c, size_t rows,
                    size_t columns) {
  for (size_t top = 0; top < rows; top += GEMM_TILE) {
    for (size_t left = 0; left < columns; left += GEMM_TILE) {
      for (size_t front = 0; front < GEMM_DEPTH; front += GEMM_TILE) {
        const size_t bottom = least(top + GEMM_TILE, rows),
                     right = least(left + GEMM_TILE, columns);
        const size_t back = least(front + GEMM_TILE, GEMM_DEPTH);
        for (size_t column = left, vl; column < right; column += 2 * vl) {
          vl = __riscv_vsetvl_e32m2(right - column);
          for (size_t row = top; row < bottom; row += 4) {
            vfloat32m4_t sum0 = __riscv_vle32_v_f32m4(c[row] + column, vl);
            vfloat32m4_t sum1 = __riscv_vle32_v_f32m4(c[row + 1] + column, vl);
            vfloat32m4_t sum2 = __riscv_vle32_v_f32m4(c[row + 2] + column, vl);
            vfloat32m4_t sum3 = __riscv_vle32_v_f32m4(c[row + 3] + column, vl);
            for (size_t k = front; k < back; k++) {
              const vfloat32m4_t factor = __riscv_vle32_v_f32m4(b[k] + column, vl);
              sum0 = __riscv_vfmacc_vf_f32m4(sum0, a[row][k], factor, vl);
              sum1 = __riscv_vfmacc_vf_f32m4(sum1, a[row + 1][k], factor, vl);
              sum2 = __riscv_vfmacc_vf_f32m4(sum2, a[row + 2][k], factor, vl);
              sum3 = __riscv_vfmacc_vf_f32m4(sum3, a[row + 3][k], factor, vl);
            }
            __riscv_vse32_v_f32m4(c[row] + column, sum0, vl);
            __riscv_vse32_v_f32m4(c[row + 1] + column, sum1, vl);
            __riscv_vse32_v_f32m4(c[row + 2] + column, sum2, vl);
            __riscv_vse32_v_f32m4(c[row + 3] + column, sum3, vl);
          }
        }
      }
    }
  }
}

#define LOAD_SUM(row_, half) __riscv_vle32_v_f32m2(c[row + row_] + column + half * vl, vl)
#define ADD_PRODUCTS(row_)                                                       \
  const float scalar##row_ = a[row + row_][k];                                   \
  sum##row_##0 = __riscv_vfmacc_vf_f32m2(sum##row_##0, scalar##row_, left_, vl); \
  sum##row_##1 = __riscv_vfmacc_vf_f32m2(sum##row_##1, scalar##row_, right_, vl);
#define STORE_SUMS(row_)                                           \
  __riscv_vse32_v_f32m2(c[row + row_] + column, sum##row_##0, vl); \
  __riscv_vse32_v_f32m2(c[row + row_] + column + vl, sum##row_##1, vl);

void gemm_eight_sums(float* const* a, float* const* b, float* const* c, size_t rows,
                     size_t columns) {
  for (size_t front = 0; front < GEMM_DEPTH; front += GEMM_TILE) {
    const size_t back = least(front + GEMM_TILE, GEMM_DEPTH);
    for (size_t column = 0, vl; column < columns; column += 2 * vl) {
      vl = __riscv_vsetvl_e32m2((columns - column) / 2);
      for (size_t row = 0; row < rows; row += 4) {
        vfloat32m2_t sum00 = LOAD_SUM(0, 0), sum01 = LOAD_SUM(0, 1);
        vfloat32m2_t sum10 = LOAD_SUM(1, 0), sum11 = LOAD_SUM(1, 1);
        vfloat32m2_t sum20 = LOAD_SUM(2, 0), sum21 = LOAD_SUM(2, 1);
        vfloat32m2_t sum30 = LOAD_SUM(3, 0), sum31 = LOAD_SUM(3, 1);
        for (size_t k = front; k < back; k++) {
          const vfloat32m2_t left_ = __riscv_vle32_v_f32m2(b[k] + column, vl);
          const vfloat32m2_t right_ = __riscv_vle32_v_f32m2(b[k] + column + vl, vl);
          ADD_PRODUCTS(0)
          ADD_PRODUCTS(1)
          ADD_PRODUCTS(2)
          ADD_PRODUCTS(3)
        }
        STORE_SUMS(0)
        STORE_SUMS(1)
        STORE_SUMS(2)
        STORE_SUMS(3)
      }
    }
  }
}
