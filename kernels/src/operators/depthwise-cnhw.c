// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Depthwise convolution on planes, one task per output channel of an image.
//
// Taps are read where they lie, as offsets from an output's position; padding is the planes' halo.
#include <math.h>
#include <stdint.h>

#include "colonnade/dwconv.h"
#include "colonnade/operators.h"
#include "colonnade/window.h"
#include "operator-context.h"
#include "xnnpack/math.h"

struct depthwise_context {
  struct xnn_depthwise2d shape;
  const struct xnn_colnm_datatype* elements;
  size_t element_bytes;
  xnn_dwconv_ukernel_fn ukernel;
  union xnn_f32_minmax_params params;
  float* weights;    // [out_channels, taps] as they were given, then [out_channels] biases
  uintptr_t packed;  // [out_channels, 1 + taps] in the order of the groups
  // Set by reshape.
  struct xnn_colnm_planes input, output, residual;
  bool has_residual;
  struct xnn_dwconv_group* groups;
  size_t group_count;
  size_t row_step, column_step;    // rows and elements from one output's input to the next one's
  size_t input_rows;               // of a phase plane, with its gap
  // Set by setup.
  const void* input_data;
  const void* residual_data;
  void* output_data;
};

struct depthwise_operator {
  struct xnn_operator base;
  struct depthwise_context context;
};

static size_t taps_of(const struct xnn_depthwise2d* shape) { return (size_t) shape->kernel_height * shape->kernel_width; }

static size_t out_channels_of(const struct xnn_depthwise2d* shape) { return shape->in_channels * shape->multiplier; }

struct xnn_colnm_gaps xnn_depthwise_input_gaps(
    const struct xnn_depthwise2d* convolution, size_t input_height, size_t input_width) {
  return (struct xnn_colnm_gaps) {
    .rows = colnm_window_gap(input_height, convolution->kernel_height, convolution->dilation_height, convolution->padding_top,
                             convolution->padding_bottom, convolution->stride_height),
    .columns = colnm_window_gap(input_width, convolution->kernel_width, convolution->dilation_width, convolution->padding_left,
                                convolution->padding_right, convolution->stride_width),
  };
}

static enum xnn_status check_parameters(const struct xnn_depthwise2d* shape) {
  if (shape->kernel_height == 0 || shape->kernel_width == 0 || shape->stride_height == 0 || shape->stride_width == 0 ||
      shape->dilation_height == 0 || shape->dilation_width == 0 || shape->in_channels == 0 || shape->multiplier == 0) {
    xnn_log_error("failed to create depthwise convolution: sizes must not be zero");
    return xnn_status_invalid_parameter;
  }
  if (isnan(shape->output_min) || isnan(shape->output_max) || shape->output_min > shape->output_max) {
    xnn_log_error("failed to create depthwise convolution: empty output range");
    return xnn_status_invalid_parameter;
  }
  size_t channels, taps, weights;
  if (__builtin_mul_overflow(shape->in_channels, shape->multiplier, &channels) ||
      __builtin_mul_overflow((size_t) shape->kernel_height, (size_t) shape->kernel_width, &taps) ||
      __builtin_mul_overflow(channels, taps + 1, &weights) || weights > (UINT64_C(1) << 48) / sizeof(float)) {
    xnn_log_error("failed to create depthwise convolution: weights of more than 2^48 bytes");
    return xnn_status_unsupported_parameter;
  }
  return xnn_status_success;
}

enum xnn_status xnn_create_depthwise_convolution2d_cnhw(
    const struct xnn_depthwise2d* convolution, enum xnn_datatype datatype, xnn_operator_t* convolution_op_out) {
  if (!colnm_is_initialized()) {
    return xnn_status_uninitialized;
  }
  const enum xnn_status status = check_parameters(convolution);
  if (status != xnn_status_success) {
    return status;
  }
  const struct xnn_colnm_datatype* elements = xnn_colnm_find_datatype(datatype);
  if (elements == NULL) {
    xnn_log_error("failed to create depthwise convolution: its datatype is none of " COLNM_DATATYPE_NAMES);
    return xnn_status_unsupported_parameter;
  }
  struct depthwise_operator* op = xnn_allocate_zero_simd_memory(sizeof(struct depthwise_operator));
  if (op == NULL) {
    return xnn_status_out_of_memory;
  }
  struct depthwise_context* context = &op->context;
  context->shape = *convolution;
  context->element_bytes = elements->bytes;
  context->elements = elements;
  context->params.scalar.min = convolution->output_min;
  context->params.scalar.max = convolution->output_max;
  const size_t channels = out_channels_of(convolution), taps = taps_of(convolution);
  // Packed ones after those that reshape packs.
  context->weights = xnn_allocate_zero_simd_memory(channels * (taps + 1) * (sizeof(float) + elements->bytes));
  op->base.packed_weights.pointer = context->weights;
  op->base.type = xnn_operator_type_convolution_nchw_f32;
  op->base.ukernel.type = xnn_microkernel_type_dwconv;
  op->base.state = xnn_run_state_invalid;
  if (context->weights == NULL) {
    xnn_delete_operator(&op->base);
    return xnn_status_out_of_memory;
  }
  memcpy(context->weights, convolution->weights, channels * taps * sizeof(float));
  if (convolution->bias != NULL) {
    memcpy(context->weights + channels * taps, convolution->bias, channels * sizeof(float));
  }
  context->packed = (uintptr_t) (context->weights + channels * (taps + 1));
  // The caller's arrays are not kept.
  context->shape.weights = NULL;
  context->shape.bias = NULL;
  *convolution_op_out = &op->base;
  return xnn_status_success;
}

static bool is_output_of(const struct xnn_colnm_planes* output, const struct depthwise_context* context) {
  const struct xnn_depthwise2d* shape = &context->shape;
  const struct xnn_colnm_planes* input = &context->input;
  return output->batch == input->batch && output->channels == out_channels_of(shape) && output->height != 0 && output->width != 0 &&
         output->height == colnm_output_size(input->height, shape->padding_top, shape->padding_bottom, shape->kernel_height,
                                             shape->dilation_height, shape->stride_height) &&
         output->width == colnm_output_size(input->width, shape->padding_left, shape->padding_right, shape->kernel_width,
                                            shape->dilation_width, shape->stride_width);
}

static bool is_halo_wide_enough(const struct depthwise_context* context) {
  const struct xnn_depthwise2d* shape = &context->shape;
  const struct xnn_colnm_planes* input = &context->input;
  const uint32_t y = input->phases == 1 ? 1 : shape->stride_height;
  struct xnn_depthwise2d split = *shape;
  if (y == 1) {
    // Of whole planes, taps lie as many rows away as padding and dilation say.
    split.stride_height = split.stride_width = 1;
  }
  const struct xnn_colnm_gaps gaps = xnn_depthwise_input_gaps(&split, input->height, input->width);
  return input->row_stride >= xnn_colnm_phase_width(input) + gaps.columns &&
         input->phase_stride >= (xnn_colnm_phase_height(input) + gaps.rows) * input->row_stride &&
         input->origin >= gaps.rows * input->row_stride + gaps.columns;
}

// Where tap (kh, kw) lies, in elements from an output's position.
static ptrdiff_t tap_offset(const struct depthwise_context* context, size_t kh, size_t kw) {
  const struct xnn_depthwise2d* shape = &context->shape;
  const struct xnn_colnm_planes* input = &context->input;
  const uint32_t phases = input->phases;
  const struct colnm_tap y = colnm_locate_tap(kh, shape->dilation_height, shape->padding_top, phases);
  const struct colnm_tap x = colnm_locate_tap(kw, shape->dilation_width, shape->padding_left, phases);
  return (ptrdiff_t) ((y.phase * phases + x.phase) * input->phase_stride) + y.shift * (ptrdiff_t) input->row_stride + x.shift;
}

static void pack_weight(const struct depthwise_context* context, size_t channel, size_t place, float weight) {
  const size_t index = channel * (taps_of(&context->shape) + 1) + place;
  context->elements->from_float(1, &weight, (void*) (context->packed + index * context->element_bytes));
}

static void pack_taps(const struct depthwise_context* context, size_t tap, size_t place) {
  const size_t channels = out_channels_of(&context->shape), taps = taps_of(&context->shape);
  for (size_t channel = 0; channel < channels; channel++) {
    pack_weight(context, channel, 1 + place, context->weights[channel * taps + tap]);
  }
}

// Gathers taps that read rows one below the other, of each column of the kernel and each phase of the rows, and packs
// the weights in that order.
static void group_taps(struct depthwise_context* context) {
  const struct xnn_depthwise2d* shape = &context->shape;
  const ptrdiff_t row = (ptrdiff_t) context->input.row_stride;
  struct xnn_dwconv_group* group = context->groups;
  size_t place = 0;
  for (size_t kw = 0; kw < shape->kernel_width; kw++) {
    // Taps `period` apart lie in one phase.
    const size_t period = context->input.phases;
    for (size_t first = 0; first < min(period, shape->kernel_height); first++) {
      ptrdiff_t last = 0;
      group->taps = 0;
      for (size_t kh = first; kh < shape->kernel_height; kh += period) {
        const ptrdiff_t offset = tap_offset(context, kh, kw);
        if (group->taps != 0 && (offset != last + row || group->taps == XNN_DWCONV_TAPS)) {
          group++;
          group->taps = 0;
        }
        if (group->taps++ == 0) {
          group->input = offset * (ptrdiff_t) context->element_bytes;
        }
        last = offset;
        pack_taps(context, kh * shape->kernel_width + kw, place++);
      }
      group++;
    }
  }
  context->group_count = (size_t) (group - context->groups);
  const size_t channels = out_channels_of(shape), taps = taps_of(shape);
  for (size_t channel = 0; channel < channels; channel++) {
    pack_weight(context, channel, 0, context->weights[channels * taps + channel]);
  }
}

// Whether the groups have so many taps, two kinds of them in turns, and lie beside each other in whole planes.
static bool has_groups(const struct depthwise_context* context, size_t count, size_t even, size_t odd) {
  for (size_t i = 0; i < context->group_count; i++) {
    const bool follows = context->groups[i].input == context->groups[0].input + (ptrdiff_t) (i * context->element_bytes);
    if (context->groups[i].taps != (i % 2 == 0 ? even : odd) || (context->input.phases == 1 && !follows)) {
      return false;
    }
  }
  return context->group_count == count;
}

static xnn_dwconv_ukernel_fn find_ukernel(const struct depthwise_context* context) {
  const struct xnn_dwconv_config* config = xnn_init_dwconv_config(context->elements);
  const uint32_t phases = context->input.phases;
  if (phases != context->shape.stride_height || phases != context->shape.stride_width) {
    return config->any;
  }
  if (phases == 1 && has_groups(context, 3, 3, 3)) {
    return config->k3x3;
  }
  if (phases == 1 && has_groups(context, 5, 5, 5)) {
    return config->k5x5;
  }
  if (phases == 2 && has_groups(context, 6, 2, 1)) {
    return config->k3x3s2;
  }
  if (phases == 2 && has_groups(context, 10, 3, 2)) {
    return config->k5x5s2;
  }
  return config->any;
}

static struct xnn_dwconv_plane find_plane(
    const struct xnn_colnm_planes* planes, const void* data, size_t rows, size_t channel, size_t image, size_t bytes) {
  const size_t first = planes->origin + channel * planes->channel_stride + image * planes->image_stride;
  const size_t to_next_channel = channel + 1 == planes->channels ? 0 : planes->channel_stride - image * planes->image_stride;
  return (struct xnn_dwconv_plane) {
    .data = data == NULL ? NULL : (const void*) ((uintptr_t) data + first * bytes),
    .stride = planes->row_stride * bytes,
    .rows = rows,
    .phase_stride = planes->phase_stride * bytes,
    .next = (image + 1 == planes->batch ? to_next_channel : planes->image_stride) * bytes,
  };
}

static void convolve_plane(const struct depthwise_context* context, size_t channel, size_t image) {
  const struct xnn_depthwise2d* shape = &context->shape;
  const size_t bytes = context->element_bytes;
  struct xnn_dwconv_plane input = find_plane(&context->input, context->input_data, context->input_rows, shape->multiplier == 1 ? channel : channel / shape->multiplier, image, bytes);
  struct xnn_dwconv_plane output = find_plane(&context->output, context->output_data, 0, channel, image, bytes);
  struct xnn_dwconv_plane residual = find_plane(&context->residual, context->residual_data, 0, channel, image, bytes);
  const void* weights = (const void*) (context->packed + channel * (taps_of(shape) + 1) * bytes);
  const size_t row_step = context->row_step, column_step = context->column_step;
  if (row_step == 1) {
    context->ukernel(context->output.height, context->output.width, &input, column_step, context->group_count, context->groups,
                     weights, &residual, &output, &context->params);
    return;
  }
  // The rows below each other that a kernel shares would not be those of the next output.
  for (size_t y = 0; y < context->output.height; y++) {
    context->ukernel(1, context->output.width, &input, column_step, context->group_count, context->groups, weights, &residual,
                     &output, &context->params);
    input.data = (const void*) ((uintptr_t) input.data + row_step * input.stride);
    output.data = (const void*) ((uintptr_t) output.data + output.stride);
    residual.data = residual.data == NULL ? NULL : (const void*) ((uintptr_t) residual.data + residual.stride);
  }
}

enum xnn_status xnn_reshape_depthwise_convolution2d_cnhw(
    xnn_operator_t convolution_op,
    const struct xnn_colnm_planes* input,
    const struct xnn_colnm_planes* output,
    const struct xnn_colnm_planes* residual) {
  struct depthwise_operator* op = (struct depthwise_operator*) convolution_op;
  struct depthwise_context* context = &op->context;
  const struct xnn_depthwise2d* shape = &context->shape;
  op->base.state = xnn_run_state_invalid;
  context->input = *input;
  context->output = *output;
  context->has_residual = residual != NULL;
  context->residual = residual == NULL ? *output : *residual;
  if (input->channels != shape->in_channels || !is_output_of(output, context) || !is_output_of(&context->residual, context)) {
    xnn_log_error(
        "failed to reshape depthwise convolution: a %zux%zu input does not give a %zux%zu output or residual", input->height,
        input->width, output->height, output->width);
    return xnn_status_invalid_parameter;
  }
  const bool suits = input->phases == shape->stride_width && input->phases == shape->stride_height;
  if ((input->phases != 1 && !suits) || output->phases != 1 || context->residual.phases != 1 || !is_halo_wide_enough(context)) {
    xnn_log_error("failed to reshape depthwise convolution: planes in other phases or with other gaps than it needs");
    return xnn_status_unsupported_parameter;
  }
  xnn_release_simd_memory(context->groups);
  // xnn_delete_operator releases this member.
  op->base.lookup_table = context->groups = xnn_allocate_zero_simd_memory((taps_of(shape) + 1) * sizeof(struct xnn_dwconv_group));
  if (context->groups == NULL) {
    return xnn_status_out_of_memory;
  }
  group_taps(context);
  context->ukernel = find_ukernel(context);
  context->row_step = shape->stride_height / input->phases;
  context->column_step = shape->stride_width / input->phases;
  context->input_rows = input->phase_stride / input->row_stride;
  op->base.compute[0] = (struct compute_parameters) {
    .type = xnn_parallelization_type_2d,
    .task_2d = (pthreadpool_task_2d_t) convolve_plane,
    .context_offset = COLNM_CONTEXT_OFFSET(depthwise_operator),
    .range = {output->channels, output->batch},
  };
  op->base.state = xnn_run_state_needs_setup;
  return xnn_status_success;
}

enum xnn_status xnn_setup_depthwise_convolution2d_cnhw(
    xnn_operator_t convolution_op, const void* input, const void* residual, void* output) {
  struct depthwise_operator* op = (struct depthwise_operator*) convolution_op;
  if (op->base.state == xnn_run_state_invalid || op->context.has_residual != (residual != NULL)) {
    return xnn_status_invalid_state;
  }
  op->context.input_data = input;
  op->context.residual_data = residual;
  op->context.output_data = output;
  op->base.state = xnn_run_state_ready;
  return xnn_status_success;
}
