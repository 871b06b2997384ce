// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Which im2col kernel this CPU gets.
#include "colonnade/im2col.h"

#include "xnnpack/common.h"
#include "xnnpack/hardware-config.h"
#include "zvfh.h"

xnn_im2col_ukernel_fn xnn_init_im2col_ukernel(size_t element_bytes) {
  #if XNN_ARCH_RISCV && XNN_ENABLE_RISCV_VECTOR
    if (xnn_init_hardware_config()->use_riscv_vector) {
      return element_bytes == sizeof(uint32_t) ? xnn_x32_im2col_ukernel__rvv : xnn_x16_im2col_ukernel__rvv;
    }
  #endif
  return element_bytes == sizeof(uint32_t) ? xnn_x32_im2col_ukernel__scalar : xnn_x16_im2col_ukernel__scalar;
}

xnn_im2col_ukernel_fn xnn_init_f32_f16_im2col_ukernel(void) {
  #if XNN_ARCH_RISCV && XNN_ENABLE_RISCV_VECTOR
    if (colnm_has_zvfh()) {
      return xnn_f32_f16_im2col_ukernel__rvvfp16;
    }
  #endif
  return xnn_f32_f16_im2col_ukernel__scalar;
}
