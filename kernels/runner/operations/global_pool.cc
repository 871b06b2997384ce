// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// global_pool: the mean or the maximum of every channel's plane, which makes features of a map.
#include "nhwc_network.h"
#include "operations/table.h"
#include "planes_network.h"

namespace colonnade {
namespace {

class GlobalPool : public Operation {
 public:
  explicit GlobalPool(bool is_average) : is_average_(is_average) {}

  const char* name() const override { return "global_pool"; }

  TensorShape infer(const InputShapes& inputs) const override { return {features_of(inputs.map(0)), /*features=*/true}; }

  Parameters parameters() const override {
    const char* function = is_average_ ? "avg" : "max";
    return {{"function", json_text(function)}};
  }

  // The sum is that of the gaps, too.
  PlaneNeeds plane_needs(bool, const std::vector<Shape>&) const override { return {{is_average_ ? 0u : 1u}, /*whole_output=*/false, {}}; }

  void build(NhwcNetwork& network, const Node& node) const override;

  void build(PlanesNetwork& network, const Node& node) const override {
    const Activation in = network.activation(node.inputs[0]);
    xnn_operator_t op = nullptr;
    check((is_average_ ? xnn_create_global_average_pooling_cnhw : xnn_create_global_max_pooling_cnhw)(network.datatype().xnnpack, &op),
          network.described(node));
    network.add_layer(node).operators.emplace_back(op);
    check(xnn_reshape_global_pooling_cnhw(op, &network.planes(node.inputs[0])), network.described(node));
    const Activation out = network.define_features(node.output, features_of(in.shape));
    check(xnn_setup_global_pooling_cnhw(op, in.data, out.f32()), network.described(node));
  }

 private:
  static Shape features_of(const Shape& map) { return {map.n, map.c, 1, 1}; }

  const bool is_average_;
};

void GlobalPool::build(NhwcNetwork& network, const Node& node) const {
  const Activation in = network.activation(node.inputs[0]);
  if (!is_average_) {
    throw std::runtime_error("node '" + node.name + "': function: \"max\"; allowed in xnnpack_nhwc_dense: \"avg\", which this XNNPACK has an operator for");
  }
  const Activation out = network.define_features(node.output, features_of(in.shape));
  xnn_operator_t op = nullptr;
  check(xnn_create_reduce_nd(xnn_reduce_mean, network.datatype().xnnpack, nullptr, nullptr, 0, &op), network.described(node));
  network.add_layer(node).operators.emplace_back(op);
  const int64_t axes[] = {1, 2};
  const size_t shape[] = {in.shape.n, in.shape.h, in.shape.w, in.shape.c};
  size_t workspace, alignment;
  check(xnn_reshape_reduce_nd(op, 2, axes, 4, shape, &workspace, &alignment, network.pool()), network.described(node));
  // A mean of float32 accumulates in its output; with a workspace it would look for a conversion, of
  // which there is none.
  check(xnn_setup_reduce_nd(op, nullptr, in.data, out.data), network.described(node));
}

}  // namespace

std::shared_ptr<const Operation> read_global_pool(const nlohmann::json& entry, Node& node) {
  const Fields fields(entry, "", {"op", "name", "input", "output", "function"});
  node.inputs = {fields.text("input")};
  return std::make_shared<GlobalPool>(fields.choice("function", {"avg", "max"}) == 0);
}

}  // namespace colonnade
