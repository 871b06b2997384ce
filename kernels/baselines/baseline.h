// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// A dense way to compute a convolution that pruned ones are compared with, beside XNNPACK's and ours.
//
// It is made once, before anything is timed.
#pragma once

#include <memory>
#include <vector>

#include "conv_case.h"

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

}  // namespace colonnade
