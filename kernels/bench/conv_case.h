// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// One convolution with seeded random data: shared by the bench and the tests.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "colonnade/operators.h"
#include "conv_shape.h"
#include "datatype.h"
#include "xnn.h"

namespace colonnade {

// Of each `m` consecutive columns of a weight matrix, a tile keeps `n`; 1 <= n <= m.
struct Keep {
  size_t n = 1, m = 1;

  // The columns kept of `size` consecutive ones that begin with a group: a last, smaller group of r keeps
  // ceil(n * r / m), as masks do (Pattern.keeps in workflow/colonnade/config/pruning.py).
  size_t of(size_t size) const { return size / m * n + (n * (size % m) + m - 1) / m; }
  std::string str() const { return std::to_string(n) + ":" + std::to_string(m); }
};

// A convolution with its data, and the columns that each tile keeps.
struct ConvCase {
  ConvShape shape;
  size_t tile;
  size_t kept;
  std::vector<uint32_t> columns;  // [tiles, kept]
  std::vector<float> values;      // tile after tile, [kept, rows]
  std::vector<float> bias;        // [out_channels]
  std::vector<float> input;       // NCHW
  std::vector<float> residual;    // NCHW of the output; empty unless the shape has one
  float output_min, output_max;
  xnn_colnm_arithmetic arithmetic;

  // Random weights, bias, input and residual in [-1, 1); columns drawn at random per tile and group, as many as
  // `keep` says. All are numbers of the arithmetic's elements.
  static ConvCase random(const ConvShape& shape, size_t tile, Keep keep, uint32_t seed,
                         xnn_colnm_arithmetic arithmetic = xnn_colnm_f32);

  // Dense [out_channels, kernel_h, kernel_w, in_channels] weights with zeros for what is not kept.
  std::vector<float> dense_weights() const;

  // The convolution in float64, NCHW of the output.
  std::vector<double> reference() const;

  // What an output, NCHW, is off by at most from that. Throws std::runtime_error where it holds NaN or infinity.
  double max_abs_error(const std::vector<float>& output) const;

  // The same of absolute values, without the clamp: what rounding errors are relative to.
  std::vector<double> magnitudes() const;

  xnn_colnm_convolution2d descriptor() const;
};

// Layouts in which an algorithm runs best: the tightest its input may have, and an output whose rows are
// as far apart.
struct ConvLayouts {
  xnn_colnm_planes input, output;
};
ConvLayouts best_layouts(const ConvCase& conv, xnn_colnm_algorithm algorithm);

}  // namespace colonnade
