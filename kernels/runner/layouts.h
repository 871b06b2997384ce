// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Chooses how every tensor of a network lies in planes, so that convolutions read without packing and
// store without an index wherever they can.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>

#include "colonnade/planes.h"
#include "network.h"

namespace colonnade {

class Layouts {
 public:
  // `algorithm` says how a convolution is to be executed; `fused_adds` names the additions that a
  // convolution does on the way. Throws std::runtime_error for a tensor whose layout would be too large.
  Layouts(const Package& package, const std::map<std::string, TensorShape>& shapes,
          const std::function<xnn_colnm_algorithm(const Node&)>& algorithm,
          const std::set<std::string>& fused_adds);

  const xnn_colnm_planes& planes(const std::string& tensor) const { return planes_.at(tensor); }
  // Lays every tensor out as [N, C, H, W] without any gap or phase, for XNNPACK's own operators among packed
  // convolutions.
  void make_dense();
  // What was asked for, but packed where another reader of the input stands in the way.
  xnn_colnm_algorithm algorithm(const std::string& conv) const { return algorithms_.at(conv); }

 private:
  struct Plan {
    Shape shape;
    uint32_t phases = 1;
    size_t rows = 0, columns = 0;  // gaps
    size_t phase_width() const { return (shape.w + phases - 1) / phases; }
    size_t row_stride() const { return phase_width() + columns; }
  };

  bool is_direct(const Node& node) const { return node.op == "conv2d" && algorithms_.at(node.name) == xnn_colnm_direct; }
  void choose_phases(const std::set<std::string>& fused_adds);
  void choose_gaps(const std::set<std::string>& fused_adds);
  bool align_rows(const Node& node);

  const Package& package_;
  std::map<std::string, Plan> plans_;
  std::map<std::string, xnn_colnm_algorithm> algorithms_;
  std::map<std::string, xnn_colnm_planes> planes_;
};

// 1x1, stride 1, no padding: each output reads the input at its own position.
bool is_pointwise(const Conv& conv);

// The convolution's geometry; weights, columns and activation are left open.
xnn_colnm_convolution2d geometry(const Conv& conv);

}  // namespace colonnade
