// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// An exported model: graph.json and weights.safetensors, checked while they are read.
#pragma once

#include <string>
#include <vector>

#include "safetensors.h"
#include "shapes.h"

namespace colonnade {

struct GraphInput {
  std::string name;
  size_t channels;
};

class Package {
 public:
  // Throws std::runtime_error naming the file, the node or tensor, and the key that is wrong. Afterwards ranks and
  // channels agree, every tensor is there with its shape and finite, and no other is; columns ascend.
  explicit Package(const std::string& directory);

  const std::vector<Node>& nodes() const { return nodes_; }
  const std::vector<GraphInput>& inputs() const { return inputs_; }
  const std::vector<std::string>& outputs() const { return outputs_; }

  // Every tensor for inputs of these shapes. Throws std::runtime_error where they do not fit.
  std::map<std::string, TensorShape> shapes(const std::map<std::string, Shape>& inputs) const;

  // A tensor of weights.safetensors, of the shape that its node gives it.
  const Tensor& weights(const std::string& name) const { return tensors_.at(name); }

  // Dense [out_channels, K] weights of a conv, zeros where its mask keeps nothing.
  std::vector<float> dense_weights(const Node& node) const;
  // Columns each tile of a conv keeps, all of them if it is not pruned.
  size_t kept(const Node& node) const { return node.conv.tile == 0 ? node.conv.reduction() : weights(node.name + ".columns").shape[1]; }

 private:
  void read_graph(const nlohmann::json& graph);
  void check_weights() const;
  void check_tensor(const std::string& name, const std::string& dtype, const std::vector<size_t>& shape) const;
  void check_columns(const Node& node) const;

  std::string directory_, weights_sha256_;
  std::vector<GraphInput> inputs_;
  std::vector<std::string> outputs_;
  std::vector<Node> nodes_;
  Tensors tensors_;
};

}  // namespace colonnade
