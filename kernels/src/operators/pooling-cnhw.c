// Max pooling and global average pooling on CNHW activations, one task per plane.
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "colonnade/cnhw-pool.h"
#include "colonnade/operators.h"
#include "operator-context.h"
#include "xnnpack/math.h"

struct cnhw_max_pooling_context {
  const struct xnn_f32_cnhw_pool_config* config;
  uint32_t padding_height;
  uint32_t padding_width;
  uint32_t pooling_height;
  uint32_t pooling_width;
  uint32_t stride_height;
  uint32_t stride_width;
  size_t input_height;
  size_t input_width;
  size_t output_height;
  size_t output_width;
  size_t row_stride;  // floats of workspace per thread
  float* workspace;
  const float* input;
  float* output;
};

struct max_pooling_operator {
  struct xnn_operator base;
  struct cnhw_max_pooling_context context;
};

struct cnhw_global_average_context {
  const struct xnn_f32_cnhw_pool_config* config;
  size_t batch_size;
  size_t channels;
  size_t plane_size;
  const float* input;
  float* output;
};

struct global_average_operator {
  struct xnn_operator base;
  struct cnhw_global_average_context context;
};

static void max_pool_plane(struct cnhw_max_pooling_context* context, size_t thread, size_t plane) {
  float* row = context->workspace + thread * context->row_stride;
  const float* input = context->input + plane * context->input_height * context->input_width;
  float* output = context->output + plane * context->output_height * context->output_width;
  for (size_t y = 0; y < context->output_height; y++) {
    // Padding never wins: it is -infinity.
    for (size_t x = 0; x < context->row_stride; x++) {
      row[x] = -INFINITY;
    }
    for (size_t k = 0; k < context->pooling_height; k++) {
      const size_t input_y = y * context->stride_height + k - context->padding_height;
      if (input_y < context->input_height) {  // a row above the plane wraps to a huge number
        context->config->vmax(context->input_width, input + input_y * context->input_width, row + context->padding_width);
      }
    }
    context->config->maxpool_row(context->output_width, row, context->pooling_width, context->stride_width, output);
    output += context->output_width;
  }
}

enum xnn_status xnn_create_max_pooling2d_cnhw_f32(
    uint32_t padding_height,
    uint32_t padding_width,
    uint32_t pooling_height,
    uint32_t pooling_width,
    uint32_t stride_height,
    uint32_t stride_width,
    xnn_operator_t* max_pooling_op_out)
{
  if (!colnm_is_initialized()) {
    return xnn_status_uninitialized;
  }
  if (pooling_height == 0 || pooling_width == 0 || stride_height == 0 || stride_width == 0 ||
      padding_height >= pooling_height || padding_width >= pooling_width) {
    xnn_log_error("failed to create CNHW max pooling: empty window, or one that lies in the padding");
    return xnn_status_invalid_parameter;
  }
  struct max_pooling_operator* op = xnn_allocate_zero_simd_memory(sizeof(struct max_pooling_operator));
  if (op == NULL) {
    return xnn_status_out_of_memory;
  }
  op->context = (struct cnhw_max_pooling_context) {
    .config = xnn_init_f32_cnhw_pool_config(),
    .padding_height = padding_height,
    .padding_width = padding_width,
    .pooling_height = pooling_height,
    .pooling_width = pooling_width,
    .stride_height = stride_height,
    .stride_width = stride_width,
  };
  op->base.type = xnn_operator_type_max_pooling_nhwc_f32;
  op->base.state = xnn_run_state_invalid;
  *max_pooling_op_out = &op->base;
  return xnn_status_success;
}

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
    pthreadpool_t threadpool)
{
  struct max_pooling_operator* op = (struct max_pooling_operator*) max_pooling_op;
  struct cnhw_max_pooling_context* context = &op->context;
  const size_t padded_height = input_height + 2 * (size_t) context->padding_height;
  const size_t padded_width = input_width + 2 * (size_t) context->padding_width;
  op->base.state = xnn_run_state_invalid;
  if (padded_height < context->pooling_height || padded_width < context->pooling_width) {
    xnn_log_error("failed to reshape CNHW max pooling: the window does not fit a %zux%zu input", input_height, input_width);
    return xnn_status_invalid_parameter;
  }
  context->input_height = input_height;
  context->input_width = input_width;
  context->output_height = (padded_height - context->pooling_height) / context->stride_height + 1;
  context->output_width = (padded_width - context->pooling_width) / context->stride_width + 1;
  *output_height_out = context->output_height;
  *output_width_out = context->output_width;
  context->row_stride = round_up_po2(padded_width, XNN_ALLOCATION_ALIGNMENT / sizeof(float));
  *workspace_size = context->row_stride * sizeof(float) * pthreadpool_get_threads_count(threadpool);
  *workspace_alignment = XNN_ALLOCATION_ALIGNMENT;
  op->base.compute[0] = (struct compute_parameters) {
    .type = xnn_parallelization_type_1d_with_thread,
    .task_1d_with_thread = (pthreadpool_task_1d_with_thread_t) max_pool_plane,
    .context_offset = COLNM_CONTEXT_OFFSET(max_pooling_operator),
    .range = { batch_size * channels },
  };
  op->base.state = xnn_run_state_needs_setup;
  return xnn_status_success;
}

enum xnn_status xnn_setup_max_pooling2d_cnhw_f32(
    xnn_operator_t max_pooling_op,
    void* workspace,
    const float* input,
    float* output)
{
  struct max_pooling_operator* op = (struct max_pooling_operator*) max_pooling_op;
  if (op->base.state == xnn_run_state_invalid) {
    return xnn_status_invalid_state;
  }
  op->context.workspace = workspace;
  op->context.input = input;
  op->context.output = output;
  op->base.state = xnn_run_state_ready;
  return xnn_status_success;
}

static void average_plane(struct cnhw_global_average_context* context, size_t channel, size_t image) {
  const float* plane = context->input + (channel * context->batch_size + image) * context->plane_size;
  context->output[image * context->channels + channel] =
    context->config->plane_sum(context->plane_size, plane) / (float) context->plane_size;
}

enum xnn_status xnn_create_global_average_pooling_cnhw_f32(xnn_operator_t* global_average_pooling_op_out) {
  if (!colnm_is_initialized()) {
    return xnn_status_uninitialized;
  }
  struct global_average_operator* op = xnn_allocate_zero_simd_memory(sizeof(struct global_average_operator));
  if (op == NULL) {
    return xnn_status_out_of_memory;
  }
  op->context.config = xnn_init_f32_cnhw_pool_config();
  op->base.type = xnn_operator_type_average_pooling_nhwc_f32;
  op->base.state = xnn_run_state_invalid;
  *global_average_pooling_op_out = &op->base;
  return xnn_status_success;
}

enum xnn_status xnn_reshape_global_average_pooling_cnhw_f32(
    xnn_operator_t global_average_pooling_op,
    size_t batch_size,
    size_t channels,
    size_t plane_size)
{
  struct global_average_operator* op = (struct global_average_operator*) global_average_pooling_op;
  if (batch_size == 0 || channels == 0 || plane_size == 0) {
    op->base.state = xnn_run_state_invalid;
    return xnn_status_invalid_parameter;
  }
  op->context.batch_size = batch_size;
  op->context.channels = channels;
  op->context.plane_size = plane_size;
  op->base.compute[0] = (struct compute_parameters) {
    .type = xnn_parallelization_type_2d,
    .task_2d = (pthreadpool_task_2d_t) average_plane,
    .context_offset = COLNM_CONTEXT_OFFSET(global_average_operator),
    .range = { channels, batch_size },
  };
  op->base.state = xnn_run_state_needs_setup;
  return xnn_status_success;
}

enum xnn_status xnn_setup_global_average_pooling_cnhw_f32(
    xnn_operator_t global_average_pooling_op,
    const float* input,
    float* output)
{
  struct global_average_operator* op = (struct global_average_operator*) global_average_pooling_op;
  if (op->base.state == xnn_run_state_invalid) {
    return xnn_status_invalid_state;
  }
  op->context.input = input;
  op->context.output = output;
  op->base.state = xnn_run_state_ready;
  return xnn_status_success;
}
