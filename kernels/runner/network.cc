// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

#include "network.h"

#include <cstring>
#include <stdexcept>

#include "nhwc_network.h"
#include "planes_network.h"

namespace colonnade {

void Network::build(const std::map<std::string, Shape>& inputs) {
  shapes_ = package_.shapes(inputs);
  plan(shapes_);
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
    void* workspace = workspace_size_ == 0 ? nullptr : allocate(workspace_size_);
    for (const auto& setup : workspace_users_) setup(workspace);
  } catch (const OutOfMemory& full) {
    throw OutOfMemory(where + ", for a batch of " + std::to_string(inputs.begin()->second.n) + " images: " + full.what() + "; allowed: fewer");
  }
}

std::string Network::described(const Node& node) const {
  const Activation& in = activation(node.inputs[0]);
  std::string text = "node '" + node.name + "' (" + node.operation->name();
  for (const auto& [name, value] : node.operation->parameters()) text += std::string(", ") + name + " " + value;
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
    if (!layer.samples.empty()) layer.samples.back().counters.clear();
    layer.samples.push_back(std::move(sample));
    first = false;
  }
}

void Network::run() {
  for (const Layer& layer : layers_) check(run_operators(layer.operators, pool_), "node '" + layer.name + "'");
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

void Network::result(const std::string& name, float* to) const {
  const Activation& a = activation(name);
  if (a.features) {
    std::memcpy(to, a.data, a.shape.elements() * f32().element_bytes);
  } else {
    store(name, to);
  }
}

std::vector<float> Network::result(const std::string& name) const {
  std::vector<float> values(activation(name).shape.elements());
  result(name, values.data());
  return values;
}

Activation Network::define(const std::string& name, const Shape& shape) { return activations_[name] = place(name, shape); }

Activation Network::define_as(const std::string& name, const TensorShape& tensor) {
  return tensor.features ? define_features(name, tensor.shape) : define(name, tensor.shape);
}

Activation Network::define_features(const std::string& name, const Shape& shape) {
  const size_t elements = shape.elements();
  return activations_[name] = {shape, allocate(elements * f32().element_bytes + XNN_EXTRA_BYTES), elements, /*features=*/true};
}

Activation Network::allocate_as(const std::string& name, const Shape& shape) const {
  const size_t elements = buffer_size(name, shape);
  return {shape, allocate(elements * datatype_.element_bytes + XNN_EXTRA_BYTES), elements, /*features=*/false};
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

std::unique_ptr<Network> make_network(const Package& package, const Implementation& implementation, const Schedules* schedules,
                                      const Datatype& datatype, pthreadpool_t pool, Memory& memory) {
  if (implementation.layout == Layout::nhwc) return std::make_unique<NhwcNetwork>(package, datatype, pool, memory);
  return std::make_unique<PlanesNetwork>(package, implementation, schedules, datatype, pool, memory);
}

}  // namespace colonnade
