#include <riscv_vector.h>

#include "colonnade/cnhw-pool.h"

static void maxpool_row(size_t output_width, const float* row, size_t pooling_width, size_t stride, float* output) {
  const ptrdiff_t byte_stride = (ptrdiff_t) (stride * sizeof(float));
  while (output_width != 0) {
    const size_t vl = __riscv_vsetvl_e32m4(output_width);
    vfloat32m4_t best = __riscv_vlse32_v_f32m4(row, byte_stride, vl);
    for (size_t k = 1; k < pooling_width; k++) {
      best = __riscv_vfmax_vv_f32m4(best, __riscv_vlse32_v_f32m4(row + k, byte_stride, vl), vl);
    }
    __riscv_vse32_v_f32m4(output, best, vl);
    output += vl;
    row += vl * stride;
    output_width -= vl;
  }
}

static void vmax(size_t width, const float* input, float* row) {
  while (width != 0) {
    const size_t vl = __riscv_vsetvl_e32m4(width);
    const vfloat32m4_t best =
      __riscv_vfmax_vv_f32m4(__riscv_vle32_v_f32m4(row, vl), __riscv_vle32_v_f32m4(input, vl), vl);
    __riscv_vse32_v_f32m4(row, best, vl);
    input += vl;
    row += vl;
    width -= vl;
  }
}

static float plane_sum(size_t n, const float* input) {
  vfloat32m1_t sum = __riscv_vfmv_s_f_f32m1(0.0f, 1);
  while (n != 0) {
    const size_t vl = __riscv_vsetvl_e32m8(n);
    sum = __riscv_vfredusum_vs_f32m8_f32m1(__riscv_vle32_v_f32m8(input, vl), sum, vl);
    input += vl;
    n -= vl;
  }
  return __riscv_vfmv_f_s_f32m1_f32(sum);
}

const struct xnn_f32_cnhw_pool_config xnn_f32_cnhw_pool_config_rvv = {
  .maxpool_row = maxpool_row,
  .vmax = vmax,
  .plane_sum = plane_sum,
};
