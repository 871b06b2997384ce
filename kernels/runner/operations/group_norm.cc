// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// group_norm: every element by the mean and the variance of its group of channels, of whole planes or of its pixel.
#include <limits>
#include <stdexcept>

#include "nhwc_network.h"
#include "operations/elementwise.h"
#include "operations/table.h"
#include "size_limits.h"

namespace colonnade {
namespace {

class GroupNorm : public Operation {
 public:
  GroupNorm(size_t channels, size_t groups, bool per_pixel, float epsilon)
      : channels_(channels), groups_(groups), per_pixel_(per_pixel), epsilon_(epsilon) {}

  const char* name() const override { return "group_norm"; }

  TensorShape infer(const InputShapes& inputs) const override {
    return {inputs.any(0).features ? inputs.features(0, channels_) : inputs.map(0, channels_), inputs.any(0).features};
  }

  void check_weights(const Node& node, WeightsCheck& weights) const override {
    for (const char* tensor : {".weight", ".bias"}) weights.take(node.name + tensor, "F32", {channels_});
  }

  Parameters parameters() const override { return {{"groups", json_text(groups_)}, {"per_pixel", json_text(per_pixel_)}}; }

  PlaneNeeds plane_needs(bool, const std::vector<Shape>&) const override { return whole_planes(1); }

  void build(NhwcNetwork&, const Node& node) const override {
    throw std::runtime_error("node '" + node.name + "': group_norm; allowed in xnnpack_nhwc_dense: what this XNNPACK has an operator for");
  }

  void build(PlanesNetwork& network, const Node& node) const override {
    const xnn_datatype datatype = network.datatype_of(network.activation(node.inputs[0]));
    network.define_as(node.output, network.shape(node.output));
    const Package& package = network.package();
    const float *scale = package.weights(node.name + ".weight").f32(), *shift = package.weights(node.name + ".bias").f32();
    const xnn_group_normalization what = {datatype, network.tensor(node.inputs[0]), network.tensor(node.output), groups_, per_pixel_, scale, shift, epsilon_};
    xnn_operator_t op = nullptr;
    check(xnn_create_group_normalization_cnhw(&what, &op), network.described(node));
    network.add_layer(node).operators.emplace_back(op);
  }

 private:
  const size_t channels_, groups_;
  const bool per_pixel_;
  const float epsilon_;
};

}  // namespace

std::shared_ptr<const Operation> read_group_norm(const nlohmann::json& entry, Node& node) {
  const Fields fields(entry, "", {"op", "name", "input", "output", "channels", "groups", "per_pixel", "eps"});
  node.inputs = {fields.text("input")};
  const size_t channels = fields.size("channels", 1, kMaxDimension), groups = fields.size("groups", 1, kMaxDimension);
  if (channels % groups != 0) {
    throw std::invalid_argument("groups: " + std::to_string(groups) + "; allowed: what divides channels, " + std::to_string(channels));
  }
  const bool per_pixel = fields.boolean("per_pixel");
  if (per_pixel && groups != 1) throw std::invalid_argument("groups: " + std::to_string(groups) + "; allowed: 1 per pixel");
  // What is divided by is then a normal number.
  const auto epsilon = static_cast<float>(fields.number("eps", std::numeric_limits<float>::min()));
  return std::make_shared<GroupNorm>(channels, groups, per_pixel, epsilon);
}

}  // namespace colonnade
