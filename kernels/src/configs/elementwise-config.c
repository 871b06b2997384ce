// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Which elementwise kernels this CPU gets.
#include "colonnade/elementwise.h"

#include "xnnpack/common.h"
#include "xnnpack/hardware-config.h"
#include "zvfh.h"

const struct xnn_elementwise_config* xnn_init_elementwise_config(size_t element_bytes) {
  const bool is_f32 = element_bytes == sizeof(float);
  #if XNN_ARCH_RISCV && XNN_ENABLE_RISCV_VECTOR
    if (is_f32 ? xnn_init_hardware_config()->use_riscv_vector : colnm_has_zvfh()) {
      return is_f32 ? &xnn_f32_elementwise_config_rvv : &xnn_f16_elementwise_config_rvvfp16;
    }
  #elif XNN_ARCH_X86_64
    if (is_f32 && xnn_init_hardware_config()->use_x86_avx512f) {
      return &xnn_f32_elementwise_config_avx512f;
    }
    // Its sources are compiled for AVX2 too.
    if (is_f32 && xnn_init_hardware_config()->use_x86_fma3 && xnn_init_hardware_config()->use_x86_avx2) {
      return &xnn_f32_elementwise_config_fma3;
    }
  #endif
  return is_f32 ? &xnn_f32_elementwise_config_scalar : &xnn_f16_elementwise_config_scalar;
}
