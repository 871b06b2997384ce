// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Kernels whose time is arithmetic: see kernels.h.

#include "kernels.h"

#include <riscv_vector.h>

void mandelbrot_scalar(uint32_t* result, size_t width, uint32_t limit) {
  const float step = 2.0f / (float) width;
  for (size_t row = 0; row < width; row++) {
    for (size_t column = 0; column < width; column++) {
      const float cx = (float) column * step - 1.5f, cy = (float) row * step - 1.0f;
      float x = 0, y = 0, xx = 0, yy = 0;
      uint32_t count = 0;
      while (count < limit && xx + yy <= 4) {
        y = 2 * x * y + cy;
        x = xx - yy + cx;
        xx = x * x;
        yy = y * y;
        count++;
      }
      *result++ = count;
    }
  }
}

// One picture in panels of a register group; a point leaves the count when it has escaped.
#define MANDELBROT(lmul, bits)                                                                     \
  void mandelbrot_m##lmul(uint32_t* result, size_t width, uint32_t limit) {                        \
    const float step = 2.0f / (float) width;                                                       \
    for (size_t row = 0; row < width; row++, result += width) {                                    \
      for (size_t left = width, vl; left > 0;) {                                                   \
        vl = __riscv_vsetvl_e32m##lmul(left);                                                      \
        left -= vl;                                                                                \
        const vuint32m##lmul##_t columns =                                                         \
            __riscv_vadd_vx_u32m##lmul(__riscv_vid_v_u32m##lmul(vl), left, vl);                    \
        vfloat32m##lmul##_t cx = __riscv_vfcvt_f_xu_v_f32m##lmul(columns, vl);                     \
        cx = __riscv_vfadd_vf_f32m##lmul(__riscv_vfmul_vf_f32m##lmul(cx, step, vl), -1.5f, vl);    \
        const vfloat32m##lmul##_t cy = __riscv_vfmv_v_f_f32m##lmul((float) row * step - 1.0f, vl); \
        vfloat32m##lmul##_t x = __riscv_vfmv_v_f_f32m##lmul(0, vl), y = x, xx = x, yy = x;         \
        vuint32m##lmul##_t counts = __riscv_vmv_v_x_u32m##lmul(0, vl);                             \
        vbool##bits##_t inside = __riscv_vmset_m_b##bits(vl);                                      \
        for (uint32_t count = 1; count <= limit; count++) {                                        \
          if (__riscv_vfirst_m_b##bits(inside, vl) < 0) break;                                     \
          inside = __riscv_vmflt_vf_f32m##lmul##_b##bits(__riscv_vfadd_vv_f32m##lmul(xx, yy, vl),  \
                                                         4, vl);                                   \
          xx = __riscv_vfsub_vv_f32m##lmul(xx, yy, vl);                                            \
          x = __riscv_vfadd_vv_f32m##lmul(x, x, vl);                                               \
          y = __riscv_vfmadd_vv_f32m##lmul(y, x, cy, vl);                                          \
          x = __riscv_vfadd_vv_f32m##lmul(xx, cx, vl);                                             \
          xx = __riscv_vfmul_vv_f32m##lmul(x, x, vl);                                              \
          yy = __riscv_vfmul_vv_f32m##lmul(y, y, vl);                                              \
          counts = __riscv_vmerge_vxm_u32m##lmul(counts, count, inside, vl);                       \
        }                                                                                          \
        __riscv_vse32_v_u32m##lmul(result + left, counts, vl);                                     \
      }                                                                                            \
    }                                                                                              \
  }

MANDELBROT(1, 32)
MANDELBROT(2, 16)

void add_quantised(int8_t* output, const int8_t* a, const int8_t* b, size_t count,
                   const struct QuantisedAdd* parameters) {
  const struct QuantisedAdd p = *parameters;
  for (size_t vl; count > 0; count -= vl, a += vl, b += vl, output += vl) {
    vl = __riscv_vsetvl_e8m2(count);
    vint32m8_t sum = __riscv_vmul_vx_i32m8(__riscv_vsext_vf4_i32m8(__riscv_vle8_v_i8m2(a, vl), vl),
                                           p.a_scale, vl);
    const vint32m8_t other = __riscv_vmul_vx_i32m8(
        __riscv_vsext_vf4_i32m8(__riscv_vle8_v_i8m2(b, vl), vl), p.b_scale, vl);
    sum = __riscv_vadd_vv_i32m8(__riscv_vadd_vx_i32m8(sum, p.bias, vl), other, vl);
    sum = __riscv_vadd_vx_i32m8(__riscv_vsra_vx_i32m8(sum, p.shift, vl), p.zero_point, vl);
    sum = __riscv_vmin_vx_i32m8(__riscv_vmax_vx_i32m8(sum, p.low, vl), p.high, vl);
    const vint16m4_t half = __riscv_vncvt_x_x_w_i16m4(sum, vl);
    __riscv_vse8_v_i8m2(output, __riscv_vncvt_x_x_w_i8m2(half, vl), vl);
  }
}
