// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Transforms of Winograd's minimal filtering F(m x m, 3 x 3), as Lavin and Gray describe it (arXiv 1509.09308).
//
// Tiles of m x m outputs depend on tiles d of n x n inputs, n = m + 2, which begin m apart. V = B^T d B; for each of the n * n
// elements one multiplication over channels, M = U V, with weights U = G g G^T; the outputs are A^T M A. The points are 0, 1,
// -1, for m = 4 also 2 and -2, and infinity.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "colonnade/datatypes.h"
#include "xnnpack/microparams.h"

#ifdef __cplusplus
extern "C" {
#endif

#define XNN_WINOGRAD_MAX_N 6

// A row of tiles in one channel of the input.
struct xnn_winograd_rows {
  const float* rows[XNN_WINOGRAD_MAX_N];  // n of them
  // Of m * tiles + 2 columns the first `left` are zero, then `inside` come from the rows, and the others are zero.
  size_t left;
  size_t inside;
};

// out[(i * n + j) * stride + t] = V[i, j] of tile t. `scratch` has n lines of m * tiles + 2 elements, of whole vectors of
// tiles.
typedef void (*xnn_winograd_input_ukernel_fn)(
    size_t tiles, const struct xnn_winograd_rows* input, float* scratch, float* out, size_t stride);

// out[(i * m + j) * out_stride + t] = (A^T M A)[i, j] of M[i, j] = in[(i * n + j) * stride + t].
typedef void (*xnn_winograd_output_ukernel_fn)(
    size_t tiles, const float* in, size_t stride, float* out, size_t out_stride);

// out[x] = clamp(in[x % m * stride + x / m] + bias + residual[x], min, max) for `count` columns; residual: or NULL. `line` is
// scratch, of whole vectors of tiles.
typedef void (*xnn_winograd_row_ukernel_fn)(
    size_t count, const float* in, size_t stride, float bias, const float* residual, float* line, float* out,
    const union xnn_f32_minmax_params* params);

struct xnn_winograd_config {
  size_t m;
  // Vectors are whole ones of so many tiles, read and written: memory reaches as far beyond the last tile.
  size_t vector;
  // Whether a matrix of all tiles of output channels is multiplied before the next one, so that its input stays in the first
  // cache, rather than all matrices of a tile before the next, so that its products do.
  bool by_matrices;
  xnn_winograd_input_ukernel_fn input;
  xnn_winograd_output_ukernel_fn output;
  xnn_winograd_row_ukernel_fn row;
  // G, [n, 3].
  double weights[XNN_WINOGRAD_MAX_N][3];
};

// For m = 2 or 4, or NULL where XNNPACK does not support this CPU.
const struct xnn_winograd_config* xnn_init_f32_winograd_config(size_t m);

// Of the instruction sets of this CPU, the best first, the one at `place`: its name, and its transforms; or NULL where there are
// no more. For tests of what other CPUs run.
const char* xnn_find_f32_winograd_config(size_t place, size_t m, const struct xnn_winograd_config** config);

#ifdef __cplusplus
}  // extern "C"
#endif
