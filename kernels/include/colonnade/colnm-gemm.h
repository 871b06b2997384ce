// Column-wise N:M GEMM microkernels and the table that picks one.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "xnnpack/microparams.h"

#ifdef __cplusplus
extern "C" {
#endif

// Largest tile of any microkernel: 31 accumulators and a strip vector fill the 32 RVV registers.
#define COLNM_MAX_TILE 31
// LMUL 1, 2, 4, 8.
#define COLNM_LMULS 4

// Positions per unit of LMUL of the plain C kernels.
#define COLNM_SCALAR_LANES 8

// Floats and offsets a kernel may read past the last column of a tile: it loads the next weights and
// the next strip vector ahead. The offsets must be valid ones.
#define COLNM_EXTRA_COLUMNS 2

// C[T, nc] = clamp(bias + sum_k w[k, T] * a[k, nc] + residual[T, nc], min, max), for one tile of T
// output channels and one strip.
//
//   nc        output positions, 1 to LMUL * lanes
//   kc        kept columns, at least 1
//   a         the strip
//   w         T biases, then kc columns of T weights, then COLNM_EXTRA_COLUMNS columns of anything
//   offsets   kc byte offsets from `a`, then COLNM_EXTRA_COLUMNS valid ones
//   c         output, cm_stride bytes from one channel to the next
//   residual  NULL, or a tensor added before the clamp, with the strides of c
typedef void (*xnn_f32_colnm_gemm_ukernel_fn)(
    size_t nc,
    size_t kc,
    const float* a,
    const float* w,
    const uint32_t* offsets,
    float* c,
    size_t cm_stride,
    const float* residual,
    const union xnn_f32_minmax_params* params);

struct xnn_f32_colnm_gemm_config {
  // [log2 LMUL][T - 1]; NULL where no kernel exists.
  xnn_f32_colnm_gemm_ukernel_fn ukernel[COLNM_LMULS][COLNM_MAX_TILE];
  // f32 elements of one vector register; a strip has LMUL times as many.
  size_t lanes;
};

// The kernels for the CPU this runs on, or NULL where XNNPACK does not support it.
const struct xnn_f32_colnm_gemm_config* xnn_init_f32_colnm_gemm_config(void);

#ifdef __cplusplus
}  // extern "C"
#endif
