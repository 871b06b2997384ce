// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// XNNPACK's sparse 1x1 convolution with our kernels, against float64.
#include <array>
#include <cmath>
#include <cstring>
#include <random>

#include <gtest/gtest.h>

#include "conv_case.h"
#include "guarded_buffer.h"
#include "xnnpack/config.h"

namespace colonnade {
namespace {

TEST(Spmm, EveryKernelIsOurs) {
  initialize_xnnpack();
  const unsigned positions = 4 * vector_length_bits() / 32;
  size_t channels = 1;
  for (const xnn_spmm_config* config : {xnn_init_f32_spmm_config(), xnn_init_f32_spmm2_config(), xnn_init_f32_spmm4_config()}) {
    ASSERT_NE(config, nullptr);
    EXPECT_EQ(config->mr, positions);
    EXPECT_EQ(config->nr, channels);
    channels *= 2;
  }
}

class RandomSpmm : public testing::TestWithParam<uint32_t> {};

// Tiles of 4 and 8 channels go to the kernel for four, of 2 and 6 to the one for two, the others to the one for one;
// the channels are rarely a multiple of the tile.
TEST_P(RandomSpmm, MatchesFloat64) {
  initialize_xnnpack();
  std::mt19937 g(GetParam());
  const auto in = [&](uint32_t low, uint32_t high) { return low + static_cast<uint32_t>(g() % (high - low + 1)); };
  const ConvShape shape = {in(1, 2), in(1, 20), in(1, 17), in(1, 19), in(1, 40), {1, 1}, {1, 1}, {0, 0}, {1, 1}};
  const size_t tile = std::array<size_t, 6>{1, 2, 3, 4, 6, 8}[GetParam() % 6];
  ConvCase c = ConvCase::random(shape, tile, std::array<Keep, 3>{Keep{1, 1}, {1, 2}, {1, 10}}[in(0, 2)], GetParam());
  if (in(0, 1)) c.output_min = 0;
  if (in(0, 1)) c.output_max = 1.5f;
  const ThreadPool pool = make_thread_pool(in(0, 1) ? 3 : 1);
  SCOPED_TRACE(testing::Message() << shape.str() << " tile " << tile << " kept " << c.kept);

  xnn_operator_t op = nullptr;
  check(xnn_create_convolution2d_nchw_f32(0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, shape.in_channels, shape.out_channels,
                                          shape.in_channels, shape.out_channels, c.dense_weights().data(), c.bias.data(),
                                          c.output_min, c.output_max, 0, nullptr, nullptr, &op),
        "create");
  const Operator owned(op);
  size_t height, width;
  check(xnn_reshape_convolution2d_nchw_f32(op, shape.batch, shape.height, shape.width, &height, &width, pool.get()), "reshape");
  GuardedBuffer<float> input(c.input.size(), GuardedAt::kEnd), output(shape.positions() * shape.out_channels, GuardedAt::kEnd);
  std::memcpy(input.data(), c.input.data(), c.input.size() * sizeof(float));
  check(xnn_setup_convolution2d_nchw_f32(op, input.data(), output.data()), "setup");
  check(xnn_run_operator(op, pool.get()), "run");

  const std::vector<double> expected = c.reference();
  ASSERT_EQ(output.size(), expected.size());
  const double tolerance = static_cast<double>(c.kept + 3) * static_cast<double>(c.kept + 3) * 0x1p-24;
  for (size_t i = 0; i < output.size(); i++) ASSERT_NEAR(output[i], expected[i], tolerance) << "element " << i;
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomSpmm, testing::Range(1u, 61u),
                         [](const auto& info) { return "seed" + std::to_string(info.param); });

}  // namespace
}  // namespace colonnade
