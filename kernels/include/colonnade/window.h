// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Where a window that slides over a padded plane ends: of convolutions and of pools.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Elements along one axis from a window's first tap to its last.
static inline size_t colnm_window_reach(uint32_t kernel, uint32_t dilation) { return (size_t) dilation * (kernel - 1) + 1; }

// Output positions along one axis, with padding before and behind it; 0 where the window does not fit.
static inline size_t colnm_output_size(
    size_t input, uint32_t before, uint32_t behind, uint32_t kernel, uint32_t dilation, uint32_t stride) {
  const size_t padded = input + before + behind;
  const size_t reach = colnm_window_reach(kernel, dilation);
  return padded < reach ? 0 : (padded - reach) / stride + 1;
}

// The same of a pool. In ceil mode a last window counts that ends outside the padding behind, if it begins before it.
static inline size_t colnm_pool_size(
    size_t input, uint32_t before, uint32_t behind, uint32_t kernel, uint32_t dilation, uint32_t stride, int ceil_mode) {
  const size_t floor_size = colnm_output_size(input, before, behind, kernel, dilation, stride);
  if (floor_size == 0 || !ceil_mode) {
    return floor_size;
  }
  const size_t left = input + before + behind - colnm_window_reach(kernel, dilation) - (floor_size - 1) * stride;
  return floor_size + (left != 0 && floor_size * stride < input + before);
}

// Where tap k * dilation - padding of a window of stride s lies, seen from an output position: in which phase of the
// plane, and how many rows (or columns) of that phase plane away.
struct colnm_tap {
  size_t phase;
  ptrdiff_t shift;
};

static inline struct colnm_tap colnm_locate_tap(size_t k, uint32_t dilation, uint32_t padding, uint32_t stride) {
  const ptrdiff_t distance = (ptrdiff_t) (k * dilation) - (ptrdiff_t) padding;
  const ptrdiff_t s = (ptrdiff_t) stride;
  const ptrdiff_t shift = distance >= 0 ? distance / s : -((s - 1 - distance) / s);
  struct colnm_tap tap = {(size_t) (distance - shift * s), shift};
  return tap;
}

// Zeros that the taps of one axis read before and behind a phase plane, where outputs of neighbouring rows must not run
// into each other either.
static inline size_t colnm_window_gap(
    size_t input, uint32_t kernel, uint32_t dilation, uint32_t before, uint32_t behind, uint32_t stride) {
  const ptrdiff_t size = (ptrdiff_t) ((input + stride - 1) / stride);
  const ptrdiff_t outputs = (ptrdiff_t) colnm_output_size(input, before, behind, kernel, dilation, stride);
  const ptrdiff_t needed[3] = {
      -colnm_locate_tap(0, dilation, before, stride).shift,
      outputs + colnm_locate_tap(kernel - 1, dilation, before, stride).shift - size,
      outputs - size,
  };
  ptrdiff_t most = 0;
  for (size_t i = 0; i < 3; i++) {
    most = needed[i] > most ? needed[i] : most;
  }
  return (size_t) most;
}

#ifdef __cplusplus
}  // extern "C"
#endif
