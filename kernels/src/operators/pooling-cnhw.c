// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Max pooling and global average pooling on planes, one task per channel of an image.
#include <stdint.h>
#include <string.h>

#include "colonnade/cnhw-pool.h"
#include "colonnade/im2col.h"
#include "colonnade/operators.h"
#include "colonnade/window.h"
#include "operator-context.h"
#include "xnnpack/math.h"

struct cnhw_max_pooling_context {
  const struct xnn_cnhw_pool_config* config;
  size_t element_bytes;
  uint32_t padding_height;
  uint32_t padding_width;
  uint32_t pooling_height;
  uint32_t pooling_width;
  uint32_t stride_height;
  uint32_t stride_width;
  struct xnn_colnm_planes input;
  struct xnn_colnm_planes output;
  size_t step;                      // elements from one output's tap to the next one's
  ptrdiff_t tap_offsets[XNN_COLNM_MAX_TAPS];  // bytes from the window's corner without padding
  // Output columns whose window lies inside the input's columns.
  size_t inner_begin;
  size_t inner_end;
  const void* input_data;
  void* output_data;
};

struct max_pooling_operator {
  struct xnn_operator base;
  struct cnhw_max_pooling_context context;
};

struct cnhw_global_average_context {
  const struct xnn_cnhw_pool_config* config;
  size_t element_bytes;
  struct xnn_colnm_planes input;
  const void* input_data;
  float* output_data;
};

struct global_average_operator {
  struct xnn_operator base;
  struct cnhw_global_average_context context;
};

// Offsets of those taps of output (y, x) that lie inside the input; returns how many. Padding never wins: its taps
// are left out.
static size_t find_taps(const struct cnhw_max_pooling_context* context, size_t y, size_t x, ptrdiff_t* taps) {
  size_t count = 0;
  for (size_t kh = 0; kh < context->pooling_height; kh++) {
    // A row or column before the plane wraps to a huge number.
    if (y * context->stride_height + kh - context->padding_height >= context->input.height) {
      continue;
    }
    for (size_t kw = 0; kw < context->pooling_width; kw++) {
      if (x * context->stride_width + kw - context->padding_width < context->input.width) {
        taps[count++] = context->tap_offsets[kh * context->pooling_width + kw];
      }
    }
  }
  return count;
}

static void max_pool_plane(const struct cnhw_max_pooling_context* context, size_t channel, size_t image) {
  const struct xnn_colnm_planes* in = &context->input;
  const struct xnn_colnm_planes* out = &context->output;
  const size_t bytes = context->element_bytes;
  uintptr_t corner = (uintptr_t) context->input_data +
                     (channel * in->channel_stride + in->origin + image * in->image_stride) * bytes;
  uintptr_t output = (uintptr_t) context->output_data +
                     (channel * out->channel_stride + out->origin + image * out->image_stride) * bytes;
  for (size_t y = 0; y < out->height; y++) {
    for (size_t x = 0; x < out->width;) {
      // All outputs whose window lies inside the input's columns have the same taps.
      const bool inner = x == context->inner_begin && x < context->inner_end;
      const size_t count = inner ? context->inner_end - x : 1;
      ptrdiff_t taps[XNN_COLNM_MAX_TAPS];
      const size_t tap_count = find_taps(context, y, x, taps);
      context->config->maxpool(
        count, tap_count, (const void*) (corner + x * context->step * bytes), taps, context->step,
        (void*) (output + x * bytes));
      x += count;
    }
    corner += context->stride_height / in->phases * in->row_stride * bytes;
    output += out->row_stride * bytes;
  }
}

enum xnn_status xnn_create_max_pooling2d_cnhw(
    enum xnn_datatype datatype,
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
  const struct xnn_colnm_datatype* elements = xnn_colnm_find_datatype(datatype);
  if (elements == NULL) {
    xnn_log_error("failed to create CNHW max pooling: its datatype is none of " COLNM_DATATYPE_NAMES);
    return xnn_status_unsupported_parameter;
  }
  if ((size_t) pooling_height * pooling_width > XNN_COLNM_MAX_TAPS) {
    xnn_log_error("failed to create CNHW max pooling: a window of more than %d elements", XNN_COLNM_MAX_TAPS);
    return xnn_status_unsupported_parameter;
  }
  struct max_pooling_operator* op = xnn_allocate_zero_simd_memory(sizeof(struct max_pooling_operator));
  if (op == NULL) {
    return xnn_status_out_of_memory;
  }
  op->context = (struct cnhw_max_pooling_context) {
    .config = xnn_init_cnhw_pool_config(elements),
    .element_bytes = elements->bytes,
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

enum xnn_status xnn_reshape_max_pooling2d_cnhw(
    xnn_operator_t max_pooling_op,
    const struct xnn_colnm_planes* input,
    const struct xnn_colnm_planes* output)
{
  struct max_pooling_operator* op = (struct max_pooling_operator*) max_pooling_op;
  struct cnhw_max_pooling_context* context = &op->context;
  op->base.state = xnn_run_state_invalid;
  if (output->batch != input->batch || output->channels != input->channels || output->height == 0 || output->width == 0 ||
      output->height != colnm_output_size(input->height, context->padding_height, context->pooling_height, 1, context->stride_height) ||
      output->width != colnm_output_size(input->width, context->padding_width, context->pooling_width, 1, context->stride_width)) {
    xnn_log_error(
      "failed to reshape CNHW max pooling: a %zux%zu input does not give a %zux%zu output", input->height, input->width,
      output->height, output->width);
    return xnn_status_invalid_parameter;
  }
  const bool suits = input->phases == context->stride_width && input->phases == context->stride_height;
  if ((input->phases != 1 && !suits) || output->phases != 1) {
    xnn_log_error("failed to reshape CNHW max pooling: planes split into phases other than its stride");
    return xnn_status_unsupported_parameter;
  }
  context->input = *input;
  context->output = *output;
  // Measured from a window that lies far enough inside for no tap to be negative.
  const size_t y = (size_t) context->padding_height * context->stride_height;
  const size_t x = (size_t) context->padding_width * context->stride_width;
  const size_t corner = xnn_colnm_planes_index(input, 0, y, x);
  for (size_t kh = 0; kh < context->pooling_height; kh++) {
    for (size_t kw = 0; kw < context->pooling_width; kw++) {
      context->tap_offsets[kh * context->pooling_width + kw] =
        ((ptrdiff_t) xnn_colnm_planes_index(input, 0, y + kh - context->padding_height, x + kw - context->padding_width) -
         (ptrdiff_t) corner) * (ptrdiff_t) context->element_bytes;
    }
  }
  context->step = context->stride_width / input->phases;
  context->inner_begin = divide_round_up(context->padding_width, context->stride_width);
  const size_t reach = input->width + context->padding_width;
  context->inner_end = reach < context->pooling_width ? 0 : (reach - context->pooling_width) / context->stride_width + 1;
  op->base.compute[0] = (struct compute_parameters) {
    .type = xnn_parallelization_type_2d,
    .task_2d = (pthreadpool_task_2d_t) max_pool_plane,
    .context_offset = COLNM_CONTEXT_OFFSET(max_pooling_operator),
    .range = { input->channels, input->batch },
  };
  op->base.state = xnn_run_state_needs_setup;
  return xnn_status_success;
}

enum xnn_status xnn_setup_max_pooling2d_cnhw(xnn_operator_t max_pooling_op, const void* input, void* output) {
  struct max_pooling_operator* op = (struct max_pooling_operator*) max_pooling_op;
  if (op->base.state == xnn_run_state_invalid) {
    return xnn_status_invalid_state;
  }
  op->context.input_data = input;
  op->context.output_data = output;
  op->base.state = xnn_run_state_ready;
  return xnn_status_success;
}

static void average_plane(struct cnhw_global_average_context* context, size_t channel, size_t image) {
  const struct xnn_colnm_planes* planes = &context->input;
  const size_t first = planes->origin + channel * planes->channel_stride + image * planes->image_stride;
  const void* plane = (const void*) ((uintptr_t) context->input_data + first * context->element_bytes);
  // The gaps are zero.
  context->output_data[image * planes->channels + channel] =
    context->config->plane_sum(planes->image_stride, plane) / (float) (planes->height * planes->width);
}

enum xnn_status xnn_create_global_average_pooling_cnhw(
    enum xnn_datatype datatype, xnn_operator_t* global_average_pooling_op_out)
{
  if (!colnm_is_initialized()) {
    return xnn_status_uninitialized;
  }
  const struct xnn_colnm_datatype* elements = xnn_colnm_find_datatype(datatype);
  if (elements == NULL) {
    xnn_log_error("failed to create CNHW average pooling: its datatype is none of " COLNM_DATATYPE_NAMES);
    return xnn_status_unsupported_parameter;
  }
  struct global_average_operator* op = xnn_allocate_zero_simd_memory(sizeof(struct global_average_operator));
  if (op == NULL) {
    return xnn_status_out_of_memory;
  }
  op->context.config = xnn_init_cnhw_pool_config(elements);
  op->context.element_bytes = elements->bytes;
  op->base.type = xnn_operator_type_average_pooling_nhwc_f32;
  op->base.state = xnn_run_state_invalid;
  *global_average_pooling_op_out = &op->base;
  return xnn_status_success;
}

enum xnn_status xnn_reshape_global_average_pooling_cnhw(
    xnn_operator_t global_average_pooling_op, const struct xnn_colnm_planes* input)
{
  struct global_average_operator* op = (struct global_average_operator*) global_average_pooling_op;
  if (input->batch * input->channels * input->height * input->width == 0) {
    op->base.state = xnn_run_state_invalid;
    return xnn_status_invalid_parameter;
  }
  op->context.input = *input;
  op->base.compute[0] = (struct compute_parameters) {
    .type = xnn_parallelization_type_2d,
    .task_2d = (pthreadpool_task_2d_t) average_plane,
    .context_offset = COLNM_CONTEXT_OFFSET(global_average_operator),
    .range = { input->channels, input->batch },
  };
  op->base.state = xnn_run_state_needs_setup;
  return xnn_status_success;
}

enum xnn_status xnn_setup_global_average_pooling_cnhw(
    xnn_operator_t global_average_pooling_op,
    const void* input,
    float* output)
{
  struct global_average_operator* op = (struct global_average_operator*) global_average_pooling_op;
  if (op->base.state == xnn_run_state_invalid) {
    return xnn_status_invalid_state;
  }
  op->context.input_data = input;
  op->context.output_data = output;
  op->base.state = xnn_run_state_ready;
  return xnn_status_success;
}
