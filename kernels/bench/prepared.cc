// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

#include "prepared.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "arena.h"

namespace colonnade {
namespace {

constexpr char kSparseReference[] = "xnnpack_spmm";

float* copy_to(Buffers& buffers, Buffers::Role role, const std::vector<float>& values) {
  auto* copy = static_cast<float*>(buffers.allocate(role, values.size() * sizeof(float) + XNN_EXTRA_BYTES));
  std::memcpy(copy, values.data(), values.size() * sizeof(float));
  return copy;
}

std::vector<float> nchw_to_nhwc(const std::vector<float>& in, size_t batch, size_t channels, size_t plane, bool back) {
  std::vector<float> out(in.size());
  if (in.empty()) return out;
  for (size_t n = 0; n < batch; n++) {
    for (size_t c = 0; c < channels; c++) {
      for (size_t p = 0; p < plane; p++) {
        const size_t nchw = (n * channels + c) * plane + p, nhwc = (n * plane + p) * channels + c;
        out[back ? nchw : nhwc] = in[back ? nhwc : nchw];
      }
    }
  }
  return out;
}

// The operators of a convolution of XNNPACK's own. It adds no residual on the way: its addition runs behind it.
// `residual` lies as the output does.
std::vector<Operator> with_residual(Operator convolution, const std::vector<float>& residual, float* output, Buffers& buffers, pthreadpool_t pool) {
  std::vector<Operator> operators;
  operators.push_back(std::move(convolution));
  if (!residual.empty()) {
    const size_t size = residual.size();
    operators.push_back(make_binary(xnn_binary_add, output, {size}, copy_to(buffers, Buffers::kResidual, residual), {size}, output, pool));
  }
  return operators;
}

Prepared prepare_colnm(const ConvCase& c, const Candidate& candidate, Buffers& buffers, pthreadpool_t pool) {
  xnn_operator_t op = nullptr;
  const xnn_colnm_schedule& schedule = candidate.schedule.schedule;
  const xnn_colnm_convolution2d descriptor = c.descriptor();
  check(xnn_create_colnm_convolution2d_cnhw(&descriptor, &schedule, &op), "create");
  Operator owned(op);
  const ConvLayouts layouts = best_layouts(c, schedule.algorithm);
  size_t workspace, alignment;
  const xnn_colnm_planes* residual_planes = c.residual.empty() ? nullptr : &layouts.output;
  const xnn_status status = xnn_reshape_colnm_convolution2d_cnhw(op, &layouts.input, &layouts.output, residual_planes, &workspace, &alignment, pool);
  // The layouts suit the algorithm: sizes are all that can be unsupported.
  if (status == xnn_status_unsupported_parameter) {
    throw std::invalid_argument(c.shape.str() + ", " + candidate.algorithm + ", panels " + std::to_string(schedule.panels) +
                                ": what a block reads lies over 4 GiB apart; allowed: less, with fewer panels or a smaller input");
  }
  check(status, "reshape");
  const Datatype& elements = find_arithmetic(c.arithmetic).elements;
  void* input = buffers.allocate(Buffers::kInput, layouts.input.size * elements.element_bytes);
  void* output = buffers.allocate(Buffers::kOutput, layouts.output.size * elements.element_bytes);
  elements.to_planes(c.input.data(), layouts.input, input);
  void* residual = nullptr;
  if (residual_planes != nullptr) {
    residual = buffers.allocate(Buffers::kResidual, layouts.output.size * elements.element_bytes);
    elements.to_planes(c.residual.data(), layouts.output, residual);
  }
  check(xnn_setup_colnm_convolution2d_cnhw(op, buffers.allocate(Buffers::kWorkspace, workspace), input, residual, output), "setup");
  std::vector<Operator> operators;
  operators.push_back(std::move(owned));
  return {std::move(operators), [=, &elements, size = c.shape.positions() * c.shape.out_channels] {
    std::vector<float> nchw(size);
    elements.from_planes(layouts.output, output, nchw.data());
    return nchw;
  }};
}

Prepared prepare_depthwise(const ConvCase& c, Buffers& buffers) {
  const ConvShape& s = c.shape;
  const Datatype& elements = find_arithmetic(c.arithmetic).elements;
  xnn_depthwise2d d = s.depthwise();
  const std::vector<float> weights = c.dense_weights();
  d.weights = weights.data();
  d.bias = c.bias.data();
  d.output_min = c.output_min;
  d.output_max = c.output_max;
  xnn_operator_t op = nullptr;
  check(xnn_create_depthwise_convolution2d_cnhw(&d, elements.xnnpack, &op), "create");
  Operator owned(op);
  const xnn_colnm_gaps gaps = xnn_depthwise_input_gaps(&d, s.height, s.width);
  xnn_colnm_planes in, out;
  xnn_colnm_planes_init(&in, s.batch, s.in_channels, s.height, s.width, s.stride[0], gaps.rows, gaps.columns);
  xnn_colnm_planes_init(&out, s.batch, s.out_channels, s.out_height(), s.out_width(), 1, 0, 0);
  check(xnn_reshape_depthwise_convolution2d_cnhw(op, &in, &out, c.residual.empty() ? nullptr : &out), "reshape");
  void* input = buffers.allocate(Buffers::kInput, in.size * elements.element_bytes);
  void* output = buffers.allocate(Buffers::kOutput, out.size * elements.element_bytes);
  void* residual = c.residual.empty() ? nullptr : buffers.allocate(Buffers::kResidual, out.size * elements.element_bytes);
  elements.to_planes(c.input.data(), in, input);
  if (residual != nullptr) elements.to_planes(c.residual.data(), out, residual);
  check(xnn_setup_depthwise_convolution2d_cnhw(op, input, residual, output), "setup");
  std::vector<Operator> operators;
  operators.push_back(std::move(owned));
  return {std::move(operators), [=, &elements, size = s.positions() * s.out_channels] {
    std::vector<float> nchw(size);
    elements.from_planes(out, output, nchw.data());
    return nchw;
  }};
}

Prepared prepare_nhwc(const ConvCase& c, Buffers& buffers, pthreadpool_t pool) {
  const ConvShape& s = c.shape;
  xnn_operator_t op = nullptr;
  check(xnn_create_convolution2d_nhwc_f32(s.padding[0], s.padding[3], s.padding[2], s.padding[1], s.kernel[0], s.kernel[1], s.stride[0],
                                          s.stride[1], s.dilation[0], s.dilation[1], static_cast<uint32_t>(s.groups), s.in_channels / s.groups, s.out_channels / s.groups,
                                          s.in_channels, s.out_channels, c.dense_weights().data(), c.bias.data(),
                                          c.output_min, c.output_max, 0, nullptr, nullptr, &op),
        "create");
  Operator owned(op);
  size_t workspace, alignment, height, width;
  check(xnn_reshape_convolution2d_nhwc_f32(op, s.batch, s.height, s.width, &workspace, &alignment, &height, &width, pool),
        "reshape");
  const float* input = copy_to(buffers, Buffers::kInput, nchw_to_nhwc(c.input, s.batch, s.in_channels, s.height * s.width, false));
  const size_t plane = s.out_height() * s.out_width(), size = s.batch * s.out_channels * plane;
  auto* output = static_cast<float*>(buffers.allocate(Buffers::kOutput, size * sizeof(float)));
  check(xnn_setup_convolution2d_nhwc_f32(op, workspace == 0 ? nullptr : buffers.allocate(Buffers::kWorkspace, workspace), input, output), "setup");
  const std::vector<float> residual = nchw_to_nhwc(c.residual, s.batch, s.out_channels, plane, false);
  return {with_residual(std::move(owned), residual, output, buffers, pool), [=, batch = s.batch, channels = s.out_channels] {
    return nchw_to_nhwc(std::vector<float>(output, output + size), batch, channels, plane, true);
  }};
}

Prepared prepare_spmm(const ConvCase& c, Buffers& buffers, pthreadpool_t pool) {
  const ConvShape& s = c.shape;
  xnn_operator_t op = nullptr;
  check(xnn_create_convolution2d_nchw_f32(0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, s.in_channels, s.out_channels, s.in_channels,
                                          s.out_channels, c.dense_weights().data(), c.bias.data(), c.output_min,
                                          c.output_max, 0, nullptr, nullptr, &op),
        "create");
  Operator owned(op);
  size_t height, width;
  check(xnn_reshape_convolution2d_nchw_f32(op, s.batch, s.height, s.width, &height, &width, pool), "reshape");
  const size_t size = s.positions() * s.out_channels;
  auto* output = static_cast<float*>(buffers.allocate(Buffers::kOutput, size * sizeof(float)));
  check(xnn_setup_convolution2d_nchw_f32(op, copy_to(buffers, Buffers::kInput, c.input), output), "setup");
  return {with_residual(std::move(owned), c.residual, output, buffers, pool), [=] { return std::vector<float>(output, output + size); }};
}

}  // namespace

std::vector<std::string> bench_algorithms() {
  std::vector<std::string> names;
  for (const Algorithm& each : algorithms()) names.push_back(each.name);
  names.insert(names.end(), {kDepthwise, kDenseReference, kSparseReference});
  return names;
}

// More than most need: of the arena's memory only what is touched is taken.
constexpr size_t kSharedWorkspace = size_t{256} << 20;

bool is_xnnpack(const std::string& algorithm) { return algorithm.rfind("xnnpack", 0) == 0; }

bool can_run(const Candidate& candidate, const ConvShape& shape, xnn_colnm_arithmetic arithmetic) {
  if (candidate.algorithm == kSparseReference) return shape.is_pointwise() && shape.groups == 1;
  // Planes are split into phases by one stride.
  const auto& [tile, schedule] = candidate.schedule;
  if (is_xnnpack(candidate.algorithm)) return true;
  if (candidate.algorithm == kDepthwise) return shape.is_depthwise() && shape.stride[0] == shape.stride[1];
  if (shape.groups != 1) return false;
  if (schedule.algorithm == xnn_colnm_direct && shape.stride[0] != shape.stride[1]) return false;
  if (is_winograd(schedule.algorithm) && !(shape.has_winograd() && arithmetic == xnn_colnm_f32 && schedule.kc_splits == 1)) return false;
  return xnn_colnm_has_kernel(arithmetic, tile, schedule.lmul) && (find_arithmetic(arithmetic).elements.has_kc_splits || schedule.kc_splits == 1);
}

void* Buffers::allocate(Role role, size_t bytes) {
  // All layers of a network have one workspace. Sizes are as many as schedules: they begin at one place.
  if (shared_ && role == kWorkspace) bytes = std::max(bytes, kSharedWorkspace);
  void*& buffer = known_[{role, bytes}];
  if (buffer == nullptr || !shared_) buffer = arena_allocate(bytes);
  return buffer;
}

Prepared prepare(const ConvCase& conv, const Candidate& candidate, Buffers& buffers, pthreadpool_t pool) {
  if (candidate.algorithm == kDenseReference) return prepare_nhwc(conv, buffers, pool);
  if (candidate.algorithm == kSparseReference) return prepare_spmm(conv, buffers, pool);
  if (candidate.algorithm == kDepthwise) return prepare_depthwise(conv, buffers);
  return prepare_colnm(conv, candidate, buffers, pool);
}

}  // namespace colonnade
