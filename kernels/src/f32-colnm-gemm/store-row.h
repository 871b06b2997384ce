// The epilogue of one row of a tile, element by element: for the kernels in plain C, and for the strips
// of the x86 kernels that do not go to consecutive elements.
#pragma once

#include "colonnade/colnm-gemm.h"
#include "xnnpack/math.h"

// Adds the residual to row[0 .. strip->count), clamps it and stores it; `channel` and `residual_channel`
// are the byte offsets of the row's output channel.
static inline void store_row(
    const struct xnn_colnm_strip* strip,
    const float* row,
    float* c,
    size_t channel,
    const float* residual,
    size_t residual_channel,
    const union xnn_f32_minmax_params* params)
{
  const uintptr_t out = (uintptr_t) c + channel + strip->output;
  const uintptr_t in = (uintptr_t) residual + residual_channel + strip->residual;
  for (size_t j = 0; j < strip->count; j++) {
    if (strip->mask != NULL && (strip->mask[j / 8] >> (j % 8) & 1) == 0) {
      continue;
    }
    float sum = row[j];
    if (residual != NULL) {
      sum += *(const float*) (in + (strip->residual_index == NULL ? j * sizeof(float) : strip->residual_index[j]));
    }
    sum = math_min_f32(math_max_f32(sum, params->scalar.min), params->scalar.max);
    *(float*) (out + (strip->output_index == NULL ? j * sizeof(float) : strip->output_index[j])) = sum;
  }
}
