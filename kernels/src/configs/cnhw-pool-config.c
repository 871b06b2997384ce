// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Which pooling kernels this CPU gets.
#include "colonnade/cnhw-pool.h"

#include "xnnpack/common.h"
#include "xnnpack/hardware-config.h"
#include "zvfh.h"

const struct xnn_cnhw_pool_config* xnn_init_cnhw_pool_config(size_t element_bytes) {
  const struct xnn_hardware_config* hardware = xnn_init_hardware_config();
  if (hardware == NULL) {
    return NULL;
  }
  const bool is_f32 = element_bytes == sizeof(float);
  #if XNN_ARCH_RISCV && XNN_ENABLE_RISCV_VECTOR
    if (is_f32 ? hardware->use_riscv_vector : colnm_has_zvfh()) {
      return is_f32 ? &xnn_f32_cnhw_pool_config_rvv : &xnn_f16_cnhw_pool_config_rvvfp16;
    }
  #endif
  return is_f32 ? &xnn_f32_cnhw_pool_config_scalar : &xnn_f16_cnhw_pool_config_scalar;
}
