// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// max_pool2d: the maximum over a window, in which padding never wins.
#include <cmath>
#include <stdexcept>

#include "colonnade/operators.h"
#include "nhwc_network.h"
#include "operations/table.h"
#include "planes_network.h"
#include "size_limits.h"

namespace colonnade {
namespace {

class MaxPool2d : public Operation {
 public:
  MaxPool2d(const Pair& kernel, const Pair& stride, const Pair& padding) : kernel_(kernel), stride_(stride), padding_(padding) {}

  const char* name() const override { return "max_pool2d"; }

  TensorShape infer(const InputShapes& inputs) const override {
    const Shape& in = inputs.map(0);
    for (size_t i = 0; i < 2; i++) {
      if (padding_[i] >= kernel_[i]) inputs.fail("padding: " + shown(padding_) + "; allowed: less than the kernel " + shown(kernel_));
    }
    return inputs.window(kernel_, stride_, padding_, {1, 1}, in.c);
  }

  nlohmann::ordered_json parameters() const override { return {{"kernel", kernel_}, {"stride", stride_}, {"padding", padding_}}; }

  // Planes are split into phases by one stride.
  PlaneNeeds plane_needs(bool, const std::vector<Shape>&) const override {
    return {{stride_[0] == stride_[1] ? stride_[0] : 1}, /*whole_output=*/true, {}};
  }

  void build(NhwcNetwork& network, const Node& node) const override;
  void build(PlanesNetwork& network, const Node& node) const override;

 private:
  const Pair kernel_, stride_, padding_;
};

void MaxPool2d::build(NhwcNetwork& network, const Node& node) const {
  const Activation in = network.activation(node.inputs[0]);
  const auto [n, c, h, w] = in.shape;
  const auto [ph, pw] = padding_;
  // This XNNPACK has pools that skip no element only.
  if (kernel_ == Pair{1, 1} || stride_[0] > kernel_[0] || stride_[1] > kernel_[1]) {
    throw std::runtime_error("node '" + node.name + "': stride: " + shown(stride_) + " of a kernel " + shown(kernel_) +
                             "; allowed in xnnpack_nhwc_dense: kernels of more than one element, and strides up to the kernel");
  }
  xnn_operator_t op = nullptr;
  check(xnn_create_max_pooling2d_nhwc_f32(ph, pw, ph, pw, kernel_[0], kernel_[1], stride_[0], stride_[1], 1, 1, -INFINITY, INFINITY, 0, &op),
        network.described(node));
  network.add_layer(node).operators.emplace_back(op);
  size_t height, width;
  check(xnn_reshape_max_pooling2d_nhwc_f32(op, n, h, w, c, c, c, &height, &width, network.pool()), network.described(node));
  check(xnn_setup_max_pooling2d_nhwc_f32(op, in.f32(), network.define(node.output, {n, c, height, width}).f32()), network.described(node));
}

void MaxPool2d::build(PlanesNetwork& network, const Node& node) const {
  const Activation in = network.activation(node.inputs[0]);
  if (size_t{kernel_[0]} * kernel_[1] > XNN_COLNM_MAX_TAPS) {
    throw std::runtime_error("node '" + node.name + "': kernel: " + shown(kernel_) + "; allowed: windows of at most " +
                             std::to_string(XNN_COLNM_MAX_TAPS) + " elements");
  }
  xnn_operator_t op = nullptr;
  check(xnn_create_max_pooling2d_cnhw(network.datatype().xnnpack, padding_[0], padding_[1], kernel_[0], kernel_[1], stride_[0], stride_[1], &op),
        network.described(node));
  network.add_layer(node).operators.emplace_back(op);
  const xnn_colnm_planes& planes = network.planes(node.output);
  check(xnn_reshape_max_pooling2d_cnhw(op, &network.planes(node.inputs[0]), &planes), network.described(node));
  const Activation out = network.define(node.output, {planes.batch, planes.channels, planes.height, planes.width});
  check(xnn_setup_max_pooling2d_cnhw(op, in.data, out.data), network.described(node));
}

}  // namespace

std::shared_ptr<const Operation> read_max_pool2d(const nlohmann::json& entry, Node& node) {
  const Fields fields(entry, "", {"op", "name", "input", "output", "kernel", "stride", "padding"});
  node.inputs = {fields.text("input")};
  return std::make_shared<MaxPool2d>(fields.pair("kernel", 1, kMaxWindow), fields.pair("stride", 1, kMaxWindow), fields.pair("padding", 0, kMaxWindow));
}

}  // namespace colonnade
