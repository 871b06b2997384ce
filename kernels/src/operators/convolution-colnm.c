// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Column-wise N:M convolution on CNHW activations: what its algorithms have in common.
//
// A task takes a block of panels and a group of tiles, and runs every tile over every panel of the block.
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "colnm-convolution.h"
#include "xnnpack/math.h"

// The rows of a tensor that belong to one tile; `first` is 0 if there are none.
struct tile_rows {
  uintptr_t first;
  size_t stride;  // bytes
};

static struct tile_rows find_rows(
    const struct colnm_context* context, const void* data, const struct xnn_colnm_planes* planes, size_t channel) {
  const size_t stride = planes->channel_stride * context->gemm->element_bytes;
  return (struct tile_rows) {.first = data == NULL ? 0 : (uintptr_t) data + channel * stride, .stride = stride};
}

// Brings a block of some channels into the cache, channel by channel. In that order lines follow each other, which
// hardware prefetchers see; the kernels go from channel to channel.
static void prefetch_rows(struct tile_rows rows, size_t count, const struct colnm_stretches* stretches, size_t block) {
  const struct colnm_stretch* first = stretches->items + block * stretches->of_block;
  if (stretches->of_block == 1) {
    // What is read here pushes the table out of the cache.
    const struct colnm_stretch only = *first;
    for (; count != 0; count--, rows.first += rows.stride) {
      colnm_prefetch(rows.first + only.begin, only.bytes);
    }
    return;
  }
  for (; count != 0; count--) {
    for (size_t i = 0; i < stretches->of_block; i++) {
      colnm_prefetch(rows.first + first[i].begin, first[i].bytes);
    }
    rows.first += rows.stride;
  }
}

static void run_split(
    const struct colnm_context* context,
    size_t split,
    size_t first,
    size_t end,
    size_t first_panel,
    size_t panel_count,
    const void* input) {
  const struct xnn_colnm_convolution2d* shape = &context->shape;
  const struct xnn_colnm_panel* panels = (split == 0 ? context->panels.items : context->panels.later) + first_panel;
  const size_t block = first_panel / context->block_panels;
  const size_t kc = min(context->split_columns, shape->kept - split * context->split_columns);
  const size_t tiles = colnm_tile_count(shape);
  const union xnn_f32_minmax_params unclamped = {.scalar = {.min = -INFINITY, .max = INFINITY}};
  const union xnn_f32_minmax_params* params = split + 1 == context->kc_splits ? &context->params : &unclamped;
  for (size_t tile = first; tile < end; tile++) {
    const size_t channel = tile * shape->tile;
    const size_t rows = min(shape->tile, shape->out_channels - channel);
    const void* weights = (const void*) (context->weights + (split * tiles + tile) * context->tile_bytes);
    const struct tile_rows output = find_rows(context, context->output_data, &context->output, channel);
    const struct tile_rows residual = split != 0 ? output : find_rows(context, context->residual_data, &context->residual, channel);
    prefetch_rows(output, rows, &context->panels.output, block);
    if (split == 0) {
      prefetch_rows(residual, rows, &context->panels.residual, block);
    }
    for (size_t i = 0, next; i < panel_count; i = next) {
      next = i + colnm_panels_of_one_lmul(panels + i, panel_count - i);
      context->gemm->ukernel[panels[i].log2_lmul][rows - 1](
          kc, input, weights, colnm_tile_offsets(context, split, tile), next - i, panels + i, (void*) output.first,
          output.stride, (const void*) residual.first, residual.stride, params);
    }
  }
}

void colnm_run_tiles(
    const struct colnm_context* context, size_t first, size_t end, size_t first_panel, size_t panel_count,
    const void* input) {
  for (size_t split = 0; split < context->kc_splits; split++) {
    run_split(context, split, first, end, first_panel, panel_count, input);
  }
}

// Whether columns are numbers of 32 bits, and the sizes of all tables of the weights are far from overflowing.
static bool sizes_fit(const struct xnn_colnm_convolution2d* shape) {
  size_t columns, weights, taps;
  return !__builtin_mul_overflow((size_t) shape->kernel_height, (size_t) shape->kernel_width, &taps) &&
         !__builtin_mul_overflow(taps, shape->in_channels, &columns) && columns <= UINT32_MAX &&
         !__builtin_mul_overflow(shape->out_channels, columns, &weights) && weights <= (UINT64_C(1) << 48) / sizeof(float);
}

static enum xnn_status check_parameters(
    const struct xnn_colnm_convolution2d* shape, const struct xnn_colnm_schedule* schedule) {
  if (shape->kernel_height == 0 || shape->kernel_width == 0 || shape->stride_height == 0 ||
      shape->stride_width == 0 || shape->dilation_height == 0 || shape->dilation_width == 0 ||
      shape->in_channels == 0 || shape->out_channels == 0 || shape->tile == 0 || shape->kept == 0 ||
      schedule->lmul == 0 || schedule->panels == 0 || schedule->kc_splits == 0) {
    xnn_log_error("failed to create colnm convolution: sizes must not be zero");
    return xnn_status_invalid_parameter;
  }
  if (!sizes_fit(shape)) {
    xnn_log_error("failed to create colnm convolution: more than 2^32 - 1 columns, or weights of more than 2^48 bytes");
    return xnn_status_unsupported_parameter;
  }
  if (shape->kept > colnm_reduction(shape) || (shape->columns == NULL && shape->kept != colnm_reduction(shape))) {
    xnn_log_error("failed to create colnm convolution: %zu kept columns of %zu", shape->kept, colnm_reduction(shape));
    return xnn_status_invalid_parameter;
  }
  if (shape->arithmetic >= xnn_colnm_arithmetics) {
    xnn_log_error("failed to create colnm convolution: unknown arithmetic %d", (int) shape->arithmetic);
    return xnn_status_invalid_parameter;
  }
  const struct xnn_colnm_datatype* elements = xnn_colnm_arithmetic_rows[shape->arithmetic].elements;
  if (!xnn_colnm_keeps_sums(elements) && schedule->kc_splits != 1) {
    xnn_log_error("failed to create colnm convolution: columns of %s in %u KC splits", elements->name, schedule->kc_splits);
    return xnn_status_invalid_parameter;
  }
  if (isnan(shape->output_min) || isnan(shape->output_max) || shape->output_min > shape->output_max) {
    xnn_log_error("failed to create colnm convolution: empty output range");
    return xnn_status_invalid_parameter;
  }
  if (shape->columns != NULL) {
    for (size_t t = 0; t < colnm_tile_count(shape); t++) {
      const uint32_t* columns = shape->columns + t * shape->kept;
      for (size_t k = 0; k < shape->kept; k++) {
        if (columns[k] >= colnm_reduction(shape) || (k != 0 && columns[k] <= columns[k - 1])) {
          xnn_log_error("failed to create colnm convolution: columns of tile %zu are not ascending below K", t);
          return xnn_status_invalid_parameter;
        }
      }
    }
  }
  return xnn_status_success;
}

// The order in which a tile runs its kept columns: order[i] is the place of the i-th of them in the caller's arrays.
static void order_columns(const struct colnm_context* context, const uint32_t* columns, uint32_t* order) {
  const struct xnn_colnm_convolution2d* shape = &context->shape;
  if (columns == NULL || !context->algorithm->by_channel) {
    for (size_t i = 0; i < shape->kept; i++) {
      order[i] = (uint32_t) (columns == NULL ? colnm_kept_column(context, 0, i) : i);
    }
    return;
  }
  // A counting sort: `end` has the columns of each channel, then where they end.
  uint32_t* end = order + shape->kept;
  memset(end, 0, shape->in_channels * sizeof(uint32_t));
  for (size_t i = 0; i < shape->kept; i++) {
    end[columns[i] % shape->in_channels]++;
  }
  for (size_t channel = 1; channel < shape->in_channels; channel++) {
    end[channel] += end[channel - 1];
  }
  for (size_t i = shape->kept; i-- != 0;) {
    order[--end[columns[i] % shape->in_channels]] = (uint32_t) i;
  }
}

// A tile's biases, weights and columns as its kernels meet them.
static void pack_tile(struct colnm_context* context, size_t tile, const float* values, const uint32_t* order) {
  const struct xnn_colnm_convolution2d* shape = &context->shape;
  const struct xnn_colnm_datatype* accumulators = context->gemm->accumulators;
  const struct xnn_colnm_datatype* elements = context->gemm->elements;
  const size_t channel = tile * shape->tile;
  const size_t rows = min(shape->tile, shape->out_channels - channel);
  for (size_t split = 0; split < context->kc_splits; split++) {
    uintptr_t packed = context->weights + (split * colnm_tile_count(shape) + tile) * context->tile_bytes;
    if (split == 0 && shape->bias != NULL) {
      accumulators->from_float(rows, shape->bias + channel, (void*) packed);
    }
    packed += rows * accumulators->bytes;
    const size_t end = min((split + 1) * context->split_columns, shape->kept);
    for (size_t i = split * context->split_columns; i < end; i++) {
      elements->from_float(rows, values + order[i] * rows, (void*) packed);
      packed += rows * elements->bytes;
    }
  }
  for (size_t i = 0; shape->columns != NULL && i < shape->kept; i++) {
    context->columns[tile * shape->kept + i] = shape->columns[tile * shape->kept + order[i]];
  }
}

static void pack_tiles(struct colnm_context* context, uint32_t* order) {
  const struct xnn_colnm_convolution2d* shape = &context->shape;
  const float* values = shape->values;
  for (size_t tile = 0; tile < colnm_tile_count(shape); tile++) {
    order_columns(context, shape->columns == NULL ? NULL : shape->columns + tile * shape->kept, order);
    pack_tile(context, tile, values, order);
    values += shape->kept * min(shape->tile, shape->out_channels - tile * shape->tile);
  }
}

static void* allocate_weights(struct colnm_context* context) {
  const struct xnn_colnm_convolution2d* shape = &context->shape;
  const size_t row_bytes = context->gemm->accumulators->bytes +
                           (context->split_columns + COLNM_EXTRA_COLUMNS) * context->gemm->element_bytes;
  // The next tile's biases are aligned.
  context->tile_bytes = round_up_po2(shape->tile * row_bytes, sizeof(float));
  // Behind matrices lie the biases.
  const size_t bias_bytes = context->matrices == 1 ? 0 : shape->out_channels * sizeof(float);
  void* weights = xnn_allocate_zero_simd_memory(
      context->kc_splits * colnm_tile_count(shape) * context->matrices * context->tile_bytes + bias_bytes + XNN_EXTRA_BYTES);
  context->weights = (uintptr_t) weights;
  return weights;
}

// One allocation for the columns and for the offsets, which reshape fills.
static uint32_t* allocate_index(struct colnm_context* context) {
  const struct xnn_colnm_convolution2d* shape = &context->shape;
  const size_t tiles = colnm_tile_count(shape);
  const size_t kept = shape->columns == NULL ? 0 : tiles * shape->kept;
  const size_t offsets = context->kc_splits * tiles * (context->split_columns + COLNM_EXTRA_COLUMNS);
  uint32_t* index = xnn_allocate_zero_simd_memory((kept + offsets) * sizeof(uint32_t));
  if (index == NULL) {
    return NULL;
  }
  context->offsets = index + kept;
  if (shape->columns != NULL) {
    context->columns = index;
  }
  return index;
}

static const struct colnm_algorithm* find_algorithm(
    const struct xnn_colnm_convolution2d* convolution, enum xnn_colnm_algorithm algorithm) {
  if (algorithm == xnn_colnm_unfused) {
    return &colnm_unfused;
  }
  if (algorithm == xnn_colnm_winograd2 || algorithm == xnn_colnm_winograd4) {
    return &colnm_winograd;
  }
  // Planes are split into phases by one stride.
  const bool can_be_direct = convolution->stride_height == convolution->stride_width;
  return algorithm == xnn_colnm_direct && can_be_direct ? &colnm_direct : &colnm_packed;
}

enum xnn_status xnn_create_colnm_convolution2d_cnhw(
    const struct xnn_colnm_convolution2d* convolution,
    const struct xnn_colnm_schedule* schedule,
    xnn_operator_t* convolution_op_out) {
  if (!colnm_is_initialized()) {
    return xnn_status_uninitialized;
  }
  const enum xnn_status status = check_parameters(convolution, schedule);
  if (status != xnn_status_success) {
    return status;
  }
  const struct xnn_colnm_gemm_config* gemm = xnn_init_colnm_gemm_config(convolution->arithmetic);
  if (gemm == NULL) {
    return xnn_status_unsupported_hardware;
  }
  if (!xnn_colnm_has_kernel(convolution->arithmetic, convolution->tile, schedule->lmul)) {
    xnn_log_error("no colnm kernel for tile %zu at LMUL %u", convolution->tile, schedule->lmul);
    return xnn_status_unsupported_parameter;
  }

  struct convolution_operator* op = xnn_allocate_zero_simd_memory(sizeof(struct convolution_operator));
  if (op == NULL) {
    return xnn_status_out_of_memory;
  }
  struct colnm_context* context = &op->context;
  context->shape = *convolution;
  context->params.scalar.min = convolution->output_min;
  context->params.scalar.max = convolution->output_max;
  context->gemm = gemm;
  context->schedule = *schedule;
  context->algorithm = find_algorithm(convolution, schedule->algorithm);
  context->im2col = xnn_init_im2col_ukernel(gemm->elements);
  context->split_columns = divide_round_up(convolution->kept, min(schedule->kc_splits, convolution->kept));
  context->kc_splits = divide_round_up(convolution->kept, context->split_columns);
  context->matrices = 1;
  if (context->algorithm == &colnm_winograd) {
    const enum xnn_status planned = colnm_plan_winograd(context);
    if (planned != xnn_status_success) {
      xnn_release_simd_memory(op);
      return planned;
    }
  }
  op->base.packed_weights.pointer = allocate_weights(context);
  op->base.lookup_table = allocate_index(context);
  uint32_t* order = xnn_allocate_memory((convolution->kept + convolution->in_channels) * sizeof(uint32_t));
  // Only strings for a profile are made from these two.
  op->base.type = xnn_operator_type_convolution_nchw_f32;
  op->base.ukernel.type = xnn_microkernel_type_spmm;
  op->base.state = xnn_run_state_invalid;
  if (op->base.packed_weights.pointer == NULL || op->base.lookup_table == NULL || order == NULL) {
    xnn_release_memory(order);
    xnn_delete_operator(&op->base);
    return xnn_status_out_of_memory;
  }
  if (context->algorithm == &colnm_winograd) {
    colnm_pack_winograd(context);
  } else {
    pack_tiles(context, order);
  }
  xnn_release_memory(order);
  // The caller's arrays are not kept.
  context->shape.columns = NULL;
  context->shape.values = NULL;
  context->shape.bias = NULL;
  *convolution_op_out = &op->base;
  return xnn_status_success;
}

static bool is_output_of(const struct xnn_colnm_planes* output, const struct colnm_context* context) {
  const struct xnn_colnm_convolution2d* shape = &context->shape;
  const struct xnn_colnm_planes* input = &context->input;
  return output->batch == input->batch && output->channels == shape->out_channels && output->height != 0 &&
         output->width != 0 &&
         output->height == colnm_output_size(input->height, shape->padding_top, shape->padding_bottom, shape->kernel_height,
                                             shape->dilation_height, shape->stride_height) &&
         output->width == colnm_output_size(input->width, shape->padding_left, shape->padding_right, shape->kernel_width,
                                            shape->dilation_width, shape->stride_width);
}

// About how long a thread takes for its share of tasks, each of so many panels and tiles: a tile over a panel takes 1. A
// task also reads or packs its panels, and brings the weights of its tiles and the rows they write: for a panel and a tile
// as long as for one more.
static size_t time_of_share(size_t tasks, size_t threads, size_t panels, size_t tiles) {
  return divide_round_up(tasks, threads) * (panels + 1) * (tiles + 1);
}

// Divides panels into blocks, not larger than the schedule's, and tiles into groups. Threads get equal numbers of tasks;
// of the ways to divide, the one is taken by which they are done first.
static void divide_work(struct colnm_context* context, size_t threads) {
  const size_t tiles = colnm_tile_count(&context->shape), panels = context->panels.count;
  // Room for more panels than there are would only be packed around.
  context->block_panels = min(context->schedule.panels, panels);
  context->group_tiles = tiles;
  const size_t least_blocks = divide_round_up(panels, context->block_panels);
  size_t least = SIZE_MAX;
  for (size_t blocks = least_blocks; threads > 1 && blocks < least_blocks + threads; blocks++) {
    for (size_t groups = 1; groups <= min(2 * threads, tiles); groups++) {
      const size_t block_panels = divide_round_up(panels, blocks), group_tiles = divide_round_up(tiles, groups);
      const size_t tasks = divide_round_up(panels, block_panels) * divide_round_up(tiles, group_tiles);
      const size_t time = time_of_share(tasks, threads, block_panels, group_tiles);
      if (time < least) {
        least = time;
        context->block_panels = block_panels;
        context->group_tiles = group_tiles;
      }
    }
  }
  context->blocks = divide_round_up(panels, context->block_panels);
  context->tile_groups = divide_round_up(tiles, context->group_tiles);
}

static enum xnn_status reshape(struct colnm_context* context, size_t threads) {
  if (!context->algorithm->accepts(context)) {
    xnn_log_error("failed to reshape colnm convolution: the input's phases or gaps do not suit the algorithm");
    return xnn_status_unsupported_parameter;
  }
  const size_t element_bytes = context->gemm->element_bytes;
  if (!colnm_channel_fits(&context->input, element_bytes) || !colnm_channel_fits(&context->output, element_bytes) ||
      (context->has_residual && !colnm_channel_fits(&context->residual, element_bytes))) {
    xnn_log_error("failed to reshape colnm convolution: a channel of 4 GiB or more");
    return xnn_status_unsupported_parameter;
  }
  const bool is_stored = context->algorithm->products == NULL;
  const struct xnn_colnm_planes* stored = is_stored ? &context->output : context->algorithm->products(context);
  const struct xnn_colnm_planes* residual = is_stored && context->has_residual ? &context->residual : NULL;
  const struct colnm_grid grid = context->algorithm->grid(context);
  const enum xnn_status status = colnm_build_panels(
      &grid, stored, residual, context->kc_splits > 1, &context->schedule, context->gemm, threads, &context->panels);
  if (status != xnn_status_success) {
    return status;
  }
  divide_work(context, threads);
  colnm_find_stretches(stored, residual, context->block_panels, element_bytes, &context->panels);
  context->block_bytes = context->block_panels * context->schedule.lmul * context->gemm->lanes *
                         context->gemm->element_bytes;
  context->shared_bytes = context->thread_bytes = context->prepare_tasks = 0;
  return context->algorithm->index(context);
}

static void plan_passes(struct convolution_operator* op) {
  const struct colnm_context* context = &op->context;
  const struct colnm_algorithm* algorithm = context->algorithm;
  struct compute_parameters* pass = op->base.compute;
  if (algorithm->unfold != NULL) {
    *pass++ = (struct compute_parameters) {
      .type = xnn_parallelization_type_1d,
      .task_1d = (pthreadpool_task_1d_t) algorithm->unfold,
      .context_offset = COLNM_CONTEXT_OFFSET(convolution_operator),
      .range = {colnm_reduction(&context->shape)},
    };
    *pass++ = (struct compute_parameters) {
      .type = xnn_parallelization_type_1d,
      .task_1d = (pthreadpool_task_1d_t) algorithm->pack,
      .context_offset = COLNM_CONTEXT_OFFSET(convolution_operator),
      .range = {context->blocks},
    };
  }
  if (context->prepare_tasks != 0) {
    *pass++ = (struct compute_parameters) {
      .type = xnn_parallelization_type_1d_with_thread,
      .task_1d_with_thread = (pthreadpool_task_1d_with_thread_t) algorithm->prepare,
      .context_offset = COLNM_CONTEXT_OFFSET(convolution_operator),
      .range = {context->prepare_tasks},
    };
  }
  *pass++ = (struct compute_parameters) {
    .type = xnn_parallelization_type_1d_with_thread,
    .task_1d_with_thread = (pthreadpool_task_1d_with_thread_t) algorithm->compute,
    .context_offset = COLNM_CONTEXT_OFFSET(convolution_operator),
    .range = {context->blocks * context->tile_groups},
  };
  // For another number of threads there may have been one more.
  if (pass != op->base.compute + XNN_MAX_COMPUTE_INVOCATIONS) {
    pass->type = xnn_parallelization_type_invalid;
  }
}

enum xnn_status xnn_reshape_colnm_convolution2d_cnhw(
    xnn_operator_t convolution_op,
    const struct xnn_colnm_planes* input,
    const struct xnn_colnm_planes* output,
    const struct xnn_colnm_planes* residual,
    size_t* workspace_size,
    size_t* workspace_alignment,
    pthreadpool_t threadpool) {
  struct convolution_operator* op = (struct convolution_operator*) convolution_op;
  struct colnm_context* context = &op->context;
  op->base.state = xnn_run_state_invalid;
  context->input = *input;
  context->output = *output;
  context->has_residual = residual != NULL;
  if (residual != NULL) {
    context->residual = *residual;
  }
  if (input->channels != context->shape.in_channels || !is_output_of(output, context) ||
      (residual != NULL && !is_output_of(residual, context))) {
    xnn_log_error(
        "failed to reshape colnm convolution: a %zux%zu input does not give a %zux%zu output or residual",
        input->height, input->width, output->height, output->width);
    return xnn_status_invalid_parameter;
  }
  const size_t threads = pthreadpool_get_threads_count(threadpool);
  const enum xnn_status status = reshape(context, threads);
  // xnn_delete_operator releases these members of every operator.
  op->base.zero_buffer = context->panels.items;
  op->base.pixelwise_buffer = context->tables;
  if (status != xnn_status_success) {
    return status;
  }
  *workspace_size = context->shared_bytes + context->thread_bytes * threads;
  *workspace_alignment = XNN_ALLOCATION_ALIGNMENT;
  plan_passes(op);
  op->base.state = xnn_run_state_needs_setup;
  return xnn_status_success;
}

enum xnn_status xnn_setup_colnm_convolution2d_cnhw(
    xnn_operator_t convolution_op,
    void* workspace,
    const void* input,
    const void* residual,
    void* output) {
  struct convolution_operator* op = (struct convolution_operator*) convolution_op;
  if (op->base.state == xnn_run_state_invalid || op->context.has_residual != (residual != NULL)) {
    return xnn_status_invalid_state;
  }
  op->context.workspace = (uintptr_t) workspace;
  op->context.input_data = input;
  op->context.residual_data = residual;
  op->context.output_data = output;
  op->base.state = xnn_run_state_ready;
  return xnn_status_success;
}
