// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// What operations on elements at the same place have in common.
#pragma once

#include "nhwc_network.h"
#include "operation.h"
#include "planes_network.h"

namespace colonnade {

// Operators of XNNPACK's that follow each other and make one layer of f32 elements. Each step reads the last result.
class NhwcSteps {
 public:
  // The input is of that shape; results go to `output`.
  NhwcSteps(NhwcNetwork& network, Layer& layer, const float* input, const std::vector<size_t>& shape, float* output)
      : network_(network), layer_(layer), last_(input), shape_(shape), output_(output) {}

  // With a constant, or a tensor of that shape.
  void binary(xnn_binary_operator type, float constant);
  void binary(xnn_binary_operator type, const float* other, const std::vector<size_t>& other_shape, bool other_first = false);
  void unary(xnn_unary_operator type, const xnn_unary_params* params, const std::string& where);
  // XNNPACK's clamp has no RVV kernel in this version; its maximum and minimum with a constant have.
  void clamp(const OutputRange& range);

 private:
  NhwcNetwork& network_;
  Layer& layer_;
  const float* last_;
  const std::vector<size_t> shape_;
  float* const output_;
};

// Sizes of an activation as it lies in memory.
std::vector<size_t> nhwc_shape(const Activation& activation);

// What elementwise operators want of planes: all of them whole.
PlaneNeeds whole_planes(size_t inputs);

// Appends the operator of `what`, whose function, parameters and arrays are given, to a new layer.
void append_elementwise(PlanesNetwork& network, const Node& node, xnn_elementwise what);

}  // namespace colonnade
