// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

#include "weights.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include <nlohmann/json.hpp>

namespace colonnade {
namespace {

std::string shown_shape(const std::vector<size_t>& shape) { return nlohmann::json(shape).dump(); }

}  // namespace

void WeightsCheck::fail(const std::string& name, const std::string& what) const { throw std::runtime_error(path_ + ": tensor '" + name + "' " + what); }

const Tensor& WeightsCheck::find(const std::string& name) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) fail(name, "is missing");
  return found->second;
}

const Tensor& WeightsCheck::take(const std::string& name, const std::string& dtype, const std::vector<size_t>& shape) {
  const Tensor& tensor = find(name);
  taken_.insert(name);
  if (tensor.dtype != dtype || tensor.shape != shape) {
    fail(name, "is " + tensor.dtype + " " + shown_shape(tensor.shape) + "; expected " + dtype + " " + shown_shape(shape));
  }
  if (dtype != "F32") return tensor;
  const float* begin = tensor.f32();
  const float* wrong = std::find_if_not(begin, begin + tensor.elements(), [](float value) { return std::isfinite(value); });
  if (wrong != begin + tensor.elements()) {
    fail(name, "holds " + std::to_string(*wrong) + " at " + std::to_string(wrong - begin) + "; allowed: finite numbers");
  }
  return tensor;
}

size_t WeightsCheck::take_columns(const std::string& name, size_t tiles, size_t reduction) {
  const std::vector<size_t>& shape = find(name).shape;
  if (shape.size() != 2 || shape[1] == 0 || shape[1] > reduction) {
    fail(name, "is " + shown_shape(shape) + "; expected [" + std::to_string(tiles) + ", kept], of 1 to " + std::to_string(reduction) + " kept columns");
  }
  const size_t kept = shape[1];
  const int32_t* column = take(name, "I32", {tiles, kept}).i32();
  for (size_t i = 0; i < tiles * kept; i++) {
    if (column[i] < 0 || static_cast<size_t>(column[i]) >= reduction) {
      fail(name, "holds " + std::to_string(column[i]) + "; allowed: 0 to " + std::to_string(reduction - 1));
    }
    if (i % kept != 0 && column[i] <= column[i - 1]) {
      fail(name, "has " + std::to_string(column[i]) + " after " + std::to_string(column[i - 1]) + "; allowed: ascending columns of each tile");
    }
  }
  return kept;
}

void WeightsCheck::finish() const {
  for (const auto& [name, tensor] : tensors_) {
    if (taken_.count(name) == 0) fail(name, "belongs to no node");
  }
}

}  // namespace colonnade
