// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// slice: some channels, rows and columns. Channels that follow each other are not copied where they can stay in their place.
#include <algorithm>
#include <array>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include "nhwc_network.h"
#include "operations/elementwise.h"
#include "operations/rearranging.h"
#include "operations/table.h"
#include "size_limits.h"

namespace colonnade {
namespace {

// Some elements of an axis: those of Python's slice(begin, end, step).
struct Part {
  int64_t begin;
  std::optional<int64_t> end;
  size_t step;

  bool is_whole() const { return begin == 0 && !end.has_value() && step == 1; }
  size_t first(size_t size) const { return within(begin, size); }
  size_t count(size_t size) const {
    const size_t from = first(size), to = end.has_value() ? within(*end, size) : size;
    return to > from ? (to - from + step - 1) / step : 0;
  }

 private:
  static size_t within(int64_t bound, size_t size) {
    const auto last = static_cast<int64_t>(size);
    return static_cast<size_t>(std::clamp<int64_t>(bound < 0 ? bound + last : bound, 0, last));
  }
};

// Of channels, rows and columns.
using Parts = std::array<Part, 3>;

class Slice : public Operation {
 public:
  Slice(const Parts& parts, const std::string& bounds) : parts_(parts), bounds_(bounds) {}

  const char* name() const override { return "slice"; }

  TensorShape infer(const InputShapes& inputs) const override {
    const TensorShape& in = inputs.any(0);
    if (in.features && !are_planes_whole()) inputs.map(0);
    const size_t sizes[] = {in.shape.c, in.shape.h, in.shape.w};
    size_t counts[] = {0, 0, 0};
    for (size_t axis = 0; axis < 3; axis++) {
      // Of a size that is not known yet, or one that features do not have.
      if (sizes[axis] == 0) continue;
      counts[axis] = parts_[axis].count(sizes[axis]);
      if (counts[axis] == 0) inputs.fail("its input is " + inputs.str(0) + "; needed: one of which " + bounds_ + " leave an element");
    }
    return {{in.shape.n, counts[0], counts[1], counts[2]}, in.features};
  }

  PlaneNeeds plane_needs(bool, const std::vector<Shape>&) const override { return whole_planes(1); }

  std::optional<size_t> first_channel(size_t channels) const override {
    if (!are_planes_whole() || parts_[0].step != 1) return std::nullopt;
    return parts_[0].first(channels);
  }

  bool align_rows(bool, const std::vector<PlanePlan*>& inputs, PlanePlan& output) const override {
    return first_channel(0).has_value() && align_halos({inputs[0], &output});
  }

  void build(NhwcNetwork& network, const Node& node) const override;
  void build(PlanesNetwork& network, const Node& node) const override;

 private:
  bool are_planes_whole() const { return parts_[1].is_whole() && parts_[2].is_whole(); }
  xnn_plane_samples samples(Network& network, size_t axis, size_t in, size_t out) const;

  const Parts parts_;
  const std::string bounds_;  // as messages have them
};

void Slice::build(NhwcNetwork& network, const Node& node) const {
  if (std::any_of(parts_.begin(), parts_.end(), [](const Part& part) { return part.step != 1; })) {
    throw std::runtime_error("node '" + node.name + "': slice; allowed in xnnpack_nhwc_dense: steps of 1");
  }
  const Activation in = network.activation(node.inputs[0]);
  const TensorShape shape = network.shape(node.output);
  const Activation out = network.define_as(node.output, shape);
  xnn_operator_t op = nullptr;
  check(xnn_create_slice_nd_x32(0, &op), network.described(node));
  network.add_layer(node).operators.emplace_back(op);
  const size_t from[] = {in.shape.n, in.shape.h, in.shape.w, in.shape.c};
  const size_t offsets[] = {0, parts_[1].first(in.shape.h), parts_[2].first(in.shape.w), parts_[0].first(in.shape.c)};
  const size_t sizes[] = {in.shape.n, shape.shape.h, shape.shape.w, shape.shape.c};
  check(xnn_reshape_slice_nd_x32(op, 4, from, offsets, sizes, network.pool()), network.described(node));
  check(xnn_setup_slice_nd_x32(op, in.data, out.data), network.described(node));
}

// Where the outputs along an axis lie.
xnn_plane_samples Slice::samples(Network& network, size_t axis, size_t in, size_t out) const {
  Samples samples(network, out);
  for (size_t i = 0; i < out; i++) samples.set(i, parts_[axis].first(in) + i * parts_[axis].step, 0, 0);
  return samples.get();
}

void Slice::build(PlanesNetwork& network, const Node& node) const {
  const Activation in = network.activation(node.inputs[0]);
  const Activation out = network.define_as(node.output, network.shape(node.output));
  Layer& layer = network.add_layer(node);
  const xnn_datatype datatype = network.datatype_of(in);
  const xnn_plane_tensor output = network.tensor(node.output);
  // The channels that are taken, as a tensor of their own.
  xnn_plane_tensor input = network.tensor(node.inputs[0]);
  const size_t element_bytes = in.features ? f32().element_bytes : network.datatype().element_bytes;
  input.data = static_cast<char*>(input.data) + parts_[0].first(in.shape.c) * input.planes.channel_stride * element_bytes;
  input.planes.channels = out.shape.c;
  input.planes.channel_stride *= parts_[0].step;
  if (input.data == output.data) return;
  xnn_operator_t op = nullptr;
  if (are_planes_whole()) {
    xnn_plane_copy copy = {};
    copy.datatype = datatype;
    copy.input = input;
    copy.output = output;
    check(xnn_create_plane_copy_cnhw(&copy, &op), network.described(node));
  } else {
    const xnn_plane_resize resize = {datatype, input, output, samples(network, 1, in.shape.h, out.shape.h), samples(network, 2, in.shape.w, out.shape.w)};
    check(xnn_create_plane_resize_cnhw(&resize, &op), network.described(node));
  }
  layer.operators.emplace_back(op);
}

int64_t read_bound(const nlohmann::json& value, const char* key) {
  const auto most = static_cast<int64_t>(kMaxDimension);
  // Numbers above all signed ones are stored as unsigned.
  if (value.is_number_integer() && (!value.is_number_unsigned() || value.get<uint64_t>() <= kMaxDimension)) {
    const auto bound = value.get<int64_t>();
    if (bound >= -most && bound <= most) return bound;
  }
  throw std::invalid_argument(std::string(key) + ": " + shown(value) + "; allowed: a whole number from -" + std::to_string(most) + " to " + std::to_string(most));
}

}  // namespace

std::shared_ptr<const Operation> read_slice(const nlohmann::json& entry, Node& node) {
  const Fields fields(entry, "", {"op", "name", "input", "output", "begin", "end", "step"});
  node.inputs = {fields.text("input")};
  const nlohmann::json &begin = read_list(fields.at("begin"), "begin", 3, 3), &end = read_list(fields.at("end"), "end", 3, 3),
                       &step = read_list(fields.at("step"), "step", 3, 3);
  Parts parts;
  for (size_t axis = 0; axis < parts.size(); axis++) {
    parts[axis] = {read_bound(begin[axis], "begin"), std::nullopt, read_size(step[axis], "step", 1, kMaxDimension)};
    if (!end[axis].is_null()) parts[axis].end = read_bound(end[axis], "end");
  }
  return std::make_shared<Slice>(parts, "begin " + fields.shown_at("begin") + " and end " + fields.shown_at("end"));
}

}  // namespace colonnade
