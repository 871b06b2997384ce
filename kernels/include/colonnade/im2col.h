// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// im2col of a block of panels, fused with packing.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Consecutive output positions that lie in one output row, seen through one kernel tap:
// `left` zeros, then `count` elements from element `source` of an input plane, `stride` apart, then
// `right` zeros.
struct xnn_im2col_run {
  uint32_t left;
  uint32_t count;
  uint32_t right;
  size_t source;
};

// Writes one packed row per plane: row r is the concatenated runs of plane r.
//
//   planes      byte offsets of the planes from `input`, `rows` of them
//   stride      elements from one input position of a run to the next
//   row_stride  bytes from one packed row to the next
typedef void (*xnn_im2col_ukernel_fn)(
    size_t rows,
    const size_t* planes,
    const void* input,
    size_t run_count,
    const struct xnn_im2col_run* runs,
    size_t stride,
    void* output,
    size_t row_stride);

#define COLNM_DECLARE_IM2COL(name) \
  void name(size_t, const size_t*, const void*, size_t, const struct xnn_im2col_run*, size_t, void*, size_t)
COLNM_DECLARE_IM2COL(xnn_x32_im2col_ukernel__rvv);
COLNM_DECLARE_IM2COL(xnn_x32_im2col_ukernel__scalar);
COLNM_DECLARE_IM2COL(xnn_x16_im2col_ukernel__rvv);
COLNM_DECLARE_IM2COL(xnn_x16_im2col_ukernel__scalar);
COLNM_DECLARE_IM2COL(xnn_f32_f16_im2col_ukernel__rvvfp16);
COLNM_DECLARE_IM2COL(xnn_f32_f16_im2col_ukernel__scalar);
#undef COLNM_DECLARE_IM2COL

// The kernel for the CPU this runs on: copies elements of 4 bytes or of 2, or rounds f32 to f16.
xnn_im2col_ukernel_fn xnn_init_im2col_ukernel(size_t element_bytes);
xnn_im2col_ukernel_fn xnn_init_f32_f16_im2col_ukernel(void);

#ifdef __cplusplus
}  // extern "C"
#endif
