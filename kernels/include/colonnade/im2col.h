// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// im2col of a block of panels, fused with packing.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "colonnade/datatypes.h"

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

// The kernel for the CPU this runs on, which copies elements or makes them of f32, or NULL where XNNPACK does not
// support it.
xnn_im2col_ukernel_fn xnn_init_im2col_ukernel(const struct xnn_colnm_datatype* datatype);
xnn_im2col_ukernel_fn xnn_init_f32_im2col_ukernel(const struct xnn_colnm_datatype* datatype);

#ifdef __cplusplus
}  // extern "C"
#endif
