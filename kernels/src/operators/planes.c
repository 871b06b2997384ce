// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

#include "colonnade/planes.h"

#include "xnnpack/math.h"

// Elements of a cache line.
#define LINE 16

// Sets of the second-level cache that is thought of, 512 KB in 16 ways, and the lines that a block of
// positions takes of each plane.
#define SETS 512
#define BLOCK_LINES 4

// Pairs of a block's lines that fall into one set when planes lie `stride` lines apart.
static size_t count_collisions(size_t stride, size_t channels) {
  uint32_t taken[SETS] = {0};
  size_t collisions = 0;
  for (size_t channel = 0; channel < channels; channel++) {
    for (size_t line = 0; line < BLOCK_LINES; line++) {
      collisions += taken[(channel * stride + line) % SETS]++;
    }
  }
  return collisions;
}

// Lines from one plane to the next, of which each has `lines`. An odd number spreads the planes over the
// sets, but some meet again soon: 13 planes of 197 lines are 5 times the sets and one line, so that the blocks
// of 256 channels crowd into a part of the cache. A little more is taken where it saves a tenth of that.
static size_t spread_stride(size_t lines, size_t channels) {
  size_t best = lines | 1;
  size_t fewest = count_collisions(best, channels);
  for (size_t stride = (lines | 1) + 2; stride <= (lines | 1) + 4; stride += 2) {
    const size_t collisions = count_collisions(stride, channels);
    if (10 * collisions < 9 * fewest) {
      best = stride;
      fewest = collisions;
    }
  }
  return best;
}

void xnn_colnm_planes_init(
    struct xnn_colnm_planes* planes,
    size_t batch,
    size_t channels,
    size_t height,
    size_t width,
    uint32_t phases,
    size_t row_gap,
    size_t column_gap) {
  *planes = (struct xnn_colnm_planes) {
    .batch = batch,
    .channels = channels,
    .height = height,
    .width = width,
    .phases = phases,
  };
  planes->row_stride = xnn_colnm_phase_width(planes) + column_gap;
  planes->phase_stride = (xnn_colnm_phase_height(planes) + row_gap) * planes->row_stride;
  planes->image_stride = xnn_colnm_phase_planes(planes) * planes->phase_stride;
  planes->channel_stride = spread_stride(divide_round_up(batch * planes->image_stride, LINE), channels) * LINE;
  const size_t padding = row_gap * planes->row_stride + column_gap;
  planes->origin = round_up(padding, LINE);
  planes->size = planes->origin + channels * planes->channel_stride + padding + COLNM_PLANES_GUARD;
}
