// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// concat: tensors one after the other along channels. In planes nothing is copied of what lies there already.
#include "nhwc_network.h"
#include "operations/elementwise.h"
#include "operations/table.h"
#include "planes_network.h"
#include "size_limits.h"

namespace colonnade {
namespace {

class Concat : public Operation {
 public:
  const char* name() const override { return "concat"; }

  TensorShape infer(const InputShapes& inputs) const override {
    TensorShape out = inputs.any(0);
    for (size_t i = 1; i < inputs.count(); i++) {
      const TensorShape& in = inputs.any(i);
      const Shape expected = {out.shape.n, in.shape.c, out.shape.h, out.shape.w};
      if (in.features != out.features || !(in.shape == expected)) {
        inputs.fail("its inputs are " + inputs.str(0) + " and " + inputs.str(i) + "; needed: equal ones but for their channels");
      }
      out.shape.c = out.shape.c == 0 || in.shape.c == 0 ? 0 : out.shape.c + in.shape.c;
    }
    return out;
  }

  PlaneNeeds plane_needs(bool, const std::vector<Shape>& inputs) const override { return whole_planes(inputs.size()); }

  bool joins_inputs() const override { return true; }

  bool align_rows(bool, const std::vector<PlanePlan*>& inputs, PlanePlan& output) const override {
    std::vector<PlanePlan*> plans = inputs;
    plans.push_back(&output);
    return align_halos(plans);
  }

  void build(NhwcNetwork& network, const Node& node) const override { build_nhwc(network, node); }

  void build(PlanesNetwork& network, const Node& node) const override {
    if (network.shape(node.output).features) return build_nhwc(network, node);
    const Activation out = network.define(node.output, network.shape(node.output).shape);
    const xnn_colnm_planes& planes = network.planes(node.output);
    Layer& layer = network.add_layer(node);
    size_t offset = 0;
    for (const std::string& input : node.inputs) {
      xnn_plane_copy copy = {};
      copy.datatype = network.datatype().xnnpack;
      copy.input = network.tensor(input);
      copy.output = {planes, static_cast<char*>(out.data) + offset};
      copy.output.planes.channels = copy.input.planes.channels;
      offset += copy.input.planes.channels * planes.channel_stride * network.datatype().element_bytes;
      if (copy.input.data == copy.output.data) continue;
      xnn_operator_t op = nullptr;
      check(xnn_create_plane_copy_cnhw(&copy, &op), network.described(node));
      layer.operators.emplace_back(op);
    }
  }

 private:
  // Channels follow each other there, of maps as of features.
  static void build_nhwc(Network& network, const Node& node) {
    const TensorShape shape = network.shape(node.output);
    const Activation out = network.define_as(node.output, shape);
    Layer& layer = network.add_layer(node);
    float* output = out.f32();
    for (const std::string& input : node.inputs) {
      const Activation in = network.activation(input);
      xnn_operator_t op = nullptr;
      check(xnn_create_copy_nc_x32(0, &op), network.described(node));
      layer.operators.emplace_back(op);
      check(xnn_reshape_copy_nc_x32(op, in.shape.n * in.shape.h * in.shape.w, in.shape.c, in.shape.c, shape.shape.c, network.pool()), network.described(node));
      check(xnn_setup_copy_nc_x32(op, in.data, output), network.described(node));
      output += in.shape.c;
    }
  }
};

}  // namespace

std::shared_ptr<const Operation> read_concat(const nlohmann::json& entry, Node& node) {
  node.inputs = read_inputs(Fields(entry, "", {"op", "name", "inputs", "output"}), 2, kMaxNodes);
  return std::make_shared<Concat>();
}

}  // namespace colonnade
