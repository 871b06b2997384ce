// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Column-wise N:M GEMM microkernels and the table that picks one.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "colonnade/datatypes.h"
#include "colonnade/registers.h"
#include "xnnpack/microparams.h"

#ifdef __cplusplus
extern "C" {
#endif

// Columns a kernel may read past the last one of a tile: it loads the next weights, panel vectors and offsets
// ahead. Their offsets must be valid ones.
#define COLNM_EXTRA_COLUMNS 3

// One panel: consecutive positions of the input, and where their results go. Offsets count bytes.
struct xnn_colnm_panel {
  uint32_t count;      // positions, 1 to LMUL * lanes
  uint32_t log2_lmul;  // of the kernel that computes the panel
  size_t input;
  // Of the first position; the others follow it, or lie at output + output_index[position].
  size_t output;
  size_t residual;
  const uint32_t* output_index;    // [count], or NULL
  const uint32_t* residual_index;  // [count], or NULL
  const uint8_t* mask;  // one bit per position, whether its result is stored; NULL: all are
  // Where exactly one result is not stored: how far from the first it would lie. A kernel may store it all
  // the same and then zero. 0 otherwise.
  size_t hole;
};

// C[T, count] = clamp(bias + sum_k w[k, T] * a[k, count] + residual[T, count], min, max) for one tile of
// T output channels and each panel.
//
//   kc        kept columns, at least 1
//   a         column k of a panel lies at byte offset panel.input + offsets[k] from here
//   w         T biases of the accumulators' datatype, then kc columns of T weights, then COLNM_EXTRA_COLUMNS
//             columns of anything; aligned to a bias
//   offsets   kc byte offsets, then COLNM_EXTRA_COLUMNS valid ones
//   count     panels, at least 1, all of the kernel's LMUL
//   c         output, cm_stride bytes from one channel to the next
//   residual  NULL, or a tensor added before the clamp, rm_stride bytes from one channel to the next
typedef void (*xnn_colnm_gemm_ukernel_fn)(
    size_t kc,
    const void* a,
    const void* w,
    const uint32_t* offsets,
    size_t count,
    const struct xnn_colnm_panel* panels,
    void* c,
    size_t cm_stride,
    const void* residual,
    size_t rm_stride,
    const union xnn_f32_minmax_params* params);

struct xnn_colnm_gemm_config {
  // [log2 LMUL][T - 1]; NULL where no kernel exists.
  xnn_colnm_gemm_ukernel_fn ukernel[COLNM_LMULS][COLNM_MAX_TILE];
  // Elements of one vector register; a panel has at most LMUL times as many.
  size_t lanes;
  // Most positions behind whole vectors that kernels compute faster than another vector: those of LMUL 1 as a panel of
  // their own, those of LMUL `joint_lmul` together with one vector less than they have. 0: there are none.
  size_t narrow;
  size_t joint_lmul;
  size_t element_bytes;
  const struct xnn_colnm_datatype* elements;
  const struct xnn_colnm_datatype* accumulators;
};

// The kernels for the CPU this runs on, or NULL where XNNPACK does not support it. Where there are none with such
// accumulators, those with wider ones take their place.
const struct xnn_colnm_gemm_config* xnn_init_colnm_gemm_config(enum xnn_colnm_arithmetic arithmetic);

// Of the instruction sets of this CPU that have kernels of an arithmetic, the best first, the one at `place`: its name,
// and its kernels; or NULL where there are no more. For tests of what other CPUs run.
const char* xnn_colnm_find_instruction_set(
    size_t place, enum xnn_colnm_arithmetic arithmetic, struct xnn_colnm_gemm_config* config);

#ifdef __cplusplus
}  // extern "C"
#endif
