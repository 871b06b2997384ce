// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

#include "zvfh.h"

#include "xnnpack/common.h"
#include "xnnpack/hardware-config.h"

#if XNN_ARCH_RISCV && XNN_ENABLE_RISCV_VECTOR
#include <asm/hwprobe.h>
#include <asm/unistd.h>
#include <unistd.h>

bool colnm_has_zvfh(void) {
  struct riscv_hwprobe pair = {.key = RISCV_HWPROBE_KEY_IMA_EXT_0};
  const uint64_t needed = RISCV_HWPROBE_EXT_ZFH | RISCV_HWPROBE_EXT_ZVFH;
  return xnn_init_hardware_config()->use_riscv_vector && syscall(__NR_riscv_hwprobe, &pair, 1, 0, NULL, 0) == 0 &&
         (pair.value & needed) == needed;
}
#else
bool colnm_has_zvfh(void) { return false; }
#endif
