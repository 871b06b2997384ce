// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// conv2d: a convolution, dense or pruned in tiles, with a residual added and the sum rectified on request.
#pragma once

#include "implementations.h"
#include "operation.h"
#include "schedules.h"

namespace colonnade {

class Network;
class Package;
struct Activation;

class Conv2d : public Operation {
 public:
  // As graph.json has it; the geometry's batch, height and width are 0.
  Conv2d(const ConvShape& geometry, bool relu, size_t tile) : geometry_(geometry), relu_(relu), tile_(tile) {}

  const char* name() const override { return "conv2d"; }
  TensorShape infer(const InputShapes& inputs) const override;
  void check_weights(const Node& node, WeightsCheck& weights) const override;
  nlohmann::ordered_json parameters() const override;
  PlaneNeeds plane_needs(bool direct, const std::vector<Shape>& inputs) const override;
  bool align_rows(bool direct, const std::vector<PlanePlan*>& inputs, PlanePlan& output) const override;
  void build(NhwcNetwork& network, const Node& node) const override;
  void build(PlanesNetwork& network, const Node& node) const override;

  const ConvShape& geometry() const { return geometry_; }
  // With an input of that shape.
  ConvShape shape(const Shape& input) const;
  // Whether the residual, the node's second input, is added to the output.
  bool has_residual() const { return geometry_.residual; }
  bool is_pruned() const { return tile_ != 0; }
  // Rows that share their columns; 0 where every column is kept.
  size_t tile() const { return tile_; }
  // Columns each tile keeps, all of them if it is not pruned.
  size_t kept(const Node& node, const Package& package) const;
  // Whether it can read without packing: planes are split into phases by one stride.
  bool can_be_direct() const { return geometry_.stride[0] == geometry_.stride[1]; }
  // Whether it is XNNPACK's sparse operator's, which has a kernel for pointwise convolutions only.
  bool runs_as_spmm(const Implementation& implementation) const { return implementation.layout == Layout::nchw && geometry_.is_pointwise(); }
  // Throws std::runtime_error where the implementation needs a schedule and there is none.
  FoundSchedule find_schedule(const Node& node, const Shape& input, const Package& package, const Implementation& implementation,
                              const Schedules* schedules) const;

 private:
  // Dense [out_channels, K] weights, zeros where the mask keeps nothing.
  std::vector<float> dense_weights(const Node& node, const Package& package) const;
  // Dense weights, tile after tile, column after column.
  std::vector<float> interleaved_weights(const Node& node, const Package& package, size_t tile) const;
  // For an operator that adds no residual: appends the addition of it to `sums`, as a layer of its own.
  void append_residual(Network& network, const Node& node, const Activation& sums) const;
  void build_spmm(PlanesNetwork& network, const Node& node) const;

  const ConvShape geometry_;
  const bool relu_;
  const size_t tile_;
};

// The convolution that a node is; NULL where it is none.
const Conv2d* as_conv2d(const Node& node);

}  // namespace colonnade
