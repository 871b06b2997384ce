// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// upsample2d: every plane at another size, by torch's definitions.
#include <algorithm>
#include <cmath>
#include <optional>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include "nhwc_network.h"
#include "operations/elementwise.h"
#include "operations/rearranging.h"
#include "operations/table.h"
#include "size_limits.h"

namespace colonnade {
namespace {

struct Upsampling {
  bool bilinear, align_corners;
  std::optional<Pair> size;
  std::array<double, 2> scale;  // where there is no size
};

class Upsample2d : public Operation {
 public:
  explicit Upsample2d(const Upsampling& upsampling) : what_(upsampling) {}

  const char* name() const override { return "upsample2d"; }

  TensorShape infer(const InputShapes& inputs) const override {
    const auto [n, c, h, w] = inputs.map(0);
    if (n == 0) return {{0, c, 0, 0}, /*features=*/false};
    const size_t height = out_size(0, h), width = out_size(1, w);
    if (height == 0 || width == 0) {
      inputs.fail("its input is " + inputs.str(0) + "; needed: one that scale " + json_text(what_.scale) + " leaves an element of");
    }
    return {{n, c, height, width}, /*features=*/false};
  }

  Parameters parameters() const override {
    const char* mode = what_.bilinear ? "bilinear" : "nearest";
    return {{"mode", json_text(mode)}, {"align_corners", json_text(what_.align_corners)}};
  }

  PlaneNeeds plane_needs(bool, const std::vector<Shape>&) const override { return whole_planes(1); }

  void build(NhwcNetwork& network, const Node& node) const override;
  void build(PlanesNetwork& network, const Node& node) const override;

 private:
  size_t out_size(size_t axis, size_t in) const {
    return what_.size.has_value() ? (*what_.size)[axis] : static_cast<size_t>(std::floor(static_cast<double>(in) * what_.scale[axis]));
  }
  // Where the outputs along an axis lie.
  xnn_plane_samples samples(PlanesNetwork& network, size_t axis, size_t in, size_t out) const;

  const Upsampling what_;
};

xnn_plane_samples Upsample2d::samples(PlanesNetwork& network, size_t axis, size_t in, size_t out) const {
  Samples samples(network, out);
  double step = what_.size.has_value() ? static_cast<double>(in) / static_cast<double>(out) : 1 / what_.scale[axis];
  if (what_.align_corners) step = out == 1 ? 0 : static_cast<double>(in - 1) / static_cast<double>(out - 1);
  for (size_t i = 0; i < out; i++) {
    const auto place = static_cast<double>(i);
    if (!what_.bilinear) {
      // As torch does it, in float32.
      const auto first = static_cast<size_t>(std::floor(static_cast<float>(i) * static_cast<float>(step)));
      samples.set(i, std::min(first, in - 1), 0, 0);
      continue;
    }
    const double at = what_.align_corners ? place * step : std::max((place + 0.5) * step - 0.5, 0.0);
    const size_t first = std::min(static_cast<size_t>(at), in - 1);
    samples.set(i, first, first + 1 < in ? 1 : 0, std::min(at - static_cast<double>(first), 1.0));
  }
  return samples.get();
}

void Upsample2d::build(NhwcNetwork& network, const Node& node) const {
  // XNNPACK has the ratio of the sizes as its step, and no nearest.
  const Activation in = network.activation(node.inputs[0]);
  const Shape shape = network.shape(node.output).shape;
  const bool is_ratio = what_.size.has_value() || what_.align_corners ||
                        (static_cast<double>(shape.h) == static_cast<double>(in.shape.h) * what_.scale[0] &&
                         static_cast<double>(shape.w) == static_cast<double>(in.shape.w) * what_.scale[1]);
  if (!what_.bilinear || !is_ratio) {
    throw std::runtime_error("node '" + node.name + "': upsample2d; allowed in xnnpack_nhwc_dense: bilinear, to whole multiples or a size");
  }
  xnn_operator_t op = nullptr;
  check(xnn_create_resize_bilinear2d_nhwc_f32(shape.h, shape.w, what_.align_corners ? XNN_FLAG_ALIGN_CORNERS : 0, &op), network.described(node));
  network.add_layer(node).operators.emplace_back(op);
  const auto [n, c, h, w] = in.shape;
  size_t workspace, alignment;
  check(xnn_reshape_resize_bilinear2d_nhwc_f32(op, n, h, w, c, c, c, &workspace, &alignment, network.pool()), network.described(node));
  const Activation out = network.define(node.output, shape);
  network.on_workspace(workspace, [=, where = network.described(node)](void* space) {
    check(xnn_setup_resize_bilinear2d_nhwc_f32(op, space, in.f32(), out.f32()), where);
  });
}

void Upsample2d::build(PlanesNetwork& network, const Node& node) const {
  const Shape in = network.activation(node.inputs[0]).shape;
  const Shape out = network.define(node.output, network.shape(node.output).shape).shape;
  const xnn_plane_resize what = {network.datatype().xnnpack, network.tensor(node.inputs[0]), network.tensor(node.output),
                                 samples(network, 0, in.h, out.h), samples(network, 1, in.w, out.w)};
  xnn_operator_t op = nullptr;
  check(xnn_create_plane_resize_cnhw(&what, &op), network.described(node));
  network.add_layer(node).operators.emplace_back(op);
}

std::array<double, 2> read_scale(const Fields& fields) {
  std::array<double, 2> scale;
  const nlohmann::json& list = read_list(fields.at("scale"), "scale", 2, 2);
  for (size_t i = 0; i < 2; i++) {
    const bool fits = list[i].is_number() && list[i].get<double>() > 0 && list[i].get<double>() <= kMaxWindow;
    if (!fits) throw std::invalid_argument("scale: " + fields.shown_at("scale") + "; allowed: two numbers above 0, at most " + std::to_string(kMaxWindow));
    scale[i] = list[i].get<double>();
  }
  return scale;
}

}  // namespace

std::shared_ptr<const Operation> read_upsample2d(const nlohmann::json& entry, Node& node) {
  const Fields fields(entry, "", {"op", "name", "input", "output", "mode", "size", "scale", "align_corners"});
  node.inputs = {fields.text("input")};
  Upsampling what = {};
  what.bilinear = fields.choice("mode", {"nearest", "bilinear"}) == 1;
  what.align_corners = fields.boolean("align_corners");
  if (what.align_corners && !what.bilinear) throw std::invalid_argument("align_corners: true; allowed with nearest: false");
  if (fields.is_null("size") == fields.is_null("scale")) {
    throw std::invalid_argument("size: " + fields.shown_at("size") + "; allowed: null if scale is not, only");
  }
  if (fields.is_null("size")) {
    what.scale = read_scale(fields);
  } else {
    what.size = fields.pair("size", 1, kMaxDimension);
  }
  return std::make_shared<Upsample2d>(what);
}

}  // namespace colonnade
