// XNNPACK operators on channel-major activations [C, N, H, W] ("CNHW").
//
// They follow XNNPACK's life cycle: create, reshape, setup, xnn_run_operator, xnn_delete_operator.
// Status codes are XNNPACK's: invalid_parameter for arguments that are wrong, unsupported_parameter for
// valid ones there is no kernel for, out_of_memory, uninitialized, invalid_state.
#pragma once

#include <pthreadpool.h>
#include <stddef.h>
#include <stdint.h>
#include <xnnpack.h>

#ifdef __cplusplus
extern "C" {
#endif

// A 2-d convolution as its weight matrix [out_channels, K] sees it; K = kernel_height * kernel_width *
// in_channels, columns in (kh, kw, cin) order.
struct xnn_colnm_convolution2d {
  uint32_t padding_height;
  uint32_t padding_width;
  uint32_t kernel_height;
  uint32_t kernel_width;
  uint32_t stride_height;
  uint32_t stride_width;
  uint32_t dilation_height;
  uint32_t dilation_width;
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

// How the convolution is executed.
struct xnn_colnm_schedule {
  // Vector registers per strip vector: 1, 2, 4 or 8.
  uint32_t lmul;
  // Strips packed together before the tiles run over them: more of them reuse a tile's weights more
  // often while they are in cache, fewer keep the packed strips in cache.
  uint32_t strips;
};

// Packed algorithm: im2col fused with packing, a block of strips at a time, resident in cache; only
// columns that some tile keeps are packed. Parallel over blocks of strips.
enum xnn_status xnn_create_colnm_convolution2d_cnhw_f32(
    const struct xnn_colnm_convolution2d* convolution,
    const struct xnn_colnm_schedule* schedule,
    xnn_operator_t* convolution_op_out);

enum xnn_status xnn_reshape_colnm_convolution2d_cnhw_f32(
    xnn_operator_t convolution_op,
    size_t batch_size,
    size_t input_height,
    size_t input_width,
    size_t* workspace_size,
    size_t* workspace_alignment,
    size_t* output_height_out,
    size_t* output_width_out,
    pthreadpool_t threadpool);

// `residual` is NULL or a tensor of the output's shape that is added before the output is clamped.
enum xnn_status xnn_setup_colnm_convolution2d_cnhw_f32(
    xnn_operator_t convolution_op,
    void* workspace,
    const float* input,
    const float* residual,
    float* output);

enum xnn_status xnn_create_max_pooling2d_cnhw_f32(
    uint32_t padding_height,
    uint32_t padding_width,
    uint32_t pooling_height,
    uint32_t pooling_width,
    uint32_t stride_height,
    uint32_t stride_width,
    xnn_operator_t* max_pooling_op_out);

enum xnn_status xnn_reshape_max_pooling2d_cnhw_f32(
    xnn_operator_t max_pooling_op,
    size_t batch_size,
    size_t channels,
    size_t input_height,
    size_t input_width,
    size_t* workspace_size,
    size_t* workspace_alignment,
    size_t* output_height_out,
    size_t* output_width_out,
    pthreadpool_t threadpool);

enum xnn_status xnn_setup_max_pooling2d_cnhw_f32(
    xnn_operator_t max_pooling_op,
    void* workspace,
    const float* input,
    float* output);

// Mean over each plane: [C, N, H, W] to [N, C], ready for a fully connected operator.
enum xnn_status xnn_create_global_average_pooling_cnhw_f32(xnn_operator_t* global_average_pooling_op_out);

enum xnn_status xnn_reshape_global_average_pooling_cnhw_f32(
    xnn_operator_t global_average_pooling_op,
    size_t batch_size,
    size_t channels,
    size_t plane_size);

enum xnn_status xnn_setup_global_average_pooling_cnhw_f32(
    xnn_operator_t global_average_pooling_op,
    const float* input,
    float* output);

#ifdef __cplusplus
}  // extern "C"
#endif
