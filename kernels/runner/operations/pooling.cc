// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

#include "operations/pooling.h"

#include <stdexcept>

#include "colonnade/window.h"

namespace colonnade {

TensorShape Pool2d::infer(const InputShapes& inputs) const {
  const Shape& in = inputs.map(0);
  for (size_t side = 0; side < 4; side++) {
    const size_t reach = colnm_window_reach(window_.kernel[side % 2], window_.dilation[side % 2]);
    if (window_.padding[side] >= reach) {
      inputs.fail("padding: " + json_text(window_.padding) + "; allowed: less than the reach of the kernel " + json_text(window_.kernel));
    }
  }
  return inputs.window(window_, in.c);
}

Parameters Pool2d::parameters() const {
  return {{"kernel", json_text(window_.kernel)}, {"stride", json_text(window_.stride)}, {"padding", json_text(window_.padding)}, {"dilation", json_text(window_.dilation)}, {"ceil_mode", json_text(window_.ceil_mode)}};
}

PlaneNeeds Pool2d::plane_needs(bool, const std::vector<Shape>&) const {
  return {{window_.stride[0] == window_.stride[1] ? window_.stride[0] : 1}, /*whole_output=*/true, {}};
}

void Pool2d::check_nhwc(const Node& node, const Shape& input) const {
  const auto& [kernel, stride, padding, dilation, ceil_mode] = window_;
  const size_t sizes[2] = {input.h, input.w};
  bool fits = kernel != Pair{1, 1};
  for (size_t i = 0; i < 2; i++) {
    fits = fits && stride[i] <= kernel[i];
    fits = fits && colnm_pool_size(sizes[i], padding[i], padding[i + 2], kernel[i], dilation[i], stride[i], ceil_mode) ==
                       colnm_output_size(sizes[i], padding[i], padding[i + 2], kernel[i], dilation[i], stride[i]);
  }
  if (fits) return;
  throw std::runtime_error("node '" + node.name + "': stride: " + json_text(stride) + " of a kernel " + json_text(kernel) +
                           "; allowed in xnnpack_nhwc_dense: kernels of more than one element, strides up to the kernel, and windows that end in the padding");
}

void Pool2d::check_taps(const Node& node) const {
  if (size_t{window_.kernel[0]} * window_.kernel[1] <= XNN_COLNM_MAX_TAPS) return;
  throw std::runtime_error("node '" + node.name + "': kernel: " + json_text(window_.kernel) + "; allowed: windows of at most " +
                           std::to_string(XNN_COLNM_MAX_TAPS) + " elements");
}

xnn_pooling2d Pool2d::pooling() const {
  const auto& [kernel, stride, padding, dilation, ceil_mode] = window_;
  return {padding[0], padding[1], padding[2], padding[3], kernel[0], kernel[1], stride[0], stride[1], dilation[0], dilation[1], ceil_mode, false};
}

void Pool2d::build_pool(PlanesNetwork& network, const Node& node, xnn_operator_t op) const {
  network.add_layer(node).operators.emplace_back(op);
  const Activation in = network.activation(node.inputs[0]);
  const Activation out = network.define(node.output, network.shape(node.output).shape);
  check(xnn_reshape_pooling2d_cnhw(op, &network.planes(node.inputs[0]), &network.planes(node.output)), network.described(node));
  check(xnn_setup_pooling2d_cnhw(op, in.data, out.data), network.described(node));
}

}  // namespace colonnade
