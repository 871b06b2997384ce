// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

#include "shapes.h"

#include <stdexcept>

#include "size_limits.h"

namespace colonnade {
namespace {

std::string described(bool features, size_t channels, const Shape& shape) {
  const auto s = [](size_t size, const char* unknown) { return size == 0 ? std::string(unknown) : std::to_string(size); };
  if (features) return "features [" + s(shape.n, "N") + ", " + s(channels, "C") + "]";
  return "a map [" + s(shape.n, "N") + ", " + s(channels, "C") + ", " + s(shape.h, "H") + ", " + s(shape.w, "W") + "]";
}

class Inference {
 public:
  Inference(const Node& node, const std::map<std::string, TensorShape>& known) : node_(node) {
    for (const std::string& input : node.inputs) {
      const auto found = known.find(input);
      if (found == known.end()) fail("input '" + input + "' does not exist");
      inputs_.push_back(&found->second);
    }
  }

  TensorShape output() const {
    const Shape& in = inputs_[0]->shape;
    if (node_.op == "conv2d") {
      const Conv& conv = node_.conv;
      need(0, /*features=*/false, conv.in_channels);
      return window(conv.kernel, conv.stride, conv.padding, conv.dilation, conv.out_channels);
    }
    if (node_.op == "max_pool2d") {
      need(0, /*features=*/false, 0);
      for (size_t i = 0; i < 2; i++) {
        if (node_.padding[i] >= node_.kernel[i]) fail("padding: " + shown(node_.padding) + "; allowed: less than the kernel " + shown(node_.kernel));
      }
      return window(node_.kernel, node_.stride, node_.padding, {1, 1}, in.c);
    }
    if (node_.op == "global_avg_pool") {
      need(0, /*features=*/false, 0);
      return {{in.n, in.c, 1, 1}, /*features=*/true};
    }
    if (node_.op == "fully_connected") {
      need(0, /*features=*/true, node_.in_features);
      return {{in.n, node_.out_features, 1, 1}, /*features=*/true};
    }
    need(0, /*features=*/false, 0);
    need(1, /*features=*/false, in.c);
    if (!(inputs_[1]->shape == in)) fail("its inputs are " + inputs_[0]->str() + " and " + inputs_[1]->str() + "; needed: two of one shape");
    return *inputs_[0];
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw std::invalid_argument("node '" + node_.name + "': " + what); }

  // `channels`: 0 where any number will do.
  void need(size_t input, bool features, size_t channels) const {
    const TensorShape& in = *inputs_[input];
    if (in.features == features && (channels == 0 || in.shape.c == channels)) return;
    fail("its input '" + node_.inputs[input] + "' is " + in.str() + "; needed: " + described(features, channels, {}));
  }

  TensorShape window(const Pair& kernel, const Pair& stride, const Pair& padding, const Pair& dilation, size_t channels) const {
    const Shape& in = inputs_[0]->shape;
    const size_t sizes[2] = {in.h, in.w};
    size_t out[2] = {0, 0};
    for (size_t i = 0; in.n != 0 && i < 2; i++) {
      const size_t reach = size_t{dilation[i]} * (kernel[i] - 1) + 1, padded = sizes[i] + 2 * size_t{padding[i]};
      if (padded < reach) {
        fail("its input '" + node_.inputs[0] + "' is " + inputs_[0]->str() + ", with padding " + std::to_string(padded) + (i == 0 ? " high" : " wide") +
             "; needed: at least " + std::to_string(reach) + ", the reach of its kernel");
      }
      out[i] = (padded - reach) / stride[i] + 1;
    }
    return {{in.n, channels, out[0], out[1]}, /*features=*/false};
  }

  const Node& node_;
  std::vector<const TensorShape*> inputs_;
};

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

std::map<std::string, TensorShape> infer_shapes(const std::vector<Node>& nodes, const std::map<std::string, Shape>& inputs) {
  std::map<std::string, TensorShape> known;
  for (const auto& [name, shape] : inputs) {
    known[name] = {shape, /*features=*/false};
    check_size("input '" + name + "'", known[name]);
  }
  for (const Node& node : nodes) {
    const TensorShape out = Inference(node, known).output();
    check_size("node '" + node.name + "': its output", out);
    if (!known.emplace(node.output, out).second) throw std::invalid_argument("node '" + node.name + "': output '" + node.output + "' exists already");
  }
  return known;
}

}  // namespace colonnade
