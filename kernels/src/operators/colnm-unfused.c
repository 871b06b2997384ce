// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// The unfused algorithm: the whole im2col matrix [K, N] is written, then all of it is packed into panels, then
// multiplied. What fusing the first two and keeping them in cache gains is the difference to the packed algorithm.
#include "colnm-convolution.h"
#include "xnnpack/math.h"

// Row `column` of the matrix: what that column of the weights meets at every position.
static void unfold_column(struct colnm_context* context, size_t column) {
  const struct colnm_unfolding* unfolding = &context->unfolding;
  const struct xnn_colnm_convolution2d* shape = &context->shape;
  const size_t rows = context->output.batch * context->output.height;
  const size_t plane = column % shape->in_channels * context->input.channel_stride * context->gemm->element_bytes;
  context->im2col(
      1, &plane, context->input_data, rows, unfolding->runs + column / shape->in_channels * rows, shape->stride_width,
      (void*) (context->workspace + unfolding->matrix_rows[column]), 0);
}

static uintptr_t packed_block(const struct colnm_context* context, size_t block) {
  return context->workspace + context->unfolding.matrix_bytes +
         block * colnm_reduction(&context->shape) * context->block_bytes;
}

// A block's positions of every row of the matrix.
static void pack_block(struct colnm_context* context, size_t block) {
  const size_t first = block * context->block_panels;
  const size_t end = min(first + context->block_panels, context->panels.count);
  const struct xnn_colnm_panel* panels = context->panels.items;
  const size_t begin = panels[first].input / context->gemm->element_bytes;
  const struct xnn_im2col_run run = {
    .source = begin,
    .count = (uint32_t) (panels[end - 1].input / context->gemm->element_bytes + panels[end - 1].count - begin),
  };
  context->im2col(
      colnm_reduction(&context->shape), context->unfolding.matrix_rows, (const void*) context->workspace, 1, &run, 1,
      (void*) packed_block(context, block), context->block_bytes);
}

static void compute_unfused(struct colnm_context* context, size_t thread, size_t index) {
  (void) thread;
  const size_t block = index / context->tile_groups;
  const size_t first_tile = index % context->tile_groups * context->group_tiles;
  const size_t first_panel = block * context->block_panels;
  const struct xnn_colnm_panel* panels = context->panels.items + first_panel;
  colnm_run_tiles(
      context, first_tile, min(first_tile + context->group_tiles, colnm_tile_count(&context->shape)),
      first_panel, min(context->block_panels, context->panels.count - first_panel),
      (const void*) (packed_block(context, block) - panels->input));
}

static uint32_t matrix_offset_of(const struct colnm_context* context, const void* table, size_t column) {
  (void) table;
  return (uint32_t) (column * context->block_bytes);
}

static enum xnn_status index_matrix(struct colnm_context* context) {
  const struct xnn_colnm_convolution2d* shape = &context->shape;
  struct colnm_unfolding* unfolding = &context->unfolding;
  const size_t k_size = colnm_reduction(shape);
  const size_t taps = colnm_taps(shape);
  const size_t rows = context->output.batch * context->output.height;
  const size_t row_bytes = rows * context->output.width * context->gemm->element_bytes;
  if (!colnm_offsets_fit(k_size, context->block_bytes)) {
    xnn_log_error("failed to reshape unfused colnm convolution: a block of 4 GiB or more");
    return xnn_status_unsupported_parameter;
  }
  xnn_release_memory(context->tables);
  context->tables =
      xnn_allocate_zero_memory(k_size * sizeof(size_t) + taps * rows * sizeof(struct xnn_im2col_run));
  if (context->tables == NULL) {
    return xnn_status_out_of_memory;
  }
  unfolding->matrix_rows = context->tables;
  unfolding->runs = (struct xnn_im2col_run*) (unfolding->matrix_rows + k_size);
  for (size_t k = 0; k < k_size; k++) {
    unfolding->matrix_rows[k] = k * row_bytes;
  }
  for (size_t tap = 0; tap < taps; tap++) {
    for (size_t row = 0; row < rows; row++) {
      const struct colnm_piece piece = {
        .image = row / context->output.height,
        .y = row % context->output.height,
        .count = context->output.width,
      };
      unfolding->runs[tap * rows + row] = colnm_tap_run(context, &piece, tap);
    }
  }
  for (size_t tile = 0; tile < colnm_tile_count(shape); tile++) {
    colnm_index_tile(context, tile, NULL, matrix_offset_of);
  }
  unfolding->matrix_bytes = round_up_po2(k_size * row_bytes, XNN_ALLOCATION_ALIGNMENT);
  context->shared_bytes = unfolding->matrix_bytes + context->blocks * k_size * context->block_bytes + XNN_EXTRA_BYTES;
  return xnn_status_success;
}

const struct colnm_algorithm colnm_unfused = {
  .unfold = unfold_column,
  .pack = pack_block,
  .accepts = colnm_has_whole_planes,
  .grid = colnm_packed_grid,
  .index = index_matrix,
  .compute = compute_unfused,
};
