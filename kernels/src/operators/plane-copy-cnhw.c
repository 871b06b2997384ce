// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Copies of planes: into other channels, another layout, with a border, resampled; and normalisation over channels.
#include <stdint.h>
#include <string.h>

#include "plane-task.h"
#include "xnnpack/math.h"

struct copy_context {
  struct xnn_plane_copy what;
  const struct xnn_elementwise_config* config;
  size_t in_bytes, out_bytes;
  union {
    uint32_t of_32_bits;
    uint16_t of_16_bits;
  } border;  // an element of the output
};

static void fill(const struct copy_context* context, uintptr_t output, size_t count) {
  if (context->out_bytes == sizeof(uint32_t)) {
    uint32_t* out = (uint32_t*) output;
    for (size_t i = 0; i < count; i++) {
      out[i] = context->border.of_32_bits;
    }
  } else {
    uint16_t* out = (uint16_t*) output;
    for (size_t i = 0; i < count; i++) {
      out[i] = context->border.of_16_bits;
    }
  }
}

// Columns `begin` to `end` of a row, from those of an input's row.
static void fill_from(const struct copy_context* context, uintptr_t input, uintptr_t output, size_t begin, size_t end) {
  const uint32_t* columns = context->what.columns;
  if (context->out_bytes == sizeof(uint32_t)) {
    for (size_t x = begin; x < end; x++) {
      ((uint32_t*) output)[x] = ((const uint32_t*) input)[columns[x]];
    }
  } else {
    for (size_t x = begin; x < end; x++) {
      ((uint16_t*) output)[x] = ((const uint16_t*) input)[columns[x]];
    }
  }
}

static void fill_border(const struct copy_context* context, uintptr_t input, uintptr_t output) {
  const struct xnn_plane_copy* what = &context->what;
  const struct xnn_colnm_planes *in = &what->input.planes, *out = &what->output.planes;
  const size_t in_row = in->row_stride * context->in_bytes, out_row = out->row_stride * context->out_bytes;
  const size_t right = what->left + in->width, bottom = what->top + in->height;
  for (size_t y = 0; y < out->height; y++) {
    const uintptr_t row = output + y * out_row;
    if (what->rows != NULL) {
      const size_t source = y < what->top || y >= bottom ? what->rows[y] : y - what->top;
      const uintptr_t input_row = input + source * in_row;
      fill_from(context, input_row, row, 0, what->left);
      fill_from(context, input_row, row, right, out->width);
      if (y < what->top || y >= bottom) {
        memcpy((void*) (row + what->left * context->out_bytes), (const void*) input_row, in->width * context->out_bytes);
      }
    } else if (y < what->top || y >= bottom) {
      fill(context, row, out->width);
    } else {
      fill(context, row, what->left);
      fill(context, row + right * context->out_bytes, out->width - right);
    }
  }
}

static void copy_plane(const struct copy_context* context, size_t channel, size_t image) {
  const struct xnn_plane_copy* what = &context->what;
  const struct xnn_colnm_planes *in = &what->input.planes, *out = &what->output.planes;
  const size_t source = what->channels == NULL ? channel : what->channels[channel];
  const size_t out_row = out->row_stride * context->out_bytes;
  const uintptr_t input = colnm_plane_address(&what->input, source, image, context->in_bytes);
  const uintptr_t output = colnm_plane_address(&what->output, channel, image, context->out_bytes);
  fill_border(context, input, output);
  (what->to_f32 ? context->config->copy_to_f32 : context->config->copy)(
      in->height, in->width, (const void*) input, in->row_stride * context->in_bytes, NULL, 0,
      (void*) (output + what->top * out_row + what->left * context->out_bytes), out_row, NULL);
}

static bool are_whole(const struct xnn_plane_tensor* input, const struct xnn_plane_tensor* output) {
  return input->planes.phases == 1 && output->planes.phases == 1;
}

// Whether a border's rows or columns are some of the input's.
static bool are_of(const uint32_t* sources, size_t count, size_t begin, size_t size) {
  for (size_t i = 0; i < count; i++) {
    if ((i < begin || i >= begin + size) && sources[i] >= size) {
      return false;
    }
  }
  return true;
}

enum xnn_status xnn_create_plane_copy_cnhw(const struct xnn_plane_copy* copy, xnn_operator_t* op_out) {
  const struct xnn_colnm_planes *in = &copy->input.planes, *out = &copy->output.planes;
  const struct xnn_colnm_datatype* elements = xnn_colnm_find_datatype(copy->datatype);
  if (elements == NULL || !are_whole(&copy->input, &copy->output)) {
    xnn_log_error("failed to create a copy of planes: a datatype that is none of " COLNM_DATATYPE_NAMES ", or planes that are split");
    return xnn_status_unsupported_parameter;
  }
  bool fits = in->batch == out->batch && copy->top + in->height <= out->height && copy->left + in->width <= out->width &&
              (copy->channels != NULL || in->channels == out->channels);
  for (size_t channel = 0; copy->channels != NULL && channel < out->channels; channel++) {
    fits = fits && copy->channels[channel] < in->channels;
  }
  if (!fits) {
    xnn_log_error("failed to create a copy of planes: the input does not fit into the output");
    return xnn_status_invalid_parameter;
  }
  if ((copy->rows == NULL) != (copy->columns == NULL) || (copy->rows != NULL && copy->to_f32) ||
      (copy->rows != NULL && !(are_of(copy->rows, out->height, copy->top, in->height) &&
                               are_of(copy->columns, out->width, copy->left, in->width)))) {
    xnn_log_error("failed to create a copy of planes: a border that is not of the input's rows and columns");
    return xnn_status_invalid_parameter;
  }
  const struct xnn_colnm_datatype* out_elements = copy->to_f32 ? &xnn_colnm_datatypes[xnn_colnm_datatype_f32] : elements;
  struct copy_context context = {
    .what = *copy,
    .config = xnn_init_elementwise_config(elements),
    .in_bytes = elements->bytes,
    .out_bytes = out_elements->bytes,
  };
  out_elements->from_float(1, &copy->value, &context.border);
  return colnm_create_plane_task((pthreadpool_task_2d_t) copy_plane, &context, sizeof(context), out->channels, out->batch, op_out);
}

struct resize_context {
  struct xnn_plane_resize what;
  xnn_interpolate_ukernel_fn ukernel;
  size_t element_bytes;
};

static void resize_plane(const struct resize_context* context, size_t channel, size_t image) {
  const struct xnn_plane_resize* what = &context->what;
  const struct xnn_colnm_planes *in = &what->input.planes, *out = &what->output.planes;
  const uintptr_t input = colnm_plane_address(&what->input, channel, image, context->element_bytes);
  uintptr_t output = colnm_plane_address(&what->output, channel, image, context->element_bytes);
  for (size_t y = 0; y < out->height; y++) {
    const struct xnn_plane_samples* rows = &what->rows;
    const uintptr_t top = input + rows->first[y] * in->row_stride * context->element_bytes;
    const uintptr_t bottom = top + rows->step[y] * in->row_stride * context->element_bytes;
    context->ukernel(out->width, (const void*) top, (const void*) bottom, rows->weight[y], &what->columns, (void*) output);
    output += out->row_stride * context->element_bytes;
  }
}

static bool lie_inside(const struct xnn_plane_samples* samples, size_t count, size_t size) {
  for (size_t i = 0; i < count; i++) {
    if ((size_t) samples->first[i] + samples->step[i] >= size) {
      return false;
    }
  }
  return true;
}

enum xnn_status xnn_create_plane_resize_cnhw(const struct xnn_plane_resize* resize, xnn_operator_t* op_out) {
  const struct xnn_colnm_planes *in = &resize->input.planes, *out = &resize->output.planes;
  const struct xnn_colnm_datatype* elements = xnn_colnm_find_datatype(resize->datatype);
  if (elements == NULL || !are_whole(&resize->input, &resize->output)) {
    xnn_log_error("failed to create a resize of planes: a datatype that is none of " COLNM_DATATYPE_NAMES ", or planes that are split");
    return xnn_status_unsupported_parameter;
  }
  if (in->batch != out->batch || in->channels != out->channels || !lie_inside(&resize->rows, out->height, in->height) ||
      !lie_inside(&resize->columns, out->width, in->width)) {
    xnn_log_error("failed to create a resize of planes: samples outside the input");
    return xnn_status_invalid_parameter;
  }
  const struct resize_context context = {
    .what = *resize,
    .ukernel = xnn_init_elementwise_config(elements)->interpolate,
    .element_bytes = elements->bytes,
  };
  return colnm_create_plane_task((pthreadpool_task_2d_t) resize_plane, &context, sizeof(context), out->channels, out->batch, op_out);
}

struct normalization_context {
  struct xnn_plane_normalization what;
  xnn_normalize_ukernel_fn ukernel;
  size_t element_bytes;
};

static void normalize_plane(const struct normalization_context* context, size_t channel, size_t image) {
  const struct xnn_plane_normalization* what = &context->what;
  const struct xnn_colnm_planes *in = &what->input.planes, *out = &what->output.planes;
  const size_t first = doz(channel, what->size / 2);
  const size_t end = min(channel + (what->size - 1) / 2 + 1, in->channels);
  const size_t bytes = context->element_bytes;
  uintptr_t input = colnm_plane_address(&what->input, first, image, bytes);
  uintptr_t center = colnm_plane_address(&what->input, channel, image, bytes);
  uintptr_t output = colnm_plane_address(&what->output, channel, image, bytes);
  for (size_t y = 0; y < in->height; y++) {
    context->ukernel(
        in->width, end - first, (const void*) input, in->channel_stride * bytes, (const void*) center, (void*) output,
        what->alpha / (float) what->size, what->beta, what->k);
    input += in->row_stride * bytes;
    center += in->row_stride * bytes;
    output += out->row_stride * bytes;
  }
}

enum xnn_status xnn_create_local_response_normalization_cnhw(
    const struct xnn_plane_normalization* normalization, xnn_operator_t* op_out) {
  const struct xnn_colnm_datatype* elements = xnn_colnm_find_datatype(normalization->datatype);
  if (elements == NULL || !are_whole(&normalization->input, &normalization->output)) {
    xnn_log_error("failed to create a normalization: a datatype that is none of " COLNM_DATATYPE_NAMES ", or planes that are split");
    return xnn_status_unsupported_parameter;
  }
  if (!colnm_has_shape(&normalization->input.planes, &normalization->output.planes) || normalization->size == 0) {
    xnn_log_error("failed to create a normalization: an output of another shape, or no channels to sum over");
    return xnn_status_invalid_parameter;
  }
  const struct normalization_context context = {
    .what = *normalization,
    .ukernel = xnn_init_elementwise_config(elements)->normalize,
    .element_bytes = elements->bytes,
  };
  return colnm_create_plane_task(
      (pthreadpool_task_2d_t) normalize_plane, &context, sizeof(context), normalization->input.planes.channels,
      normalization->input.planes.batch, op_out);
}
