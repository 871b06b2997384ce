// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// The depthwise convolution operator against float64 on random shapes.
#include <algorithm>
#include <cmath>
#include <random>

#include <gtest/gtest.h>

#include "conv_case.h"
#include "guarded_buffer.h"

namespace colonnade {
namespace {

constexpr uint32_t kCases = 120;

struct RandomCase {
  ConvCase conv;
  xnn_colnm_planes input, output, residual;
  unsigned threads;
};

xnn_colnm_planes lay_out(size_t batch, size_t channels, size_t height, size_t width, uint32_t phases, size_t rows, size_t columns) {
  xnn_colnm_planes planes;
  xnn_colnm_planes_init(&planes, batch, channels, height, width, phases, rows, columns);
  return planes;
}

// Kernels 1-7, strides 1-3, dilations 1-3, paddings 0-3, each of its own every way; rows from less than a vector to some.
RandomCase draw(uint32_t seed) {
  std::mt19937 g(seed);
  const auto in = [&](uint32_t low, uint32_t high) { return low + static_cast<uint32_t>(g() % (high - low + 1)); };
  ConvShape s;
  do {
    const size_t channels = in(2, 6);
    // Half of them are what networks have.
    const uint32_t kernel = 3 + 2 * in(0, 2), stride = in(1, 3);
    const bool usual = in(0, 1) == 0;
    s = {in(1, 3), channels, in(1, 20), in(1, 70), channels * in(1, 3), usual ? Pair{kernel, kernel} : Pair{in(1, 7), in(1, 7)}, usual ? Pair{stride, stride} : Pair{in(1, 3), in(1, 3)}, {in(0, 3), in(0, 3), in(0, 3), in(0, 3)}, usual ? Pair{1, 1} : Pair{in(1, 3), in(1, 3)}};
    s.groups = channels;
  } while (s.positions() == 0);
  s.residual = in(0, 1);
  const xnn_colnm_arithmetic arithmetic = seed % 2 ? xnn_colnm_f32 : xnn_colnm_f16;
  RandomCase r{ConvCase::random(s, 1, {1, 1}, seed, arithmetic), {}, {}, {}, in(0, 1) ? 3u : 1u};
  if (in(0, 1)) r.conv.output_min = 0;
  if (in(0, 1)) r.conv.output_max = 1.5f;
  xnn_depthwise2d d = s.depthwise();
  const bool split = s.stride[0] == s.stride[1] && in(0, 3) != 0;
  if (!split) d.stride_height = d.stride_width = 1;
  const xnn_colnm_gaps gaps = xnn_depthwise_input_gaps(&d, s.height, s.width);
  r.input = lay_out(s.batch, s.in_channels, s.height, s.width, split ? s.stride[0] : 1, gaps.rows + in(0, 1), gaps.columns + in(0, 1));
  r.output = lay_out(s.batch, s.out_channels, s.out_height(), s.out_width(), 1, in(0, 2), in(0, 2));
  r.residual = lay_out(s.batch, s.out_channels, s.out_height(), s.out_width(), 1, in(0, 2), in(0, 2));
  return r;
}

class RandomDepthwise : public testing::TestWithParam<uint32_t> {};

TEST_P(RandomDepthwise, MatchesFloat64) {
  initialize_xnnpack();
  const RandomCase r = draw(GetParam());
  SCOPED_TRACE(r.conv.shape.str());
  const ConvShape& s = r.conv.shape;
  const Datatype& elements = find_arithmetic(r.conv.arithmetic).elements;
  const ThreadPool pool = make_thread_pool(r.threads);
  xnn_depthwise2d d = s.depthwise();
  const std::vector<float> weights = r.conv.dense_weights();
  d.weights = weights.data();
  d.bias = r.conv.bias.data();
  d.output_min = r.conv.output_min;
  d.output_max = r.conv.output_max;
  xnn_operator_t op = nullptr;
  check(xnn_create_depthwise_convolution2d_cnhw(&d, elements.xnnpack, &op), "create");
  const Operator owned(op);
  const bool has_residual = !r.conv.residual.empty();
  check(xnn_reshape_depthwise_convolution2d_cnhw(op, &r.input, &r.output, has_residual ? &r.residual : nullptr), "reshape");
  const size_t bytes = elements.element_bytes;
  const auto at = GetParam() / 2 % 2 ? GuardedAt::kBegin : GuardedAt::kEnd;
  GuardedBuffer<char> input(r.input.size * bytes, at, bytes), residual(r.residual.size * bytes, at, bytes), output(r.output.size * bytes, at, bytes);
  elements.to_planes(r.conv.input.data(), r.input, input.data());
  if (has_residual) elements.to_planes(r.conv.residual.data(), r.residual, residual.data());
  check(xnn_setup_depthwise_convolution2d_cnhw(op, input.data(), has_residual ? residual.data() : nullptr, output.data()), "setup");
  check(xnn_run_operator(op, pool.get()), "run");

  std::vector<float> actual(s.positions() * s.out_channels);
  elements.from_planes(r.output, output.data(), actual.data());
  const std::vector<double> expected = r.conv.reference(), magnitudes = r.conv.magnitudes();
  // Each of n roundings of a sum in the datatype is off by at most u of the sum of absolute values.
  const double n = static_cast<double>(s.reduction()) + 2, u = elements.relative_error;
  for (size_t i = 0; i < expected.size(); i++) {
    ASSERT_NEAR(actual[i], expected[i], magnitudes[i] * n * u / (1 - n * u) + n * elements.least_error) << "element " << i;
  }
  const std::vector<float> zeros(actual.size());
  elements.to_planes(zeros.data(), r.output, output.data());
  for (size_t i = 0; i < output.size(); i++) ASSERT_EQ(output[i], 0) << "a gap was written, element " << i / bytes;
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomDepthwise, testing::Range(1u, kCases + 1),
                         [](const auto& info) { return "seed" + std::to_string(info.param); });

TEST(Depthwise, RefusesWhatItCannotRead) {
  initialize_xnnpack();
  xnn_depthwise2d d = ConvShape::parse("n1c4h9w9-o4-k3x3-s2-p1-d1-g4").depthwise();
  const std::vector<float> weights(36);
  d.weights = weights.data();
  d.output_max = INFINITY;
  xnn_operator_t op = nullptr;
  EXPECT_EQ(xnn_create_depthwise_convolution2d_cnhw(&d, xnn_datatype_qint8, &op), xnn_status_unsupported_parameter);
  ASSERT_EQ(xnn_create_depthwise_convolution2d_cnhw(&d, xnn_datatype_fp32, &op), xnn_status_success);
  const Operator owned(op);
  const xnn_colnm_planes output = lay_out(1, 4, 5, 5, 1, 0, 0), wrong = lay_out(1, 4, 4, 5, 1, 0, 0);
  const xnn_colnm_planes split = lay_out(1, 4, 9, 9, 2, 1, 1), whole = lay_out(1, 4, 9, 9, 1, 1, 1);
  const xnn_colnm_planes in_three = lay_out(1, 4, 9, 9, 3, 1, 1), without_gaps = lay_out(1, 4, 9, 9, 2, 0, 0);
  EXPECT_EQ(xnn_reshape_depthwise_convolution2d_cnhw(op, &split, &output, nullptr), xnn_status_success);
  EXPECT_EQ(xnn_reshape_depthwise_convolution2d_cnhw(op, &whole, &output, nullptr), xnn_status_success);
  EXPECT_EQ(xnn_reshape_depthwise_convolution2d_cnhw(op, &split, &wrong, nullptr), xnn_status_invalid_parameter);
  EXPECT_EQ(xnn_reshape_depthwise_convolution2d_cnhw(op, &in_three, &output, nullptr), xnn_status_unsupported_parameter);
  EXPECT_EQ(xnn_reshape_depthwise_convolution2d_cnhw(op, &without_gaps, &output, nullptr), xnn_status_unsupported_parameter);
  EXPECT_EQ(xnn_reshape_depthwise_convolution2d_cnhw(op, &split, &output, &split), xnn_status_invalid_parameter);
}

}  // namespace
}  // namespace colonnade
