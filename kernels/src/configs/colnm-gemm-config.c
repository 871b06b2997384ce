// Which column-wise GEMM kernels this CPU gets.
#include "colonnade/colnm-gemm.h"

#include "xnnpack/common.h"
#include "xnnpack/hardware-config.h"
#include "xnnpack/init-once.h"

#include "f32-colnm-gemm-minmax-scalar.h"
#if XNN_ARCH_RISCV && XNN_ENABLE_RISCV_VECTOR
#include "f32-colnm-gemm-minmax-rvv.h"
#elif XNN_ARCH_X86_64
#include "f32-colnm-gemm-minmax-avx512f.h"
#include "f32-colnm-gemm-minmax-fma3.h"
#endif

// The RVV kernels are assembly: generate.py tells them these offsets.
_Static_assert(
  offsetof(struct xnn_colnm_strip, count) == 0 && offsetof(struct xnn_colnm_strip, input) == 8 &&
    offsetof(struct xnn_colnm_strip, output) == 16 && offsetof(struct xnn_colnm_strip, residual) == 24 &&
    offsetof(struct xnn_colnm_strip, output_index) == 32 && offsetof(struct xnn_colnm_strip, residual_index) == 40 &&
    offsetof(struct xnn_colnm_strip, mask) == 48 && offsetof(struct xnn_colnm_strip, hole) == 56 &&
    sizeof(struct xnn_colnm_strip) == 64,
  "see STRIP in generate.py");

static struct xnn_f32_colnm_gemm_config f32_colnm_gemm_config;

XNN_INIT_ONCE_GUARD(f32_colnm_gemm);

static void init_f32_colnm_gemm_config(void) {
  const struct xnn_hardware_config* hardware = xnn_init_hardware_config();
  #if XNN_ARCH_RISCV && XNN_ENABLE_RISCV_VECTOR
    if (hardware->use_riscv_vector) {
      fill_f32_colnm_gemm_rvv(&f32_colnm_gemm_config);
      f32_colnm_gemm_config.lanes = hardware->vlenb / sizeof(float);
      return;
    }
  #elif XNN_ARCH_X86_64
    if (hardware->use_x86_avx512f) {
      fill_f32_colnm_gemm_avx512f(&f32_colnm_gemm_config);
      f32_colnm_gemm_config.lanes = 16;
      return;
    }
    if (hardware->use_x86_fma3) {
      fill_f32_colnm_gemm_fma3(&f32_colnm_gemm_config);
      f32_colnm_gemm_config.lanes = 8;
      return;
    }
  #endif
  fill_f32_colnm_gemm_scalar(&f32_colnm_gemm_config);
  f32_colnm_gemm_config.lanes = COLNM_SCALAR_LANES;
}

const struct xnn_f32_colnm_gemm_config* xnn_init_f32_colnm_gemm_config(void) {
  if (xnn_init_hardware_config() == NULL) {
    return NULL;
  }
  XNN_INIT_ONCE(f32_colnm_gemm);
  return &f32_colnm_gemm_config;
}
