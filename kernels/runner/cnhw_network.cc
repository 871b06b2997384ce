// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// colnm_* and rownm: our operators on planes; xnnpack_spmm: XNNPACK's sparse operator among them. A residual add is
// fused into the convolution of ours that makes its first operand, when nothing else reads that.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <set>
#include <stdexcept>

#include "arena.h"
#include "colonnade/operators.h"
#include "layouts.h"
#include "size_limits.h"
#include "network.h"
#include "planes.h"

namespace colonnade {
namespace {

class CnhwNetwork : public Network {
 public:
  CnhwNetwork(const Package& package, const Implementation& implementation, const Schedules* schedules,
              xnn_datatype datatype, pthreadpool_t pool)
      : Network(package, datatype, pool), implementation_(implementation), schedules_(schedules) {
    std::map<std::string, size_t> uses;
    for (const std::string& output : package.outputs()) uses[output]++;
    for (const Node& node : package.nodes())
      for (const std::string& input : node.inputs) uses[input]++;
    std::map<std::string, const Node*> fusible;
    for (const Node& node : package.nodes()) {
      if (node.op == "conv2d" && !node.conv.relu && uses[node.output] == 1 && !is_spmm(node)) fusible[node.output] = &node;
    }
    // Of an add's operands only one conv can absorb it; the other is computed before.
    for (const Node& node : package.nodes()) {
      const auto conv = node.op == "add" ? fusible.find(node.inputs[0]) : fusible.end();
      if (conv == fusible.end()) continue;
      deferred_.insert(*conv);
      fused_adds_.insert(node.name);
    }
  }

  void load(const std::string& name, const float* nchw) override {
    std::memcpy(images_.at(name), nchw, activation(name).shape.elements() * sizeof(float));
  }

 protected:
  void plan(const std::map<std::string, TensorShape>& shapes) override {
    for (const Node& node : package_.nodes()) {
      if (node.op == "conv2d" && !is_spmm(node)) found_[node.name] = find_schedule(node, shapes.at(node.inputs[0]).shape);
    }
    const auto algorithm = [this](const Node& node) { return is_spmm(node) ? xnn_colnm_packed : found_.at(node.name).schedule.schedule.algorithm; };
    layouts_ = std::make_unique<Layouts>(package_, shapes, algorithm, fused_adds_);
    if (implementation_.layout == Layout::nchw) layouts_->make_dense();
  }

  size_t buffer_size(const std::string& name, const Shape&) const override { return layouts_->planes(name).size; }

  void build_input(const std::string& name) override {
    xnn_operator_t op = nullptr;
    check(xnn_create_copy_to_planes(datatype_, &op), name);
    add_layer(name, "copy_to_planes").operators.emplace_back(op);
    check(xnn_reshape_copy_to_planes(op, &layouts_->planes(name), xnn_colnm_nchw), name);
    const Activation& input = activation(name);
    auto* images = static_cast<float*>(arena_allocate(input.shape.elements() * sizeof(float)));
    images_[name] = images;
    check(xnn_setup_copy_to_planes(op, images, input.data), name);
  }

  void store(const std::string& name, float* nchw) const override {
    const Activation& a = activation(name);
    if (datatype_ == xnn_datatype_fp32) {
      planes_to_nchw(layouts_->planes(name), a.f32(), nchw);
    } else {
      planes_to_nchw(layouts_->planes(name), static_cast<const _Float16*>(a.data), nchw);
    }
  }

  void build_conv(const Node& node) override {
    if (is_spmm(node)) {
      append_spmm(node);
    } else if (deferred_.count(node.output) == 0) {
      append_conv(node, node.output, nullptr, node.conv.relu);
    }
  }

  void build_add(const Node& node) override {
    if (fused_adds_.count(node.name) == 0) {
      Network::build_add(node);
    } else {
      append_conv(*deferred_.at(node.inputs[0]), node.output, &node.inputs[1], node.relu);
    }
  }

  void build_max_pool(const Node& node) override {
    const Activation in = activation(node.inputs[0]);
    if (size_t{node.kernel[0]} * node.kernel[1] > XNN_COLNM_MAX_TAPS) {
      throw std::runtime_error("node '" + node.name + "': kernel: " + shown(node.kernel) + "; allowed: windows of at most " +
                               std::to_string(XNN_COLNM_MAX_TAPS) + " elements");
    }
    xnn_operator_t op = nullptr;
    check(xnn_create_max_pooling2d_cnhw(datatype_, node.padding[0], node.padding[1], node.kernel[0], node.kernel[1],
                                        node.stride[0], node.stride[1], &op), described(node));
    add_layer(node).operators.emplace_back(op);
    const xnn_colnm_planes& planes = layouts_->planes(node.output);
    check(xnn_reshape_max_pooling2d_cnhw(op, &layouts_->planes(node.inputs[0]), &planes), described(node));
    const Activation out = define(node.output, {planes.batch, planes.channels, planes.height, planes.width});
    check(xnn_setup_max_pooling2d_cnhw(op, in.data, out.data), described(node));
  }

  void build_global_average(const Node& node) override {
    const Activation in = activation(node.inputs[0]);
    xnn_operator_t op = nullptr;
    check(xnn_create_global_average_pooling_cnhw(datatype_, &op), described(node));
    add_layer(node).operators.emplace_back(op);
    check(xnn_reshape_global_average_pooling_cnhw(op, &layouts_->planes(node.inputs[0])), described(node));
    const Activation out = define(node.output, {in.shape.n, in.shape.c, 1, 1}, /*features=*/true);
    check(xnn_setup_global_average_pooling_cnhw(op, in.data, out.f32()), described(node));
  }

 private:
  static ConvShape shape_of(const Conv& conv, const Shape& in, bool residual) {
    return {in.n, in.c, in.h, in.w, conv.out_channels, conv.kernel, conv.stride, conv.padding, conv.dilation, residual};
  }

  // Dense [out, K] weights, tile after tile, column after column.
  static std::vector<float> interleave(const std::vector<float>& dense, const Conv& conv, size_t tile) {
    std::vector<float> values;
    values.reserve(dense.size());
    for (size_t channel = 0; channel < conv.out_channels; channel += tile)
      for (size_t k = 0; k < conv.reduction(); k++)
        for (size_t row = channel; row < std::min(channel + tile, conv.out_channels); row++)
          values.push_back(dense[row * conv.reduction() + k]);
    return values;
  }

  // XNNPACK's sparse operator has a kernel for these convolutions only.
  bool is_spmm(const Node& node) const {
    return implementation_.layout == Layout::nchw && node.op == "conv2d" && is_pointwise(node.conv);
  }

  FoundSchedule find_schedule(const Node& node, const Shape& input) const {
    const bool is_fixed = implementation_.fixed.has_value() && (node.conv.tile != 0 || !implementation_.needs_schedules());
    if (is_fixed) return {*implementation_.fixed, ScheduleSource::fixed, ""};
    const ConvShape shape = shape_of(node.conv, input, deferred_.count(node.output) != 0);
    FoundSchedule found = schedules_->find("node '" + node.name + "'", shape, package_.kept(node), implementation_.key_algorithm());
    if (implementation_.algorithm.has_value()) found.schedule.schedule.algorithm = *implementation_.algorithm;
    return found;
  }

  // Throws std::runtime_error where no kernel has as many accumulators as the tile has rows.
  static void check_tile(const Node& node, const xnn_colnm_convolution2d& d) {
    if (xnn_colnm_has_kernel(d.arithmetic, d.tile, 1)) return;
    size_t most = kMaxTile;
    while (most > 0 && !xnn_colnm_has_kernel(d.arithmetic, most, 1)) most--;
    throw std::runtime_error("node '" + node.name + "': tile: " + std::to_string(d.tile) + "; allowed with the arithmetic " +
                             arithmetic_name(d.arithmetic) + ": 1 to " + std::to_string(most));
  }

  void append_spmm(const Node& node) {
    const Conv& conv = node.conv;
    const Activation in = activation(node.inputs[0]);
    const Tensor& bias = package_.weights(node.name + ".bias");
    xnn_operator_t op = nullptr;
    check(xnn_create_convolution2d_nchw_f32(0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, conv.in_channels, conv.out_channels,
                                            conv.in_channels, conv.out_channels, package_.dense_weights(node).data(),
                                            bias.f32(), conv.relu ? 0.0f : -INFINITY, INFINITY, 0, nullptr, nullptr, &op), described(node));
    Layer& layer = add_layer(node);
    layer.operators.emplace_back(op);
    size_t height, width;
    check(xnn_reshape_convolution2d_nchw_f32(op, in.shape.n, in.shape.h, in.shape.w, &height, &width, pool_), described(node));
    const Activation out = define(node.output, {in.shape.n, conv.out_channels, height, width});
    layer.macs = out.shape.elements() * conv.reduction();
    layer.useful_macs = out.shape.elements() * package_.kept(node);
    check(xnn_setup_convolution2d_nchw_f32(op, in.f32(), out.f32()), described(node));
  }

  void append_conv(const Node& node, const std::string& output, const std::string* residual, bool relu) {
    const Conv& conv = node.conv;
    const Activation in = activation(node.inputs[0]);
    const FoundSchedule& found = found_.at(node.name);
    ConvSchedule schedule = found.schedule;
    schedule.schedule.algorithm = layouts_->algorithm(node.name);
    xnn_colnm_convolution2d d = geometry(conv);
    d.output_min = relu ? 0.0f : -INFINITY;
    d.output_max = INFINITY;
    d.bias = package_.weights(node.name + ".bias").f32();
    std::vector<float> values;
    if (conv.tile == 0) {
      d.tile = schedule.tile;
      d.kept = conv.reduction();
      values = interleave(package_.dense_weights(node), conv, d.tile);
      d.values = values.data();
    } else {
      d.tile = schedule.tile = conv.tile;
      d.kept = package_.kept(node);
      d.values = package_.weights(node.name + ".values").f32();
      d.columns = reinterpret_cast<const uint32_t*>(package_.weights(node.name + ".columns").i32());
    }
    if (datatype_ == xnn_datatype_fp16) {
      d.arithmetic = xnn_colnm_f16_arithmetic(d.tile, d.kept);
      schedule.schedule.kc_splits = 1;
    }
    // A mask made for another target may have a tile this schedule's LMUL has no registers for.
    while (schedule.schedule.lmul > 1 && !xnn_colnm_has_kernel(d.arithmetic, d.tile, schedule.schedule.lmul)) schedule.schedule.lmul /= 2;
    check_tile(node, d);
    xnn_operator_t op = nullptr;
    check(xnn_create_colnm_convolution2d_cnhw(&d, &schedule.schedule, &op), described(node));
    Layer& layer = add_layer(node);
    layer.operators.emplace_back(op);
    layer.arithmetic = arithmetic_name(d.arithmetic);
    layer.schedule = schedule.str();
    layer.found = found;
    const xnn_colnm_schedule &wanted = found.schedule.schedule, &run = schedule.schedule;
    if (run.algorithm != wanted.algorithm) layer.adapted.push_back("algorithm");
    if (schedule.tile != found.schedule.tile) layer.adapted.push_back("tile");
    if (run.lmul != wanted.lmul) layer.adapted.push_back("lmul");
    if (run.kc_splits != wanted.kc_splits) layer.adapted.push_back("kc_splits");
    const xnn_colnm_planes& planes = layouts_->planes(output);
    size_t workspace, alignment;
    check(xnn_reshape_colnm_convolution2d_cnhw(op, &layouts_->planes(node.inputs[0]), &planes,
                                                   residual == nullptr ? nullptr : &layouts_->planes(*residual),
                                                   &workspace, &alignment, pool_), described(node));
    const Activation out = define(output, {planes.batch, planes.channels, planes.height, planes.width});
    layer.macs = out.shape.elements() * conv.reduction();
    layer.useful_macs = out.shape.elements() * d.kept;
    const void* residual_data = residual == nullptr ? nullptr : activation(*residual).data;
    on_workspace(workspace, [=, where = described(node)](void* space) {
      check(xnn_setup_colnm_convolution2d_cnhw(op, space, in.data, residual_data, out.data), where);
    });
  }

  const Implementation& implementation_;
  const Schedules* schedules_;
  std::map<std::string, FoundSchedule> found_;  // by convolution
  std::map<std::string, float*> images_;  // NCHW, by input
  std::map<std::string, const Node*> deferred_;  // convolutions, by output, that a fused addition runs
  std::set<std::string> fused_adds_;
  std::unique_ptr<Layouts> layouts_;
};

}  // namespace

std::unique_ptr<Network> make_cnhw_network(const Package& package, const Implementation& implementation, const Schedules* schedules,
                                           xnn_datatype datatype, pthreadpool_t pool) {
  return std::make_unique<CnhwNetwork>(package, implementation, schedules, datatype, pool);
}

}  // namespace colonnade
