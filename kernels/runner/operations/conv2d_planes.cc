// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Convolutions on planes: the schedule that one runs, and our operator or XNNPACK's sparse one.
#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "colonnade/operators.h"
#include "operations/binary.h"
#include "operations/conv2d.h"
#include "planes_network.h"
#include "size_limits.h"

namespace colonnade {
namespace {

// Throws std::runtime_error where no kernel has as many accumulators as the tile has rows.
void check_tile(const Node& node, const xnn_colnm_convolution2d& d) {
  if (xnn_colnm_has_kernel(d.arithmetic, d.tile, 1)) return;
  size_t most = kMaxTile;
  while (most > 0 && !xnn_colnm_has_kernel(d.arithmetic, most, 1)) most--;
  throw std::runtime_error("node '" + node.name + "': tile: " + std::to_string(d.tile) + "; allowed with the arithmetic " +
                           find_arithmetic(d.arithmetic).name + ": 1 to " + std::to_string(most));
}

// Names of the fields in which what runs differs from what was found.
std::vector<std::string> differences(const ConvSchedule& found, const ConvSchedule& run) {
  std::vector<std::string> names;
  if (found.schedule.algorithm != run.schedule.algorithm) names.push_back("algorithm");
  for (size_t i = 0; i < kScheduleFields.size(); i++) {
    if (found.numbers()[i] != run.numbers()[i]) names.push_back(kScheduleFields[i].name);
  }
  return names;
}

}  // namespace

FoundSchedule Conv2d::find_schedule(const Node& node, const Shape& input, const Package& package, const Implementation& implementation,
                                    const Datatype& datatype, const Schedules* schedules) const {
  const bool is_fixed = implementation.fixed.has_value() && (is_pruned() || !implementation.needs_schedules());
  if (is_fixed) return {*implementation.fixed, ScheduleSource::fixed, ""};
  FoundSchedule found = schedules->find("node '" + node.name + "'", shape(input), kept(node, package), implementation.key_algorithm());
  // In f16 its transforms would round too much; a mask may keep all columns, one by one.
  const bool has_winograd = datatype.xnnpack == f32().xnnpack && !is_pruned();
  if (is_winograd(found.schedule.schedule.algorithm) && !has_winograd) {
    for (const xnn_colnm_algorithm other : {xnn_colnm_packed, xnn_colnm_direct}) {
      found = schedules->look_up(shape(input), kept(node, package), name_of(other)).value_or(found);
    }
  }
  if (implementation.algorithm.has_value()) found.schedule.schedule.algorithm = *implementation.algorithm;
  return found;
}

PlaneNeeds Conv2d::plane_needs(bool direct, const std::vector<Shape>& inputs) const {
  PlaneNeeds needs;
  if (geometry_.is_depthwise()) {
    needs.phases.assign(inputs.size(), 1);
    needs.phases[0] = geometry_.stride[0] == geometry_.stride[1] ? geometry_.stride[0] : 1;
    needs.whole_output = true;
    // Whether the input is split after all, others decide, too.
    xnn_depthwise2d d = geometry_.depthwise();
    needs.halo = xnn_depthwise_input_gaps(&d, inputs[0].h, inputs[0].w);
    d.stride_height = d.stride_width = 1;
    const xnn_colnm_gaps whole = xnn_depthwise_input_gaps(&d, inputs[0].h, inputs[0].w);
    needs.halo = {std::max(needs.halo.rows, whole.rows), std::max(needs.halo.columns, whole.columns)};
    return needs;
  }
  // Any number of phases will do for the residual.
  needs.phases.assign(inputs.size(), 0);
  if (!direct) {
    needs.phases[0] = 1;
  } else if (!geometry_.is_pointwise()) {
    needs.phases[0] = geometry_.stride[0];
    const xnn_colnm_convolution2d d = geometry_.of_group().geometry();
    needs.halo = xnn_colnm_input_gaps(&d, inputs[0].h, inputs[0].w);
  }
  return needs;
}

bool Conv2d::align_rows(bool direct, const std::vector<PlanePlan*>& inputs, PlanePlan& output) const {
  if (geometry_.is_depthwise()) return false;
  bool changed = false;
  // Outputs lie behind each other as the inputs that make them do, but for phases.
  const bool is_alike = geometry_.is_pointwise() ? inputs[0]->phases == output.phases : output.phases == 1;
  if (direct && is_alike) changed |= colonnade::align_rows(*inputs[0], output);
  // The residual is read along with the rows that are stored.
  if (has_residual() && inputs[1]->phases == output.phases) changed |= colonnade::align_rows(*inputs[1], output);
  return changed;
}

std::vector<float> Conv2d::interleaved_weights(const Node& node, const Package& package, size_t tile) const {
  const std::vector<float> dense = dense_weights(node, package);
  const size_t reduction = geometry_.reduction();
  std::vector<float> values;
  values.reserve(dense.size());
  const size_t outputs = geometry_.out_channels / geometry_.groups;
  for (size_t first = 0; first < geometry_.out_channels; first += outputs)
    for (size_t channel = first; channel < first + outputs; channel += tile)
      for (size_t k = 0; k < reduction; k++)
        for (size_t row = channel; row < std::min(channel + tile, first + outputs); row++) values.push_back(dense[row * reduction + k]);
  return values;
}

void Conv2d::build(PlanesNetwork& network, const Node& node) const {
  if (runs_as_spmm(network.implementation())) return build_spmm(network, node);
  if (geometry_.is_depthwise()) return build_depthwise(network, node);
  const Package& package = network.package();
  const FoundSchedule& found = network.found_schedule(node);
  ConvSchedule schedule = found.schedule;
  if (schedule.schedule.algorithm == xnn_colnm_direct && !network.is_direct(node)) schedule.schedule.algorithm = xnn_colnm_packed;
  xnn_colnm_convolution2d d = geometry_.of_group().geometry();
  d.output_min = range_.min;
  d.output_max = range_.max;
  d.bias = package.weights(node.name + ".bias").f32();
  d.kept = kept(node, package);
  std::vector<float> values;
  if (is_pruned()) {
    schedule.tile = tile_;
    d.values = package.weights(node.name + ".values").f32();
    d.columns = reinterpret_cast<const uint32_t*>(package.weights(node.name + ".columns").i32());
  } else {
    values = interleaved_weights(node, package, schedule.tile);
    d.values = values.data();
  }
  d.tile = schedule.tile;
  d.arithmetic = network.datatype().arithmetic(d.tile, d.kept);
  // Where the schedules have no other for it.
  const bool has_winograd = d.arithmetic == xnn_colnm_f32 && !is_pruned();
  if (is_winograd(schedule.schedule.algorithm) && !has_winograd) schedule.schedule.algorithm = xnn_colnm_packed;
  if (!network.datatype().has_kc_splits) schedule.schedule.kc_splits = 1;
  // A mask made for another target may have a tile this schedule's LMUL has no registers for.
  while (schedule.schedule.lmul > 1 && !xnn_colnm_has_kernel(d.arithmetic, d.tile, schedule.schedule.lmul)) schedule.schedule.lmul /= 2;
  check_tile(node, d);
  const xnn_colnm_planes& planes = network.planes(node.output);
  const Activation out = network.define(node.output, {planes.batch, planes.channels, planes.height, planes.width});
  Layer& layer = network.add_layer(node);
  layer.arithmetic = find_arithmetic(d.arithmetic).name;
  layer.schedule = schedule.str();
  layer.found = found;
  layer.adapted = differences(found.schedule, schedule);
  layer.macs = out.shape.elements() * geometry_.reduction();
  layer.useful_macs = out.shape.elements() * d.kept;
  const size_t group_values = d.kept * d.out_channels;
  for (size_t group = 0; group < geometry_.groups; group++) {
    append_group(network, node, layer, d, schedule.schedule, group);
    d.values += group_values;
    d.bias += d.out_channels;
  }
}

void Conv2d::append_group(PlanesNetwork& network, const Node& node, Layer& layer, const xnn_colnm_convolution2d& d,
                          const xnn_colnm_schedule& schedule, size_t group) const {
  const size_t element_bytes = network.datatype().element_bytes;
  // The planes of the group's channels, and where they begin in the buffer of a tensor.
  const auto planes_of = [&](const std::string& name, size_t channels) { return of_channels(network.planes(name), channels); };
  const auto data_of = [&](const std::string& name, size_t channels) {
    return static_cast<char*>(network.activation(name).data) + group * channels * network.planes(name).channel_stride * element_bytes;
  };
  const xnn_colnm_planes input = planes_of(node.inputs[0], d.in_channels), output = planes_of(node.output, d.out_channels);
  const xnn_colnm_planes residual = has_residual() ? planes_of(node.inputs[1], d.out_channels) : output;
  xnn_operator_t op = nullptr;
  check(xnn_create_colnm_convolution2d_cnhw(&d, &schedule, &op), network.described(node));
  layer.operators.emplace_back(op);
  size_t workspace, alignment;
  check(xnn_reshape_colnm_convolution2d_cnhw(op, &input, &output, has_residual() ? &residual : nullptr, &workspace, &alignment, network.pool()),
        network.described(node));
  const void* in = data_of(node.inputs[0], d.in_channels);
  const void* added = has_residual() ? data_of(node.inputs[1], d.out_channels) : nullptr;
  void* out = data_of(node.output, d.out_channels);
  network.on_workspace(workspace, [=, where = network.described(node)](void* space) {
    check(xnn_setup_colnm_convolution2d_cnhw(op, space, in, added, out), where);
  });
}

void Conv2d::build_depthwise(PlanesNetwork& network, const Node& node) const {
  const Package& package = network.package();
  xnn_depthwise2d d = geometry_.depthwise();
  d.weights = package.weights(node.name + ".weight").f32();
  d.bias = package.weights(node.name + ".bias").f32();
  d.output_min = range_.min;
  d.output_max = range_.max;
  xnn_operator_t op = nullptr;
  check(xnn_create_depthwise_convolution2d_cnhw(&d, network.datatype().xnnpack, &op), network.described(node));
  Layer& layer = network.add_layer(node);
  layer.operators.emplace_back(op);
  const xnn_colnm_planes& planes = network.planes(node.output);
  check(xnn_reshape_depthwise_convolution2d_cnhw(op, &network.planes(node.inputs[0]), &planes, has_residual() ? &network.planes(node.inputs[1]) : nullptr),
        network.described(node));
  const Activation out = network.define(node.output, {planes.batch, planes.channels, planes.height, planes.width});
  layer.macs = layer.useful_macs = out.shape.elements() * geometry_.reduction();
  const void* residual = has_residual() ? network.activation(node.inputs[1]).data : nullptr;
  check(xnn_setup_depthwise_convolution2d_cnhw(op, network.activation(node.inputs[0]).data, residual, out.data), network.described(node));
}

void Conv2d::build_spmm(PlanesNetwork& network, const Node& node) const {
  const ConvShape& g = geometry_;
  const Activation in = network.activation(node.inputs[0]);
  const Tensor& bias = network.package().weights(node.name + ".bias");
  const OutputRange range = has_residual() ? OutputRange{-INFINITY, INFINITY} : range_;
  xnn_operator_t op = nullptr;
  check(xnn_create_convolution2d_nchw_f32(0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, g.in_channels, g.out_channels, g.in_channels, g.out_channels,
                                          dense_weights(node, network.package()).data(), bias.f32(), range.min,
                                          range.max, 0, nullptr, nullptr, &op),
        network.described(node));
  Layer& layer = network.add_layer(node);
  layer.operators.emplace_back(op);
  size_t height, width;
  check(xnn_reshape_convolution2d_nchw_f32(op, in.shape.n, in.shape.h, in.shape.w, &height, &width, network.pool()), network.described(node));
  const Shape shape = {in.shape.n, g.out_channels, height, width};
  const Activation out = has_residual() ? network.allocate_as(node.output, shape) : network.define(node.output, shape);
  layer.macs = shape.elements() * g.reduction();
  layer.useful_macs = shape.elements() * kept(node, network.package());
  check(xnn_setup_convolution2d_nchw_f32(op, in.f32(), out.f32()), network.described(node));
  if (has_residual()) append_binary(network, residual_layer(node), {BinaryFunction::add, range_}, network.operand(node.output, out), network.operand(node.inputs[1]), node.output);
}

}  // namespace colonnade
