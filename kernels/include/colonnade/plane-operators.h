// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Operators on planes that compute every plane on its own: element by element, copies, resampling, normalisation.
//
// They are created for tensors that are there already, and are ready to run. Tensors are whole planes (one phase) of one
// datatype, f32 or f16, unless said otherwise. Arrays that a description points to have to live as long as the operator.
// Status codes are as in operators.h.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <xnnpack.h>

#include "colonnade/elementwise.h"
#include "colonnade/planes.h"

#ifdef __cplusplus
extern "C" {
#endif

enum xnn_elementwise_function {
  xnn_elementwise_affine,
  xnn_elementwise_hard_swish,
  xnn_elementwise_leaky_relu,
  xnn_elementwise_sigmoid,
  xnn_elementwise_silu,
  xnn_elementwise_tanh,
  xnn_elementwise_gelu,
  xnn_elementwise_gelu_tanh,
  xnn_elementwise_mish,
  xnn_elementwise_elu,
  xnn_elementwise_softplus,
  xnn_elementwise_erf,
  xnn_elementwise_exp,
  xnn_elementwise_abs,
  // Of two operands.
  xnn_elementwise_add,
  xnn_elementwise_subtract,
  xnn_elementwise_multiply,
  xnn_elementwise_maximum,
  xnn_elementwise_minimum,
};

// A tensor's layout and its buffer.
struct xnn_plane_tensor {
  struct xnn_colnm_planes planes;
  void* data;
};

// One number for each plane: of image n and channel c it is number n * image_stride + c * channel_stride.
struct xnn_plane_numbers {
  const void* data;
  enum xnn_datatype datatype;
  size_t channel_stride, image_stride;
};

struct xnn_elementwise {
  enum xnn_elementwise_function function;
  enum xnn_datatype datatype;
  struct xnn_elementwise_params params;
  // [channels], instead of those of `params`; or NULL.
  const float* scale;
  const float* shift;
  const float* slope;
  struct xnn_plane_tensor a, output;
  // The second operand of those that have two: a tensor, or a number for each plane, of which `number_first` says that
  // it is the first operand.
  struct xnn_plane_tensor b;
  struct xnn_plane_numbers numbers;
  bool number_first;
};

// Functions of the shape of `a`; a second tensor has that shape too.
enum xnn_status xnn_create_elementwise_cnhw(const struct xnn_elementwise* elementwise, xnn_operator_t* op_out);

struct xnn_plane_copy {
  enum xnn_datatype datatype;
  bool to_f32;  // the output's elements are f32
  struct xnn_plane_tensor input, output;
  const uint32_t* channels;  // [output channels] where each comes from; NULL: from the same one
  // Where the input begins in the output, and what lies around it: one value, or rows and columns of the input, of
  // which these say which one each of the output is (of those where the input lies nothing is read).
  size_t top, left;
  float value;
  const uint32_t* rows;     // [output height], or NULL
  const uint32_t* columns;  // [output width], or NULL as `rows` is
};

enum xnn_status xnn_create_plane_copy_cnhw(const struct xnn_plane_copy* copy, xnn_operator_t* op_out);

struct xnn_plane_resize {
  enum xnn_datatype datatype;
  struct xnn_plane_tensor input, output;
  struct xnn_plane_samples rows;     // [output height]
  struct xnn_plane_samples columns;  // [output width]
};

enum xnn_status xnn_create_plane_resize_cnhw(const struct xnn_plane_resize* resize, xnn_operator_t* op_out);

// x / (k + alpha / size * sum of squares of channels c - size / 2 to c + (size - 1) / 2)^beta.
struct xnn_plane_normalization {
  enum xnn_datatype datatype;
  struct xnn_plane_tensor input, output;
  size_t size;
  float alpha, beta, k;
};

enum xnn_status xnn_create_local_response_normalization_cnhw(
    const struct xnn_plane_normalization* normalization, xnn_operator_t* op_out);

// (x - mean) / sqrt(variance + epsilon) * scale + shift, mean and variance those of an image's groups of channels beside
// each other, or of one group, of all channels, at every pixel.
struct xnn_group_normalization {
  enum xnn_datatype datatype;
  struct xnn_plane_tensor input, output;
  size_t groups;
  bool per_pixel;
  const float* scale;  // [channels]
  const float* shift;  // [channels]
  float epsilon;
};

enum xnn_status xnn_create_group_normalization_cnhw(const struct xnn_group_normalization* normalization, xnn_operator_t* op_out);

#ifdef __cplusplus
}  // extern "C"
#endif
