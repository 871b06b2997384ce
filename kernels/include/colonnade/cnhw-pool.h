// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Kernels of the pooling operators.
#pragma once

#include <stddef.h>

#include "colonnade/datatypes.h"

#ifdef __cplusplus
extern "C" {
#endif

// output[i] = scale times the sum, or the max, over t < taps of the element that lies offsets[t] bytes and i * stride
// elements behind the input. Of no taps, the sum is 0 and the max minus infinity. Sums are added up in f32.
typedef void (*xnn_cnhw_pool_ukernel_fn)(
    size_t count, size_t taps, const void* input, const ptrdiff_t* offsets, size_t stride, float scale, void* output);

// Sum of n elements, added up in f32.
typedef float (*xnn_plane_sum_ukernel_fn)(size_t n, const void* input);

// Largest of n elements, n >= 1.
typedef float (*xnn_plane_max_ukernel_fn)(size_t n, const void* input);

struct xnn_cnhw_pool_config {
  xnn_cnhw_pool_ukernel_fn max;
  xnn_cnhw_pool_ukernel_fn average;
  xnn_plane_sum_ukernel_fn plane_sum;
  xnn_plane_max_ukernel_fn plane_max;
};

// The kernels for the CPU this runs on, or NULL where XNNPACK does not support it.
const struct xnn_cnhw_pool_config* xnn_init_cnhw_pool_config(const struct xnn_colnm_datatype* datatype);

#ifdef __cplusplus
}  // extern "C"
#endif
