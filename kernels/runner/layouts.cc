// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

#include "layouts.h"

#include <algorithm>
#include <set>
#include <stdexcept>

#include "package.h"
#include "size_limits.h"

namespace colonnade {

xnn_colnm_planes dense_planes(const Shape& shape) {
  const auto [n, c, h, w] = shape;
  return {n, c, h, w, 1, w, h * w, c * h * w, h * w, 0, n * c * h * w};
}

xnn_colnm_planes of_channels(xnn_colnm_planes planes, size_t channels) {
  planes.size -= (planes.channels - channels) * planes.channel_stride;
  planes.channels = channels;
  return planes;
}

bool align_rows(PlanePlan& a, PlanePlan& b) {
  const size_t row_stride = std::max(a.row_stride(), b.row_stride());
  if (a.row_stride() == b.row_stride()) return false;
  a.columns = row_stride - a.phase_width();
  b.columns = row_stride - b.phase_width();
  return true;
}

bool align_halos(const std::vector<PlanePlan*>& plans) {
  size_t rows = 0, columns = 0;
  for (const PlanePlan* plan : plans) {
    rows = std::max(rows, plan->rows);
    columns = std::max(columns, plan->columns);
  }
  bool changed = false;
  for (PlanePlan* plan : plans) {
    changed |= plan->columns != columns || plan->rows != rows;
    plan->columns = columns;
    plan->rows = rows;
  }
  return changed;
}

Layouts::Layouts(const Package& package, const std::map<std::string, TensorShape>& shapes, const std::function<bool(const Node&)>& is_direct)
    : package_(package) {
  for (const auto& [name, tensor] : shapes) plans_[name].shape = tensor.shape;
  for (const Node& node : package_.nodes()) is_direct_[node.name] = is_direct(node);
  choose_phases();
  choose_halos();
  for (const auto& [name, tensor] : shapes) places_[name] = {name, 0};
  // The largest first: those that begin as it does find their place in it.
  std::vector<const Node*> joining;
  for (const Node& node : package_.nodes()) {
    if (node.operation->joins_inputs() && !shapes.at(node.output).features) joining.push_back(&node);
  }
  std::stable_sort(joining.begin(), joining.end(), [&](const Node* a, const Node* b) { return plans_.at(a->output).shape.c > plans_.at(b->output).shape.c; });
  for (const Node* node : joining) join(*node);
  for (const Node& node : package_.nodes()) {
    if (!shapes.at(node.output).features) share(node);
  }
  for (const auto& [name, plan] : plans_) {
    const Shape& s = plan.shape;
    const size_t heights = (s.h + plan.phases - 1) / plan.phases + plan.rows;
    if (!product_within(kMaxElements, {s.n, s.c, plan.phases, plan.phases, heights, plan.row_stride()})) {
      throw std::runtime_error("tensor '" + name + "', " + shapes.at(name).str() + ", in planes of " + std::to_string(plan.phases) + " phases and " +
                               std::to_string(plan.rows) + "x" + std::to_string(plan.columns) + " of padding; allowed: at most " +
                               std::to_string(kMaxElements) + " elements");
    }
  }
  lay_out();
}

void Layouts::lay_out() {
  for (const auto& [name, place] : places_) {
    const PlanePlan& plan = plans_.at(place.tensor);
    const Shape& s = plan.shape;
    xnn_colnm_planes& planes = planes_[name];
    xnn_colnm_planes_init(&planes, s.n, s.c, s.h, s.w, plan.phases, plan.rows, plan.columns);
    planes = of_channels(planes, plans_.at(name).shape.c);
  }
}

void Layouts::join(const Node& node) {
  // Where the output begins, if all that it consists of lies there already.
  const Place first = places_.at(node.inputs[0]);
  size_t channel = first.channel;
  bool follows = places_.at(node.output).tensor == node.output && first.tensor != node.inputs[0];
  for (const std::string& input : node.inputs) {
    const Place& place = places_.at(input);
    follows = follows && place.tensor == first.tensor && place.channel == channel;
    channel += plans_.at(input).shape.c;
  }
  if (follows) {
    places_[node.output] = first;
    return;
  }
  const Place output = places_.at(node.output);
  channel = output.channel;
  for (const std::string& input : node.inputs) {
    Place& place = places_.at(input);
    // A tensor in which others lie stays where it is.
    const bool is_free = place.tensor == input && std::none_of(places_.begin(), places_.end(), [&](const auto& each) {
      return each.first != input && each.second.tensor == input;
    });
    if (is_free && input != node.output) place = {output.tensor, channel};
    channel += plans_.at(input).shape.c;
  }
}

void Layouts::share(const Node& node) {
  const std::string& input = node.inputs[0];
  const std::optional<size_t> first = node.operation->first_channel(plans_.at(input).shape.c);
  Place& output = places_.at(node.output);
  if (!first.has_value() || output.tensor != node.output) return;
  const Place& whole = places_.at(input);
  output = {whole.tensor, whole.channel + *first};
}

void Layouts::make_dense() {
  for (auto& [name, planes] : planes_) {
    places_[name] = {name, 0};
    planes = dense_planes(plans_.at(name).shape);
    planes.size += COLNM_PLANES_GUARD;
  }
}

PlaneNeeds Layouts::needs(const Node& node) const {
  std::vector<Shape> inputs;
  for (const std::string& input : node.inputs) inputs.push_back(plans_.at(input).shape);
  return node.operation->plane_needs(is_direct_.at(node.name), inputs);
}

// A tensor is split by the stride of a convolution or pool that reads it, unless somebody else who reads or
// writes it needs it whole; then strided convolutions pack.
void Layouts::choose_phases() {
  std::map<std::string, uint32_t> wanted;
  std::set<std::string> whole;
  for (const Node& node : package_.nodes()) {
    const PlaneNeeds need = needs(node);
    if (need.whole_output) whole.insert(node.output);
    for (size_t i = 0; i < node.inputs.size(); i++) {
      if (need.phases[i] == 0) continue;
      const auto found = wanted.emplace(node.inputs[i], need.phases[i]).first;
      if (found->second != need.phases[i]) whole.insert(node.inputs[i]);
    }
  }
  for (const auto& [name, phases] : wanted) {
    if (whole.count(name) == 0) plans_[name].phases = phases;
  }
  for (const Node& node : package_.nodes()) {
    if (!is_direct_[node.name]) continue;
    const uint32_t phases = needs(node).phases[0];
    is_direct_[node.name] = phases == 0 || phases == plans_[node.inputs[0]].phases;
  }
}

void Layouts::choose_halos() {
  for (const Node& node : package_.nodes()) {
    const xnn_colnm_gaps halo = needs(node).halo;
    PlanePlan& in = plans_[node.inputs[0]];
    in.rows = std::max(in.rows, halo.rows);
    in.columns = std::max(in.columns, halo.columns);
  }
  // Rows only ever move apart, up to those of the widest tensor that is connected: this ends.
  for (bool changed = true; changed;) {
    changed = false;
    for (const Node& node : package_.nodes()) changed |= align_node(node);
  }
}

bool Layouts::align_node(const Node& node) {
  std::vector<PlanePlan*> inputs;
  for (const std::string& input : node.inputs) inputs.push_back(&plans_[input]);
  return node.operation->align_rows(is_direct_.at(node.name), inputs, plans_[node.output]);
}

}  // namespace colonnade
