// An exported model: graph.json and weights.safetensors, checked while they are read.
#pragma once

#include <array>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "safetensors.h"

namespace colonnade {

using Pair = std::array<uint32_t, 2>;  // height, width

struct Conv {
  size_t in_channels, out_channels;
  Pair kernel, stride, padding, dilation;
  bool relu;
  // 0 where every column is kept.
  size_t tile;
  size_t reduction() const { return size_t{kernel[0]} * kernel[1] * in_channels; }
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

class Package {
 public:
  // Throws std::runtime_error naming the file, the node and the key that is wrong.
  explicit Package(const std::string& directory);

  const std::vector<Node>& nodes() const { return nodes_; }
  const nlohmann::json& graph() const { return graph_; }

  // A tensor of weights.safetensors. Throws if it is missing or not of that shape.
  const Tensor& weights(const std::string& name, const std::string& dtype, const std::vector<size_t>& shape) const;

  // Dense [out_channels, K] weights of a conv, zeros where its mask keeps nothing.
  std::vector<float> dense_weights(const Node& node) const;
  // Columns each tile of a conv keeps, all of them if it is not pruned.
  size_t kept(const Node& node) const;

 private:
  Node read_node(const nlohmann::json& entry) const;
  std::string directory_;
  nlohmann::json graph_;
  Tensors tensors_;
  std::vector<Node> nodes_;
};

}  // namespace colonnade
