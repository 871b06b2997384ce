// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// The direct algorithm: a kept column is a byte offset from a panel's first input element.
#include "colnm-convolution.h"
#include "xnnpack/math.h"

struct xnn_colnm_gaps xnn_colnm_input_gaps(
    const struct xnn_colnm_convolution2d* convolution, size_t input_height, size_t input_width) {
  return (struct xnn_colnm_gaps) {
    .rows = colnm_window_gap(input_height, convolution->kernel_height, convolution->dilation_height, convolution->padding_top,
                             convolution->padding_bottom, convolution->stride_height),
    .columns = colnm_window_gap(input_width, convolution->kernel_width, convolution->dilation_width, convolution->padding_left,
                                convolution->padding_right, convolution->stride_width),
  };
}

static ptrdiff_t larger(ptrdiff_t a, ptrdiff_t b) { return a > b ? a : b; }

static bool is_pointwise(const struct xnn_colnm_convolution2d* shape) {
  return shape->kernel_height == 1 && shape->kernel_width == 1 && shape->stride_height == 1 &&
         shape->stride_width == 1 && shape->padding_top == 0 && shape->padding_left == 0 &&
         shape->padding_bottom == 0 && shape->padding_right == 0;
}

static bool accepts_planes(const struct colnm_context* context) {
  const struct xnn_colnm_convolution2d* shape = &context->shape;
  const struct xnn_colnm_planes* input = &context->input;
  if (is_pointwise(shape)) {
    return true;
  }
  const struct xnn_colnm_gaps gaps = xnn_colnm_input_gaps(shape, input->height, input->width);
  return input->phases == shape->stride_height &&
         input->row_stride >= xnn_colnm_phase_width(input) + gaps.columns &&
         input->phase_stride >= (xnn_colnm_phase_height(input) + gaps.rows) * input->row_stride &&
         input->origin >= gaps.rows * input->row_stride + gaps.columns;
}

static struct colnm_grid direct_grid(const struct colnm_context* context) {
  const struct xnn_colnm_planes* input = &context->input;
  struct colnm_grid grid = {
    .groups = input->batch,
    .height = context->output.height,
    .width = context->output.width,
    .row_stride = input->row_stride,
    .origin = input->origin,
    .group_stride = input->image_stride,
    .phases = 1,
  };
  if (!is_pointwise(&context->shape)) {
    return grid;
  }
  if (input->phases != 1) {
    grid.groups *= xnn_colnm_phase_planes(input);
    grid.height = xnn_colnm_phase_height(input);
    grid.width = xnn_colnm_phase_width(input);
    grid.group_stride = input->phase_stride;
    grid.phases = input->phases;
  } else if (input->image_stride == input->height * input->row_stride) {
    // No gap between images: panels run on from one to the next.
    grid.groups = 1;
    grid.height = input->batch * input->height;
  }
  return grid;
}

static uint32_t offset_of(const struct colnm_context* context, const void* table, size_t column) {
  (void) table;
  const struct xnn_colnm_convolution2d* shape = &context->shape;
  const struct xnn_colnm_planes* input = &context->input;
  const size_t position = column / shape->in_channels;
  const struct colnm_tap y = colnm_locate_tap(position / shape->kernel_width, shape->dilation_height, shape->padding_top, shape->stride_height);
  const struct colnm_tap x = colnm_locate_tap(position % shape->kernel_width, shape->dilation_width, shape->padding_left, shape->stride_width);
  const ptrdiff_t element =
      (ptrdiff_t) (column % shape->in_channels * input->channel_stride + (y.phase * shape->stride_width + x.phase) * input->phase_stride) +
      y.shift * (ptrdiff_t) input->row_stride + x.shift - context->lowest_tap;
  return (uint32_t) ((size_t) element * context->gemm->element_bytes);
}

// Offsets of all tiles' columns, from the lowest address that a tap may have.
static enum xnn_status index_offsets(struct colnm_context* context) {
  const struct xnn_colnm_convolution2d* shape = &context->shape;
  const struct xnn_colnm_planes* input = &context->input;
  const ptrdiff_t row_stride = (ptrdiff_t) input->row_stride;
  ptrdiff_t lowest = 0, highest = 0;
  context->tap_phases = 0;
  for (size_t kh = 0; kh < shape->kernel_height; kh++) {
    for (size_t kw = 0; kw < shape->kernel_width; kw++) {
      const struct colnm_tap y = colnm_locate_tap(kh, shape->dilation_height, shape->padding_top, shape->stride_height);
      const struct colnm_tap x = colnm_locate_tap(kw, shape->dilation_width, shape->padding_left, shape->stride_width);
      const ptrdiff_t shift = y.shift * row_stride + x.shift;
      lowest = shift < lowest ? shift : lowest;
      highest = larger(highest, shift);
      context->tap_phases |= UINT64_C(1) << (y.phase * shape->stride_width + x.phase) % 64;
    }
  }
  context->lowest_tap = lowest;
  context->tap_reach = (size_t) (highest - lowest);
  if (!colnm_offsets_fit(input->size, context->gemm->element_bytes)) {
    xnn_log_error("failed to reshape direct colnm convolution: an input above 4 GiB");
    return xnn_status_unsupported_parameter;
  }
  for (size_t tile = 0; tile < colnm_tile_count(shape); tile++) {
    colnm_index_tile(context, tile, NULL, offset_of);
  }
  return xnn_status_success;
}

static void prefetch_input(const struct colnm_context* context, const struct xnn_colnm_panel* first, const struct xnn_colnm_panel* last) {
  const struct xnn_colnm_planes* planes = &context->input;
  const size_t element_bytes = context->gemm->element_bytes;
  const size_t phases = xnn_colnm_phase_planes(planes);
  const size_t bytes = last->input - first->input + (last->count + context->tap_reach) * element_bytes;
  const size_t channel_bytes = planes->channel_stride * element_bytes, phase_bytes = planes->phase_stride * element_bytes;
  uintptr_t begin = colnm_input(context, context->lowest_tap) + first->input;
  for (size_t channel = 0; channel < planes->channels; channel++) {
    for (size_t phase = 0; phase < phases; phase++) {
      if (phase >= 64 || (context->tap_phases >> phase & 1) != 0) {
        colnm_prefetch(begin + phase * phase_bytes, bytes);
      }
    }
    begin += channel_bytes;
  }
}

static void compute_direct(struct colnm_context* context, size_t thread, size_t index) {
  (void) thread;
  const size_t first_tile = index % context->tile_groups * context->group_tiles;
  const size_t first_panel = index / context->tile_groups * context->block_panels;
  const size_t panel_count = min(context->block_panels, context->panels.count - first_panel);
  const struct xnn_colnm_panel* panels = context->panels.items + first_panel;
  prefetch_input(context, panels, panels + panel_count - 1);
  colnm_run_tiles(
      context, first_tile, min(first_tile + context->group_tiles, colnm_tile_count(&context->shape)), first_panel, panel_count,
      (const void*) colnm_input(context, context->lowest_tap));
}

const struct colnm_algorithm colnm_direct = {
  // The taps of a channel share most of their lines.
  .by_channel = true,
  .accepts = accepts_planes,
  .grid = direct_grid,
  .index = index_offsets,
  .compute = compute_direct,
};
