// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Depthwise convolution of one plane.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "colonnade/datatypes.h"

#include "xnnpack/microparams.h"

#ifdef __cplusplus
extern "C" {
#endif

// Taps of a group, at most.
#define XNN_DWCONV_TAPS 5

// Taps that read one column of a phase plane, row below row: a row is loaded once for all of them.
struct xnn_dwconv_group {
  ptrdiff_t input;  // bytes from an output position's input to what the first tap reads
  size_t taps;      // 1 to XNN_DWCONV_TAPS
};

// A plane as a kernel meets it. Strides count bytes.
struct xnn_dwconv_plane {
  const void* data;  // the first position; NULL: a residual that is not there
  size_t stride;     // from one row to the next
  // What comes after the rows in use, which a kernel brings into the cache in the order of addresses: caches follow that
  // order, not the one in which a strip of several rows reads.
  size_t rows;           // of the plane, or of each of its phase planes, with the gap
  size_t phase_stride;   // from one phase plane to the next
  size_t next;           // from the plane to the one that is computed next; 0: none is
};

// output[y, x] = clamp(bias + sum of taps + residual[y, x], min, max) for height * width positions, both at least 1.
//
//   input          position [y, x] lies at data + y * stride, column_step elements from the one before it
//   groups, count  at least one
//   weights        the bias, then the weights of each group's taps; of the elements, f16 or f32
//
// Input is read in whole vectors, up to COLNM_PLANES_GUARD elements behind the last position.
typedef void (*xnn_dwconv_ukernel_fn)(
    size_t height,
    size_t width,
    const struct xnn_dwconv_plane* input,
    size_t column_step,
    size_t count,
    const struct xnn_dwconv_group* groups,
    const void* weights,
    const struct xnn_dwconv_plane* residual,
    const struct xnn_dwconv_plane* output,
    const union xnn_f32_minmax_params* params);

struct xnn_dwconv_config {
  xnn_dwconv_ukernel_fn any;
  // For planes of which it is known what groups they have, of unit column step: 3x3 and 5x5 of stride 1, whose groups lie
  // one element from each other, and of stride 2 on planes in as many phases.
  xnn_dwconv_ukernel_fn k3x3, k3x3s2, k5x5, k5x5s2;
};

// The kernels for the CPU this runs on, or NULL where XNNPACK does not support it.
const struct xnn_dwconv_config* xnn_init_dwconv_config(const struct xnn_colnm_datatype* datatype);

#ifdef __cplusplus
}  // extern "C"
#endif
