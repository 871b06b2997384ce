// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Kernels that compute elements from elements at the same place.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "colonnade/datatypes.h"

#ifdef __cplusplus
extern "C" {
#endif

// Numbers of a function; those that it has no use for are 0.
struct xnn_elementwise_params {
  float scale;  // affine, hard_swish
  float shift;  // affine, hard_swish
  float slope;  // leaky_relu, elu
  // What outputs are clamped to: affine, add, subtract, multiply, maximum, minimum.
  float min;
  float max;
};

// output[y, x] = f(a[y, x], b[y, x]) for `rows` rows of `columns` elements; of one element, `b` is not read. Strides count
// bytes from row to row. Output lies apart from the inputs.
typedef void (*xnn_elementwise_ukernel_fn)(
    size_t rows,
    size_t columns,
    const void* a,
    size_t a_stride,
    const void* b,
    size_t b_stride,
    void* output,
    size_t output_stride,
    const struct xnn_elementwise_params* params);

// Where output rows or columns lie in the input: number i between first[i] and the element step[i] further, weight[i] from
// it. Arrays, so that vectors can be loaded of each.
struct xnn_plane_samples {
  const uint32_t* first;
  const uint32_t* step;
  const float* weight;
};

// output[i] = (1 - y) * (top[first] * (1 - weight) + top[first + step] * weight) + y * (the same of bottom), of sample i.
typedef void (*xnn_interpolate_ukernel_fn)(
    size_t columns,
    const void* top,
    const void* bottom,
    float y,
    const struct xnn_plane_samples* samples,
    void* output);

// output[i] = center[i] / (k + alpha * sum of input[c * stride + i]^2)^beta, over `channels` channels that are
// `channel_stride` bytes apart.
typedef void (*xnn_normalize_ukernel_fn)(
    size_t columns,
    size_t channels,
    const void* input,
    size_t channel_stride,
    const void* center,
    void* output,
    float alpha,
    float beta,
    float k);

// Adds to sums[0] what elements are above `center`, to sums[1] the squares of that. Strides count bytes.
typedef void (*xnn_moments_ukernel_fn)(size_t rows, size_t columns, const void* input, size_t stride, float center, double sums[2]);

// output[c, i] = (input[c, i] - mean[i]) / sqrt(variance[i] + epsilon) * scale[c] + shift[c], mean and variance those of
// `channels` channels, which are as many bytes apart as the strides say. Output lies apart from the input.
typedef void (*xnn_normalize_pixels_ukernel_fn)(
    size_t columns,
    size_t channels,
    const void* input,
    size_t input_stride,
    void* output,
    size_t output_stride,
    const float* scale,
    const float* shift,
    float epsilon);

// output[y, x] = 0. The stride counts elements from row to row.
typedef void (*xnn_clear_ukernel_fn)(size_t rows, size_t columns, void* output, size_t stride);

struct xnn_elementwise_config {
  xnn_elementwise_ukernel_fn affine;        // clamp(a * scale + shift)
  xnn_elementwise_ukernel_fn hard_swish;    // a * clamp(a * scale + shift, 0, 1)
  xnn_elementwise_ukernel_fn leaky_relu;    // a < 0 ? a * slope : a
  xnn_elementwise_ukernel_fn sigmoid;
  xnn_elementwise_ukernel_fn silu;
  xnn_elementwise_ukernel_fn tanh;
  xnn_elementwise_ukernel_fn gelu;
  xnn_elementwise_ukernel_fn gelu_tanh;  // its approximation by a tanh
  xnn_elementwise_ukernel_fn mish;
  xnn_elementwise_ukernel_fn elu;  // a < 0 ? slope * (exp(a) - 1) : a
  xnn_elementwise_ukernel_fn softplus;
  xnn_elementwise_ukernel_fn erf;
  xnn_elementwise_ukernel_fn exp;
  xnn_elementwise_ukernel_fn abs;
  xnn_elementwise_ukernel_fn add;
  xnn_elementwise_ukernel_fn subtract;
  xnn_elementwise_ukernel_fn multiply;
  xnn_elementwise_ukernel_fn maximum;
  xnn_elementwise_ukernel_fn minimum;
  xnn_elementwise_ukernel_fn copy;
  xnn_elementwise_ukernel_fn copy_to_f32;  // whose output is f32
  xnn_clear_ukernel_fn clear;
  xnn_interpolate_ukernel_fn interpolate;
  xnn_normalize_ukernel_fn normalize;
  xnn_moments_ukernel_fn moments;
  xnn_normalize_pixels_ukernel_fn normalize_pixels;
};

// The kernels for the CPU this runs on, or NULL where XNNPACK does not support it.
const struct xnn_elementwise_config* xnn_init_elementwise_config(const struct xnn_colnm_datatype* datatype);

#ifdef __cplusplus
}  // extern "C"
#endif
