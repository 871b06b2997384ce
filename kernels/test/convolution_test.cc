// The column-wise convolution operator against float64 on random shapes.
#include <cmath>
#include <array>
#include <random>

#include <gtest/gtest.h>

#include "conv_case.h"

namespace colonnade {
namespace {

constexpr uint32_t kCases = 240;

struct RandomCase {
  ConvCase conv;
  xnn_colnm_schedule schedule;
  unsigned threads;
};

// Strides 1-3, dilations 1-2, paddings 0-3, kernels 1-7, odd sizes, batches 1-3, and tiles that mostly
// do not divide the output channels.
RandomCase draw(uint32_t seed) {
  std::mt19937 g(seed);
  const auto in = [&](uint32_t low, uint32_t high) { return low + static_cast<uint32_t>(g() % (high - low + 1)); };
  ConvShape shape;
  do {
    shape = {in(1, 3), in(1, 9), in(1, 17), in(1, 19), in(1, 40), in(1, 7), in(1, 7), in(1, 3), in(0, 3), in(1, 2)};
  } while (shape.positions() == 0);
  const uint32_t lmul = 1u << in(0, 3);
  const size_t tile = in(1, 32 / lmul - 1);
  const double sparsity = std::array<double, 4>{0, 0.25, 0.5, 0.75}[in(0, 3)];
  const size_t group = std::array<size_t, 4>{0, 4, 8, 0}[in(0, 3)];
  RandomCase r{ConvCase::random(shape, tile, sparsity, group, seed), {lmul, in(1, 4)}, in(0, 1) ? 3u : 1u};
  if (in(0, 1)) {
    r.conv.residual.resize(shape.positions() * shape.out_channels);
    for (float& value : r.conv.residual) value = static_cast<float>(g() >> 8) / 8388608.0f - 1.0f;
  }
  if (in(0, 1)) r.conv.output_min = 0;
  if (in(0, 1)) r.conv.output_max = 1.5f;
  return r;
}

std::vector<float> run_operator(const RandomCase& r) {
  const ConvShape& s = r.conv.shape;
  const ThreadPool pool = make_thread_pool(r.threads);
  const xnn_colnm_convolution2d descriptor = r.conv.descriptor();
  xnn_operator_t op = nullptr;
  check(xnn_create_colnm_convolution2d_cnhw_f32(&descriptor, &r.schedule, &op), "create");
  const Operator owned(op);
  size_t workspace_size, alignment, height, width;
  check(xnn_reshape_colnm_convolution2d_cnhw_f32(op, s.batch, s.height, s.width, &workspace_size, &alignment, &height,
                                                 &width, pool.get()),
        "reshape");
  EXPECT_EQ(height, s.out_height());
  EXPECT_EQ(width, s.out_width());
  const size_t plane = height * width;
  const std::vector<float> input = swap_leading(r.conv.input, s.batch, s.in_channels, s.height * s.width);
  const std::vector<float> residual =
      r.conv.residual.empty() ? std::vector<float>() : swap_leading(r.conv.residual, s.batch, s.out_channels, plane);
  std::vector<char> workspace(workspace_size + alignment);
  void* aligned = reinterpret_cast<void*>((reinterpret_cast<uintptr_t>(workspace.data()) + alignment - 1) / alignment * alignment);
  std::vector<float> output(s.batch * s.out_channels * plane);
  check(xnn_setup_colnm_convolution2d_cnhw_f32(op, aligned, input.data(), residual.empty() ? nullptr : residual.data(),
                                               output.data()),
        "setup");
  check(xnn_run_operator(op, pool.get()), "run");
  return swap_leading(output, s.out_channels, s.batch, plane);
}

class RandomConvolution : public testing::TestWithParam<uint32_t> {
 public:
  static size_t cases_run;
  static void TearDownTestSuite() { ASSERT_GE(cases_run, 1u) << "no random convolution ran"; }
};
size_t RandomConvolution::cases_run = 0;

TEST_P(RandomConvolution, MatchesFloat64) {
  initialize_xnnpack();
  const RandomCase r = draw(GetParam());
  SCOPED_TRACE(testing::Message() << r.conv.shape.str() << " tile " << r.conv.tile << " kept " << r.conv.kept
                                  << " lmul " << r.schedule.lmul << " strips " << r.schedule.strips);
  const std::vector<float> actual = run_operator(r);
  const std::vector<double> expected = r.conv.reference();
  ASSERT_EQ(actual.size(), expected.size());
  const double tolerance = static_cast<double>(r.conv.kept + 3) * static_cast<double>(r.conv.kept + 3) * 0x1p-24;
  for (size_t i = 0; i < actual.size(); i++) ASSERT_NEAR(actual[i], expected[i], tolerance) << "element " << i;
  cases_run++;
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomConvolution, testing::Range(1u, kCases + 1),
                         [](const auto& info) { return "seed" + std::to_string(info.param); });

TEST(ConvolutionParameters, BadOnesAreRefused) {
  initialize_xnnpack();
  const ConvCase c = ConvCase::random(ConvShape::parse("n1c4h5w5-o6-k3x3-s1-p1-d1"), 4, 0.5, 0, 1);
  const xnn_colnm_schedule schedule = {2, 1};
  xnn_operator_t op = nullptr;
  const auto status = [&](auto change, xnn_colnm_schedule s) {
    xnn_colnm_convolution2d d = c.descriptor();
    change(d);
    return xnn_create_colnm_convolution2d_cnhw_f32(&d, &s, &op);
  };
  const auto nothing = [](xnn_colnm_convolution2d&) {};
  using D = xnn_colnm_convolution2d&;
  EXPECT_EQ(status([](D d) { d.tile = 0; }, schedule), xnn_status_invalid_parameter);
  EXPECT_EQ(status([](D d) { d.kept = 37; }, schedule), xnn_status_invalid_parameter);
  EXPECT_EQ(status([](D d) { d.stride_width = 0; }, schedule), xnn_status_invalid_parameter);
  EXPECT_EQ(status([](D d) { d.output_min = 2; d.output_max = 1; }, schedule), xnn_status_invalid_parameter);
  EXPECT_EQ(status([](D d) { d.tile = 16; }, schedule), xnn_status_unsupported_parameter);
  EXPECT_EQ(status(nothing, {3, 1}), xnn_status_unsupported_parameter);
  EXPECT_EQ(status(nothing, {2, 0}), xnn_status_invalid_parameter);
  std::vector<uint32_t> descending(c.columns.rbegin(), c.columns.rend());
  EXPECT_EQ(status([&](D d) { d.columns = descending.data(); }, schedule), xnn_status_invalid_parameter);
  ASSERT_EQ(op, nullptr);
}

TEST(ConvolutionParameters, KernelLargerThanInputIsRefused) {
  initialize_xnnpack();
  const ConvCase c = ConvCase::random(ConvShape::parse("n1c1h9w9-o1-k7x7-s1-p0-d1"), 1, 0, 0, 1);
  const xnn_colnm_convolution2d d = c.descriptor();
  const xnn_colnm_schedule schedule = {1, 1};
  xnn_operator_t op = nullptr;
  check(xnn_create_colnm_convolution2d_cnhw_f32(&d, &schedule, &op), "create");
  const Operator owned(op);
  size_t workspace, alignment, height, width;
  EXPECT_EQ(xnn_reshape_colnm_convolution2d_cnhw_f32(op, 1, 5, 5, &workspace, &alignment, &height, &width, nullptr),
            xnn_status_invalid_parameter);
  EXPECT_EQ(xnn_setup_colnm_convolution2d_cnhw_f32(op, nullptr, nullptr, nullptr, nullptr), xnn_status_invalid_state);
}

}  // namespace
}  // namespace colonnade
