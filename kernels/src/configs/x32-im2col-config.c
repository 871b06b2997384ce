// Which im2col kernel this CPU gets.
#include "colonnade/im2col.h"

#include "xnnpack/common.h"
#include "xnnpack/hardware-config.h"

xnn_x32_im2col_ukernel_fn xnn_init_x32_im2col_ukernel(void) {
  #if XNN_ARCH_RISCV && XNN_ENABLE_RISCV_VECTOR
    if (xnn_init_hardware_config()->use_riscv_vector) {
      return xnn_x32_im2col_ukernel__rvv;
    }
  #endif
  return xnn_x32_im2col_ukernel__scalar;
}
