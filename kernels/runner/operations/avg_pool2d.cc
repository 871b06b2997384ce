// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// avg_pool2d: the mean over a window, of its padding too on request.
#include <cmath>
#include <stdexcept>

#include "nhwc_network.h"
#include "operations/pooling.h"
#include "operations/table.h"
#include "size_limits.h"

namespace colonnade {
namespace {

class AvgPool2d : public Pool2d {
 public:
  AvgPool2d(const Window& window, bool count_include_pad) : Pool2d(window), count_include_pad_(count_include_pad) {}

  const char* name() const override { return "avg_pool2d"; }
  void build(NhwcNetwork& network, const Node& node) const override;
  void build(PlanesNetwork& network, const Node& node) const override;

 private:
  const bool count_include_pad_;
};

void AvgPool2d::build(NhwcNetwork& network, const Node& node) const {
  const Activation in = network.activation(node.inputs[0]);
  const auto [n, c, h, w] = in.shape;
  check_nhwc(node, in.shape);
  const auto& [kernel, stride, padding, dilation, ceil_mode] = window_;
  if (count_include_pad_ && padding != Padding{}) {
    throw std::runtime_error("node '" + node.name + "': count_include_pad: true; allowed in xnnpack_nhwc_dense: false where there is padding");
  }
  const auto [top, left, bottom, right] = padding;
  xnn_operator_t op = nullptr;
  check(xnn_create_average_pooling2d_nhwc_f32(top, right, bottom, left, kernel[0], kernel[1], stride[0], stride[1], -INFINITY, INFINITY, 0, &op),
        network.described(node));
  network.add_layer(node).operators.emplace_back(op);
  size_t workspace, alignment, height, width;
  check(xnn_reshape_average_pooling2d_nhwc_f32(op, n, h, w, c, c, c, &workspace, &alignment, &height, &width, network.pool()), network.described(node));
  const Activation out = network.define(node.output, {n, c, height, width});
  network.on_workspace(workspace, [=, where = network.described(node)](void* space) {
    check(xnn_setup_average_pooling2d_nhwc_f32(op, space, in.f32(), out.f32()), where);
  });
}

void AvgPool2d::build(PlanesNetwork& network, const Node& node) const {
  check_taps(node);
  xnn_pooling2d window = pooling();
  window.count_include_pad = count_include_pad_;
  xnn_operator_t op = nullptr;
  check(xnn_create_average_pooling2d_cnhw(&window, network.datatype().xnnpack, &op), network.described(node));
  build_pool(network, node, op);
}

}  // namespace

std::shared_ptr<const Operation> read_avg_pool2d(const nlohmann::json& entry, Node& node) {
  const Fields fields(entry, "", {"op", "name", "input", "output", "kernel", "stride", "padding", "ceil_mode", "count_include_pad"});
  node.inputs = {fields.text("input")};
  const Pair kernel = fields.pair("kernel", 1, kMaxWindow), stride = fields.pair("stride", 1, kMaxWindow);
  const Padding padding = fields.padding("padding");
  const bool ceil_mode = fields.boolean("ceil_mode");
  return std::make_shared<AvgPool2d>(Window{kernel, stride, padding, {1, 1}, ceil_mode}, fields.boolean("count_include_pad"));
}

}  // namespace colonnade
