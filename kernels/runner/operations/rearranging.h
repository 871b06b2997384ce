// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// What operations that only move elements have in common.
#pragma once

#include "planes_network.h"

namespace colonnade {

// Appends the copy `what`, whose tensors and datatype are left open, to a new layer.
void append_plane_copy(PlanesNetwork& network, const Node& node, xnn_plane_copy what);

// Where the outputs along an axis lie, to be filled in.
class Samples {
 public:
  Samples(const Network& network, size_t count)
      : first_(array<uint32_t>(network, count)), step_(array<uint32_t>(network, count)), weight_(array<float>(network, count)) {}

  void set(size_t i, size_t first, size_t step, double weight) {
    first_[i] = static_cast<uint32_t>(first);
    step_[i] = static_cast<uint32_t>(step);
    weight_[i] = static_cast<float>(weight);
  }

  xnn_plane_samples get() const { return {first_, step_, weight_}; }

 private:
  template <typename T>
  static T* array(const Network& network, size_t count) {
    return static_cast<T*>(network.allocate(count * sizeof(T)));
  }

  uint32_t *first_, *step_;
  float* weight_;
};

// An f32 tensor with its axes in another order: axis i of the output is axis order[i] of the input.
void append_transpose(Network& network, const Node& node, const std::vector<size_t>& shape, const std::vector<size_t>& order);

}  // namespace colonnade
