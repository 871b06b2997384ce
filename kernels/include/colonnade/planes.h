// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Where the elements of a channel-major tensor lie.
//
// A tensor [C, N, H, W] is a sequence of planes with a halo, gaps that stay zero: a gap behind each row, which is
// the right padding of this row and the left padding of the next one, and a gap below each plane, which is
// the padding between two planes. A convolution then reads its padding like any other element. For a
// convolution of stride s a plane can be split into s * s phase planes (space-to-depth) by the remainders of y and x, so
// that consecutive outputs read consecutive elements.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Strides and offsets count elements.
struct xnn_colnm_planes {
  size_t batch, channels, height, width;
  uint32_t phases;  // s; 1: the plane is whole
  size_t row_stride;
  size_t phase_stride;
  size_t image_stride;
  size_t channel_stride;
  size_t origin;  // of channel 0, image 0, row 0, column 0 within the buffer
  size_t size;    // of the buffer, gaps and the guards before and after the planes included
};

// Elements behind the last plane that a kernel may read: a panel of the longest vectors.
#define COLNM_PLANES_GUARD 256

// Lays out a tensor with at least `row_gap` zero rows between planes and `column_gap` zero columns
// between rows. The buffer must be zero before an operator writes to it; operators keep the gaps zero.
void xnn_colnm_planes_init(
    struct xnn_colnm_planes* planes,
    size_t batch,
    size_t channels,
    size_t height,
    size_t width,
    uint32_t phases,
    size_t row_gap,
    size_t column_gap);

// Rows and columns of one phase plane; whole planes are their own only phase.
static inline size_t xnn_colnm_phase_height(const struct xnn_colnm_planes* planes) {
  return (planes->height + planes->phases - 1) / planes->phases;
}

static inline size_t xnn_colnm_phase_width(const struct xnn_colnm_planes* planes) {
  return (planes->width + planes->phases - 1) / planes->phases;
}

static inline size_t xnn_colnm_phase_planes(const struct xnn_colnm_planes* planes) {
  return (size_t) planes->phases * planes->phases;
}

// Index of element (image, y, x) of channel 0.
static inline size_t xnn_colnm_planes_index(const struct xnn_colnm_planes* planes, size_t image, size_t y, size_t x) {
  const size_t s = planes->phases;
  return planes->origin + image * planes->image_stride + (y % s * s + x % s) * planes->phase_stride +
         y / s * planes->row_stride + x / s;
}

#ifdef __cplusplus
}  // extern "C"
#endif
