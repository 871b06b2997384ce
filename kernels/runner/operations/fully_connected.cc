// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// fully_connected: the classifier, f32 features to f32 features.
#include <cmath>

#include "nhwc_network.h"
#include "operations/table.h"
#include "planes_network.h"
#include "size_limits.h"

namespace colonnade {
namespace {

class FullyConnected : public Operation {
 public:
  FullyConnected(size_t in_features, size_t out_features) : in_features_(in_features), out_features_(out_features) {}

  const char* name() const override { return "fully_connected"; }

  TensorShape infer(const InputShapes& inputs) const override { return {{inputs.features(0, in_features_).n, out_features_, 1, 1}, /*features=*/true}; }

  void check_weights(const Node& node, WeightsCheck& weights) const override {
    weights.take(node.name + ".weight", "F32", {out_features_, in_features_});
    weights.take(node.name + ".bias", "F32", {out_features_});
  }

  PlaneNeeds plane_needs(bool, const std::vector<Shape>&) const override { return {{0}, /*whole_output=*/false, {}}; }

  void build(NhwcNetwork& network, const Node& node) const override { build_any(network, node); }
  void build(PlanesNetwork& network, const Node& node) const override { build_any(network, node); }

 private:
  void build_any(Network& network, const Node& node) const;

  const size_t in_features_, out_features_;
};

void FullyConnected::build_any(Network& network, const Node& node) const {
  const Activation in = network.activation(node.inputs[0]);
  const Tensor& weight = network.package().weights(node.name + ".weight");
  const Tensor& bias = network.package().weights(node.name + ".bias");
  const Activation out = network.define_features(node.output, {in.shape.n, out_features_, 1, 1});
  Layer& layer = network.add_layer(node);
  layer.macs = layer.useful_macs = in.shape.n * in_features_ * out_features_;
  xnn_operator_t op = nullptr;
  check(xnn_create_fully_connected_nc_f32(in_features_, out_features_, in_features_, out_features_, weight.f32(), bias.f32(), -INFINITY,
                                          INFINITY, 0, nullptr, nullptr, &op),
        network.described(node));
  layer.operators.emplace_back(op);
  check(xnn_reshape_fully_connected_nc_f32(op, in.shape.n, network.pool()), network.described(node));
  check(xnn_setup_fully_connected_nc_f32(op, in.f32(), out.f32()), network.described(node));
}

}  // namespace

std::shared_ptr<const Operation> read_fully_connected(const nlohmann::json& entry, Node& node) {
  const Fields fields(entry, "", {"op", "name", "input", "output", "in_features", "out_features"});
  node.inputs = {fields.text("input")};
  const size_t in_features = fields.size("in_features", 1, kMaxDimension), out_features = fields.size("out_features", 1, kMaxDimension);
  check_weight_count("out_features", out_features, in_features);
  return std::make_shared<FullyConnected>(in_features, out_features);
}

}  // namespace colonnade
