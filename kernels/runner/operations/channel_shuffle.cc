// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// channel_shuffle: the channels of some groups in turns.
#include "nhwc_network.h"
#include "operations/elementwise.h"
#include "operations/rearranging.h"
#include "operations/table.h"
#include "size_limits.h"

namespace colonnade {
namespace {

class ChannelShuffle : public Operation {
 public:
  explicit ChannelShuffle(size_t groups) : groups_(groups) {}

  const char* name() const override { return "channel_shuffle"; }

  TensorShape infer(const InputShapes& inputs) const override {
    const Shape& in = inputs.map(0);
    if (in.c % groups_ != 0) inputs.fail("groups: " + std::to_string(groups_) + "; allowed: numbers that divide the channels of its input, " + inputs.str(0));
    return {in, /*features=*/false};
  }

  Parameters parameters() const override { return {{"groups", json_text(groups_)}}; }

  PlaneNeeds plane_needs(bool, const std::vector<Shape>&) const override { return whole_planes(1); }

  void build(NhwcNetwork& network, const Node& node) const override {
    const Shape in = network.activation(node.inputs[0]).shape;
    append_transpose(network, node, {in.n * in.h * in.w, groups_, in.c / groups_}, {0, 2, 1});
  }

  void build(PlanesNetwork& network, const Node& node) const override {
    const size_t channels = network.shape(node.output).shape.c, of_group = channels / groups_;
    auto* from = static_cast<uint32_t*>(network.allocate(channels * sizeof(uint32_t)));
    for (size_t channel = 0; channel < channels; channel++) from[channel] = static_cast<uint32_t>(channel % groups_ * of_group + channel / groups_);
    xnn_plane_copy copy = {};
    copy.channels = from;
    append_plane_copy(network, node, copy);
  }

 private:
  const size_t groups_;
};

}  // namespace

std::shared_ptr<const Operation> read_channel_shuffle(const nlohmann::json& entry, Node& node) {
  const Fields fields(entry, "", {"op", "name", "input", "output", "groups"});
  node.inputs = {fields.text("input")};
  return std::make_shared<ChannelShuffle>(fields.size("groups", 1, kMaxDimension));
}

}  // namespace colonnade
