// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Ranks, channels and shapes of every tensor of a graph, inferred and checked in one place before anything is built.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "strict_json.h"

namespace colonnade {

struct Conv {
  size_t in_channels, out_channels;
  Pair kernel, stride, padding, dilation;
  bool relu;
  // 0 where every column is kept.
  size_t tile;
  size_t reduction() const { return size_t{kernel[0]} * kernel[1] * in_channels; }
  size_t tiles() const { return (out_channels + tile - 1) / tile; }
};

struct Node {
  std::string op;  // conv2d, max_pool2d, add, global_avg_pool, fully_connected
  std::string name;
  std::vector<std::string> inputs;
  std::string output;
  Conv conv;                       // conv2d
  Pair kernel, stride, padding;    // max_pool2d
  bool relu = false;               // add
  size_t in_features, out_features;  // fully_connected
};

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
  // As messages have it: "map [N, 64, H, W]".
  std::string str() const;
};

// Every tensor of a graph, by name, of the inputs given. Throws std::invalid_argument naming the node, its input and
// what it needs: a tensor that does not exist or exists already, maps where features are needed or the reverse, other
// channels, a window that does not fit, summands that differ, and shapes beyond size_limits.h.
std::map<std::string, TensorShape> infer_shapes(const std::vector<Node>& nodes, const std::map<std::string, Shape>& inputs);

}  // namespace colonnade
