// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Group normalisation on planes: of whole planes, or of every pixel by itself.
#include <math.h>
#include <stdint.h>

#include "plane-task.h"

struct group_norm_context {
  struct xnn_group_normalization what;
  const struct xnn_elementwise_config* config;
  size_t element_bytes;
};

// Adds up a group's planes.
static void add_moments(const struct group_norm_context* context, size_t group, size_t image, float center, double sums[2]) {
  const struct xnn_plane_tensor* input = &context->what.input;
  const struct xnn_colnm_planes* in = &input->planes;
  const size_t channels = in->channels / context->what.groups, bytes = context->element_bytes;
  sums[0] = sums[1] = 0;
  for (size_t channel = group * channels; channel < (group + 1) * channels; channel++) {
    context->config->moments(
        in->height, in->width, (const void*) colnm_plane_address(input, channel, image, bytes), in->row_stride * bytes, center, sums);
  }
}

static void normalize_group(const struct group_norm_context* context, size_t group, size_t image) {
  const struct xnn_group_normalization* what = &context->what;
  const struct xnn_colnm_planes *in = &what->input.planes, *out = &what->output.planes;
  const size_t channels = in->channels / what->groups, bytes = context->element_bytes;
  const double count = (double) (channels * in->height * in->width);
  double sums[2];
  add_moments(context, group, image, 0, sums);
  // Squares of what is far from 0 would cancel: they are taken around the mean, and what it was rounded by is made good.
  const float center = (float) (sums[0] / count);
  add_moments(context, group, image, center, sums);
  const double rest = sums[0] / count;
  const double mean = center + rest;
  const double inverse = 1 / sqrt(sums[1] / count - rest * rest + what->epsilon);
  for (size_t channel = group * channels; channel < (group + 1) * channels; channel++) {
    const double scale = inverse * what->scale[channel];
    const struct xnn_elementwise_params params = {
      .scale = (float) scale,
      .shift = (float) (what->shift[channel] - mean * scale),
      .min = -INFINITY,
      .max = INFINITY,
    };
    context->config->affine(
        in->height, in->width, (const void*) colnm_plane_address(&what->input, channel, image, bytes), in->row_stride * bytes, NULL, 0,
        (void*) colnm_plane_address(&what->output, channel, image, bytes), out->row_stride * bytes, &params);
  }
}

static void normalize_row(const struct group_norm_context* context, size_t row, size_t image) {
  const struct xnn_group_normalization* what = &context->what;
  const struct xnn_colnm_planes *in = &what->input.planes, *out = &what->output.planes;
  const size_t bytes = context->element_bytes;
  context->config->normalize_pixels(
      in->width, in->channels, (const void*) (colnm_plane_address(&what->input, 0, image, bytes) + row * in->row_stride * bytes),
      in->channel_stride * bytes, (void*) (colnm_plane_address(&what->output, 0, image, bytes) + row * out->row_stride * bytes),
      out->channel_stride * bytes, what->scale, what->shift, what->epsilon);
}

enum xnn_status xnn_create_group_normalization_cnhw(const struct xnn_group_normalization* normalization, xnn_operator_t* op_out) {
  const struct xnn_colnm_planes* in = &normalization->input.planes;
  const struct xnn_colnm_datatype* elements = xnn_colnm_find_datatype(normalization->datatype);
  if (elements == NULL || in->phases != 1 || normalization->output.planes.phases != 1) {
    xnn_log_error("failed to create a group normalization: a datatype that is none of " COLNM_DATATYPE_NAMES ", or planes that are split");
    return xnn_status_unsupported_parameter;
  }
  const size_t groups = normalization->groups;
  if (!colnm_has_shape(in, &normalization->output.planes) || groups == 0 || in->channels % groups != 0 ||
      (normalization->per_pixel && groups != 1)) {
    xnn_log_error("failed to create a group normalization: an output of another shape, or groups that do not fit");
    return xnn_status_invalid_parameter;
  }
  const struct group_norm_context context = {
    .what = *normalization,
    .config = xnn_init_elementwise_config(elements),
    .element_bytes = elements->bytes,
  };
  const pthreadpool_task_2d_t task = (pthreadpool_task_2d_t) (normalization->per_pixel ? normalize_row : normalize_group);
  return colnm_create_plane_task(task, &context, sizeof(context), normalization->per_pixel ? in->height : groups, in->batch, op_out);
}
