// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Winograd's algorithm, for dense convolutions of 3x3 at stride 1: see colonnade/winograd.h.
//
// Panels are of tiles of m x m outputs, those of all images one after the other. A task transforms the input of a block of
// them, multiplies the n * n matrices by the weights of its tiles of output channels, and transforms the products: those of one
// tile after the other, or of all of them. Where several tasks have one block and a group of its output channels each, a pass
// before transforms the input for all of them.
#include <math.h>
#include <string.h>

#include "colnm-convolution.h"
#include "colonnade/winograd.h"
#include "xnnpack/math.h"

static size_t matrices_of(const struct xnn_winograd_config* config) { return (config->m + 2) * (config->m + 2); }

enum xnn_status colnm_plan_winograd(struct colnm_context* context) {
  const struct xnn_colnm_convolution2d* shape = &context->shape;
  const size_t m = context->schedule.algorithm == xnn_colnm_winograd2 ? 2 : 4;
  if (shape->kernel_height != 3 || shape->kernel_width != 3 || shape->stride_height != 1 || shape->stride_width != 1 ||
      shape->dilation_height != 1 || shape->dilation_width != 1 || shape->columns != NULL ||
      shape->arithmetic != xnn_colnm_f32 || context->schedule.kc_splits != 1) {
    xnn_log_error(
        "failed to create colnm convolution: Winograd's algorithm needs all columns of a 3x3 kernel in f32, at "
        "stride 1 and in one KC split");
    return xnn_status_unsupported_parameter;
  }
  context->winograd.config = xnn_init_f32_winograd_config(m);
  context->split_columns = shape->in_channels;
  context->matrices = matrices_of(context->winograd.config);
  return xnn_status_success;
}

// U = G g G^T of one weight matrix, whose numbers are `step` apart: [n, n].
static void transform_weights(const struct xnn_winograd_config* config, const float* g, size_t step, double u[][XNN_WINOGRAD_MAX_N]) {
  const size_t n = config->m + 2;
  double columns[3][XNN_WINOGRAD_MAX_N];
  for (size_t j = 0; j < 3; j++) {
    const double top = (double) g[j * step], middle = (double) g[(3 + j) * step], bottom = (double) g[(6 + j) * step];
    for (size_t i = 0; i < n; i++) {
      columns[j][i] = config->weights[i][0] * top + config->weights[i][1] * middle + config->weights[i][2] * bottom;
    }
  }
  for (size_t i = 0; i < n; i++) {
    for (size_t j = 0; j < n; j++) {
      const double* row = config->weights[j];
      u[i][j] = columns[0][i] * row[0] + columns[1][i] * row[1] + columns[2][i] * row[2];
    }
  }
}

// In the order in which they are read.
static uintptr_t matrix_weights(const struct colnm_context* context, size_t tile, size_t matrix) {
  const size_t place = context->winograd.config->by_matrices ? matrix * colnm_tile_count(&context->shape) + tile
                                                             : tile * context->matrices + matrix;
  return context->weights + place * context->tile_bytes;
}

// Tiles of a task whose products are there at once.
static size_t tiles_at_once(const struct colnm_context* context) {
  return context->winograd.config->by_matrices ? context->group_tiles : 1;
}

void colnm_pack_winograd(struct colnm_context* context) {
  const struct xnn_colnm_convolution2d* shape = &context->shape;
  const size_t n = context->winograd.config->m + 2;
  const float* values = shape->values;
  for (size_t tile = 0; tile < colnm_tile_count(shape); tile++) {
    const size_t rows = min(shape->tile, shape->out_channels - tile * shape->tile);
    for (size_t channel = 0; channel < shape->in_channels; channel++) {
      for (size_t row = 0; row < rows; row++) {
        double u[XNN_WINOGRAD_MAX_N][XNN_WINOGRAD_MAX_N];
        transform_weights(context->winograd.config, values + channel * rows + row, shape->in_channels * rows, u);
        for (size_t i = 0; i < n; i++) {
          for (size_t j = 0; j < n; j++) {
            // Biases come first, which are zero.
            ((float*) matrix_weights(context, tile, i * n + j))[(1 + channel) * rows + row] = (float) u[i][j];
          }
        }
      }
    }
    values += shape->kept * rows;
  }
  context->winograd.bias = NULL;
  if (shape->bias != NULL) {
    context->winograd.bias = (float*) (context->weights + colnm_tile_count(shape) * context->matrices * context->tile_bytes);
    memcpy(context->winograd.bias, shape->bias, shape->out_channels * sizeof(float));
  }
}

static struct colnm_grid winograd_grid(const struct colnm_context* context) {
  const size_t positions = context->winograd.products.width;
  return (struct colnm_grid) {.groups = 1, .height = 1, .width = positions, .row_stride = positions, .phases = 1};
}

// Kernels write rows of products, of all tiles of the output.
static const struct xnn_colnm_planes* plan_products(struct colnm_context* context) {
  struct colnm_winograd* winograd = &context->winograd;
  const struct xnn_colnm_planes* output = &context->output;
  winograd->tile_rows = divide_round_up(output->height, winograd->config->m);
  winograd->tile_columns = divide_round_up(output->width, winograd->config->m);
  const size_t positions = output->batch * winograd->tile_rows * winograd->tile_columns;
  winograd->products = (struct xnn_colnm_planes) {
    .batch = 1,
    .channels = output->channels,
    .height = 1,
    .width = positions,
    .phases = 1,
    .row_stride = positions,
    .phase_stride = positions,
    .image_stride = positions,
    .channel_stride = positions,
    .size = positions * output->channels,
  };
  return &winograd->products;
}

#define PADDING (-1)

// What a row of tiles reads of channel 0, in elements from there.
struct window {
  ptrdiff_t rows[XNN_WINOGRAD_MAX_N];  // or PADDING
  size_t left, inside;
  // From the first to the last of them that no row of tiles before reads.
  ptrdiff_t first, end;
};

// The input of a block, and what else a task has of the workspace. Numbers count elements.
struct buffers {
  size_t row;           // from one row of a matrix to the next: the positions of a block, and of whole vectors
  float* inputs;        // V: [in_channels, row] of each matrix,
  size_t input_stride;  // from one to the next
  float* products;      // M of the tiles that are there at once: [tiles * T, row] of each matrix,
  size_t product_stride;
  float* outputs;       // of one channel: [m * m, row]
  float* scratch;       // [n, m * tile_columns + 2]
  float* line;          // a row of the output, before the activation
  float* output;        // and after it, where it is not stored at once
  float* residual;      // the same of the residual
  float* zeros;         // a row of the input
  struct colnm_piece* pieces;  // rows of tiles, of a block
  struct window* windows;      // of each
};

// Of a cache line, and of the longest vectors.
#define LINE_FLOATS (64 / sizeof(float))

// Elements from one matrix to the next. A transform has an element of each at a time: a power of two apart, they would push
// each other out of the cache.
static size_t matrix_stride(size_t elements) { return round_up_po2(elements, LINE_FLOATS) + LINE_FLOATS; }

// Where buffers lie that follow each other.
struct place {
  uintptr_t at;
};

static void* take(struct place* place, size_t bytes) {
  const uintptr_t begin = place->at;
  place->at += round_up_po2(bytes + XNN_EXTRA_BYTES, LINE_FLOATS * sizeof(float));
  return (void*) begin;
}

static bool shares_inputs(const struct colnm_context* context) { return context->tile_groups > 1; }

static void find_strides(const struct colnm_context* context, struct buffers* buffers) {
  const size_t positions = context->block_bytes / sizeof(float), beyond = context->winograd.config->vector - 1;
  buffers->row = round_up_po2(positions + beyond, 8);
  buffers->input_stride = matrix_stride(context->shape.in_channels * buffers->row);
  buffers->product_stride = matrix_stride(tiles_at_once(context) * context->shape.tile * buffers->row);
}

// Of a block's input.
static size_t input_bytes(const struct colnm_context* context, const struct buffers* buffers) {
  return round_up_po2(context->matrices * buffers->input_stride * sizeof(float) + XNN_EXTRA_BYTES, LINE_FLOATS * sizeof(float));
}

// Lays out a thread's buffers from `begin` on; returns the bytes that all of them take.
static size_t lay_out(const struct colnm_context* context, uintptr_t begin, struct buffers* buffers) {
  const struct colnm_winograd* winograd = &context->winograd;
  const size_t positions = context->block_bytes / sizeof(float), beyond = winograd->config->vector - 1;
  const size_t m = winograd->config->m, width = m * (winograd->tile_columns + beyond);
  struct place place = {begin};
  find_strides(context, buffers);
  buffers->products = take(&place, context->matrices * buffers->product_stride * sizeof(float));
  buffers->outputs = take(&place, m * m * buffers->row * sizeof(float));
  buffers->scratch = take(&place, (m + 2) * (width + 2) * sizeof(float));
  buffers->line = take(&place, width * sizeof(float));
  buffers->output = take(&place, width * sizeof(float));
  buffers->residual = take(&place, width * sizeof(float));
  buffers->zeros = take(&place, context->input.width * sizeof(float));
  // The first and the last one may be parts.
  const size_t most_pieces = positions / winograd->tile_columns + 2;
  buffers->pieces = take(&place, most_pieces * sizeof(struct colnm_piece));
  buffers->windows = take(&place, most_pieces * sizeof(struct window));
  buffers->inputs = shares_inputs(context) ? NULL : take(&place, input_bytes(context, buffers));
  return place.at - begin;
}

// The buffers of a task of a block.
static struct buffers find_buffers(const struct colnm_context* context, size_t thread, size_t block) {
  struct buffers buffers;
  lay_out(context, context->workspace + context->shared_bytes + thread * context->thread_bytes, &buffers);
  if (shares_inputs(context)) {
    buffers.inputs = (float*) (context->workspace + block * input_bytes(context, &buffers));
  }
  memset(buffers.zeros, 0, context->input.width * sizeof(float));
  return buffers;
}

static enum xnn_status plan_workspace(struct colnm_context* context) {
  struct buffers buffers;
  context->thread_bytes = lay_out(context, 0, &buffers);
  if (shares_inputs(context)) {
    context->shared_bytes = context->blocks * input_bytes(context, &buffers);
    context->prepare_tasks = context->blocks * context->tile_groups;
  }
  if (!colnm_offsets_fit(context->shape.in_channels + COLNM_EXTRA_COLUMNS, buffers.row * sizeof(float))) {
    xnn_log_error("failed to reshape colnm convolution: a block of 4 GiB or more");
    return xnn_status_unsupported_parameter;
  }
  // All matrices of all tiles have the same offsets.
  for (size_t i = 0; i < context->split_columns + COLNM_EXTRA_COLUMNS; i++) {
    context->offsets[i] = (uint32_t) (min(i, context->split_columns - 1) * buffers.row * sizeof(float));
  }
  return xnn_status_success;
}

static struct window find_window(const struct colnm_context* context, const struct colnm_piece* piece) {
  const struct xnn_colnm_planes* input = &context->input;
  const size_t m = context->winograd.config->m, width = m * piece->count + 2;
  const size_t first = piece->x * m, padding = context->shape.padding_left;
  const size_t begin = doz(first, padding);
  struct window window = {.left = min(doz(padding, first), width)};
  window.inside = min(doz(input->width, begin), width - window.left);
  for (size_t i = 0; i < m + 2; i++) {
    const size_t y = piece->y * m + i;
    window.rows[i] = PADDING;
    if (y >= context->shape.padding_top && y - context->shape.padding_top < input->height && window.inside != 0) {
      window.rows[i] = (ptrdiff_t) xnn_colnm_planes_index(input, piece->image, y - context->shape.padding_top, begin);
      window.first = window.end == 0 ? window.rows[i] : window.first;
      window.end = window.rows[i] + (ptrdiff_t) window.inside;
    }
  }
  return window;
}

static void find_windows(const struct colnm_context* context, const struct buffers* buffers, size_t pieces) {
  for (size_t i = 0; i < pieces; i++) {
    buffers->windows[i] = find_window(context, &buffers->pieces[i]);
    // Rows of tiles share rows of the input.
    const ptrdiff_t read = i == 0 ? 0 : buffers->windows[i - 1].end;
    if (buffers->windows[i].first < read && read <= buffers->windows[i].end) {
      buffers->windows[i].first = read;
    }
  }
}

static const float* plane_of(const struct colnm_context* context, size_t channel) {
  return (const float*) context->input_data + channel * context->input.channel_stride;
}

// Channel by channel, whose lines of V are then written once. They, and the next channel's input, are read before.
static void transform_input(
    const struct colnm_context* context, const struct buffers* buffers, size_t pieces, size_t first_channel, size_t end_channel) {
  find_windows(context, buffers, pieces);
  for (size_t matrix = 0; matrix < context->matrices; matrix++) {
    colnm_prefetch(
        (uintptr_t) (buffers->inputs + matrix * buffers->input_stride + first_channel * buffers->row),
        (end_channel - first_channel) * buffers->row * sizeof(float));
  }
  for (size_t channel = first_channel; channel < end_channel; channel++) {
    float* to = buffers->inputs + channel * buffers->row;
    for (size_t i = 0; i < pieces; to += buffers->pieces[i++].count) {
      const struct window* window = &buffers->windows[i];
      if (channel + 1 < end_channel) {
        colnm_prefetch(
            (uintptr_t) (plane_of(context, channel + 1) + window->first), (size_t) (window->end - window->first) * sizeof(float));
      }
      struct xnn_winograd_rows rows = {.left = window->left, .inside = window->inside};
      for (size_t row = 0; row < XNN_WINOGRAD_MAX_N; row++) {
        rows.rows[row] = window->rows[row] == PADDING ? buffers->zeros : plane_of(context, channel) + window->rows[row];
      }
      context->winograd.config->input(buffers->pieces[i].count, &rows, buffers->scratch, to, buffers->input_stride);
    }
  }
}

// Elements of a row of the output or the residual, from one phase plane after the other or to them.
static void gather_row(const struct xnn_colnm_planes* planes, const float* from, size_t x, size_t count, float* line) {
  for (size_t i = 0; i < count; i++) {
    line[i] = from[xnn_colnm_planes_index(planes, 0, 0, x + i) - planes->origin];
  }
}

static inline void scatter_phases(const struct xnn_colnm_planes* planes, const float* line, size_t count, size_t phases, float* to) {
  for (size_t phase = 0; phase < phases; phase++) {
    float* plane = to + phase * planes->phase_stride;
    for (size_t i = phase; i < count; i += phases) {
      plane[i / phases] = line[i];
    }
  }
}

static void scatter_row(const struct xnn_colnm_planes* planes, const float* line, size_t x, size_t count, float* to) {
  if (planes->phases == 2 && x % 2 == 0) {
    scatter_phases(planes, line, count, 2, to + x / 2);
    return;
  }
  for (size_t i = 0; i < count; i++) {
    to[xnn_colnm_planes_index(planes, 0, 0, x + i) - planes->origin] = line[i];
  }
}

// The first element of a row of a channel, in whatever phase it lies.
static uintptr_t row_of(const struct xnn_colnm_planes* planes, const void* data, size_t channel, size_t image, size_t y) {
  return (uintptr_t) ((const float*) data + channel * planes->channel_stride + xnn_colnm_planes_index(planes, image, y, 0));
}

static void store_row(
    const struct colnm_context* context, const struct buffers* buffers, size_t channel, const struct colnm_piece* piece, size_t y,
    const float* sums) {
  const size_t m = context->winograd.config->m, x = piece->x * m;
  const size_t count = min(piece->count * m, context->output.width - x);
  const struct xnn_colnm_planes* output = &context->output;
  float* to = (float*) row_of(output, context->output_data, channel, piece->image, y);
  const float* residual = NULL;
  if (context->has_residual) {
    const float* from = (const float*) row_of(&context->residual, context->residual_data, channel, piece->image, y);
    residual = from + x;
    if (context->residual.phases != 1) {
      gather_row(&context->residual, from, x, count, buffers->residual);
      residual = buffers->residual;
    }
  }
  const float bias = context->winograd.bias == NULL ? 0.0f : context->winograd.bias[channel];
  const bool is_whole = output->phases == 1;
  context->winograd.config->row(
      count, sums, buffers->row, bias, residual, buffers->line, is_whole ? to + x : buffers->output, &context->params);
  if (!is_whole) {
    scatter_row(output, buffers->output, x, count, to);
  }
}

// Products that are read before they are transformed: half of the smallest first cache.
#define PREFETCHED_BYTES (16 * 1024)

static void transform_output(
    const struct colnm_context* context, const struct buffers* buffers, size_t first_channel, size_t end_channel, size_t positions,
    size_t pieces) {
  const size_t m = context->winograd.config->m;
  const float* products = buffers->products;
  const size_t row_bytes = buffers->row * sizeof(float);
  const size_t at_once = max(1, PREFETCHED_BYTES / (context->matrices * row_bytes));
  for (size_t channel = first_channel; channel < end_channel; channel++, products += buffers->row) {
    if ((channel - first_channel) % at_once == 0) {
      for (size_t matrix = 0; matrix < context->matrices; matrix++) {
        colnm_prefetch((uintptr_t) (products + matrix * buffers->product_stride), min(at_once, end_channel - channel) * row_bytes);
      }
    }
    context->winograd.config->output(positions, products, buffers->product_stride, buffers->outputs, buffers->row);
    const float* sums = buffers->outputs;
    for (size_t i = 0; i < pieces; sums += buffers->pieces[i++].count) {
      const struct colnm_piece* piece = &buffers->pieces[i];
      const size_t height = min(m, context->output.height - piece->y * m);
      for (size_t y = 0; y < height; y++) {
        store_row(context, buffers, channel, piece, piece->y * m + y, sums + y * m * buffers->row);
      }
    }
  }
}

// One of the matrices, of some tiles.
static void multiply(
    const struct colnm_context* context, const struct buffers* buffers, size_t matrix, size_t first_tile, size_t end_tile,
    const struct xnn_colnm_panel* panels, size_t count) {
  const struct xnn_colnm_convolution2d* shape = &context->shape;
  const union xnn_f32_minmax_params unclamped = {.scalar = {.min = -INFINITY, .max = INFINITY}};
  const uintptr_t input = (uintptr_t) (buffers->inputs + matrix * buffers->input_stride) - panels->input;
  const float* products = buffers->products + matrix * buffers->product_stride;
  for (size_t tile = first_tile; tile < end_tile; tile++, products += shape->tile * buffers->row) {
    const size_t rows = min(shape->tile, shape->out_channels - tile * shape->tile);
    for (size_t i = 0, next; i < count; i = next) {
      next = i + colnm_panels_of_one_lmul(panels + i, count - i);
      context->gemm->ukernel[panels[i].log2_lmul][rows - 1](
          shape->in_channels, (const void*) input, (const void*) matrix_weights(context, tile, matrix), context->offsets,
          next - i, panels + i, (void*) ((uintptr_t) products - panels->output), buffers->row * sizeof(float), NULL, 0, &unclamped);
    }
  }
}

// The panels of a block, and its positions as rows of tiles.
struct block {
  size_t first_panel, panels;
  size_t positions, pieces;
};

static struct block find_block(const struct colnm_context* context, size_t index, const struct buffers* buffers) {
  struct block block = {.first_panel = index * context->block_panels};
  block.panels = min(context->block_panels, context->panels.count - block.first_panel);
  const struct xnn_colnm_panel* first = context->panels.items + block.first_panel;
  const struct xnn_colnm_panel* last = first + block.panels - 1;
  block.positions = (last->input - first->input) / sizeof(float) + last->count;
  block.pieces = colnm_split_into_rows(
      context->winograd.tile_rows, context->winograd.tile_columns, first->input / sizeof(float), block.positions, buffers->pieces);
  return block;
}

// Task `task`: of a block, the input of a share of the channels.
static void prepare_inputs(struct colnm_context* context, size_t thread, size_t task) {
  const size_t index = task / context->tile_groups, share = task % context->tile_groups;
  const size_t channels = divide_round_up(context->shape.in_channels, context->tile_groups);
  const size_t first = min(share * channels, context->shape.in_channels);
  const struct buffers buffers = find_buffers(context, thread, index);
  const struct block block = find_block(context, index, &buffers);
  transform_input(context, &buffers, block.pieces, first, min(first + channels, context->shape.in_channels));
}

static void compute_winograd(struct colnm_context* context, size_t thread, size_t index) {
  const size_t first_tile = index % context->tile_groups * context->group_tiles;
  const size_t end_tile = min(first_tile + context->group_tiles, colnm_tile_count(&context->shape));
  const struct buffers buffers = find_buffers(context, thread, index / context->tile_groups);
  const struct block block = find_block(context, index / context->tile_groups, &buffers);
  if (!shares_inputs(context)) {
    transform_input(context, &buffers, block.pieces, 0, context->shape.in_channels);
  }
  const size_t rows = context->shape.tile;
  for (size_t tile = first_tile, next; tile < end_tile; tile = next) {
    next = min(tile + tiles_at_once(context), end_tile);
    for (size_t matrix = 0; matrix < context->matrices; matrix++) {
      multiply(context, &buffers, matrix, tile, next, context->panels.items + block.first_panel, block.panels);
    }
    const size_t end_channel = min(next * rows, context->shape.out_channels);
    transform_output(context, &buffers, tile * rows, end_channel, block.positions, block.pieces);
  }
}

const struct colnm_algorithm colnm_winograd = {
  .products = plan_products,
  .accepts = colnm_has_whole_planes,
  .grid = winograd_grid,
  .index = plan_workspace,
  .prepare = prepare_inputs,
  .compute = compute_winograd,
};
