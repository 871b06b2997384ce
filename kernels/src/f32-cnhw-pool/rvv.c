#include <riscv_vector.h>

#include "colonnade/cnhw-pool.h"

static inline vfloat32m4_t load(const float* input, ptrdiff_t byte_stride, size_t vl) {
  return byte_stride == sizeof(float) ? __riscv_vle32_v_f32m4(input, vl) : __riscv_vlse32_v_f32m4(input, byte_stride, vl);
}

// Taps are loaded one ahead of their use, and two maxima take turns: an in-order core waits for each.
static void maxpool(size_t count, size_t taps, const float* const* inputs, size_t stride, float* output) {
  const ptrdiff_t byte_stride = (ptrdiff_t) (stride * sizeof(float));
  for (size_t i = 0; i < count;) {
    const size_t vl = __riscv_vsetvl_e32m4(count - i);
    vfloat32m4_t even = load(inputs[0] + i * stride, byte_stride, vl);
    vfloat32m4_t odd = even;
    size_t t = 1;
    for (; t + 1 < taps; t += 2) {
      const vfloat32m4_t a = load(inputs[t] + i * stride, byte_stride, vl);
      const vfloat32m4_t b = load(inputs[t + 1] + i * stride, byte_stride, vl);
      even = __riscv_vfmax_vv_f32m4(even, a, vl);
      odd = __riscv_vfmax_vv_f32m4(odd, b, vl);
    }
    if (t < taps) {
      even = __riscv_vfmax_vv_f32m4(even, load(inputs[t] + i * stride, byte_stride, vl), vl);
    }
    __riscv_vse32_v_f32m4(output + i, __riscv_vfmax_vv_f32m4(even, odd, vl), vl);
    i += vl;
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
  .maxpool = maxpool,
  .plane_sum = plane_sum,
};
