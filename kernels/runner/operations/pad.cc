// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// pad: a border of one value around every plane.
#include "nhwc_network.h"
#include "operations/elementwise.h"
#include "operations/rearranging.h"
#include "operations/table.h"

namespace colonnade {
namespace {

class Pad : public Operation {
 public:
  Pad(const Padding& padding, float value) : padding_(padding), value_(value) {}

  const char* name() const override { return "pad"; }

  TensorShape infer(const InputShapes& inputs) const override {
    const auto [n, c, h, w] = inputs.map(0);
    const auto [top, left, bottom, right] = padding_;
    if (n == 0) return {{0, c, 0, 0}, /*features=*/false};
    return {{n, c, h + top + bottom, w + left + right}, /*features=*/false};
  }

  Parameters parameters() const override { return {{"padding", json_text(padding_)}}; }

  PlaneNeeds plane_needs(bool, const std::vector<Shape>&) const override { return whole_planes(1); }

  void build(NhwcNetwork& network, const Node& node) const override {
    const Activation in = network.activation(node.inputs[0]);
    const Activation out = network.define(node.output, network.shape(node.output).shape);
    xnn_operator_t op = nullptr;
    check(xnn_create_constant_pad_nd_x32(&value_, 0, &op), network.described(node));
    network.add_layer(node).operators.emplace_back(op);
    const size_t shape[] = {in.shape.n, in.shape.h, in.shape.w, in.shape.c};
    const size_t before[] = {0, padding_[0], padding_[1], 0}, behind[] = {0, padding_[2], padding_[3], 0};
    check(xnn_reshape_constant_pad_nd_x32(op, 4, shape, before, behind, network.pool()), network.described(node));
    check(xnn_setup_constant_pad_nd_x32(op, in.data, out.data), network.described(node));
  }

  void build(PlanesNetwork& network, const Node& node) const override {
    xnn_plane_copy copy = {};
    copy.top = padding_[0];
    copy.left = padding_[1];
    copy.value = value_;
    append_plane_copy(network, node, copy);
  }

 private:
  const Padding padding_;
  const float value_;
};

}  // namespace

std::shared_ptr<const Operation> read_pad(const nlohmann::json& entry, Node& node) {
  const Fields fields(entry, "", {"op", "name", "input", "output", "padding", "value"});
  node.inputs = {fields.text("input")};
  const Padding padding = fields.padding("padding");
  return std::make_shared<Pad>(padding, static_cast<float>(fields.number("value")));
}

}  // namespace colonnade
