// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

#include "layouts.h"

#include <algorithm>
#include <stdexcept>

#include "size_limits.h"

namespace colonnade {
bool is_pointwise(const Conv& conv) {
  return conv.kernel == Pair{1, 1} && conv.stride == Pair{1, 1} && conv.padding == Pair{0, 0};
}

xnn_colnm_convolution2d geometry(const Conv& conv) {
  xnn_colnm_convolution2d d = {};
  d.padding_height = conv.padding[0];
  d.padding_width = conv.padding[1];
  d.kernel_height = conv.kernel[0];
  d.kernel_width = conv.kernel[1];
  d.stride_height = conv.stride[0];
  d.stride_width = conv.stride[1];
  d.dilation_height = conv.dilation[0];
  d.dilation_width = conv.dilation[1];
  d.in_channels = conv.in_channels;
  d.out_channels = conv.out_channels;
  return d;
}

Layouts::Layouts(const Package& package, const std::map<std::string, TensorShape>& shapes,
                 const std::function<xnn_colnm_algorithm(const Node&)>& algorithm,
                 const std::set<std::string>& fused_adds)
    : package_(package) {
  for (const auto& [name, tensor] : shapes) plans_[name].shape = tensor.shape;
  for (const Node& node : package_.nodes()) {
    if (node.op != "conv2d") continue;
    // Planes are split into phases by one stride.
    const bool can_be_direct = node.conv.stride[0] == node.conv.stride[1];
    algorithms_[node.name] = can_be_direct ? algorithm(node) : xnn_colnm_packed;
  }
  choose_phases(fused_adds);
  choose_gaps(fused_adds);
  for (const auto& [name, plan] : plans_) {
    const Shape& s = plan.shape;
    const size_t heights = (s.h + plan.phases - 1) / plan.phases + plan.rows;
    if (!product_within(kMaxElements, {s.n, s.c, plan.phases, plan.phases, heights, plan.row_stride()})) {
      throw std::runtime_error("tensor '" + name + "', " + shapes.at(name).str() + ", in planes of " + std::to_string(plan.phases) + " phases and " +
                               std::to_string(plan.rows) + "x" + std::to_string(plan.columns) + " of padding; allowed: at most " +
                               std::to_string(kMaxElements) + " elements");
    }
    xnn_colnm_planes_init(&planes_[name], s.n, s.c, s.h, s.w, plan.phases, plan.rows, plan.columns);
  }
}

void Layouts::make_dense() {
  for (auto& [name, planes] : planes_) {
    const auto [n, c, h, w] = plans_.at(name).shape;
    planes = {n, c, h, w, 1, w, h * w, c * h * w, h * w, 0, n * c * h * w + COLNM_PLANES_GUARD};
  }
}

// A tensor is split by the stride of a convolution or pool that reads it, unless somebody else who reads or
// writes it needs it whole; then strided convolutions pack.
void Layouts::choose_phases(const std::set<std::string>& fused_adds) {
  std::map<std::string, uint32_t> wanted;
  std::set<std::string> whole;
  for (const Node& node : package_.nodes()) {
    const std::string& input = node.inputs[0];
    uint32_t stride = 1;
    if (is_direct(node)) {
      if (is_pointwise(node.conv)) continue;
      stride = node.conv.stride[0];
    } else if (node.op == "max_pool2d") {
      // Planes are split into phases by one stride.
      stride = node.stride[0] == node.stride[1] ? node.stride[0] : 1;
      whole.insert(node.output);
    } else if (node.op == "global_avg_pool" || fused_adds.count(node.name) != 0) {
      continue;
    } else {
      whole.insert(node.inputs.begin(), node.inputs.end());
      if (node.op != "conv2d") whole.insert(node.output);
    }
    const auto found = wanted.emplace(input, stride).first;
    if (found->second != stride) whole.insert(input);
  }
  for (const auto& [name, stride] : wanted) {
    if (whole.count(name) == 0) plans_[name].phases = stride;
  }
  for (const Node& node : package_.nodes()) {
    if (is_direct(node) && !is_pointwise(node.conv) && plans_[node.inputs[0]].phases != node.conv.stride[0]) {
      algorithms_[node.name] = xnn_colnm_packed;
    }
  }
}

void Layouts::choose_gaps(const std::set<std::string>& fused_adds) {
  for (const Node& node : package_.nodes()) {
    if (!is_direct(node) || is_pointwise(node.conv)) continue;
    Plan& in = plans_[node.inputs[0]];
    const xnn_colnm_convolution2d shape = geometry(node.conv);
    const xnn_colnm_gaps gaps = xnn_colnm_input_gaps(&shape, in.shape.h, in.shape.w);
    in.rows = std::max(in.rows, gaps.rows);
    in.columns = std::max(in.columns, gaps.columns);
  }
  // Rows only ever move apart, up to those of the widest tensor that is connected: this ends.
  for (bool changed = true; changed;) {
    changed = false;
    for (const Node& node : package_.nodes()) {
      if (is_direct(node)) changed |= align_rows(node);
      if (node.op != "add") continue;
      Plan &a = plans_[node.inputs[0]], &b = plans_[node.inputs[1]], &out = plans_[node.output];
      const bool fused = fused_adds.count(node.name) != 0;
      if (fused && b.phases != out.phases) continue;
      // A fused addition reads the residual along with the rows that it stores; any other runs over whole
      // buffers, which have to be alike.
      const size_t columns = fused ? std::max(b.columns, out.columns) : std::max({a.columns, b.columns, out.columns});
      const size_t rows = std::max({a.rows, b.rows, out.rows});
      for (Plan* plan : {&a, &b, &out}) {
        if (fused && plan == &a) continue;
        changed |= plan->columns != columns || (!fused && plan->rows != rows);
        plan->columns = columns;
        if (!fused) plan->rows = rows;
      }
    }
  }
}

// Lets the rows of a direct convolution's input and output be equally far apart.
bool Layouts::align_rows(const Node& node) {
  Plan &in = plans_[node.inputs[0]], &out = plans_[node.output];
  if (is_pointwise(node.conv) ? in.phases != out.phases : out.phases != 1) return false;
  const size_t row_stride = std::max(in.row_stride(), out.row_stride());
  if (in.row_stride() == out.row_stride()) return false;
  in.columns = row_stride - in.phase_width();
  out.columns = row_stride - out.phase_width();
  return true;
}

}  // namespace colonnade
