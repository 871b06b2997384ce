// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// flatten: a map's elements as features, channel after channel.
#include "nhwc_network.h"
#include "operations/elementwise.h"
#include "operations/rearranging.h"
#include "operations/table.h"

namespace colonnade {
namespace {

class Flatten : public Operation {
 public:
  const char* name() const override { return "flatten"; }

  TensorShape infer(const InputShapes& inputs) const override {
    const TensorShape& in = inputs.any(0);
    if (in.features) return in;
    // Of a map of unknown size there is an unknown number of features.
    return {{in.shape.n, in.shape.n == 0 ? 0 : in.shape.c * in.shape.h * in.shape.w, 1, 1}, /*features=*/true};
  }

  PlaneNeeds plane_needs(bool, const std::vector<Shape>&) const override { return {{1}, /*whole_output=*/false, {}}; }

  void build(NhwcNetwork& network, const Node& node) const override {
    const Activation in = network.activation(node.inputs[0]);
    append_transpose(network, node, {in.shape.n, in.shape.h * in.shape.w, in.shape.c}, {0, 2, 1});
  }

  void build(PlanesNetwork& network, const Node& node) const override {
    const Activation in = network.activation(node.inputs[0]);
    if (in.features) return append_transpose(network, node, {in.shape.elements()}, {0});
    const auto [n, c, h, w] = in.shape;
    const Activation out = network.define_as(node.output, network.shape(node.output));
    xnn_plane_copy copy = {};
    copy.datatype = network.datatype().xnnpack;
    copy.to_f32 = true;
    copy.input = network.tensor(node.inputs[0]);
    copy.output = {dense_planes({n, c, h, w}), out.data};
    xnn_operator_t op = nullptr;
    check(xnn_create_plane_copy_cnhw(&copy, &op), network.described(node));
    network.add_layer(node).operators.emplace_back(op);
  }
};

}  // namespace

std::shared_ptr<const Operation> read_flatten(const nlohmann::json& entry, Node& node) {
  node.inputs = {Fields(entry, "", {"op", "name", "input", "output"}).text("input")};
  return std::make_shared<Flatten>();
}

}  // namespace colonnade
