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

// Output positions along one axis; 0 where the window does not fit.
static inline size_t colnm_output_size(
    size_t input, uint32_t padding, uint32_t kernel, uint32_t dilation, uint32_t stride)
{
  const size_t padded = input + 2 * (size_t) padding;
  const size_t reach = colnm_window_reach(kernel, dilation);
  return padded < reach ? 0 : (padded - reach) / stride + 1;
}

#ifdef __cplusplus
}  // extern "C"
#endif
