// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Network input to planes: one task per channel of an image.
#include <stdint.h>

#include "colonnade/im2col.h"
#include "colonnade/operators.h"
#include "operator-context.h"
#include "xnnpack/math.h"

struct copy_to_planes_context {
  struct xnn_colnm_planes planes;
  size_t image_stride, channel_stride, column_stride;  // of the input, in elements
  size_t* rows;  // [height] byte offset of each input row
  xnn_im2col_ukernel_fn copy;
  size_t element_bytes;  // of the planes
  const float* input;
  void* output;
};

struct copy_to_planes_operator {
  struct xnn_operator base;
  struct copy_to_planes_context context;
};

// Phase by phase: the rows of a phase are the rows that im2col copies, its columns a run of stride `phases`.
static void copy_plane(const struct copy_to_planes_context* context, size_t channel, size_t image) {
  const struct xnn_colnm_planes* planes = &context->planes;
  const size_t phases = planes->phases;
  const size_t phase_rows = xnn_colnm_phase_height(planes);
  const float* input = context->input + image * context->image_stride + channel * context->channel_stride;
  const uintptr_t output = (uintptr_t) context->output + channel * planes->channel_stride * context->element_bytes;
  for (size_t y = 0; y < min(phases, planes->height); y++) {
    for (size_t x = 0; x < min(phases, planes->width); x++) {
      const struct xnn_im2col_run run = {
        .count = (uint32_t) divide_round_up(planes->width - x, phases),
        .source = x * context->column_stride,
      };
      context->copy(
          divide_round_up(planes->height - y, phases), context->rows + y * phase_rows, input, 1, &run,
          phases * context->column_stride,
          (void*) (output + xnn_colnm_planes_index(planes, image, y, x) * context->element_bytes),
          planes->row_stride * context->element_bytes);
    }
  }
}

enum xnn_status xnn_create_copy_to_planes(enum xnn_datatype datatype, xnn_operator_t* copy_op_out) {
  if (!colnm_is_initialized()) {
    return xnn_status_uninitialized;
  }
  const struct xnn_colnm_datatype* elements = xnn_colnm_find_datatype(datatype);
  if (elements == NULL) {
    xnn_log_error("failed to create copy to planes: their datatype is none of " COLNM_DATATYPE_NAMES);
    return xnn_status_unsupported_parameter;
  }
  struct copy_to_planes_operator* op = xnn_allocate_zero_simd_memory(sizeof(struct copy_to_planes_operator));
  if (op == NULL) {
    return xnn_status_out_of_memory;
  }
  op->context.copy = xnn_init_f32_im2col_ukernel(elements);
  op->context.element_bytes = elements->bytes;
  op->base.type = xnn_operator_type_copy_nc_x32;
  op->base.state = xnn_run_state_invalid;
  *copy_op_out = &op->base;
  return xnn_status_success;
}

enum xnn_status xnn_reshape_copy_to_planes(
    xnn_operator_t copy_op, const struct xnn_colnm_planes* planes, enum xnn_colnm_image_layout layout) {
  struct copy_to_planes_operator* op = (struct copy_to_planes_operator*) copy_op;
  struct copy_to_planes_context* context = &op->context;
  op->base.state = xnn_run_state_invalid;
  if (planes->batch * planes->channels * planes->height * planes->width == 0) {
    return xnn_status_invalid_parameter;
  }
  if (planes->width > UINT32_MAX) {
    xnn_log_error("failed to reshape copy to planes: rows of 2^32 elements or more");
    return xnn_status_unsupported_parameter;
  }
  context->planes = *planes;
  const size_t plane = planes->height * planes->width;
  context->image_stride = planes->channels * plane;
  context->channel_stride = layout == xnn_colnm_nchw ? plane : 1;
  context->column_stride = layout == xnn_colnm_nchw ? 1 : planes->channels;
  const size_t phase_rows = xnn_colnm_phase_height(planes);
  xnn_release_simd_memory(context->rows);
  // xnn_delete_operator releases this member.
  op->base.lookup_table = context->rows = xnn_allocate_zero_simd_memory(planes->phases * phase_rows * sizeof(size_t));
  if (context->rows == NULL) {
    return xnn_status_out_of_memory;
  }
  for (size_t y = 0; y < planes->height; y++) {
    context->rows[y % planes->phases * phase_rows + y / planes->phases] =
        y * planes->width * context->column_stride * sizeof(float);
  }
  op->base.compute[0] = (struct compute_parameters) {
    .type = xnn_parallelization_type_2d,
    .task_2d = (pthreadpool_task_2d_t) copy_plane,
    .context_offset = COLNM_CONTEXT_OFFSET(copy_to_planes_operator),
    .range = {planes->channels, planes->batch},
  };
  op->base.state = xnn_run_state_needs_setup;
  return xnn_status_success;
}

enum xnn_status xnn_setup_copy_to_planes(xnn_operator_t copy_op, const float* input, void* output) {
  struct copy_to_planes_operator* op = (struct copy_to_planes_operator*) copy_op;
  if (op->base.state == xnn_run_state_invalid) {
    return xnn_status_invalid_state;
  }
  op->context.input = input;
  op->context.output = output;
  op->base.state = xnn_run_state_ready;
  return xnn_status_success;
}
