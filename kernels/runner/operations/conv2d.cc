// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

#include "operations/conv2d.h"

#include <cmath>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include "nhwc_network.h"
#include "operations/binary.h"
#include "operations/table.h"
#include "size_limits.h"

namespace colonnade {
namespace {

// Which columns are kept is told by the tensors; the pattern tells a reader why.
void check_pattern(const nlohmann::json& value) {
  if (value.is_object() && value.contains("sparsity")) {
    const Fields pattern(value, "pattern", {"sparsity", "m"});
    pattern.choice("m", {"full"});
    const nlohmann::json& sparsity = pattern.at("sparsity");
    if (!sparsity.is_number() || !(sparsity.get<double>() > 0 && sparsity.get<double>() < 1)) {
      throw std::invalid_argument("pattern: sparsity: " + shown(sparsity) + "; allowed: a number between 0 and 1");
    }
  } else {
    const Fields pattern(value, "pattern", {"n", "m"});
    pattern.size("n", 1, pattern.size("m", 1, kMaxWeights));
  }
}

size_t read_tile(const Fields& fields) {
  if (fields.is_null("pattern")) {
    if (!fields.is_null("tile")) throw std::invalid_argument("tile: " + fields.shown_at("tile") + "; allowed: null where pattern is null");
    return 0;
  }
  check_pattern(fields.at("pattern"));
  return fields.size("tile", 1, kMaxTile);
}

}  // namespace

std::shared_ptr<const Operation> read_conv2d(const nlohmann::json& entry, Node& node) {
  const Fields fields(entry, "", {"op", "name", "input", "output", "in_channels", "out_channels", "kernel", "stride", "padding", "dilation", "groups", "residual", "activation", "pattern", "tile"});
  node.inputs = {fields.text("input")};
  ConvShape geometry = {};
  geometry.in_channels = fields.size("in_channels", 1, kMaxDimension);
  geometry.out_channels = fields.size("out_channels", 1, kMaxDimension);
  geometry.kernel = fields.pair("kernel", 1, kMaxWindow);
  geometry.stride = fields.pair("stride", 1, kMaxWindow);
  geometry.padding = fields.padding("padding");
  geometry.dilation = fields.pair("dilation", 1, kMaxWindow);
  geometry.groups = fields.size("groups", 1, kMaxDimension);
  if (geometry.in_channels % geometry.groups != 0 || geometry.out_channels % geometry.groups != 0) {
    throw std::invalid_argument("groups: " + std::to_string(geometry.groups) + "; allowed: numbers that divide in_channels, " +
                                std::to_string(geometry.in_channels) + ", and out_channels, " + std::to_string(geometry.out_channels));
  }
  geometry.residual = !fields.is_null("residual");
  if (geometry.residual) node.inputs.push_back(fields.text("residual"));
  const OutputRange range = read_activation(fields);
  check_weight_count("out_channels", geometry.out_channels, geometry.reduction());
  const size_t tile = read_tile(fields);
  if (tile != 0 && geometry.groups != 1) {
    throw std::invalid_argument("pattern: " + fields.shown_at("pattern") + "; allowed: null where there are groups");
  }
  return std::make_shared<Conv2d>(geometry, range, tile);
}

const Conv2d* as_conv2d(const Node& node) { return dynamic_cast<const Conv2d*>(node.operation.get()); }

TensorShape Conv2d::infer(const InputShapes& inputs) const {
  inputs.map(0, geometry_.in_channels);
  const TensorShape out = inputs.window({geometry_.kernel, geometry_.stride, geometry_.padding, geometry_.dilation}, geometry_.out_channels);
  if (has_residual() && !(inputs.map(1, geometry_.out_channels) == out.shape)) {
    inputs.fail("residual: " + inputs.str(1) + "; needed: " + out.str() + ", the shape of its output");
  }
  return out;
}

void Conv2d::check_weights(const Node& node, WeightsCheck& weights) const {
  const size_t out_channels = geometry_.out_channels;
  weights.take(node.name + ".bias", "F32", {out_channels});
  if (is_pruned()) {
    const size_t kept = weights.take_columns(node.name + ".columns", (out_channels + tile_ - 1) / tile_, geometry_.reduction());
    weights.take(node.name + ".values", "F32", {out_channels * kept});
  } else {
    weights.take(node.name + ".weight", "F32", {out_channels, geometry_.kernel[0], geometry_.kernel[1], geometry_.in_channels / geometry_.groups});
  }
}

Parameters Conv2d::parameters() const {
  Parameters all = {{"kernel", json_text(geometry_.kernel)}, {"stride", json_text(geometry_.stride)}, {"padding", json_text(geometry_.padding)}, {"dilation", json_text(geometry_.dilation)}, {"out_channels", json_text(geometry_.out_channels)}};
  if (is_pruned()) all.emplace_back("tile", json_text(tile_));
  if (geometry_.groups != 1) all.emplace_back("groups", json_text(geometry_.groups));
  return all;
}

ConvShape Conv2d::shape(const Shape& input) const {
  ConvShape shape = geometry_.of_group();
  shape.batch = input.n;
  shape.height = input.h;
  shape.width = input.w;
  return shape;
}

size_t Conv2d::kept(const Node& node, const Package& package) const {
  return is_pruned() ? package.weights(node.name + ".columns").shape[1] : geometry_.reduction();
}

std::vector<float> Conv2d::dense_weights(const Node& node, const Package& package) const {
  if (!is_pruned()) {
    const Tensor& weight = package.weights(node.name + ".weight");
    return std::vector<float>(weight.f32(), weight.f32() + weight.elements());
  }
  const size_t kept_columns = kept(node, package), reduction = geometry_.reduction();
  const int32_t* column = package.weights(node.name + ".columns").i32();
  const float* value = package.weights(node.name + ".values").f32();
  std::vector<float> dense(geometry_.out_channels * reduction);
  for (size_t channel = 0; channel < geometry_.out_channels; channel += tile_) {
    const size_t rows = std::min(tile_, geometry_.out_channels - channel);
    for (size_t k = 0; k < kept_columns; k++, column++) {
      for (size_t row = 0; row < rows; row++) dense[(channel + row) * reduction + static_cast<size_t>(*column)] = *value++;
    }
  }
  return dense;
}

// XNNPACK's operator adds no residual: its addition runs behind it, and the clamp behind that.
void Conv2d::build(NhwcNetwork& network, const Node& node) const {
  const ConvShape& g = geometry_;
  const Activation in = network.activation(node.inputs[0]);
  const Tensor& bias = network.package().weights(node.name + ".bias");
  const auto [top, left, bottom, right] = g.padding;
  const OutputRange range = has_residual() ? OutputRange{-INFINITY, INFINITY} : range_;
  xnn_operator_t op = nullptr;
  check(xnn_create_convolution2d_nhwc_f32(top, right, bottom, left, g.kernel[0], g.kernel[1], g.stride[0], g.stride[1], g.dilation[0], g.dilation[1],
                                          static_cast<uint32_t>(g.groups), g.in_channels / g.groups, g.out_channels / g.groups, g.in_channels, g.out_channels,
                                          dense_weights(node, network.package()).data(), bias.f32(), range.min,
                                          range.max, 0, nullptr, nullptr, &op),
        network.described(node));
  Layer& layer = network.add_layer(node);
  layer.operators.emplace_back(op);
  size_t workspace, alignment, height, width;
  check(xnn_reshape_convolution2d_nhwc_f32(op, in.shape.n, in.shape.h, in.shape.w, &workspace, &alignment, &height, &width, network.pool()),
        network.described(node));
  const Shape shape = {in.shape.n, g.out_channels, height, width};
  const Activation out = has_residual() ? network.allocate_as(node.output, shape) : network.define(node.output, shape);
  layer.macs = layer.useful_macs = shape.elements() * g.reduction();
  network.on_workspace(workspace, [=, where = network.described(node)](void* space) {
    check(xnn_setup_convolution2d_nhwc_f32(op, workspace == 0 ? nullptr : space, in.f32(), out.f32()), where);
  });
  if (has_residual()) append_binary(network, residual_layer(node), {BinaryFunction::add, range_}, out, network.activation(node.inputs[1]), network.define(node.output, shape));
}

}  // namespace colonnade
