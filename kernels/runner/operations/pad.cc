// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// pad: a border around every plane, of one value or of the plane's own elements.
#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include <nlohmann/json.hpp>

#include "nhwc_network.h"
#include "operations/elementwise.h"
#include "operations/rearranging.h"
#include "operations/table.h"

namespace colonnade {
namespace {

// As torch has them, and in the order of kModes.
enum class Mode { kConstant,
                  kReflect,
                  kReplicate,
                  kCircular };
const std::vector<const char*> kModes = {"constant", "reflect", "replicate", "circular"};

// The place of the input, of `size`, that a border's place is, `at` counted from the input's first.
size_t source(Mode mode, int64_t at, int64_t size) {
  switch (mode) {
    case Mode::kReflect:
      return static_cast<size_t>(at < 0 ? -at : 2 * (size - 1) - at);
    case Mode::kCircular:
      return static_cast<size_t>(at < 0 ? at + size : at - size);
    default:
      return static_cast<size_t>(at < 0 ? 0 : size - 1);
  }
}

class Pad : public Operation {
 public:
  Pad(const Padding& padding, Mode mode, float value) : padding_(padding), mode_(mode), value_(value) {}

  const char* name() const override { return "pad"; }

  TensorShape infer(const InputShapes& inputs) const override {
    const auto [n, c, h, w] = inputs.map(0);
    const auto [top, left, bottom, right] = padding_;
    if (n == 0) return {{0, c, 0, 0}, /*features=*/false};
    // What is reflected is not the edge itself.
    const size_t spared = mode_ == Mode::kReflect ? 1 : 0;
    const bool is_own = mode_ == Mode::kReflect || mode_ == Mode::kCircular;
    if (is_own && (std::max(top, bottom) + spared > h || std::max(left, right) + spared > w)) {
      inputs.fail("its input is " + inputs.str(0) + "; needed: a plane larger than a border that is " + (spared ? "reflected" : "circular"));
    }
    return {{n, c, h + top + bottom, w + left + right}, /*features=*/false};
  }

  Parameters parameters() const override {
    return {{"padding", json_text(padding_)}, {"mode", json_text(kModes[static_cast<size_t>(mode_)])}};
  }

  PlaneNeeds plane_needs(bool, const std::vector<Shape>&) const override { return whole_planes(1); }

  void build(NhwcNetwork& network, const Node& node) const override {
    if (mode_ != Mode::kConstant) {
      throw std::runtime_error("node '" + node.name + "': pad; allowed in xnnpack_nhwc_dense: of one value");
    }
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
    if (mode_ != Mode::kConstant) {
      const Shape in = network.activation(node.inputs[0]).shape;
      copy.rows = sources(network, padding_[0], in.h, padding_[2]);
      copy.columns = sources(network, padding_[1], in.w, padding_[3]);
    }
    append_plane_copy(network, node, copy);
  }

 private:
  // Which place of the input each one of an axis is.
  const uint32_t* sources(const Network& network, size_t before, size_t size, size_t behind) const {
    const size_t count = before + size + behind;
    auto* found = static_cast<uint32_t*>(network.allocate(count * sizeof(uint32_t)));
    for (size_t i = 0; i < count; i++) {
      const bool inside = i >= before && i < before + size;
      const auto at = static_cast<int64_t>(i) - static_cast<int64_t>(before);
      found[i] = static_cast<uint32_t>(inside ? i - before : source(mode_, at, static_cast<int64_t>(size)));
    }
    return found;
  }

  const Padding padding_;
  const Mode mode_;
  const float value_;
};

}  // namespace

std::shared_ptr<const Operation> read_pad(const nlohmann::json& entry, Node& node) {
  const Fields fields(entry, "", {"op", "name", "input", "output", "padding", "value"}, {"mode"});
  node.inputs = {fields.text("input")};
  const Padding padding = fields.padding("padding");
  const auto mode = fields.has("mode") ? static_cast<Mode>(fields.choice("mode", kModes)) : Mode::kConstant;
  const double value = fields.number("value");
  if (mode != Mode::kConstant && value != 0) {
    throw std::invalid_argument("value: " + fields.shown_at("value") + "; allowed in mode " + kModes[static_cast<size_t>(mode)] + ": 0");
  }
  return std::make_shared<Pad>(padding, mode, static_cast<float>(value));
}

}  // namespace colonnade
