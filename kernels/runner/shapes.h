// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Ranks, channels and shapes of tensors, and what an operation needs of those that it reads.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "conv_shape.h"

namespace colonnade {

struct Node;

// Logical shape of an activation; the layout is the network's.
struct Shape {
  size_t n, c, h, w;
  size_t elements() const { return n * c * h * w; }
  bool operator==(const Shape& other) const { return n == other.n && c == other.c && h == other.h && w == other.w; }
};

// What is known of a tensor: a map [n, c, h, w], or features [n, c] of the shape [n, c, 1, 1]. n, h and w are 0 as long
// as the size of the inputs is not known.
struct TensorShape {
  Shape shape;
  bool features;
  // As messages have it: "a map [N, 64, H, W]".
  std::string str() const;
};

// A window that slides over a map.
struct Window {
  Pair kernel, stride;
  Padding padding;
  Pair dilation = {1, 1};
  bool ceil_mode = false;  // whether a last window may end outside the padded map
};

// The tensors that a node reads. All functions throw std::invalid_argument naming the node, its input and what it needs.
class InputShapes {
 public:
  // Refuses an input that is not `known`.
  InputShapes(const Node& node, const std::map<std::string, TensorShape>& known);

  // An input that is a map of so many channels, and one of features; 0 channels: of any number.
  const Shape& map(size_t input, size_t channels = 0) const;
  const Shape& features(size_t input, size_t channels = 0) const;
  // An input of either kind.
  const TensorShape& any(size_t input) const { return *inputs_[input]; }
  size_t count() const { return inputs_.size(); }
  // The map of `channels` that a window makes of the first input. Refuses a window that does not fit.
  TensorShape window(const Window& window, size_t channels) const;
  // As messages have the shape of an input.
  std::string str(size_t input) const { return inputs_[input]->str(); }
  [[noreturn]] void fail(const std::string& what) const;

 private:
  const Shape& need(size_t input, bool features, size_t channels) const;

  const Node& node_;
  std::vector<const TensorShape*> inputs_;
};

// Every tensor of a graph, by name, of the inputs given. Throws std::invalid_argument naming the node, its input and
// what it needs: a tensor that does not exist or exists already, maps where features are needed or the reverse, other
// channels, a window that does not fit, summands that differ, and shapes beyond size_limits.h.
std::map<std::string, TensorShape> infer_shapes(const std::vector<Node>& nodes, const std::map<std::string, Shape>& inputs);

}  // namespace colonnade
