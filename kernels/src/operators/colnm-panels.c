// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Cutting the positions of a convolution into panels.
#include <string.h>

#include "colnm-convolution.h"
#include "xnnpack/math.h"

struct position {
  bool is_real;
  size_t input;     // elements
  size_t output;
  size_t residual;
};

struct builder {
  const struct colnm_grid* grid;
  const struct xnn_colnm_planes* output;
  const struct xnn_colnm_planes* residual;
  size_t lanes;
  size_t narrow, joint_lmul;
  size_t element_bytes;
  uint32_t* index;  // next free place of each table
  uint8_t* mask;
};

// Position q of a group, counted with the gaps.
static struct position locate(const struct builder* b, size_t group, size_t q) {
  const struct colnm_grid* grid = b->grid;
  const size_t split = (size_t) grid->phases * grid->phases;
  const size_t phase = group % split;
  size_t image = group / split;
  size_t y = q / grid->row_stride * grid->phases + phase / grid->phases;
  const size_t column = q % grid->row_stride;
  const size_t x = column * grid->phases + phase % grid->phases;
  // A grid without gaps runs through all images.
  image += y / b->output->height;
  const bool runs_on = grid->groups == 1 && b->output->batch > 1;
  if (runs_on) {
    y %= b->output->height;
  }
  struct position p = {
    .is_real = column < grid->width && y < b->output->height && x < b->output->width,
    .input = grid->origin + group * grid->group_stride + q,
  };
  if (p.is_real) {
    p.output = xnn_colnm_planes_index(b->output, image, y, x);
    p.residual = b->residual == NULL ? 0 : xnn_colnm_planes_index(b->residual, image, y, x);
  }
  return p;
}

// Writes the byte offsets of a panel's results in the output or the residual, from the lowest of them, which it
// returns. Positions in a gap point there too: nothing comes from them.
static size_t write_index(struct builder* b, size_t group, size_t q, size_t count, bool of_output, const uint32_t** index) {
  size_t lowest = SIZE_MAX;
  for (size_t i = 0; i < count; i++) {
    const struct position p = locate(b, group, q + i);
    lowest = p.is_real ? min(lowest, of_output ? p.output : p.residual) : lowest;
  }
  for (size_t i = 0; i < count; i++) {
    const struct position p = locate(b, group, q + i);
    b->index[i] = p.is_real ? (uint32_t) (((of_output ? p.output : p.residual) - lowest) * b->element_bytes) : 0;
  }
  *index = b->index;
  b->index += count;
  return lowest * b->element_bytes;
}

// The panel that begins at the real position q and has at most `most` positions; returns where the next
// may begin.
static size_t make_panel(struct builder* b, size_t group, size_t q, size_t most, struct xnn_colnm_panel* panel) {
  const struct position first = locate(b, group, q);
  size_t real_end = 1, gap_begin = most;
  bool output_follows = true, residual_follows = true;
  for (size_t i = 1; i < most; i++) {
    const struct position p = locate(b, group, q + i);
    if (!p.is_real) {
      gap_begin = min(gap_begin, i);
      continue;
    }
    real_end = i + 1;
    output_follows &= p.output == first.output + i;
    residual_follows &= p.residual == first.residual + i || b->residual == NULL;
  }
  size_t count = real_end;
  if (!output_follows) {
    // Stores by index have no mask: the panel ends where a gap begins.
    count = min(count, gap_begin);
  }
  *panel = (struct xnn_colnm_panel) {
    .count = (uint32_t) count,
    .input = first.input * b->element_bytes,
    .output = first.output * b->element_bytes,
    .residual = first.residual * b->element_bytes,
  };
  while ((b->lanes << panel->log2_lmul) < count) {
    panel->log2_lmul++;
  }
  if (!output_follows) {
    panel->output = write_index(b, group, q, count, true, &panel->output_index);
  }
  if (!residual_follows) {
    panel->residual = write_index(b, group, q, count, false, &panel->residual_index);
  }
  if (gap_begin < count) {
    // Vector kernels read the bits of whole vectors.
    const size_t mask_bytes = divide_round_up(b->lanes << panel->log2_lmul, 8);
    memset(b->mask, 0, mask_bytes);
    size_t missing = 0;
    for (size_t i = 0; i < count; i++) {
      const bool is_real = locate(b, group, q + i).is_real;
      b->mask[i / 8] |= (uint8_t) (is_real << (i % 8));
      missing += !is_real;
    }
    panel->mask = b->mask;
    panel->hole = missing == 1 ? gap_begin * b->element_bytes : 0;
    b->mask += mask_bytes;
  }
  return q + count;
}

// All panels of the grid, one after the other; returns how many.
static size_t cut(struct builder* b, size_t positions, size_t longest, struct xnn_colnm_panel* panels) {
  size_t count = 0;
  for (size_t group = 0; group < b->grid->groups; group++) {
    for (size_t q = 0; q < positions;) {
      if (!locate(b, group, q).is_real) {
        q++;
        continue;
      }
      struct xnn_colnm_panel* panel = &panels[count++];
      const struct builder before = *b;
      // A panel that begins behind a gap ends where it would have ended anyway: its neighbours stay aligned
      // with cache lines. That is for nothing if it is stored by index.
      size_t next = make_panel(b, group, q, min(longest - q % longest, positions - q), panel);
      if (panel->output_index != NULL) {
        *b = before;
        next = make_panel(b, group, q, min(longest, positions - q), panel);
      }
      // Few positions behind the last whole vector are a panel of their own, unless a kernel computes both at once.
      const size_t behind = panel->count % b->lanes;
      const bool is_joint = panel->count / b->lanes + 1 == b->joint_lmul;
      if (panel->count > b->lanes && behind != 0 && behind <= b->narrow && !is_joint) {
        const size_t whole = panel->count - behind;
        *b = before;
        next = make_panel(b, group, q, whole, panel);
      }
      q = next;
    }
  }
  return count;
}

static void widen(struct colnm_stretch* stretch, size_t begin, size_t bytes) {
  const size_t end = max(begin + bytes, stretch->begin + stretch->bytes);
  stretch->begin = stretch->bytes == 0 ? begin : min(begin, stretch->begin);
  stretch->bytes = end - stretch->begin;
}

// Adds `count` elements to the stretches of their block: those that begin at `first`, or lie at `index` from there.
static void stretch_over(
    const struct xnn_colnm_planes* planes, size_t element_bytes, const struct colnm_stretches* stretches, size_t block,
    size_t first, const uint32_t* index, size_t count) {
  struct colnm_stretch* of_block = stretches->items + block * stretches->of_block;
  for (size_t i = 0; i < (index == NULL ? 1 : count); i++) {
    const size_t begin = first + (index == NULL ? 0 : index[i]);
    const size_t phase = (begin / element_bytes - planes->origin) / planes->phase_stride % stretches->of_block;
    widen(&of_block[phase], begin, (index == NULL ? count : 1) * element_bytes);
  }
}

void colnm_find_stretches(
    const struct xnn_colnm_planes* output,
    const struct xnn_colnm_planes* residual,
    size_t block_panels,
    size_t element_bytes,
    struct colnm_panels* panels) {
  for (size_t i = 0; i < panels->count; i++) {
    const struct xnn_colnm_panel* panel = &panels->items[i];
    const size_t block = i / block_panels;
    stretch_over(output, element_bytes, &panels->output, block, panel->output, panel->output_index, panel->count);
    if (residual != NULL) {
      stretch_over(residual, element_bytes, &panels->residual, block, panel->residual, panel->residual_index, panel->count);
    }
  }
}

static size_t phases_of(const struct xnn_colnm_planes* planes) {
  return planes == NULL ? 0 : xnn_colnm_phase_planes(planes);
}

enum xnn_status colnm_build_panels(
    const struct colnm_grid* grid,
    const struct xnn_colnm_planes* output,
    const struct xnn_colnm_planes* residual,
    bool is_split,
    const struct xnn_colnm_schedule* schedule,
    const struct xnn_colnm_gemm_config* gemm,
    size_t threads,
    struct colnm_panels* panels) {
  const size_t longest = schedule->lmul * gemm->lanes;
  const size_t positions = (grid->height - 1) * grid->row_stride + grid->width;
  const size_t copies = is_split ? 2 : 1;
  // One for each stretch of the longest kind, and one more where a panel ends at a gap; each may be cut in two.
  const size_t cuts = gemm->narrow == 0 ? 1 : 2;
  const size_t most = cuts * grid->groups * (divide_round_up(positions, longest) + 2 * grid->height);
  const size_t blocks = divide_round_up(most, schedule->panels) + threads - 1;
  const size_t output_phases = phases_of(output), residual_phases = phases_of(residual);
  const size_t stretches = blocks * (output_phases + residual_phases);
  const size_t index_bytes = copies * 2 * grid->groups * positions * sizeof(uint32_t);
  const size_t mask_bytes = copies * most * divide_round_up(longest, 8);
  xnn_release_simd_memory(panels->items);
  *panels = (struct colnm_panels) {
    .items = xnn_allocate_zero_simd_memory(
        copies * most * sizeof(struct xnn_colnm_panel) + stretches * sizeof(struct colnm_stretch) + index_bytes + mask_bytes),
    .output.of_block = output_phases,
    .residual.of_block = residual_phases,
  };
  if (panels->items == NULL) {
    return xnn_status_out_of_memory;
  }
  panels->output.items = (struct colnm_stretch*) (panels->items + copies * most);
  panels->residual.items = panels->output.items + blocks * output_phases;
  struct builder b = {
    .grid = grid,
    .output = output,
    .residual = residual,
    .lanes = gemm->lanes,
    .narrow = gemm->narrow,
    .joint_lmul = gemm->joint_lmul,
    .element_bytes = gemm->element_bytes,
  };
  b.index = (uint32_t*) (panels->output.items + stretches);
  b.mask = (uint8_t*) b.index + index_bytes;
  panels->count = cut(&b, positions, longest, panels->items);
  if (is_split) {
    b.residual = output;
    panels->later = panels->items + panels->count;
    cut(&b, positions, longest, panels->later);
  }
  return xnn_status_success;
}
