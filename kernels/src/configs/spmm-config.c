// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Which sparse kernels a RISC-V CPU gets: in the place of upstream's src/configs/spmm-config.c, which has scalar
// ones only.
#include "colonnade/spmm.h"

#include "xnnpack/config.h"
#include "xnnpack/hardware-config.h"
#include "xnnpack/init-once.h"
#include "xnnpack/microfnptr.h"
#include "xnnpack/microparams-init.h"
#include "xnnpack/spmm.h"

// Vector registers of a panel.
#define SPMM_LMUL 4

static struct xnn_spmm_config f32_spmm_config;
static struct xnn_spmm_config f32_spmm2_config;
static struct xnn_spmm_config f32_spmm4_config;

XNN_INIT_ONCE_GUARD(f32_spmm);

static struct xnn_spmm_config make_config(xnn_f32_spmm_minmax_ukernel_fn ukernel, uint32_t positions, uint8_t channels) {
  return (struct xnn_spmm_config) {
    .ukernel = (xnn_spmm_ukernel_fn) ukernel,
    .init.f32 = xnn_init_f32_minmax_scalar_params,
    .mr = (uint8_t) positions,
    .nr = channels,
  };
}

static void init_f32_spmm_config(void) {
#if XNN_ENABLE_RISCV_VECTOR
  const struct xnn_hardware_config* hardware = xnn_init_hardware_config();
  if (hardware->use_riscv_vector) {
    const uint32_t positions = SPMM_LMUL * hardware->vlenb / sizeof(float);
    f32_spmm_config = make_config(xnn_f32_spmm_minmax_ukernel_4vx1__rvv, positions, 1);
    f32_spmm2_config = make_config(xnn_f32_spmm_minmax_ukernel_4vx2__rvv, positions, 2);
    f32_spmm4_config = make_config(xnn_f32_spmm_minmax_ukernel_4vx4__rvv, positions, 4);
    return;
  }
#endif
  f32_spmm_config = make_config(xnn_f32_spmm_minmax_ukernel_8x1__scalar, 8, 1);
}

static const struct xnn_spmm_config* initialized(const struct xnn_spmm_config* config) {
  if (xnn_init_hardware_config() == NULL) {
    return NULL;
  }
  XNN_INIT_ONCE(f32_spmm);
  return config;
}

const struct xnn_spmm_config* xnn_init_f16_spmm_config(void) { return NULL; }
const struct xnn_spmm_config* xnn_init_f32_spmm_config(void) { return initialized(&f32_spmm_config); }
const struct xnn_spmm_config* xnn_init_f32_spmm2_config(void) { return initialized(&f32_spmm2_config); }
const struct xnn_spmm_config* xnn_init_f32_spmm4_config(void) { return initialized(&f32_spmm4_config); }
