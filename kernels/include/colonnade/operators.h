// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// XNNPACK operators on channel-major activations [C, N, H, W] ("CNHW").
//
// They follow XNNPACK's life cycle: create, reshape, setup, xnn_run_operator, xnn_delete_operator.
// Status codes are XNNPACK's: invalid_parameter for arguments that are wrong, unsupported_parameter for
// valid ones there is no kernel for, out_of_memory, uninitialized, invalid_state.
#pragma once

#include <pthreadpool.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <xnnpack.h>

#include "colonnade/datatypes.h"
#include "colonnade/planes.h"

#ifdef __cplusplus
extern "C" {
#endif

// A 2-d convolution as its weight matrix [out_channels, K] sees it; K = kernel_height * kernel_width *
// in_channels, columns in (kh, kw, cin) order.
struct xnn_colnm_convolution2d {
  uint32_t padding_top;
  uint32_t padding_left;
  uint32_t padding_bottom;
  uint32_t padding_right;
  uint32_t kernel_height;
  uint32_t kernel_width;
  uint32_t stride_height;
  uint32_t stride_width;
  uint32_t dilation_height;
  uint32_t dilation_width;
  // Weights and biases are given as f32 and rounded to it.
  enum xnn_colnm_arithmetic arithmetic;
  size_t in_channels;
  size_t out_channels;
  // T: consecutive output channels that keep the same columns.
  size_t tile;
  // Columns each tile keeps, 1 to K.
  size_t kept;
  // [tiles, kept], ascending within a tile; NULL if every column is kept.
  const uint32_t* columns;
  // Tile after tile, column after column, the tile's rows together; the last tile may have fewer rows.
  const float* values;
  // [out_channels], or NULL.
  const float* bias;
  float output_min;
  float output_max;
};

enum xnn_colnm_algorithm {
  // im2col fused with packing, a block of panels at a time, resident in cache; only columns that some tile
  // keeps are packed.
  xnn_colnm_packed,
  // No packing: a kept column is a byte offset into planes whose gaps, the halo, hold the padding.
  xnn_colnm_direct,
  // For comparison: the whole im2col matrix first, then all of it packed, then the multiplication.
  xnn_colnm_unfused,
  // Winograd's F(2x2, 3x3) and F(4x4, 3x3), of a dense convolution of 3x3 at stride 1 and dilation 1, in f32: 2.25 and 4
  // times fewer multiplications, of 16 and 36 numbers for 9 weights. Panels are of tiles of so many outputs.
  xnn_colnm_winograd2,
  xnn_colnm_winograd4,
};

// How the convolution is executed.
struct xnn_colnm_schedule {
  enum xnn_colnm_algorithm algorithm;
  // Vector registers per panel vector: 1, 2, 4 or 8. The last panel of a plane takes no more than it needs.
  uint32_t lmul;
  // Panels of a block, over which all tiles run before the next block begins: more of them reuse a tile's
  // weights more often while they are in cache, fewer keep the panels in cache.
  uint32_t panels;
  // KC splits of the kept columns, one after the other: all tiles run over a block's panels with the first split, then
  // add the next to the output. Less of the input is in use at a time, and less of a tile's weights. 1 where
  // sums would be rounded in between (see xnn_colnm_keeps_sums), and by Winograd's algorithm.
  uint32_t kc_splits;
};

// Whether a convolution of that tile can have that LMUL.
bool xnn_colnm_has_kernel(enum xnn_colnm_arithmetic arithmetic, size_t tile, uint32_t lmul);

// The arithmetic with which to compute a convolution of such elements, one that planes can have: the fastest, unless a
// sum has so many columns that it would lose too much and the tile is not too wide for another.
enum xnn_colnm_arithmetic xnn_colnm_arithmetic_of(enum xnn_datatype datatype, size_t tile, size_t kept);

// Parallel over blocks of panels, and over groups of tiles where there are fewer blocks than threads.
enum xnn_status xnn_create_colnm_convolution2d_cnhw(
    const struct xnn_colnm_convolution2d* convolution,
    const struct xnn_colnm_schedule* schedule,
    xnn_operator_t* convolution_op_out);

// The smallest gaps (halo) with which planes of a convolution's input can be read without packing; the phases
// are its stride.
struct xnn_colnm_gaps {
  size_t rows;
  size_t columns;
};
struct xnn_colnm_gaps xnn_colnm_input_gaps(
    const struct xnn_colnm_convolution2d* convolution, size_t input_height, size_t input_width);

// Any layout of the output will do; stores are fastest where its rows are as far apart as the input's
// (direct), or where it has no gaps (the others). Direct needs an input in as many phases as its stride with at least
// xnn_colnm_input_gaps, and unsupported_parameter says that it has not got it; the others need whole planes.
// `residual` is NULL or the layout of a tensor of the output's shape.
enum xnn_status xnn_reshape_colnm_convolution2d_cnhw(
    xnn_operator_t convolution_op,
    const struct xnn_colnm_planes* input,
    const struct xnn_colnm_planes* output,
    const struct xnn_colnm_planes* residual,
    size_t* workspace_size,
    size_t* workspace_alignment,
    pthreadpool_t threadpool);

// Buffers are those of the layouts, beginning with their guards. `residual` is NULL or a tensor that is
// added before the output is clamped.
enum xnn_status xnn_setup_colnm_convolution2d_cnhw(
    xnn_operator_t convolution_op,
    void* workspace,
    const void* input,
    const void* residual,
    void* output);

// A convolution of every channel on its own: each input channel gives `multiplier` consecutive output channels.
struct xnn_depthwise2d {
  uint32_t padding_top;
  uint32_t padding_left;
  uint32_t padding_bottom;
  uint32_t padding_right;
  uint32_t kernel_height;
  uint32_t kernel_width;
  uint32_t stride_height;
  uint32_t stride_width;
  uint32_t dilation_height;
  uint32_t dilation_width;
  size_t in_channels;
  size_t multiplier;
  // [out_channels, kernel_height, kernel_width]; as biases they are rounded to the datatype, in which sums are computed.
  const float* weights;
  // [out_channels], or NULL.
  const float* bias;
  float output_min;
  float output_max;
};

enum xnn_status xnn_create_depthwise_convolution2d_cnhw(
    const struct xnn_depthwise2d* convolution, enum xnn_datatype datatype, xnn_operator_t* convolution_op_out);

// The smallest gaps of planes of its input.
struct xnn_colnm_gaps xnn_depthwise_input_gaps(
    const struct xnn_depthwise2d* convolution, size_t input_height, size_t input_width);

// The input is split into as many phases as its stride, or not at all, which is slower where the stride is not 1; with at
// least the gaps. Output and residual, which is NULL or the layout of a tensor of the output's shape, are whole.
enum xnn_status xnn_reshape_depthwise_convolution2d_cnhw(
    xnn_operator_t convolution_op,
    const struct xnn_colnm_planes* input,
    const struct xnn_colnm_planes* output,
    const struct xnn_colnm_planes* residual);

// `residual` is NULL or a tensor that is added before the output is clamped.
enum xnn_status xnn_setup_depthwise_convolution2d_cnhw(
    xnn_operator_t convolution_op, const void* input, const void* residual, void* output);

// Elements of a pool's window, at most.
#define XNN_COLNM_MAX_TAPS 1024

// A window of a pool.
struct xnn_pooling2d {
  uint32_t padding_top;
  uint32_t padding_left;
  uint32_t padding_bottom;
  uint32_t padding_right;
  uint32_t pooling_height;
  uint32_t pooling_width;
  uint32_t stride_height;
  uint32_t stride_width;
  uint32_t dilation_height;
  uint32_t dilation_width;
  bool ceil_mode;  // a last window may end outside the padding
  // Of averages: whether the padding counts as zeros that are there, and not what lies behind it.
  bool count_include_pad;
};

// The pooling operators' elements have one of the datatypes of colonnade/datatypes.h. Padding never is a maximum.
enum xnn_status xnn_create_max_pooling2d_cnhw(
    const struct xnn_pooling2d* window, enum xnn_datatype datatype, xnn_operator_t* pooling_op_out);

enum xnn_status xnn_create_average_pooling2d_cnhw(
    const struct xnn_pooling2d* window, enum xnn_datatype datatype, xnn_operator_t* pooling_op_out);

// Of both. The input may be split into as many phases as the stride, the output not at all.
enum xnn_status xnn_reshape_pooling2d_cnhw(
    xnn_operator_t pooling_op,
    const struct xnn_colnm_planes* input,
    const struct xnn_colnm_planes* output);

enum xnn_status xnn_setup_pooling2d_cnhw(xnn_operator_t pooling_op, const void* input, void* output);

// Mean or maximum of each plane: [C, N, H, W] to f32 [N, C], ready for a fully connected operator.
enum xnn_status xnn_create_global_average_pooling_cnhw(enum xnn_datatype datatype, xnn_operator_t* pooling_op_out);
enum xnn_status xnn_create_global_max_pooling_cnhw(enum xnn_datatype datatype, xnn_operator_t* pooling_op_out);

// Of both; a maximum needs planes that are whole.
enum xnn_status xnn_reshape_global_pooling_cnhw(xnn_operator_t pooling_op, const struct xnn_colnm_planes* input);

enum xnn_status xnn_setup_global_pooling_cnhw(xnn_operator_t pooling_op, const void* input, float* output);

enum xnn_colnm_image_layout {
  xnn_colnm_nchw,
  xnn_colnm_nhwc,
};

// Copies a dense f32 tensor into planes, whose elements have one of the datatypes of colonnade/datatypes.h.
enum xnn_status xnn_create_copy_to_planes(enum xnn_datatype datatype, xnn_operator_t* copy_op_out);

enum xnn_status xnn_reshape_copy_to_planes(
    xnn_operator_t copy_op, const struct xnn_colnm_planes* planes, enum xnn_colnm_image_layout layout);

enum xnn_status xnn_setup_copy_to_planes(xnn_operator_t copy_op, const float* input, void* output);

#ifdef __cplusplus
}  // extern "C"
#endif
