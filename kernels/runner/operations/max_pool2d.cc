// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// max_pool2d: the maximum over a window, in which padding never wins.
#include <cmath>
#include <stdexcept>

#include "nhwc_network.h"
#include "operations/pooling.h"
#include "operations/table.h"
#include "size_limits.h"

namespace colonnade {
namespace {

class MaxPool2d : public Pool2d {
 public:
  using Pool2d::Pool2d;

  const char* name() const override { return "max_pool2d"; }
  void build(NhwcNetwork& network, const Node& node) const override;
  void build(PlanesNetwork& network, const Node& node) const override;
};

void MaxPool2d::build(NhwcNetwork& network, const Node& node) const {
  const Activation in = network.activation(node.inputs[0]);
  const auto [n, c, h, w] = in.shape;
  check_nhwc(node, in.shape);
  const auto& [kernel, stride, padding, dilation, ceil_mode] = window_;
  const auto [top, left, bottom, right] = padding;
  xnn_operator_t op = nullptr;
  check(xnn_create_max_pooling2d_nhwc_f32(top, right, bottom, left, kernel[0], kernel[1], stride[0], stride[1], dilation[0], dilation[1], -INFINITY, INFINITY, 0, &op),
        network.described(node));
  network.add_layer(node).operators.emplace_back(op);
  size_t height, width;
  check(xnn_reshape_max_pooling2d_nhwc_f32(op, n, h, w, c, c, c, &height, &width, network.pool()), network.described(node));
  check(xnn_setup_max_pooling2d_nhwc_f32(op, in.f32(), network.define(node.output, {n, c, height, width}).f32()), network.described(node));
}

void MaxPool2d::build(PlanesNetwork& network, const Node& node) const {
  check_taps(node);
  const xnn_pooling2d window = pooling();
  xnn_operator_t op = nullptr;
  check(xnn_create_max_pooling2d_cnhw(&window, network.datatype().xnnpack, &op), network.described(node));
  build_pool(network, node, op);
}

}  // namespace

std::shared_ptr<const Operation> read_max_pool2d(const nlohmann::json& entry, Node& node) {
  const Fields fields(entry, "", {"op", "name", "input", "output", "kernel", "stride", "padding", "dilation", "ceil_mode"});
  node.inputs = {fields.text("input")};
  const Pair kernel = fields.pair("kernel", 1, kMaxWindow), stride = fields.pair("stride", 1, kMaxWindow);
  const Padding padding = fields.padding("padding");
  const Pair dilation = fields.pair("dilation", 1, kMaxWindow);
  return std::make_shared<MaxPool2d>(Window{kernel, stride, padding, dilation, fields.boolean("ceil_mode")});
}

}  // namespace colonnade
