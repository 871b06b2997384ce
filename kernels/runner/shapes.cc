// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

#include "shapes.h"

#include <stdexcept>

#include "colonnade/window.h"
#include "operation.h"
#include "size_limits.h"

namespace colonnade {
namespace {

std::string described(bool features, size_t channels, const Shape& shape) {
  const auto s = [](size_t size, const char* unknown) { return size == 0 ? std::string(unknown) : std::to_string(size); };
  if (features) return "features [" + s(shape.n, "N") + ", " + s(channels, "C") + "]";
  return "a map [" + s(shape.n, "N") + ", " + s(channels, "C") + ", " + s(shape.h, "H") + ", " + s(shape.w, "W") + "]";
}

void check_size(const std::string& what, const TensorShape& tensor) {
  const auto [n, c, h, w] = tensor.shape;
  for (const size_t size : {n, c, h, w}) {
    if (size <= kMaxDimension) continue;
    throw std::invalid_argument(what + " is " + tensor.str() + "; allowed: sizes up to " + std::to_string(kMaxDimension));
  }
  if (!product_within(kMaxElements, {n, c, h, w})) {
    throw std::invalid_argument(what + " is " + tensor.str() + "; allowed: at most " + std::to_string(kMaxElements) + " elements");
  }
}

}  // namespace

std::string TensorShape::str() const { return described(features, shape.c, shape); }

InputShapes::InputShapes(const Node& node, const std::map<std::string, TensorShape>& known) : node_(node) {
  for (const std::string& input : node.inputs) {
    const auto found = known.find(input);
    if (found == known.end()) fail("input '" + input + "' does not exist");
    inputs_.push_back(&found->second);
  }
}

void InputShapes::fail(const std::string& what) const { throw std::invalid_argument("node '" + node_.name + "': " + what); }

const Shape& InputShapes::need(size_t input, bool features, size_t channels) const {
  const TensorShape& in = *inputs_[input];
  // Features of a map of unknown size are an unknown number.
  if (in.features == features && (channels == 0 || in.shape.c == channels || in.shape.c == 0)) return in.shape;
  fail("its input '" + node_.inputs[input] + "' is " + in.str() + "; needed: " + described(features, channels, {}));
}

const Shape& InputShapes::map(size_t input, size_t channels) const { return need(input, /*features=*/false, channels); }

const Shape& InputShapes::features(size_t input, size_t channels) const { return need(input, /*features=*/true, channels); }

TensorShape InputShapes::window(const Window& window, size_t channels) const {
  const Shape& in = inputs_[0]->shape;
  const size_t sizes[2] = {in.h, in.w};
  size_t out[2] = {0, 0};
  for (size_t i = 0; in.n != 0 && i < 2; i++) {
    const uint32_t before = window.padding[i], behind = window.padding[i + 2], kernel = window.kernel[i], dilation = window.dilation[i];
    out[i] = colnm_pool_size(sizes[i], before, behind, kernel, dilation, window.stride[i], window.ceil_mode);
    if (out[i] != 0) continue;
    fail("its input '" + node_.inputs[0] + "' is " + str(0) + ", with padding " + std::to_string(sizes[i] + before + behind) +
         (i == 0 ? " high" : " wide") + "; needed: at least " + std::to_string(colnm_window_reach(kernel, dilation)) + ", the reach of its kernel");
  }
  return {{in.n, channels, out[0], out[1]}, /*features=*/false};
}

std::map<std::string, TensorShape> infer_shapes(const std::vector<Node>& nodes, const std::map<std::string, Shape>& inputs) {
  std::map<std::string, TensorShape> known;
  for (const auto& [name, shape] : inputs) {
    known[name] = {shape, /*features=*/false};
    check_size("input '" + name + "'", known[name]);
  }
  for (const Node& node : nodes) {
    const TensorShape out = node.operation->infer(InputShapes(node, known));
    check_size("node '" + node.name + "': its output", out);
    if (!known.emplace(node.output, out).second) throw std::invalid_argument("node '" + node.name + "': output '" + node.output + "' exists already");
  }
  return known;
}

}  // namespace colonnade
