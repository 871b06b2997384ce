// The CNHW pooling operators against their definitions.
#include <cmath>
#include <random>

#include <gtest/gtest.h>

#include "colonnade/operators.h"
#include "xnn.h"

namespace colonnade {
namespace {

class RandomPooling : public testing::TestWithParam<uint32_t> {};

TEST_P(RandomPooling, MaxMatchesDefinition) {
  initialize_xnnpack();
  std::mt19937 g(GetParam());
  const auto in = [&](uint32_t low, uint32_t high) { return low + static_cast<uint32_t>(g() % (high - low + 1)); };
  const uint32_t kernel = in(1, 4), stride = in(1, 3), padding = in(0, kernel - 1);
  const size_t planes = in(1, 5), height = in(4, 20), width = in(4, 150);
  std::vector<float> input(planes * height * width);
  for (float& v : input) v = static_cast<float>(g() % 1000) - 500.0f;
  const ThreadPool pool = make_thread_pool(in(1, 2));

  xnn_operator_t op = nullptr;
  check(xnn_create_max_pooling2d_cnhw_f32(padding, padding, kernel, kernel, stride, stride, &op), "create");
  const Operator owned(op);
  size_t workspace_size, alignment, out_h, out_w;
  check(xnn_reshape_max_pooling2d_cnhw_f32(op, 1, planes, height, width, &workspace_size, &alignment, &out_h, &out_w,
                                           pool.get()), "reshape");
  std::vector<float> workspace(workspace_size / sizeof(float)), output(planes * out_h * out_w);
  check(xnn_setup_max_pooling2d_cnhw_f32(op, workspace.data(), input.data(), output.data()), "setup");
  check(xnn_run_operator(op, pool.get()), "run");

  for (size_t p = 0; p < planes; p++) {
    for (size_t y = 0; y < out_h; y++) {
      for (size_t x = 0; x < out_w; x++) {
        float expected = -INFINITY;
        for (size_t i = 0; i < kernel; i++) {
          for (size_t j = 0; j < kernel; j++) {
            const size_t row = y * stride + i - padding, column = x * stride + j - padding;
            if (row < height && column < width) expected = std::max(expected, input[(p * height + row) * width + column]);
          }
        }
        ASSERT_EQ(output[(p * out_h + y) * out_w + x], expected) << p << "," << y << "," << x;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomPooling, testing::Range(1u, 41u),
                         [](const auto& info) { return "seed" + std::to_string(info.param); });

TEST(GlobalAverage, TransposesAndAverages) {
  initialize_xnnpack();
  const size_t batch = 3, channels = 7, plane = 49;
  std::vector<float> input(batch * channels * plane), output(batch * channels);
  std::mt19937 g(1);
  for (float& v : input) v = static_cast<float>(g() >> 8) / 8388608.0f - 1.0f;
  xnn_operator_t op = nullptr;
  check(xnn_create_global_average_pooling_cnhw_f32(&op), "create");
  const Operator owned(op);
  check(xnn_reshape_global_average_pooling_cnhw_f32(op, batch, channels, plane), "reshape");
  check(xnn_setup_global_average_pooling_cnhw_f32(op, input.data(), output.data()), "setup");
  check(xnn_run_operator(op, nullptr), "run");
  for (size_t n = 0; n < batch; n++) {
    for (size_t c = 0; c < channels; c++) {
      double sum = 0;
      for (size_t i = 0; i < plane; i++) sum += input[(c * batch + n) * plane + i];
      EXPECT_NEAR(output[n * channels + c], sum / plane, 1e-6) << n << "," << c;
    }
  }
}

}  // namespace
}  // namespace colonnade
