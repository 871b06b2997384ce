// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

#include "network.h"

#include <cmath>
#include <cstring>
#include <stdexcept>

#include "arena.h"

namespace colonnade {

void Network::build(const std::map<std::string, Shape>& inputs) {
  plan(package_.shapes(inputs));
  std::string where;
  try {
    for (const auto& [name, shape] : inputs) {
      where = "input '" + name + "'";
      define(name, shape);
      build_input(name);
    }
    for (const Node& node : package_.nodes()) {
      where = "node '" + node.name + "'";
      build_node(node);
    }
    where = "workspace";
    void* workspace = workspace_size_ == 0 ? nullptr : arena_allocate(workspace_size_);
    for (const auto& setup : workspace_users_) setup(workspace);
  } catch (const ArenaFull& full) {
    throw std::runtime_error(where + ", for a batch of " + std::to_string(inputs.begin()->second.n) + " images: " + full.what() + "; allowed: fewer, with --batch");
  }
}

void Network::build_node(const Node& node) {
  if (node.op == "conv2d") build_conv(node);
  else if (node.op == "max_pool2d") build_max_pool(node);
  else if (node.op == "global_avg_pool") build_global_average(node);
  else if (node.op == "add") build_add(node);
  else build_fully_connected(node);
}

std::string Network::described(const Node& node) const {
  const Activation& in = activation(node.inputs[0]);
  std::string text = "node '" + node.name + "' (" + node.op;
  const auto append = [&](const char* name, const auto& value) { text += ", " + std::string(name) + " " + nlohmann::json(value).dump(); };
  const bool is_conv = node.op == "conv2d";
  if (is_conv || node.op == "max_pool2d") {
    append("kernel", is_conv ? node.conv.kernel : node.kernel);
    append("stride", is_conv ? node.conv.stride : node.stride);
    append("padding", is_conv ? node.conv.padding : node.padding);
  }
  if (is_conv) {
    append("dilation", node.conv.dilation);
    append("out_channels", node.conv.out_channels);
    if (node.conv.tile != 0) append("tile", node.conv.tile);
  }
  return text + "; its input: " + TensorShape{in.shape, in.features}.str() + ")";
}

void Network::run(RegionClock& clock) {
  bool first = true;
  for (Layer& layer : layers_) {
    clock.begin(/*cold=*/first);
    const xnn_status status = run_operators(layer.operators, pool_);
    Sample sample = clock.end();
    check(status, layer.name);
    // Only the last sample's counters are reported; there is a sample for each batch.
    if (!layer.samples.empty()) layer.samples.back().counters = nullptr;
    layer.samples.push_back(std::move(sample));
    first = false;
  }
}

std::map<std::string, std::vector<size_t>> Network::outputs() const {
  std::map<std::string, std::vector<size_t>> shapes;
  for (const std::string& name : package_.outputs()) {
    const Activation& a = activation(name);
    std::vector<size_t>& shape = shapes[name];
    shape = {a.shape.n, a.shape.c};
    if (!a.features) shape.insert(shape.end(), {a.shape.h, a.shape.w});
  }
  return shapes;
}

std::vector<float> Network::result(const std::string& name) const {
  const Activation& a = activation(name);
  std::vector<float> values(a.shape.elements());
  if (a.features) {
    std::memcpy(values.data(), a.data, values.size() * sizeof(float));
  } else {
    store(name, values.data());
  }
  return values;
}

Activation& Network::define(const std::string& name, const Shape& shape, bool features) {
  const size_t elements = features ? shape.elements() : buffer_size(name, shape);
  const size_t bytes = features || datatype_ == xnn_datatype_fp32 ? sizeof(float) : sizeof(uint16_t);
  return activations_[name] = {shape, arena_allocate(elements * bytes + XNN_EXTRA_BYTES), features};
}

Layer& Network::add_layer(const std::string& name, const std::string& op) {
  layers_.emplace_back();
  layers_.back().name = name;
  layers_.back().op = op;
  return layers_.back();
}

void Network::on_workspace(size_t size, std::function<void(void*)> setup) {
  workspace_size_ = std::max(workspace_size_, size);
  workspace_users_.push_back(std::move(setup));
}

void Network::build_add(const Node& node) {
  static const float kZero = 0;
  // This XNNPACK has no f16 addition for RVV.
  if (datatype_ != xnn_datatype_fp32) throw std::runtime_error("node '" + node.name + "': an addition that no convolution does on the way; allowed: only with --dtype f32");
  const Activation a = activation(node.inputs[0]), b = activation(node.inputs[1]);
  const Activation out = define(node.output, a.shape);
  Layer& layer = add_layer(node);
  const size_t elements = buffer_size(node.output, out.shape);
  const auto append = [&](xnn_binary_operator type, const float* x, const float* y, size_t y_elements) {
    layer.operators.push_back(make_binary(type, x, elements, y, y_elements, out.f32(), pool_));
  };
  append(xnn_binary_add, a.f32(), b.f32(), elements);
  // XNNPACK's clamp has no RVV kernel in this version; its maximum with a constant has.
  if (node.relu) append(xnn_binary_maximum, out.f32(), &kZero, 1);
}

void Network::build_fully_connected(const Node& node) {
  const Activation in = activation(node.inputs[0]);
  const Tensor& weight = package_.weights(node.name + ".weight");
  const Tensor& bias = package_.weights(node.name + ".bias");
  const Activation out = define(node.output, {in.shape.n, node.out_features, 1, 1}, /*features=*/true);
  Layer& layer = add_layer(node);
  layer.macs = layer.useful_macs = in.shape.n * node.in_features * node.out_features;
  xnn_operator_t op = nullptr;
  check(xnn_create_fully_connected_nc_f32(node.in_features, node.out_features, node.in_features, node.out_features,
                                          weight.f32(), bias.f32(), -INFINITY, INFINITY, 0, nullptr, nullptr, &op), described(node));
  layer.operators.emplace_back(op);
  check(xnn_reshape_fully_connected_nc_f32(op, in.shape.n, pool_), described(node));
  check(xnn_setup_fully_connected_nc_f32(op, in.f32(), out.f32()), described(node));
}

std::unique_ptr<Network> make_network(const Package& package, const Implementation& implementation, const Schedules* schedules,
                                      xnn_datatype datatype, pthreadpool_t pool) {
  if (implementation.layout == Layout::nhwc) return make_nhwc_network(package, pool);
  return make_cnhw_network(package, implementation, schedules, datatype, pool);
}

}  // namespace colonnade
