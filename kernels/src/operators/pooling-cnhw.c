// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Pools over windows and over whole planes, one task per channel of an image.
#include <stdint.h>
#include <math.h>

#include "colonnade/cnhw-pool.h"
#include "colonnade/operators.h"
#include "colonnade/window.h"
#include "operator-context.h"
#include "xnnpack/math.h"

struct pooling_context {
  struct xnn_pooling2d window;
  xnn_cnhw_pool_ukernel_fn ukernel;
  size_t element_bytes;
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

struct pooling_operator {
  struct xnn_operator base;
  struct pooling_context context;
};

struct global_pooling_context {
  const struct xnn_cnhw_pool_config* config;
  bool is_average;
  size_t element_bytes;
  struct xnn_colnm_planes input;
  const void* input_data;
  float* output_data;
};

struct global_pooling_operator {
  struct xnn_operator base;
  struct global_pooling_context context;
};

// Offsets of those taps of output (y, x) that lie inside the input; returns how many.
static size_t find_taps(const struct pooling_context* context, size_t y, size_t x, ptrdiff_t* taps) {
  const struct xnn_pooling2d* window = &context->window;
  size_t count = 0;
  for (size_t kh = 0; kh < window->pooling_height; kh++) {
    // A row or column before the plane wraps to a huge number.
    if (y * window->stride_height + kh * window->dilation_height - window->padding_top >= context->input.height) {
      continue;
    }
    for (size_t kw = 0; kw < window->pooling_width; kw++) {
      if (x * window->stride_width + kw * window->dilation_width - window->padding_left < context->input.width) {
        taps[count++] = context->tap_offsets[kh * window->pooling_width + kw];
      }
    }
  }
  return count;
}

// Elements of a window along one axis that count where padding does: those behind the padding do not.
static size_t count_padded(size_t position, uint32_t stride, uint32_t kernel, size_t input, uint32_t before, uint32_t behind) {
  return min(kernel, input + before + behind - position * stride);
}

static float find_scale(const struct pooling_context* context, size_t y, size_t x, size_t tap_count) {
  const struct xnn_pooling2d* window = &context->window;
  if (window->count_include_pad) {
    tap_count = count_padded(y, window->stride_height, window->pooling_height, context->input.height, window->padding_top, window->padding_bottom) *
                count_padded(x, window->stride_width, window->pooling_width, context->input.width, window->padding_left, window->padding_right);
  }
  return tap_count == 0 ? 0.0f : 1.0f / (float) tap_count;
}

static void pool_plane(const struct pooling_context* context, size_t channel, size_t image) {
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
      context->ukernel(
          count, tap_count, (const void*) (corner + x * context->step * bytes), taps, context->step,
          find_scale(context, y, x, tap_count), (void*) (output + x * bytes));
      x += count;
    }
    corner += context->window.stride_height / in->phases * in->row_stride * bytes;
    output += out->row_stride * bytes;
  }
}

static enum xnn_status create_pooling(
    const struct xnn_pooling2d* window, enum xnn_datatype datatype, bool is_average, xnn_operator_t* pooling_op_out) {
  if (!colnm_is_initialized()) {
    return xnn_status_uninitialized;
  }
  if (window->pooling_height == 0 || window->pooling_width == 0 || window->stride_height == 0 || window->stride_width == 0 ||
      window->dilation_height == 0 || window->dilation_width == 0) {
    xnn_log_error("failed to create CNHW pooling: an empty window");
    return xnn_status_invalid_parameter;
  }
  const size_t reach_y = colnm_window_reach(window->pooling_height, window->dilation_height);
  const size_t reach_x = colnm_window_reach(window->pooling_width, window->dilation_width);
  if (max(window->padding_top, window->padding_bottom) >= reach_y || max(window->padding_left, window->padding_right) >= reach_x) {
    xnn_log_error("failed to create CNHW pooling: a window that lies in the padding");
    return xnn_status_invalid_parameter;
  }
  const struct xnn_colnm_datatype* elements = xnn_colnm_find_datatype(datatype);
  if (elements == NULL) {
    xnn_log_error("failed to create CNHW pooling: its datatype is none of " COLNM_DATATYPE_NAMES);
    return xnn_status_unsupported_parameter;
  }
  if ((size_t) window->pooling_height * window->pooling_width > XNN_COLNM_MAX_TAPS) {
    xnn_log_error("failed to create CNHW pooling: a window of more than %d elements", XNN_COLNM_MAX_TAPS);
    return xnn_status_unsupported_parameter;
  }
  struct pooling_operator* op = xnn_allocate_zero_simd_memory(sizeof(struct pooling_operator));
  if (op == NULL) {
    return xnn_status_out_of_memory;
  }
  const struct xnn_cnhw_pool_config* config = xnn_init_cnhw_pool_config(elements);
  op->context = (struct pooling_context) {
    .window = *window,
    .ukernel = is_average ? config->average : config->max,
    .element_bytes = elements->bytes,
  };
  op->base.type = is_average ? xnn_operator_type_average_pooling_nhwc_f32 : xnn_operator_type_max_pooling_nhwc_f32;
  op->base.state = xnn_run_state_invalid;
  *pooling_op_out = &op->base;
  return xnn_status_success;
}

enum xnn_status xnn_create_max_pooling2d_cnhw(
    const struct xnn_pooling2d* window, enum xnn_datatype datatype, xnn_operator_t* pooling_op_out) {
  return create_pooling(window, datatype, /*is_average=*/false, pooling_op_out);
}

enum xnn_status xnn_create_average_pooling2d_cnhw(
    const struct xnn_pooling2d* window, enum xnn_datatype datatype, xnn_operator_t* pooling_op_out) {
  return create_pooling(window, datatype, /*is_average=*/true, pooling_op_out);
}

static bool is_output_of(const struct xnn_colnm_planes* output, const struct pooling_context* context) {
  const struct xnn_pooling2d* window = &context->window;
  const struct xnn_colnm_planes* input = &context->input;
  const size_t height = colnm_pool_size(input->height, window->padding_top, window->padding_bottom, window->pooling_height,
                                        window->dilation_height, window->stride_height, window->ceil_mode);
  const size_t width = colnm_pool_size(input->width, window->padding_left, window->padding_right, window->pooling_width,
                                       window->dilation_width, window->stride_width, window->ceil_mode);
  return output->batch == input->batch && output->channels == input->channels && height != 0 && width != 0 &&
         output->height == height && output->width == width;
}

// Measured from a window that lies far enough inside for no tap to be negative.
static void find_tap_offsets(struct pooling_context* context) {
  const struct xnn_pooling2d* window = &context->window;
  const struct xnn_colnm_planes* input = &context->input;
  const size_t y = (size_t) window->padding_top * window->stride_height;
  const size_t x = (size_t) window->padding_left * window->stride_width;
  const size_t corner = xnn_colnm_planes_index(input, 0, y, x);
  for (size_t kh = 0; kh < window->pooling_height; kh++) {
    for (size_t kw = 0; kw < window->pooling_width; kw++) {
      const size_t tap = xnn_colnm_planes_index(
          input, 0, y + kh * window->dilation_height - window->padding_top, x + kw * window->dilation_width - window->padding_left);
      context->tap_offsets[kh * window->pooling_width + kw] = ((ptrdiff_t) tap - (ptrdiff_t) corner) * (ptrdiff_t) context->element_bytes;
    }
  }
}

enum xnn_status xnn_reshape_pooling2d_cnhw(
    xnn_operator_t pooling_op,
    const struct xnn_colnm_planes* input,
    const struct xnn_colnm_planes* output) {
  struct pooling_operator* op = (struct pooling_operator*) pooling_op;
  struct pooling_context* context = &op->context;
  const struct xnn_pooling2d* window = &context->window;
  op->base.state = xnn_run_state_invalid;
  context->input = *input;
  context->output = *output;
  if (!is_output_of(output, context)) {
    xnn_log_error(
        "failed to reshape CNHW pooling: a %zux%zu input does not give a %zux%zu output", input->height, input->width,
        output->height, output->width);
    return xnn_status_invalid_parameter;
  }
  const bool suits = input->phases == window->stride_width && input->phases == window->stride_height;
  if ((input->phases != 1 && !suits) || output->phases != 1) {
    xnn_log_error("failed to reshape CNHW pooling: planes split into phases other than its stride");
    return xnn_status_unsupported_parameter;
  }
  find_tap_offsets(context);
  context->step = window->stride_width / input->phases;
  context->inner_begin = divide_round_up(window->padding_left, window->stride_width);
  const size_t reach = colnm_window_reach(window->pooling_width, window->dilation_width);
  const size_t room = input->width + window->padding_left;
  context->inner_end = room < reach ? 0 : min((room - reach) / window->stride_width + 1, output->width);
  op->base.compute[0] = (struct compute_parameters) {
    .type = xnn_parallelization_type_2d,
    .task_2d = (pthreadpool_task_2d_t) pool_plane,
    .context_offset = COLNM_CONTEXT_OFFSET(pooling_operator),
    .range = {input->channels, input->batch},
  };
  op->base.state = xnn_run_state_needs_setup;
  return xnn_status_success;
}

enum xnn_status xnn_setup_pooling2d_cnhw(xnn_operator_t pooling_op, const void* input, void* output) {
  struct pooling_operator* op = (struct pooling_operator*) pooling_op;
  if (op->base.state == xnn_run_state_invalid) {
    return xnn_status_invalid_state;
  }
  op->context.input_data = input;
  op->context.output_data = output;
  op->base.state = xnn_run_state_ready;
  return xnn_status_success;
}

static void pool_whole_plane(struct global_pooling_context* context, size_t channel, size_t image) {
  const struct xnn_colnm_planes* planes = &context->input;
  const size_t first = planes->origin + channel * planes->channel_stride + image * planes->image_stride;
  uintptr_t plane = (uintptr_t) context->input_data + first * context->element_bytes;
  float* output = &context->output_data[image * planes->channels + channel];
  if (context->is_average) {
    // The gaps are zero. Behind the last row of a plane without any other tensor's may lie.
    const size_t split = xnn_colnm_phase_planes(planes) - 1;
    const size_t elements = split * planes->phase_stride + (xnn_colnm_phase_height(planes) - 1) * planes->row_stride + xnn_colnm_phase_width(planes);
    *output = context->config->plane_sum(elements, (const void*) plane) / (float) (planes->height * planes->width);
    return;
  }
  *output = -INFINITY;
  for (size_t y = 0; y < planes->height; y++) {
    *output = math_max_f32(*output, context->config->plane_max(planes->width, (const void*) plane));
    plane += planes->row_stride * context->element_bytes;
  }
}

static enum xnn_status create_global_pooling(enum xnn_datatype datatype, bool is_average, xnn_operator_t* pooling_op_out) {
  if (!colnm_is_initialized()) {
    return xnn_status_uninitialized;
  }
  const struct xnn_colnm_datatype* elements = xnn_colnm_find_datatype(datatype);
  if (elements == NULL) {
    xnn_log_error("failed to create global CNHW pooling: its datatype is none of " COLNM_DATATYPE_NAMES);
    return xnn_status_unsupported_parameter;
  }
  struct global_pooling_operator* op = xnn_allocate_zero_simd_memory(sizeof(struct global_pooling_operator));
  if (op == NULL) {
    return xnn_status_out_of_memory;
  }
  op->context.config = xnn_init_cnhw_pool_config(elements);
  op->context.is_average = is_average;
  op->context.element_bytes = elements->bytes;
  op->base.type = is_average ? xnn_operator_type_average_pooling_nhwc_f32 : xnn_operator_type_max_pooling_nhwc_f32;
  op->base.state = xnn_run_state_invalid;
  *pooling_op_out = &op->base;
  return xnn_status_success;
}

enum xnn_status xnn_create_global_average_pooling_cnhw(enum xnn_datatype datatype, xnn_operator_t* pooling_op_out) {
  return create_global_pooling(datatype, /*is_average=*/true, pooling_op_out);
}

enum xnn_status xnn_create_global_max_pooling_cnhw(enum xnn_datatype datatype, xnn_operator_t* pooling_op_out) {
  return create_global_pooling(datatype, /*is_average=*/false, pooling_op_out);
}

enum xnn_status xnn_reshape_global_pooling_cnhw(xnn_operator_t pooling_op, const struct xnn_colnm_planes* input) {
  struct global_pooling_operator* op = (struct global_pooling_operator*) pooling_op;
  op->base.state = xnn_run_state_invalid;
  if (input->batch * input->channels * input->height * input->width == 0) {
    return xnn_status_invalid_parameter;
  }
  if (!op->context.is_average && input->phases != 1) {
    xnn_log_error("failed to reshape global CNHW max pooling: planes split into phases");
    return xnn_status_unsupported_parameter;
  }
  op->context.input = *input;
  op->base.compute[0] = (struct compute_parameters) {
    .type = xnn_parallelization_type_2d,
    .task_2d = (pthreadpool_task_2d_t) pool_whole_plane,
    .context_offset = COLNM_CONTEXT_OFFSET(global_pooling_operator),
    .range = {input->channels, input->batch},
  };
  op->base.state = xnn_run_state_needs_setup;
  return xnn_status_success;
}

enum xnn_status xnn_setup_global_pooling_cnhw(xnn_operator_t pooling_op, const void* input, float* output) {
  struct global_pooling_operator* op = (struct global_pooling_operator*) pooling_op;
  if (op->base.state == xnn_run_state_invalid) {
    return xnn_status_invalid_state;
  }
  op->context.input_data = input;
  op->context.output_data = output;
  op->base.state = xnn_run_state_ready;
  return xnn_status_success;
}
