// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Which column-wise GEMM kernels this CPU gets.
#include "colonnade/colnm-gemm.h"
#include "colonnade/operators.h"

#include "xnnpack/common.h"
#include "xnnpack/hardware-config.h"
#include "xnnpack/init-once.h"
#include "xnnpack/math.h"

#include "colnm-gemm-minmax-scalar.h"
#if XNN_ARCH_RISCV && XNN_ENABLE_RISCV_VECTOR
#include "colnm-gemm-minmax-rvv.h"
#include "colnm-gemm-minmax-rvvfp16.h"
#elif XNN_ARCH_X86_64
#include "colnm-gemm-minmax-avx512f.h"
#include "colnm-gemm-minmax-fma3.h"
#endif
#include "zvfh.h"

// The RVV kernels are assembly: generate.py tells them these offsets.
_Static_assert(
  offsetof(struct xnn_colnm_panel, count) == 0 && offsetof(struct xnn_colnm_panel, input) == 8 &&
    offsetof(struct xnn_colnm_panel, output) == 16 && offsetof(struct xnn_colnm_panel, residual) == 24 &&
    offsetof(struct xnn_colnm_panel, output_index) == 32 && offsetof(struct xnn_colnm_panel, residual_index) == 40 &&
    offsetof(struct xnn_colnm_panel, mask) == 48 && offsetof(struct xnn_colnm_panel, hole) == 56 &&
    sizeof(struct xnn_colnm_panel) == 64,
  "see PANEL in generate.py");

// The error of an f16 sum of K columns, relative to the root mean square of such sums, was measured against float64
// as 1.05e-4 sqrt(K) for rectified normal inputs and normal weights. Up to so many columns it is below 2^-8.
#define COLNM_F16_COLUMNS 1152

static struct xnn_colnm_gemm_config configs[xnn_colnm_arithmetics];

XNN_INIT_ONCE_GUARD(colnm_gemm);

static void init_f32(struct xnn_colnm_gemm_config* config) {
  const struct xnn_hardware_config* hardware = xnn_init_hardware_config();
  config->element_bytes = config->accumulator_bytes = sizeof(float);
  #if XNN_ARCH_RISCV && XNN_ENABLE_RISCV_VECTOR
    if (hardware->use_riscv_vector) {
      fill_f32_colnm_gemm_rvv(config);
      config->lanes = hardware->vlenb / sizeof(float);
      return;
    }
  #elif XNN_ARCH_X86_64
    if (hardware->use_x86_avx512f) {
      fill_f32_colnm_gemm_avx512f(config);
      config->lanes = 16;
      return;
    }
    if (hardware->use_x86_fma3 && hardware->use_x86_avx2) {
      fill_f32_colnm_gemm_fma3(config);
      config->lanes = 8;
      return;
    }
  #endif
  fill_f32_colnm_gemm_scalar(config);
  config->lanes = COLNM_SCALAR_LANES;
}

static void init_f16(struct xnn_colnm_gemm_config* f16, struct xnn_colnm_gemm_config* f16_f32acc) {
  f16->element_bytes = f16_f32acc->element_bytes = sizeof(uint16_t);
  f16_f32acc->accumulator_bytes = sizeof(float);
  #if XNN_ARCH_RISCV && XNN_ENABLE_RISCV_VECTOR
    if (colnm_has_zvfh()) {
      fill_f16_colnm_gemm_rvvfp16(f16);
      fill_f16_f32acc_colnm_gemm_rvvfp16(f16_f32acc);
      f16->accumulator_bytes = sizeof(uint16_t);
      f16->lanes = f16_f32acc->lanes = xnn_init_hardware_config()->vlenb / sizeof(uint16_t);
      return;
    }
  #endif
  fill_f16_f32acc_colnm_gemm_scalar(f16_f32acc);
  f16_f32acc->lanes = COLNM_SCALAR_LANES;
  *f16 = *f16_f32acc;
}

static void init_colnm_gemm_config(void) {
  init_f32(&configs[xnn_colnm_f32]);
  init_f16(&configs[xnn_colnm_f16], &configs[xnn_colnm_f16_f32acc]);
}

const struct xnn_colnm_gemm_config* xnn_init_colnm_gemm_config(enum xnn_colnm_arithmetic arithmetic) {
  if (xnn_init_hardware_config() == NULL) {
    return NULL;
  }
  XNN_INIT_ONCE(colnm_gemm);
  return &configs[arithmetic];
}

bool xnn_colnm_has_kernel(enum xnn_colnm_arithmetic arithmetic, size_t tile, uint32_t lmul) {
  const struct xnn_colnm_gemm_config* config = xnn_init_colnm_gemm_config(arithmetic);
  return config != NULL && is_po2(lmul) && lmul < 1 << COLNM_LMULS && tile != 0 && tile <= COLNM_MAX_TILE &&
         config->ukernel[math_ctz_u32(lmul)][tile - 1] != NULL;
}

enum xnn_colnm_arithmetic xnn_colnm_f16_arithmetic(size_t tile, size_t kept) {
  return kept > COLNM_F16_COLUMNS && xnn_colnm_has_kernel(xnn_colnm_f16_f32acc, tile, 1) ? xnn_colnm_f16_f32acc
                                                                                        : xnn_colnm_f16;
}
