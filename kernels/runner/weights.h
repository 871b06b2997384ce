// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// The tensors of weights.safetensors, checked against what nodes need of them.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "safetensors.h"

namespace colonnade {

class WeightsCheck {
 public:
  // `path` is the file's, for messages.
  WeightsCheck(const std::string& path, const Tensors& tensors) : path_(path), tensors_(tensors) {}

  // A tensor, which from now on belongs to a node. Throws std::runtime_error where it is missing, of another type or shape,
  // or holds a number that is not finite.
  const Tensor& take(const std::string& name, const std::string& dtype, const std::vector<size_t>& shape);
  // The columns [tiles, kept] that each tile keeps of `reduction`, ascending; returns kept.
  size_t take_columns(const std::string& name, size_t tiles, size_t reduction);
  // Throws where a tensor belongs to no node.
  void finish() const;

 private:
  const Tensor& find(const std::string& name) const;
  [[noreturn]] void fail(const std::string& name, const std::string& what) const;

  const std::string path_;
  const Tensors& tensors_;
  std::set<std::string> taken_;
};

}  // namespace colonnade
