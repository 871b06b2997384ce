// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// The geometry of im2col, for the algorithms that pack.
#include "colnm-convolution.h"
#include "xnnpack/math.h"

bool colnm_has_whole_planes(const struct colnm_context* context) { return context->input.phases == 1; }

struct colnm_grid colnm_packed_grid(const struct colnm_context* context) {
  const struct xnn_colnm_planes* output = &context->output;
  return (struct colnm_grid) {
    .groups = 1,
    .height = output->batch * output->height,
    .width = output->width,
    .row_stride = output->width,
    .phases = 1,
  };
}

size_t colnm_split_into_rows(size_t height, size_t width, size_t position, size_t count, struct colnm_piece* pieces) {
  const size_t plane = height * width;
  size_t pieces_count = 0;
  while (count != 0) {
    struct colnm_piece* piece = &pieces[pieces_count++];
    piece->image = position / plane;
    piece->y = position % plane / width;
    piece->x = position % width;
    piece->count = min(count, width - piece->x);
    position += piece->count;
    count -= piece->count;
  }
  return pieces_count;
}

struct xnn_im2col_run colnm_tap_run(const struct colnm_context* context, const struct colnm_piece* piece, size_t tap) {
  const struct xnn_colnm_convolution2d* shape = &context->shape;
  const size_t kh = tap / shape->kernel_width;
  const size_t kw = tap % shape->kernel_width;
  const ptrdiff_t y = (ptrdiff_t) (piece->y * shape->stride_height + kh * shape->dilation_height) -
                      (ptrdiff_t) shape->padding_top;
  const ptrdiff_t x = (ptrdiff_t) (piece->x * shape->stride_width + kw * shape->dilation_width) -
                      (ptrdiff_t) shape->padding_left;
  if (y < 0 || y >= (ptrdiff_t) context->input.height) {
    return (struct xnn_im2col_run) {.left = (uint32_t) piece->count};
  }
  const size_t stride = shape->stride_width;
  const size_t left = x >= 0 ? 0 : min(piece->count, divide_round_up((size_t) -x, stride));
  const ptrdiff_t room = (ptrdiff_t) context->input.width - x;  // input columns from x to the edge
  const size_t inside = room <= 0 ? 0 : min(piece->count, divide_round_up((size_t) room, stride));
  const size_t count = doz(inside, left);
  return (struct xnn_im2col_run) {
    .left = (uint32_t) left,
    .count = (uint32_t) count,
    .right = (uint32_t) (piece->count - left - count),
    .source = count == 0 ? 0
                         : xnn_colnm_planes_index(&context->input, piece->image, (size_t) y, (size_t) (x + (ptrdiff_t) (left * stride))),
  };
}
