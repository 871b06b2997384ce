// Which pooling kernels this CPU gets.
#include "colonnade/cnhw-pool.h"

#include "xnnpack/common.h"
#include "xnnpack/hardware-config.h"

const struct xnn_f32_cnhw_pool_config* xnn_init_f32_cnhw_pool_config(void) {
  const struct xnn_hardware_config* hardware = xnn_init_hardware_config();
  if (hardware == NULL) {
    return NULL;
  }
  #if XNN_ARCH_RISCV && XNN_ENABLE_RISCV_VECTOR
    if (hardware->use_riscv_vector) {
      return &xnn_f32_cnhw_pool_config_rvv;
    }
  #endif
  return &xnn_f32_cnhw_pool_config_scalar;
}
