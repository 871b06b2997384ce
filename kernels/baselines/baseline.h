// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Dense ways to compute a convolution that pruned ones are compared with, beside XNNPACK's and ours.
//
// Each is made once: weights are transformed, and packed where the library has a way to, before anything is timed.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "conv_case.h"
#include "conv_schedule.h"

namespace colonnade {

class Baseline {
 public:
  virtual ~Baseline() = default;
  // Computes the output from the input; the same in every call.
  virtual void run() = 0;
  // NCHW.
  virtual std::vector<float> output() const = 0;
};

// OpenBLAS: the im2col matrix, then one SGEMM for each image. Bias and residual are in C before it, the clamp is a pass
// behind it. OpenBLAS packs the weights in every call: it has no other interface. `conv` has one group and lives as long.
std::unique_ptr<Baseline> prepare_openblas(const ConvCase& conv);

// Winograd's algorithm F(m x m, 3 x 3), its multiplications by our column-wise operator.
struct WinogradPlan {
  size_t m;     // 2 or 4: a tile's outputs each way
  size_t rows;  // of tiles, that a block has; the last block may have fewer
  ConvSchedule schedule;

  // M:ROWS:ALGORITHM:TILE:LMUL:PANELS:KC_SPLITS. Throws std::invalid_argument if `text` is not of that form.
  static WinogradPlan parse(const std::string& text);
};

// Whether it computes such a convolution: 3x3, one group, stride and dilation 1.
bool has_winograd(const ConvShape& shape);

// `conv` lives as long.
std::unique_ptr<Baseline> prepare_winograd(const ConvCase& conv, const WinogradPlan& plan);

}  // namespace colonnade
