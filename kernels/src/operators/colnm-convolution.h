// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// What the algorithms of the column-wise convolution share.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "colonnade/colnm-gemm.h"
#include "colonnade/im2col.h"
#include "colonnade/operators.h"
#include "colonnade/window.h"
#include "colonnade/winograd.h"
#include "operator-context.h"
#include "xnnpack/common.h"

// The positions of a convolution in the order in which they are computed: `groups` runs of rows that are
// `row_stride` apart, of which the first `width` positions are real and the others fall into a gap.
struct colnm_grid {
  size_t groups;
  size_t height;
  size_t width;
  size_t row_stride;
  size_t origin;        // input element of the first position, and
  size_t group_stride;  // from one group to the next
  uint32_t phases;      // a pointwise convolution of phase planes computes them as groups of their own
};

// Consecutive bytes of a channel; none: 0 bytes.
struct colnm_stretch {
  size_t begin;
  size_t bytes;
};

// Where the elements of each block lie in a channel of a tensor: a stretch in every phase plane.
struct colnm_stretches {
  size_t of_block;
  struct colnm_stretch* items;  // [blocks, of_block]
};

struct colnm_panels {
  size_t count;
  struct xnn_colnm_panel* items;  // one allocation with all that is pointed to from here
  struct xnn_colnm_panel* later;  // the same for all KC splits but the first: they add to the output
  struct colnm_stretches output;
  struct colnm_stretches residual;  // none if there is no residual
};

// Cuts the grid into panels of at most the schedule's LMUL of the kernels' vectors, with `later` ones if the columns
// are in KC splits. There is room for the stretches of the schedule's blocks and of one more for each further thread.
enum xnn_status colnm_build_panels(
    const struct colnm_grid* grid,
    const struct xnn_colnm_planes* output,
    const struct xnn_colnm_planes* residual,
    bool is_split,
    const struct xnn_colnm_schedule* schedule,
    const struct xnn_colnm_gemm_config* gemm,
    size_t threads,
    struct colnm_panels* panels);

// Finds the stretches of blocks of so many panels.
void colnm_find_stretches(
    const struct xnn_colnm_planes* output,
    const struct xnn_colnm_planes* residual,
    size_t block_panels,
    size_t element_bytes,
    struct colnm_panels* panels);

// Consecutive output positions in one output row.
struct colnm_piece {
  size_t image;
  size_t y;
  size_t x;
  size_t count;
};

// The packed algorithm's tables.
struct colnm_packing {
  // The packed rows of a group of tiles are the columns that one of them keeps, grouped by kernel tap.
  uint32_t* tap_rows;  // [groups, taps + 1] first row of each tap
  size_t* row_planes;  // [groups, K] bytes from the input to the row's plane
  size_t most_rows;    // of any group
};

// The unfused algorithm's tables.
struct colnm_unfolding {
  struct xnn_im2col_run* runs;  // [taps, rows of the output]
  size_t* matrix_rows;          // [K] bytes from the beginning of the matrix [K, N]
  size_t matrix_bytes;
};

// Winograd's algorithm.
struct colnm_winograd {
  const struct xnn_winograd_config* config;
  float* bias;  // [out_channels], behind the weights; or NULL
  size_t tile_rows, tile_columns;    // of an image
  struct xnn_colnm_planes products;  // of all tiles, in one row
};

struct colnm_context;

// What an algorithm contributes to reshape and run.
struct colnm_algorithm {
  // A tile's columns run input channel after input channel, not kernel tap after kernel tap.
  bool by_channel;
  // Passes before `compute`; NULL: there are none. One task per column, then one per block.
  void (*unfold)(struct colnm_context* context, size_t column);
  void (*pack)(struct colnm_context* context, size_t block);
  // A pass before `compute` of `prepare_tasks` tasks, where there are any.
  void (*prepare)(struct colnm_context* context, size_t thread, size_t task);
  // What its kernels write, where that is not the output; NULL: it is.
  const struct xnn_colnm_planes* (*products)(struct colnm_context* context);
  // Whether it can read the input's layout.
  bool (*accepts)(const struct colnm_context* context);
  struct colnm_grid (*grid)(const struct colnm_context* context);
  // Fills `offsets`, the sizes of the workspace and tables of its own, once panels, blocks and tile groups are
  // known.
  enum xnn_status (*index)(struct colnm_context* context);
  // Task `index`: block `index / tile_groups`, group of tiles `index % tile_groups`.
  void (*compute)(struct colnm_context* context, size_t thread, size_t index);
};
extern const struct colnm_algorithm colnm_direct;
extern const struct colnm_algorithm colnm_packed;
extern const struct colnm_algorithm colnm_unfused;
extern const struct colnm_algorithm colnm_winograd;

struct colnm_context {
  const struct colnm_algorithm* algorithm;
  struct xnn_colnm_convolution2d shape;
  struct xnn_colnm_schedule schedule;
  union xnn_f32_minmax_params params;
  const struct xnn_colnm_gemm_config* gemm;
  // A KC split of the kept columns after the other, and within it tile after tile: T biases, which are 0 in all KC splits
  // but the first, then split_columns + COLNM_EXTRA_COLUMNS columns.
  uintptr_t weights;
  size_t split_columns;  // of all KC splits but the last, which may have fewer
  size_t kc_splits;
  size_t matrices;      // 1; of Winograd's algorithm more, in one KC split
  size_t tile_bytes;    // of a whole tile's weights in a KC split, or in a matrix
  uint32_t* columns;     // [tiles, kept] in the order in which they run, or NULL: every column is kept
  // Set by reshape.
  struct xnn_colnm_planes input, output, residual;
  bool has_residual;
  struct colnm_panels panels;
  xnn_im2col_ukernel_fn im2col;
  struct colnm_packing packing;
  struct colnm_unfolding unfolding;
  struct colnm_winograd winograd;
  void* tables;            // one allocation for those of `packing` or `unfolding`
  size_t block_bytes;      // of one packed row
  size_t shared_bytes;     // workspace of all threads together, and
  size_t thread_bytes;     // of each
  uint32_t* offsets;     // [kc_splits, tiles, split_columns + COLNM_EXTRA_COLUMNS] bytes, see colnm-gemm.h
  // Direct only: elements from a panel to the lowest that its taps read, which offsets count from, and on to
  // the highest; the phases they lie in, one bit each, modulo 64.
  ptrdiff_t lowest_tap;
  size_t tap_reach;
  uint64_t tap_phases;
  size_t prepare_tasks;
  size_t block_panels;
  size_t blocks;
  size_t tile_groups;
  size_t group_tiles;
  // Set by setup.
  uintptr_t workspace;
  const void* input_data;
  const void* residual_data;
  void* output_data;
};

struct convolution_operator {
  struct xnn_operator base;
  struct colnm_context context;
};

// Whether the beginnings of `rows` rows of `bytes` each are offsets of microkernels, which have 32 bits.
static inline bool colnm_offsets_fit(size_t rows, size_t bytes) { return rows <= UINT32_MAX / bytes; }

// The same of whole sizes of a tensor: offsets lie in one channel of it.
static inline bool colnm_channel_fits(const struct xnn_colnm_planes* planes, size_t element_bytes) {
  return colnm_offsets_fit(planes->channel_stride, element_bytes);
}

static inline size_t colnm_tile_count(const struct xnn_colnm_convolution2d* shape) {
  return (shape->out_channels + shape->tile - 1) / shape->tile;
}

static inline size_t colnm_taps(const struct xnn_colnm_convolution2d* shape) {
  return (size_t) shape->kernel_height * shape->kernel_width;
}

static inline size_t colnm_reduction(const struct xnn_colnm_convolution2d* shape) {
  return colnm_taps(shape) * shape->in_channels;
}

// The k-th column that a tile runs.
static inline size_t colnm_kept_column(const struct colnm_context* context, size_t tile, size_t k) {
  if (context->columns != NULL) {
    return context->columns[tile * context->shape.kept + k];
  }
  const size_t taps = colnm_taps(&context->shape);
  return context->algorithm->by_channel ? k % taps * context->shape.in_channels + k / taps : k;
}

// A tile's offsets in a KC split.
static inline uint32_t* colnm_tile_offsets(const struct colnm_context* context, size_t split, size_t tile) {
  const size_t tiles = colnm_tile_count(&context->shape);
  return context->offsets + (split * tiles + tile) * (context->split_columns + COLNM_EXTRA_COLUMNS);
}

// Sets all offsets of a tile to `offset_of` of the columns they stand for. Those past the end repeat the last one.
static inline void colnm_index_tile(
    const struct colnm_context* context, size_t tile, const void* table,
    uint32_t (*offset_of)(const struct colnm_context* context, const void* table, size_t column)) {
  for (size_t split = 0; split < context->kc_splits; split++) {
    uint32_t* offsets = colnm_tile_offsets(context, split, tile);
    for (size_t i = 0; i < context->split_columns + COLNM_EXTRA_COLUMNS; i++) {
      const size_t k = split * context->split_columns + i;
      const size_t last = context->shape.kept - 1;
      offsets[i] = offset_of(context, table, colnm_kept_column(context, tile, k < last ? k : last));
    }
  }
}

// Address of an element of the input.
static inline uintptr_t colnm_input(const struct colnm_context* context, ptrdiff_t element) {
  return (uintptr_t) context->input_data + (uintptr_t) (element * (ptrdiff_t) context->gemm->element_bytes);
}

#if XNN_ARCH_RISCV
static inline void colnm_read_line(uintptr_t address) { (void) *(const volatile char*) address; }
#endif

// Reads each line of [address, address + bytes) once, in order and without waiting for it. The kernels of other
// architectures prefetch what they need next themselves.
static inline void colnm_prefetch(uintptr_t address, size_t bytes) {
#if XNN_ARCH_RISCV
  const uintptr_t end = address + bytes;
  address &= ~(uintptr_t) 63;
  size_t lines = bytes == 0 ? 0 : (end - address + 63) / 64;
  for (; lines >= 8; lines -= 8, address += 8 * 64) {
    for (size_t i = 0; i < 8; i++) {
      colnm_read_line(address + i * 64);
    }
  }
  // Rows follow each other that have the same number of lines: a jump is foreseen, the end of a short loop is not.
  address -= (8 - lines) * 64;
  switch (lines) {
    case 7: colnm_read_line(address + 1 * 64);  // fall through
    case 6: colnm_read_line(address + 2 * 64);  // fall through
    case 5: colnm_read_line(address + 3 * 64);  // fall through
    case 4: colnm_read_line(address + 4 * 64);  // fall through
    case 3: colnm_read_line(address + 5 * 64);  // fall through
    case 2: colnm_read_line(address + 6 * 64);  // fall through
    case 1: colnm_read_line(address + 7 * 64);  // fall through
    default: break;
  }
#else
  (void) address;
  (void) bytes;
#endif
}

// Of Winograd's algorithm: finds the transforms, or refuses a convolution or schedule that it is not for; and packs weights.
enum xnn_status colnm_plan_winograd(struct colnm_context* context);
void colnm_pack_winograd(struct colnm_context* context);

// Runs tiles [first, end) over panels whose input offsets count from `input`.
void colnm_run_tiles(
    const struct colnm_context* context,
    size_t first,
    size_t end,
    size_t first_panel,
    size_t panel_count,
    const void* input);

// Splits `count` positions of images of height x width without gaps into pieces, at most `count`; returns how many.
size_t colnm_split_into_rows(size_t height, size_t width, size_t position, size_t count, struct colnm_piece* pieces);

// Of panels, how many from the first on have its LMUL: they go to the kernel together.
static inline size_t colnm_panels_of_one_lmul(const struct xnn_colnm_panel* panels, size_t count) {
  size_t found = 1;
  while (found < count && panels[found].log2_lmul == panels[0].log2_lmul) {
    found++;
  }
  return found;
}

// The part of a piece that a kernel tap reads inside the input plane; the rest reads padding.
struct xnn_im2col_run colnm_tap_run(const struct colnm_context* context, const struct colnm_piece* piece, size_t tap);

// Positions are those of the output without any gap.
struct colnm_grid colnm_packed_grid(const struct colnm_context* context);

bool colnm_has_whole_planes(const struct colnm_context* context);
