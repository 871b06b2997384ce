// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// conv2d: a convolution, dense, pruned in tiles or in groups, with a residual added and the sum clamped on request.
#pragma once

#include "datatype.h"
#include "implementations.h"
#include "operation.h"
#include "schedules.h"

namespace colonnade {

struct Layer;
class Package;

class Conv2d : public Operation {
 public:
  // As graph.json has it; the geometry's batch, height and width are 0.
  Conv2d(const ConvShape& geometry, OutputRange range, size_t tile) : geometry_(geometry), range_(range), tile_(tile) {}

  const char* name() const override { return "conv2d"; }
  TensorShape infer(const InputShapes& inputs) const override;
  void check_weights(const Node& node, WeightsCheck& weights) const override;
  Parameters parameters() const override;
  PlaneNeeds plane_needs(bool direct, const std::vector<Shape>& inputs) const override;
  bool align_rows(bool direct, const std::vector<PlanePlan*>& inputs, PlanePlan& output) const override;
  void build(NhwcNetwork& network, const Node& node) const override;
  void build(PlanesNetwork& network, const Node& node) const override;

  const ConvShape& geometry() const { return geometry_; }
  // What a schedule is found for, with an input of that shape: the convolution, or that of one of its groups.
  ConvShape shape(const Shape& input) const;
  // Whether it runs a schedule: depthwise ones have a kernel of their own.
  bool needs_schedule() const { return !geometry_.is_depthwise(); }
  // Whether the residual, the node's second input, is added to the output.
  bool has_residual() const { return geometry_.residual; }
  bool is_pruned() const { return tile_ != 0; }
  // Rows that share their columns; 0 where every column is kept.
  size_t tile() const { return tile_; }
  // Columns each tile keeps, all of a group's if it is not pruned.
  size_t kept(const Node& node, const Package& package) const;
  // Whether it can read without packing: planes are split into phases by one stride.
  bool can_be_direct() const { return geometry_.stride[0] == geometry_.stride[1]; }
  // Whether it is XNNPACK's sparse operator's, which has a kernel for pointwise convolutions only.
  bool runs_as_spmm(const Implementation& implementation) const { return implementation.layout == Layout::nchw && geometry_.is_pointwise() && geometry_.groups == 1; }
  // Of Winograd's algorithm only where it computes it: in f32, of no mask. Throws std::runtime_error where the implementation
  // needs a schedule and there is none.
  FoundSchedule find_schedule(const Node& node, const Shape& input, const Package& package, const Implementation& implementation,
                              const Datatype& datatype, const Schedules* schedules) const;

 private:
  // Dense [out_channels, K] weights, zeros where the mask keeps nothing.
  std::vector<float> dense_weights(const Node& node, const Package& package) const;
  // Dense weights, tile after tile, column after column.
  std::vector<float> interleaved_weights(const Node& node, const Package& package, size_t tile) const;
  // The name of the layer that adds the residual behind an operator that does not.
  static std::string residual_layer(const Node& node) { return node.name + ".residual"; }
  void build_spmm(PlanesNetwork& network, const Node& node) const;
  void build_depthwise(PlanesNetwork& network, const Node& node) const;
  // Appends the operator of one group to a layer, with the group's values.
  void append_group(PlanesNetwork& network, const Node& node, Layer& layer, const xnn_colnm_convolution2d& d, const xnn_colnm_schedule& schedule,
                    size_t group) const;

  const ConvShape geometry_;
  const OutputRange range_;
  const size_t tile_;
};

// The convolution that a node is; NULL where it is none.
const Conv2d* as_conv2d(const Node& node);

}  // namespace colonnade
