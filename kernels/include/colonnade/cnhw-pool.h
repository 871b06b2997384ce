// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Kernels of the pooling operators.
#pragma once

#include <stddef.h>

#include "colonnade/datatypes.h"

#ifdef __cplusplus
extern "C" {
#endif

// output[i] = max over t < taps of the element that lies offsets[t] bytes and i * stride elements behind the input;
// taps >= 1.
typedef void (*xnn_cnhw_maxpool_ukernel_fn)(
    size_t count, size_t taps, const void* input, const ptrdiff_t* offsets, size_t stride, void* output);

// Sum of n elements, added up in f32.
typedef float (*xnn_plane_sum_ukernel_fn)(size_t n, const void* input);

struct xnn_cnhw_pool_config {
  xnn_cnhw_maxpool_ukernel_fn maxpool;
  xnn_plane_sum_ukernel_fn plane_sum;
};

// The kernels for the CPU this runs on, or NULL where XNNPACK does not support it.
const struct xnn_cnhw_pool_config* xnn_init_cnhw_pool_config(const struct xnn_colnm_datatype* datatype);

#ifdef __cplusplus
}  // extern "C"
#endif
