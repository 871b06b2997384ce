// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

#include "operations/elementwise.h"

#include <cmath>

namespace colonnade {

void NhwcSteps::binary(xnn_binary_operator type, float constant) {
  auto* kept = static_cast<float*>(network_.allocate(sizeof(float) + XNN_EXTRA_BYTES));
  *kept = constant;
  binary(type, kept, {1});
}

void NhwcSteps::binary(xnn_binary_operator type, const float* other, const std::vector<size_t>& other_shape, bool other_first) {
  layer_.operators.push_back(other_first ? make_binary(type, other, other_shape, last_, shape_, output_, network_.pool())
                                         : make_binary(type, last_, shape_, other, other_shape, output_, network_.pool()));
  last_ = output_;
}

void NhwcSteps::unary(xnn_unary_operator type, const xnn_unary_params* params, const std::string& where) {
  xnn_operator_t op = nullptr;
  check(xnn_create_unary_elementwise_nc(type, xnn_datatype_fp32, xnn_datatype_fp32, params, nullptr, nullptr, 0, &op), where);
  layer_.operators.emplace_back(op);
  size_t elements = 1;
  for (const size_t size : shape_) elements *= size;
  check(xnn_reshape_unary_elementwise_nc(op, 1, elements, elements, elements, network_.pool()), where);
  check(xnn_setup_unary_elementwise_nc(op, last_, output_), where);
  last_ = output_;
}

void NhwcSteps::clamp(const OutputRange& range) {
  if (range.min != -INFINITY) binary(xnn_binary_maximum, range.min);
  if (range.max != INFINITY) binary(xnn_binary_minimum, range.max);
}

std::vector<size_t> nhwc_shape(const Activation& activation) {
  const auto [n, c, h, w] = activation.shape;
  return {n, h * w, c};
}

PlaneNeeds whole_planes(size_t inputs) { return {std::vector<uint32_t>(inputs, 1), /*whole_output=*/true, {}}; }

void append_elementwise(PlanesNetwork& network, const Node& node, xnn_elementwise what) {
  const Activation input = network.activation(node.inputs[0]);
  network.define_as(node.output, network.shape(node.output));
  what.datatype = network.datatype_of(input);
  what.a = network.tensor(node.inputs[0]);
  what.output = network.tensor(node.output);
  if (input.features && what.scale == nullptr && what.slope == nullptr) {
    // All features are alike: one row.
    what.a.planes = what.output.planes = dense_planes({1, 1, 1, input.shape.n * input.shape.c});
  }
  xnn_operator_t op = nullptr;
  check(xnn_create_elementwise_cnhw(&what, &op), network.described(node));
  network.add_layer(node).operators.emplace_back(op);
}

}  // namespace colonnade
