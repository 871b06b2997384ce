// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// What the pools over windows have in common.
#pragma once

#include "colonnade/operators.h"
#include "operation.h"
#include "planes_network.h"

namespace colonnade {

// A pool over windows, whatever it makes of them.
class Pool2d : public Operation {
 public:
  explicit Pool2d(const Window& window) : window_(window) {}

  TensorShape infer(const InputShapes& inputs) const override;
  Parameters parameters() const override;
  // Planes are split into phases by one stride.
  PlaneNeeds plane_needs(bool, const std::vector<Shape>&) const override;

 protected:
  // Throws std::runtime_error where XNNPACK's own pools do not have such windows, of which it skips none.
  void check_nhwc(const Node& node, const Shape& input) const;
  // The same where ours do not.
  void check_taps(const Node& node) const;
  xnn_pooling2d pooling() const;
  // Appends the operator, which was created.
  void build_pool(PlanesNetwork& network, const Node& node, xnn_operator_t op) const;

  const Window window_;
};

}  // namespace colonnade
