// Column-wise N:M convolution on CNHW activations: the packed algorithm.
//
// Output positions are flattened over (batch, row, column). A task takes a block of strips: it packs the
// im2col matrix of the block, then runs every tile over every strip of the block.
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "colonnade/colnm-gemm.h"
#include "colonnade/im2col.h"
#include "colonnade/operators.h"
#include "operator-context.h"
#include "xnnpack/hardware-config.h"
#include "xnnpack/math.h"

// Consecutive output positions of a block in one output row.
struct row_piece {
  size_t image;
  size_t y;
  size_t x;
  size_t count;
};

struct colnm_context {
  struct xnn_colnm_convolution2d shape;
  union xnn_f32_minmax_params params;
  const struct xnn_f32_colnm_gemm_config* gemm;
  xnn_x32_im2col_ukernel_fn im2col;
  size_t log2_lmul;
  size_t strip;             // V, output positions
  size_t block;             // output positions packed together, a multiple of the strip
  // The packed rows: the columns that some tile keeps, grouped by kernel tap.
  size_t row_count;
  size_t tap_count;
  const uint32_t* tap_rows;      // [tap_count + 1] first row of each tap
  const uint32_t* row_channels;  // [row_count]
  size_t* row_planes;            // [row_count] bytes from the input to the channel's plane, set by reshape
  const uint32_t* offsets;       // [tiles, kept + COLNM_EXTRA_COLUMNS] bytes into the packed strip
  const float* weights;          // tile after tile: T biases, then kept + COLNM_EXTRA_COLUMNS columns
  // Set by reshape.
  size_t batch_size;
  size_t input_height;
  size_t input_width;
  size_t output_height;
  size_t output_width;
  size_t positions;
  size_t workspace_stride;  // bytes per thread: the packed rows, then the pieces, then the runs
  // Set by setup.
  uintptr_t workspace;
  const float* input;
  const float* residual;
  float* output;
};

struct convolution_operator {
  struct xnn_operator base;
  struct colnm_context context;
};

static size_t tile_count(const struct xnn_colnm_convolution2d* shape) {
  return divide_round_up(shape->out_channels, shape->tile);
}

static size_t reduction(const struct xnn_colnm_convolution2d* shape) {
  return (size_t) shape->kernel_height * shape->kernel_width * shape->in_channels;
}

static size_t packed_row_bytes(const struct colnm_context* context) {
  return context->block * sizeof(float);
}

static size_t packed_bytes(const struct colnm_context* context) {
  return context->row_count * packed_row_bytes(context);
}

static size_t split_into_rows(
    const struct colnm_context* context, size_t position, size_t count, struct row_piece* pieces)
{
  const size_t plane = context->output_height * context->output_width;
  size_t pieces_count = 0;
  while (count != 0) {
    struct row_piece* piece = &pieces[pieces_count++];
    piece->image = position / plane;
    piece->y = position % plane / context->output_width;
    piece->x = position % context->output_width;
    piece->count = min(count, context->output_width - piece->x);
    position += piece->count;
    count -= piece->count;
  }
  return pieces_count;
}

// The part of a piece that kernel tap (kh, kw) reads inside the input plane; the rest reads padding.
static struct xnn_im2col_run tap_run(
    const struct colnm_context* context, const struct row_piece* piece, size_t kh, size_t kw)
{
  const struct xnn_colnm_convolution2d* shape = &context->shape;
  const ptrdiff_t y = (ptrdiff_t) (piece->y * shape->stride_height + kh * shape->dilation_height) -
                      (ptrdiff_t) shape->padding_height;
  const ptrdiff_t x = (ptrdiff_t) (piece->x * shape->stride_width + kw * shape->dilation_width) -
                      (ptrdiff_t) shape->padding_width;
  if (y < 0 || y >= (ptrdiff_t) context->input_height) {
    return (struct xnn_im2col_run) { .left = (uint32_t) piece->count };
  }
  const size_t stride = shape->stride_width;
  const size_t left = x >= 0 ? 0 : min(piece->count, divide_round_up((size_t) -x, stride));
  const ptrdiff_t room = (ptrdiff_t) context->input_width - x;  // input columns from x to the edge
  const size_t inside = room <= 0 ? 0 : min(piece->count, divide_round_up((size_t) room, stride));
  const size_t count = doz(inside, left);
  return (struct xnn_im2col_run) {
    .left = (uint32_t) left,
    .count = (uint32_t) count,
    .right = (uint32_t) (piece->count - left - count),
    .source = count == 0 ? 0
        : (piece->image * context->input_height + (size_t) y) * context->input_width +
              (size_t) (x + (ptrdiff_t) (left * stride)),
  };
}

static void pack_block(const struct colnm_context* context, size_t position, size_t count, uintptr_t packed) {
  struct row_piece* pieces = (struct row_piece*) (packed + packed_bytes(context));
  struct xnn_im2col_run* runs = (struct xnn_im2col_run*) (pieces + context->block);
  const size_t piece_count = split_into_rows(context, position, count, pieces);
  for (size_t tap = 0; tap < context->tap_count; tap++) {
    const size_t row = context->tap_rows[tap];
    const size_t rows = context->tap_rows[tap + 1] - row;
    if (rows == 0) {
      continue;
    }
    for (size_t i = 0; i < piece_count; i++) {
      runs[i] = tap_run(context, &pieces[i], tap / context->shape.kernel_width, tap % context->shape.kernel_width);
    }
    context->im2col(
      rows, context->row_planes + row, context->input, piece_count, runs, context->shape.stride_width,
      (void*) (packed + row * packed_row_bytes(context)), packed_row_bytes(context));
  }
}

static void compute_block(struct colnm_context* context, size_t thread, size_t index) {
  const uintptr_t packed = context->workspace + thread * context->workspace_stride;
  const size_t begin = index * context->block;
  const size_t count = min(context->block, context->positions - begin);
  pack_block(context, begin, count, packed);

  const size_t channel_stride = context->positions * sizeof(float);
  const size_t columns = context->shape.kept + COLNM_EXTRA_COLUMNS;
  const float* weights = context->weights;
  const uint32_t* offsets = context->offsets;
  for (size_t channel = 0; channel < context->shape.out_channels; channel += context->shape.tile) {
    const size_t rows = min(context->shape.tile, context->shape.out_channels - channel);
    const xnn_f32_colnm_gemm_ukernel_fn ukernel = context->gemm->ukernel[context->log2_lmul][rows - 1];
    const size_t element = channel * context->positions + begin;
    for (size_t i = 0; i < count; i += context->strip) {
      ukernel(
        min(context->strip, count - i), context->shape.kept, (const float*) packed + i, weights, offsets,
        context->output + element + i, channel_stride,
        context->residual == NULL ? NULL : context->residual + element + i, &context->params);
    }
    weights += (columns + 1) * rows;
    offsets += columns;
  }
}

static enum xnn_status check_parameters(
    const struct xnn_colnm_convolution2d* shape, const struct xnn_colnm_schedule* schedule)
{
  if (shape->kernel_height == 0 || shape->kernel_width == 0 || shape->stride_height == 0 ||
      shape->stride_width == 0 || shape->dilation_height == 0 || shape->dilation_width == 0 ||
      shape->in_channels == 0 || shape->out_channels == 0 || shape->tile == 0 || shape->kept == 0 ||
      schedule->lmul == 0 || schedule->strips == 0) {
    xnn_log_error("failed to create colnm convolution: sizes must not be zero");
    return xnn_status_invalid_parameter;
  }
  if (shape->kept > reduction(shape) || (shape->columns == NULL && shape->kept != reduction(shape))) {
    xnn_log_error("failed to create colnm convolution: %zu kept columns of %zu", shape->kept, reduction(shape));
    return xnn_status_invalid_parameter;
  }
  if (isnan(shape->output_min) || isnan(shape->output_max) || shape->output_min > shape->output_max) {
    xnn_log_error("failed to create colnm convolution: empty output range");
    return xnn_status_invalid_parameter;
  }
  if (shape->columns != NULL) {
    for (size_t t = 0; t < tile_count(shape); t++) {
      const uint32_t* columns = shape->columns + t * shape->kept;
      for (size_t k = 0; k < shape->kept; k++) {
        if (columns[k] >= reduction(shape) || (k != 0 && columns[k] <= columns[k - 1])) {
          xnn_log_error("failed to create colnm convolution: columns of tile %zu are not ascending below K", t);
          return xnn_status_invalid_parameter;
        }
      }
    }
  }
  return xnn_status_success;
}

static float* pack_weights(const struct xnn_colnm_convolution2d* shape) {
  const size_t columns = shape->kept + COLNM_EXTRA_COLUMNS;
  float* weights = xnn_allocate_zero_simd_memory(shape->out_channels * (columns + 1) * sizeof(float) + XNN_EXTRA_BYTES);
  if (weights == NULL) {
    return NULL;
  }
  float* out = weights;
  const float* values = shape->values;
  for (size_t channel = 0; channel < shape->out_channels; channel += shape->tile) {
    const size_t rows = min(shape->tile, shape->out_channels - channel);
    if (shape->bias != NULL) {
      memcpy(out, shape->bias + channel, rows * sizeof(float));
    }
    memcpy(out + rows, values, shape->kept * rows * sizeof(float));
    values += shape->kept * rows;
    out += (columns + 1) * rows;
  }
  return weights;
}

// Fills the context's row tables: one allocation, freed with the operator.
static uint32_t* index_columns(struct colnm_context* context) {
  const struct xnn_colnm_convolution2d* shape = &context->shape;
  const size_t k_size = reduction(shape);
  const size_t tiles = tile_count(shape);
  const size_t stride = shape->kept + COLNM_EXTRA_COLUMNS;
  const size_t taps = (size_t) shape->kernel_height * shape->kernel_width;
  // The plane offsets come first, for their alignment.
  uint32_t* index = xnn_allocate_zero_simd_memory(
    k_size * sizeof(size_t) + (tiles * stride + taps + 1 + k_size) * sizeof(uint32_t));
  uint32_t* row_of = xnn_allocate_zero_simd_memory(k_size * sizeof(uint32_t));
  if (index == NULL || row_of == NULL) {
    xnn_release_simd_memory(index);
    xnn_release_simd_memory(row_of);
    return NULL;
  }
  uint32_t* offsets = (uint32_t*) ((size_t*) index + k_size);
  uint32_t* tap_rows = offsets + tiles * stride;
  uint32_t* row_channels = tap_rows + taps + 1;

  for (size_t i = 0; shape->columns != NULL && i < tiles * shape->kept; i++) {
    row_of[shape->columns[i]] = 1;
  }
  uint32_t rows = 0;
  for (size_t k = 0; k < k_size; k++) {
    if (k % shape->in_channels == 0) {
      tap_rows[k / shape->in_channels] = rows;
    }
    if (shape->columns == NULL || row_of[k] != 0) {
      row_channels[rows] = (uint32_t) (k % shape->in_channels);
      row_of[k] = rows++;
    }
  }
  tap_rows[taps] = rows;
  for (size_t t = 0; t < tiles; t++) {
    for (size_t i = 0; i < stride; i++) {
      const size_t k = min(i, shape->kept - 1);
      const size_t column = shape->columns == NULL ? k : shape->columns[t * shape->kept + k];
      offsets[t * stride + i] = (uint32_t) (row_of[column] * packed_row_bytes(context));
    }
  }
  xnn_release_simd_memory(row_of);
  context->row_count = rows;
  context->tap_count = taps;
  context->tap_rows = tap_rows;
  context->row_channels = row_channels;
  context->row_planes = (size_t*) index;
  context->offsets = offsets;
  return index;
}

enum xnn_status xnn_create_colnm_convolution2d_cnhw_f32(
    const struct xnn_colnm_convolution2d* convolution,
    const struct xnn_colnm_schedule* schedule,
    xnn_operator_t* convolution_op_out)
{
  if (!colnm_is_initialized()) {
    return xnn_status_uninitialized;
  }
  const enum xnn_status status = check_parameters(convolution, schedule);
  if (status != xnn_status_success) {
    return status;
  }
  const struct xnn_f32_colnm_gemm_config* gemm = xnn_init_f32_colnm_gemm_config();
  if (gemm == NULL) {
    return xnn_status_unsupported_hardware;
  }
  if (!is_po2(schedule->lmul) || schedule->lmul > 8 || convolution->tile > COLNM_MAX_TILE ||
      gemm->ukernel[math_ctz_u32(schedule->lmul)][convolution->tile - 1] == NULL) {
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
  context->log2_lmul = math_ctz_u32(schedule->lmul);
  context->strip = schedule->lmul * gemm->lanes;
  context->block = schedule->strips * context->strip;
  context->im2col = xnn_x32_im2col_ukernel__scalar;
  #if XNN_ARCH_RISCV && XNN_ENABLE_RISCV_VECTOR
    if (xnn_init_hardware_config()->use_riscv_vector) {
      context->im2col = xnn_x32_im2col_ukernel__rvv;
    }
  #endif

  op->base.packed_weights.pointer = pack_weights(convolution);
  op->base.lookup_table = index_columns(context);
  // Only strings for a profile are made from these two.
  op->base.type = xnn_operator_type_convolution_nchw_f32;
  op->base.ukernel.type = xnn_microkernel_type_spmm;
  op->base.state = xnn_run_state_invalid;
  if (op->base.packed_weights.pointer == NULL || op->base.lookup_table == NULL) {
    xnn_delete_operator(&op->base);
    return xnn_status_out_of_memory;
  }
  context->weights = op->base.packed_weights.pointer;
  // The caller's arrays are not kept.
  context->shape.columns = NULL;
  context->shape.values = NULL;
  context->shape.bias = NULL;
  *convolution_op_out = &op->base;
  return xnn_status_success;
}

static size_t output_size(size_t input, uint32_t padding, uint32_t kernel, uint32_t dilation, uint32_t stride) {
  const size_t padded = input + 2 * (size_t) padding;
  const size_t reach = (size_t) dilation * (kernel - 1) + 1;
  return padded < reach ? 0 : (padded - reach) / stride + 1;
}

enum xnn_status xnn_reshape_colnm_convolution2d_cnhw_f32(
    xnn_operator_t convolution_op,
    size_t batch_size,
    size_t input_height,
    size_t input_width,
    size_t* workspace_size,
    size_t* workspace_alignment,
    size_t* output_height_out,
    size_t* output_width_out,
    pthreadpool_t threadpool)
{
  struct convolution_operator* op = (struct convolution_operator*) convolution_op;
  struct colnm_context* context = &op->context;
  const struct xnn_colnm_convolution2d* shape = &context->shape;
  context->batch_size = batch_size;
  context->input_height = input_height;
  context->input_width = input_width;
  context->output_height = output_size(
    input_height, shape->padding_height, shape->kernel_height, shape->dilation_height, shape->stride_height);
  context->output_width = output_size(
    input_width, shape->padding_width, shape->kernel_width, shape->dilation_width, shape->stride_width);
  context->positions = batch_size * context->output_height * context->output_width;
  *output_height_out = context->output_height;
  *output_width_out = context->output_width;
  if (context->positions == 0) {
    xnn_log_error("failed to reshape colnm convolution: the kernel does not fit a %zux%zu input", input_height, input_width);
    op->base.state = xnn_run_state_invalid;
    return xnn_status_invalid_parameter;
  }

  const size_t plane_bytes = batch_size * input_height * input_width * sizeof(float);
  for (size_t row = 0; row < context->row_count; row++) {
    context->row_planes[row] = context->row_channels[row] * plane_bytes;
  }
  context->workspace_stride = round_up_po2(
    packed_bytes(context) + context->block * (sizeof(struct row_piece) + sizeof(struct xnn_im2col_run)),
    XNN_ALLOCATION_ALIGNMENT);
  *workspace_size = context->workspace_stride * pthreadpool_get_threads_count(threadpool);
  *workspace_alignment = XNN_ALLOCATION_ALIGNMENT;

  op->base.compute[0] = (struct compute_parameters) {
    .type = xnn_parallelization_type_1d_with_thread,
    .task_1d_with_thread = (pthreadpool_task_1d_with_thread_t) compute_block,
    .context_offset = COLNM_CONTEXT_OFFSET(convolution_operator),
    .range = { divide_round_up(context->positions, context->block) },
  };
  op->base.state = xnn_run_state_needs_setup;
  return xnn_status_success;
}

enum xnn_status xnn_setup_colnm_convolution2d_cnhw_f32(
    xnn_operator_t convolution_op,
    void* workspace,
    const float* input,
    const float* residual,
    float* output)
{
  struct convolution_operator* op = (struct convolution_operator*) convolution_op;
  if (op->base.state == xnn_run_state_invalid) {
    return xnn_status_invalid_state;
  }
  op->context.workspace = (uintptr_t) workspace;
  op->context.input = input;
  op->context.residual = residual;
  op->context.output = output;
  op->base.state = xnn_run_state_ready;
  return xnn_status_success;
}
