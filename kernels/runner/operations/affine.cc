// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// affine: every channel times a number plus another, such as a batch normalisation that no convolution takes in.
#include "operations/elementwise.h"
#include "operations/table.h"
#include "size_limits.h"

namespace colonnade {
namespace {

class Affine : public Operation {
 public:
  Affine(size_t channels, OutputRange range) : channels_(channels), range_(range) {}

  const char* name() const override { return "affine"; }

  TensorShape infer(const InputShapes& inputs) const override {
    return {inputs.any(0).features ? inputs.features(0, channels_) : inputs.map(0, channels_), inputs.any(0).features};
  }

  void check_weights(const Node& node, WeightsCheck& weights) const override {
    for (const char* tensor : {".scale", ".shift"}) weights.take(node.name + tensor, "F32", {channels_});
  }

  PlaneNeeds plane_needs(bool, const std::vector<Shape>&) const override { return whole_planes(1); }

  void build(NhwcNetwork& network, const Node& node) const override {
    const Activation in = network.activation(node.inputs[0]);
    const Activation out = network.define_as(node.output, network.shape(node.output));
    NhwcSteps steps(network, network.add_layer(node), in.f32(), nhwc_shape(in), out.f32());
    steps.binary(xnn_binary_multiply, network.package().weights(node.name + ".scale").f32(), {channels_});
    steps.binary(xnn_binary_add, network.package().weights(node.name + ".shift").f32(), {channels_});
    steps.clamp(range_);
  }

  void build(PlanesNetwork& network, const Node& node) const override {
    xnn_elementwise what = {};
    what.function = xnn_elementwise_affine;
    what.params.min = range_.min;
    what.params.max = range_.max;
    what.scale = network.package().weights(node.name + ".scale").f32();
    what.shift = network.package().weights(node.name + ".shift").f32();
    append_elementwise(network, node, what);
  }

 private:
  const size_t channels_;
  const OutputRange range_;
};

}  // namespace

std::shared_ptr<const Operation> read_affine(const nlohmann::json& entry, Node& node) {
  const Fields fields(entry, "", {"op", "name", "input", "output", "channels", "activation"});
  node.inputs = {fields.text("input")};
  return std::make_shared<Affine>(fields.size("channels", 1, kMaxDimension), read_activation(fields));
}

}  // namespace colonnade
