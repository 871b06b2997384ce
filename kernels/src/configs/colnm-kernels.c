// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Which kernels this CPU gets: of each kind those of the best instruction set that it has.
#include "colonnade/cnhw-pool.h"
#include "colonnade/colnm-gemm.h"
#include "colonnade/dwconv.h"
#include "colonnade/elementwise.h"
#include "colonnade/im2col.h"
#include "colonnade/operators.h"
#include "colonnade/winograd.h"

#include "xnnpack/common.h"
#include "xnnpack/hardware-config.h"
#include "xnnpack/init-once.h"
#include "xnnpack/math.h"

#if XNN_ARCH_RISCV && XNN_ENABLE_RISCV_VECTOR
#include <asm/hwprobe.h>
#include <asm/unistd.h>
#include <unistd.h>
#endif

// The RVV kernels are assembly: generate.py tells them these offsets.
_Static_assert(
    offsetof(struct xnn_colnm_panel, count) == 0 && offsetof(struct xnn_colnm_panel, input) == 8 &&
        offsetof(struct xnn_colnm_panel, output) == 16 && offsetof(struct xnn_colnm_panel, residual) == 24 &&
        offsetof(struct xnn_colnm_panel, output_index) == 32 && offsetof(struct xnn_colnm_panel, residual_index) == 40 &&
        offsetof(struct xnn_colnm_panel, mask) == 48 && offsetof(struct xnn_colnm_panel, hole) == 56 &&
        sizeof(struct xnn_colnm_panel) == 64,
    "see PANEL in generate.py");

// The kernels of an instruction set; by datatype, NULL where it has none.
struct instruction_set {
  const char* name;
  bool (*is_there)(const struct xnn_hardware_config* hardware);
  struct xnn_colnm_gemm_config gemm[xnn_colnm_arithmetics];
  xnn_im2col_ukernel_fn copy[xnn_colnm_datatype_count];
  xnn_im2col_ukernel_fn make[xnn_colnm_datatype_count];  // of f32
  const struct xnn_cnhw_pool_config* pool[xnn_colnm_datatype_count];
  const struct xnn_dwconv_config* dwconv[xnn_colnm_datatype_count];
  const struct xnn_elementwise_config* elementwise[xnn_colnm_datatype_count];
  const struct xnn_winograd_config* winograd[2];  // f32 alone: of 2x2 and of 4x4 outputs
};

#if XNN_ARCH_RISCV && XNN_ENABLE_RISCV_VECTOR
static size_t vector_bytes(const struct xnn_hardware_config* hardware) { return hardware->vlenb; }

static bool has_rvv(const struct xnn_hardware_config* hardware) { return hardware->use_riscv_vector; }

// XNNPACK does not ask for these extensions.
static bool has_rvvfp16(const struct xnn_hardware_config* hardware) {
  struct riscv_hwprobe pair = {.key = RISCV_HWPROBE_KEY_IMA_EXT_0};
  const uint64_t needed = RISCV_HWPROBE_EXT_ZFH | RISCV_HWPROBE_EXT_ZVFH;
  return has_rvv(hardware) && syscall(__NR_riscv_hwprobe, &pair, 1, 0, NULL, 0) == 0 && (pair.value & needed) == needed;
}
#else
// Only RVV's length is not known before.
static size_t vector_bytes(const struct xnn_hardware_config* hardware) { return hardware == NULL; }
#endif
#if XNN_ARCH_X86_64
static bool has_avx512f(const struct xnn_hardware_config* hardware) { return hardware->use_x86_avx512f; }
// Its sources are compiled for AVX2 too.
static bool has_fma3(const struct xnn_hardware_config* hardware) { return hardware->use_x86_fma3 && hardware->use_x86_avx2; }
#endif
#if XNN_ARCH_ARM64
static bool has_neon(const struct xnn_hardware_config* hardware) { return hardware->use_arm_neon; }

static bool has_neonfp16(const struct xnn_hardware_config* hardware) { return hardware->use_arm_neon_fp16_arith; }
#endif
static bool has_scalar(const struct xnn_hardware_config* hardware) { return hardware != NULL; }

#include "colnm-kernels.h"

#define INSTRUCTION_SETS (sizeof(instruction_sets) / sizeof(instruction_sets[0]))

// What this CPU gets.
static struct instruction_set chosen;

XNN_INIT_ONCE_GUARD(colnm_kernels);

static struct xnn_colnm_gemm_config find_gemm(
    const struct instruction_set* set, size_t arithmetic, const struct xnn_hardware_config* hardware) {
  struct xnn_colnm_gemm_config gemm = set->gemm[arithmetic];
  if (gemm.elements != NULL && gemm.lanes == 0) {
    gemm.lanes = vector_bytes(hardware) / gemm.element_bytes;
  }
  return gemm;
}

// Takes what the sets before this one have not.
static void take_kernels(const struct instruction_set* set, const struct xnn_hardware_config* hardware) {
  for (size_t i = 0; i < xnn_colnm_arithmetics; i++) {
    chosen.gemm[i] = chosen.gemm[i].elements == NULL ? find_gemm(set, i, hardware) : chosen.gemm[i];
  }
  for (size_t i = 0; i < xnn_colnm_datatype_count; i++) {
    chosen.copy[i] = chosen.copy[i] == NULL ? set->copy[i] : chosen.copy[i];
    chosen.make[i] = chosen.make[i] == NULL ? set->make[i] : chosen.make[i];
    chosen.pool[i] = chosen.pool[i] == NULL ? set->pool[i] : chosen.pool[i];
    chosen.dwconv[i] = chosen.dwconv[i] == NULL ? set->dwconv[i] : chosen.dwconv[i];
    chosen.elementwise[i] = chosen.elementwise[i] == NULL ? set->elementwise[i] : chosen.elementwise[i];
  }
  for (size_t i = 0; i < 2; i++) {
    chosen.winograd[i] = chosen.winograd[i] == NULL ? set->winograd[i] : chosen.winograd[i];
  }
}

static void init_colnm_kernels_config(void) {
  const struct xnn_hardware_config* hardware = xnn_init_hardware_config();
  for (size_t i = 0; i < INSTRUCTION_SETS; i++) {
    if (instruction_sets[i]->is_there(hardware)) {
      take_kernels(instruction_sets[i], hardware);
    }
  }
}

// NULL where XNNPACK does not support this CPU.
static const struct instruction_set* chosen_kernels(void) {
  if (xnn_init_hardware_config() == NULL) {
    return NULL;
  }
  XNN_INIT_ONCE(colnm_kernels);
  return &chosen;
}

const struct xnn_colnm_gemm_config* xnn_init_colnm_gemm_config(enum xnn_colnm_arithmetic arithmetic) {
  const struct instruction_set* kernels = chosen_kernels();
  return kernels == NULL ? NULL : &kernels->gemm[arithmetic];
}

const char* xnn_colnm_find_instruction_set(
    size_t place, enum xnn_colnm_arithmetic arithmetic, struct xnn_colnm_gemm_config* config) {
  const struct xnn_hardware_config* hardware = xnn_init_hardware_config();
  for (size_t i = 0; i < INSTRUCTION_SETS; i++) {
    if (instruction_sets[i]->gemm[arithmetic].elements != NULL && instruction_sets[i]->is_there(hardware) && place-- == 0) {
      *config = find_gemm(instruction_sets[i], arithmetic, hardware);
      return instruction_sets[i]->name;
    }
  }
  return NULL;
}

xnn_im2col_ukernel_fn xnn_init_im2col_ukernel(const struct xnn_colnm_datatype* datatype) {
  const struct instruction_set* kernels = chosen_kernels();
  return kernels == NULL ? NULL : kernels->copy[datatype - xnn_colnm_datatypes];
}

xnn_im2col_ukernel_fn xnn_init_f32_im2col_ukernel(const struct xnn_colnm_datatype* datatype) {
  const struct instruction_set* kernels = chosen_kernels();
  return kernels == NULL ? NULL : kernels->make[datatype - xnn_colnm_datatypes];
}

const struct xnn_cnhw_pool_config* xnn_init_cnhw_pool_config(const struct xnn_colnm_datatype* datatype) {
  const struct instruction_set* kernels = chosen_kernels();
  return kernels == NULL ? NULL : kernels->pool[datatype - xnn_colnm_datatypes];
}

const struct xnn_dwconv_config* xnn_init_dwconv_config(const struct xnn_colnm_datatype* datatype) {
  const struct instruction_set* kernels = chosen_kernels();
  return kernels == NULL ? NULL : kernels->dwconv[datatype - xnn_colnm_datatypes];
}

const struct xnn_elementwise_config* xnn_init_elementwise_config(const struct xnn_colnm_datatype* datatype) {
  const struct instruction_set* kernels = chosen_kernels();
  return kernels == NULL ? NULL : kernels->elementwise[datatype - xnn_colnm_datatypes];
}

const struct xnn_winograd_config* xnn_init_f32_winograd_config(size_t m) {
  const struct instruction_set* kernels = chosen_kernels();
  return kernels == NULL ? NULL : kernels->winograd[m == 2 ? 0 : 1];
}

const char* xnn_find_f32_winograd_config(size_t place, size_t m, const struct xnn_winograd_config** config) {
  const struct xnn_hardware_config* hardware = xnn_init_hardware_config();
  for (size_t i = 0; i < INSTRUCTION_SETS; i++) {
    const struct xnn_winograd_config* found = instruction_sets[i]->winograd[m == 2 ? 0 : 1];
    if (found != NULL && instruction_sets[i]->is_there(hardware) && place-- == 0) {
      *config = found;
      return instruction_sets[i]->name;
    }
  }
  return NULL;
}

bool xnn_colnm_has_kernel(enum xnn_colnm_arithmetic arithmetic, size_t tile, uint32_t lmul) {
  const struct xnn_colnm_gemm_config* config = xnn_init_colnm_gemm_config(arithmetic);
  return config != NULL && is_po2(lmul) && lmul < 1 << COLNM_LMULS && tile != 0 && tile <= COLNM_MAX_TILE &&
         config->ukernel[math_ctz_u32(lmul)][tile - 1] != NULL;
}

enum xnn_colnm_arithmetic xnn_colnm_arithmetic_of(enum xnn_datatype datatype, size_t tile, size_t kept) {
  enum xnn_colnm_arithmetic best = xnn_colnm_arithmetics;
  for (enum xnn_colnm_arithmetic i = 0; i < xnn_colnm_arithmetics; i++) {
    const struct xnn_colnm_arithmetic_row* row = &xnn_colnm_arithmetic_rows[i];
    if (row->elements->xnnpack != datatype) {
      continue;
    }
    const bool is_exact = kept <= row->max_columns;
    if (best == xnn_colnm_arithmetics || (is_exact && xnn_colnm_has_kernel(i, tile, 1))) {
      best = i;
    }
    if (is_exact) {
      break;
    }
  }
  return best;
}
