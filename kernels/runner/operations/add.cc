// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

#include "operations/add.h"

#include <algorithm>
#include <stdexcept>

#include "nhwc_network.h"
#include "operations/table.h"
#include "planes_network.h"

namespace colonnade {
namespace {

class Add : public Operation {
 public:
  explicit Add(bool relu) : relu_(relu) {}

  const char* name() const override { return "add"; }

  TensorShape infer(const InputShapes& inputs) const override {
    const Shape& first = inputs.map(0);
    if (!(inputs.map(1, first.c) == first)) inputs.fail("its inputs are " + inputs.str(0) + " and " + inputs.str(1) + "; needed: two of one shape");
    return {first, /*features=*/false};
  }

  PlaneNeeds plane_needs(bool, const std::vector<Shape>&) const override { return {{1, 1}, /*whole_output=*/true, {}}; }

  // It runs over whole buffers, which have to be alike.
  bool align_rows(bool, const std::vector<PlanePlan*>& inputs, PlanePlan& output) const override {
    PlanePlan &a = *inputs[0], &b = *inputs[1];
    const size_t columns = std::max({a.columns, b.columns, output.columns}), rows = std::max({a.rows, b.rows, output.rows});
    bool changed = false;
    for (PlanePlan* plan : {&a, &b, &output}) {
      changed |= plan->columns != columns || plan->rows != rows;
      plan->columns = columns;
      plan->rows = rows;
    }
    return changed;
  }

  void build(NhwcNetwork& network, const Node& node) const override { build_any(network, node); }
  void build(PlanesNetwork& network, const Node& node) const override { build_any(network, node); }

 private:
  void build_any(Network& network, const Node& node) const {
    const Activation a = network.activation(node.inputs[0]), b = network.activation(node.inputs[1]);
    append_add(network, "node '" + node.name + "'", node.name, a, b, network.define(node.output, a.shape), relu_);
  }

  const bool relu_;
};

}  // namespace

std::shared_ptr<const Operation> read_add(const nlohmann::json& entry, Node& node) {
  const Fields fields(entry, "", {"op", "name", "inputs", "output", "activation"});
  for (const auto& input : read_list(fields.at("inputs"), "inputs", 2, 2)) node.inputs.push_back(read_text(input, "inputs"));
  return std::make_shared<Add>(read_relu(fields));
}

void append_add(Network& network, const std::string& where, const std::string& name, const Activation& a, const Activation& b,
                const Activation& output, bool relu) {
  static const float kZero = 0;
  if (!network.datatype().has_addition) {
    std::string allowed;
    for (const Datatype& each : datatypes()) {
      if (each.has_addition) allowed += std::string(allowed.empty() ? "" : ", ") + each.name;
    }
    throw std::runtime_error(where + ": an addition that no convolution does on the way; allowed: only with --dtype " + allowed);
  }
  Layer& layer = network.add_layer(name, "add");
  const auto append = [&](xnn_binary_operator type, const float* x, const float* y, size_t y_elements) {
    layer.operators.push_back(make_binary(type, x, output.elements, y, y_elements, output.f32(), network.pool()));
  };
  append(xnn_binary_add, a.f32(), b.f32(), output.elements);
  // XNNPACK's clamp has no RVV kernel in this version; its maximum with a constant has.
  if (relu) append(xnn_binary_maximum, output.f32(), &kZero, 1);
}

}  // namespace colonnade
