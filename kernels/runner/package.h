// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// An exported model: graph.json and weights.safetensors, checked while they are read.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "safetensors.h"
#include "operation.h"

namespace colonnade {

struct GraphInput {
  std::string name;
  size_t channels;
  // Height and width, where it takes images of no other: nodes have numbers that follow from them.
  std::optional<Pair> size;
};

class Package {
 public:
  // Throws std::runtime_error naming the file, the node or tensor, and the key that is wrong. Afterwards ranks and
  // channels agree, every tensor is there with its shape and finite, and no other is; columns ascend.
  explicit Package(const std::string& directory);

  const std::vector<Node>& nodes() const { return nodes_; }
  const std::vector<GraphInput>& inputs() const { return inputs_; }
  const std::vector<std::string>& outputs() const { return outputs_; }

  // Every tensor for inputs of these shapes. Throws std::runtime_error where they do not fit, or are of another
  // size than the only one that an input takes.
  std::map<std::string, TensorShape> shapes(const std::map<std::string, Shape>& inputs) const;

  // A tensor of weights.safetensors, of the shape that its node gives it.
  const Tensor& weights(const std::string& name) const { return tensors_.at(name); }

 private:
  void read_graph(const nlohmann::json& graph);

  std::string directory_, weights_sha256_;
  std::vector<GraphInput> inputs_;
  std::vector<std::string> outputs_;
  std::vector<Node> nodes_;
  Tensors tensors_;
};

}  // namespace colonnade
