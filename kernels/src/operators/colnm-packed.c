// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// The packed algorithm: im2col fused with packing, a block of panels at a time, resident in cache.
#include "colnm-convolution.h"
#include "xnnpack/math.h"

static void pack_block(
    const struct colnm_context* context, size_t group, size_t position, size_t count, uintptr_t packed) {
  const struct colnm_packing* packing = &context->packing;
  const struct xnn_colnm_convolution2d* shape = &context->shape;
  const size_t taps = colnm_taps(shape);
  const uint32_t* tap_rows = packing->tap_rows + group * (taps + 1);
  const size_t* planes = packing->row_planes + group * colnm_reduction(shape);
  struct colnm_piece* pieces = (struct colnm_piece*) (packed + packing->most_rows * context->block_bytes + XNN_EXTRA_BYTES);
  struct xnn_im2col_run* runs = (struct xnn_im2col_run*) (pieces + count);
  const size_t piece_count = colnm_split_into_rows(context->output.height, context->output.width, position, count, pieces);
  for (size_t tap = 0; tap < taps; tap++) {
    const size_t row = tap_rows[tap];
    const size_t rows = tap_rows[tap + 1] - row;
    if (rows == 0) {
      continue;
    }
    for (size_t i = 0; i < piece_count; i++) {
      runs[i] = colnm_tap_run(context, &pieces[i], tap);
    }
    context->im2col(
        rows, planes + row, context->input_data, piece_count, runs, shape->stride_width,
        (void*) (packed + row * context->block_bytes), context->block_bytes);
  }
}

// All rows that the block's positions read.
static void prefetch_input(const struct colnm_context* context, size_t position, size_t count) {
  const struct xnn_colnm_convolution2d* shape = &context->shape;
  const struct xnn_colnm_planes* input = &context->input;
  const size_t width = context->output.width, height = context->output.height;
  const size_t last = position + count - 1;
  const size_t first_row = doz(position / width % height * shape->stride_height, shape->padding_top);
  const size_t last_row = last / width % height * shape->stride_height + (shape->kernel_height - 1) * shape->dilation_height;
  const size_t begin = xnn_colnm_planes_index(input, position / width / height, min(first_row, input->height - 1), 0);
  const size_t end = xnn_colnm_planes_index(
      input, last / width / height, min(doz(last_row, shape->padding_top), input->height - 1), input->width - 1);
  for (size_t channel = 0; channel < input->channels; channel++) {
    const size_t first = channel * input->channel_stride + begin;
    colnm_prefetch(
        colnm_input(context, (ptrdiff_t) first), (end + 1 - begin) * context->gemm->element_bytes);
  }
}

static void compute_packed(struct colnm_context* context, size_t thread, size_t index) {
  const uintptr_t packed = context->workspace + thread * context->thread_bytes;
  const size_t group = index % context->tile_groups;
  const size_t first_tile = group * context->group_tiles;
  const size_t first_panel = index / context->tile_groups * context->block_panels;
  const size_t panel_count = min(context->block_panels, context->panels.count - first_panel);
  const struct xnn_colnm_panel* panels = context->panels.items + first_panel;
  const struct xnn_colnm_panel* last = panels + panel_count - 1;
  const size_t element_bytes = context->gemm->element_bytes;
  const size_t positions = (last->input - panels->input) / element_bytes + last->count;
  prefetch_input(context, panels->input / element_bytes, positions);
  pack_block(context, group, panels->input / element_bytes, positions, packed);
  colnm_run_tiles(
      context, first_tile, min(first_tile + context->group_tiles, colnm_tile_count(&context->shape)), first_panel, panel_count,
      (const void*) (packed - panels->input));
}

static uint32_t packed_offset_of(const struct colnm_context* context, const void* row_of, size_t column) {
  return (uint32_t) (((const uint32_t*) row_of)[column] * context->block_bytes);
}

// The rows that a group of tiles packs, and its tiles' offsets into them; `row_of` is scratch, [K].
static size_t index_group(struct colnm_context* context, size_t group, uint32_t* row_of) {
  const struct xnn_colnm_convolution2d* shape = &context->shape;
  struct colnm_packing* packing = &context->packing;
  const size_t k_size = colnm_reduction(shape);
  const size_t taps = colnm_taps(shape);
  const size_t first = group * context->group_tiles;
  const size_t end = min(first + context->group_tiles, colnm_tile_count(shape));
  uint32_t* tap_rows = packing->tap_rows + group * (taps + 1);
  for (size_t k = 0; k < k_size; k++) {
    row_of[k] = UINT32_MAX;
  }
  for (size_t tile = first; tile < end; tile++) {
    for (size_t i = 0; i < shape->kept; i++) {
      row_of[colnm_kept_column(context, tile, i)] = 0;
    }
  }
  uint32_t rows = 0;
  for (size_t k = 0; k < k_size; k++) {
    if (k % shape->in_channels == 0) {
      tap_rows[k / shape->in_channels] = rows;
    }
    if (row_of[k] == 0) {
      packing->row_planes[group * k_size + rows] = k % shape->in_channels * context->input.channel_stride * context->gemm->element_bytes;
      row_of[k] = rows++;
    }
  }
  tap_rows[taps] = rows;
  for (size_t tile = first; tile < end; tile++) {
    colnm_index_tile(context, tile, row_of, packed_offset_of);
  }
  return rows;
}

static enum xnn_status index_rows(struct colnm_context* context) {
  const struct xnn_colnm_convolution2d* shape = &context->shape;
  struct colnm_packing* packing = &context->packing;
  const size_t k_size = colnm_reduction(shape);
  const size_t taps = colnm_taps(shape);
  xnn_release_memory(context->tables);
  context->tables = xnn_allocate_zero_memory(
      context->tile_groups * (k_size * sizeof(size_t) + (taps + 1) * sizeof(uint32_t)));
  uint32_t* row_of = xnn_allocate_zero_simd_memory(k_size * sizeof(uint32_t));
  if (context->tables == NULL || row_of == NULL) {
    xnn_release_simd_memory(row_of);
    return xnn_status_out_of_memory;
  }
  packing->row_planes = context->tables;
  packing->tap_rows = (uint32_t*) (packing->row_planes + context->tile_groups * k_size);
  packing->most_rows = 0;
  for (size_t group = 0; group < context->tile_groups; group++) {
    const size_t rows = index_group(context, group, row_of);
    packing->most_rows = max(packing->most_rows, rows);
  }
  xnn_release_simd_memory(row_of);
  return xnn_status_success;
}

static enum xnn_status index_columns(struct colnm_context* context) {
  const enum xnn_status status = index_rows(context);
  if (status != xnn_status_success) {
    return status;
  }
  if (!colnm_offsets_fit(context->packing.most_rows, context->block_bytes)) {
    xnn_log_error("failed to reshape packed colnm convolution: a block of 4 GiB or more");
    return xnn_status_unsupported_parameter;
  }
  const size_t positions = context->block_bytes / context->gemm->element_bytes;
  // The packed rows, then the pieces, then the runs.
  context->thread_bytes = round_up_po2(
      context->packing.most_rows * context->block_bytes + XNN_EXTRA_BYTES +
          positions * (sizeof(struct colnm_piece) + sizeof(struct xnn_im2col_run)),
      XNN_ALLOCATION_ALIGNMENT);
  return xnn_status_success;
}

const struct colnm_algorithm colnm_packed = {
  .accepts = colnm_has_whole_planes,
  .grid = colnm_packed_grid,
  .index = index_columns,
  .compute = compute_packed,
};
