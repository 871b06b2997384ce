// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// softmax: of the features of each image.
#include "nhwc_network.h"
#include "operations/table.h"
#include "planes_network.h"

namespace colonnade {
namespace {

class Softmax : public Operation {
 public:
  const char* name() const override { return "softmax"; }

  TensorShape infer(const InputShapes& inputs) const override { return {inputs.features(0), /*features=*/true}; }

  PlaneNeeds plane_needs(bool, const std::vector<Shape>&) const override { return {{0}, /*whole_output=*/false, {}}; }

  void build(NhwcNetwork& network, const Node& node) const override { build_any(network, node); }
  void build(PlanesNetwork& network, const Node& node) const override { build_any(network, node); }

 private:
  static void build_any(Network& network, const Node& node) {
    const Activation in = network.activation(node.inputs[0]);
    const Activation out = network.define_features(node.output, in.shape);
    const size_t channels = in.shape.c;
    xnn_operator_t op = nullptr;
    check(xnn_create_softmax_nc_f32(0, &op), network.described(node));
    network.add_layer(node).operators.emplace_back(op);
    check(xnn_reshape_softmax_nc_f32(op, channels, channels, channels, in.shape.n, network.pool()), network.described(node));
    check(xnn_setup_softmax_nc_f32(op, in.f32(), out.f32()), network.described(node));
  }
};

}  // namespace

std::shared_ptr<const Operation> read_softmax(const nlohmann::json& entry, Node& node) {
  node.inputs = {Fields(entry, "", {"op", "name", "input", "output"}).text("input")};
  return std::make_shared<Softmax>();
}

}  // namespace colonnade
