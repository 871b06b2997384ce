// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// A dense way to compute a convolution that pruned ones are compared with, beside XNNPACK's and ours.
//
// It is made once, before anything is timed.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "conv_case.h"

namespace colonnade {

class Baseline {
 public:
  virtual ~Baseline() = default;
  // Of the candidate, with the library's version where that is the user's choice.
  virtual std::string name() const = 0;
  // Before each run: brings what a run spoils back.
  virtual void reset() {}
  // Computes the output from the input; the same in every call.
  virtual void run() = 0;
  // NCHW.
  virtual std::vector<float> output() const = 0;
};

// The functions below make a library's candidates, of which 0 is the first, and return nullptr for those that it has not. `conv`
// has one group and lives as long.

// OpenBLAS: the im2col matrix, then one SGEMM for each image. Bias and residual are in C before it, the clamp is a pass
// behind it. OpenBLAS packs the weights in every call: it has no other interface.
std::unique_ptr<Baseline> prepare_openblas(const ConvCase& conv, size_t candidate);

// oneDNN, its weights packed once: each of its implementations with vector code that takes the convolution, in each layout of
// the images, with its own residual and clamp and with a pass behind it that does both.
std::unique_ptr<Baseline> prepare_onednn(const ConvCase& conv, size_t candidate);

}  // namespace colonnade
