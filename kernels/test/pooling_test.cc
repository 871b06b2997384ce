// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// The pooling operators, and the copy of an input to planes, against their definitions.
#include <algorithm>
#include <cmath>
#include <random>

#include <gtest/gtest.h>

#include "colonnade/operators.h"
#include "guarded_buffer.h"
#include "planes.h"
#include "xnn.h"

namespace colonnade {
namespace {

class RandomPooling : public testing::TestWithParam<uint32_t> {};

template <typename T>
constexpr xnn_datatype kDatatype = sizeof(T) == sizeof(float) ? xnn_datatype_fp32 : xnn_datatype_fp16;

// Values are whole numbers that both datatypes have.
template <typename T>
void test_max_pooling(uint32_t seed) {
  initialize_xnnpack();
  std::mt19937 g(seed);
  const auto in = [&](uint32_t low, uint32_t high) { return low + static_cast<uint32_t>(g() % (high - low + 1)); };
  const uint32_t kernel = in(1, 4), stride = in(1, 3), padding = in(0, kernel - 1);
  const size_t planes = in(1, 5), height = in(4, 20), width = in(4, 150);
  std::vector<float> nchw(planes * height * width);
  for (float& v : nchw) v = static_cast<float>(g() % 1000) - 500.0f;
  const ThreadPool pool = make_thread_pool(in(1, 2));
  const size_t out_h = (height + 2 * padding - kernel) / stride + 1, out_w = (width + 2 * padding - kernel) / stride + 1;
  xnn_colnm_planes in_planes, out_planes;
  xnn_colnm_planes_init(&in_planes, 1, planes, height, width, in(0, 1) ? stride : 1, in(0, 2), in(0, 2));
  xnn_colnm_planes_init(&out_planes, 1, planes, out_h, out_w, 1, in(0, 2), in(0, 2));

  xnn_operator_t op = nullptr;
  check(xnn_create_max_pooling2d_cnhw(kDatatype<T>, padding, padding, kernel, kernel, stride, stride, &op), "create");
  const Operator owned(op);
  check(xnn_reshape_max_pooling2d_cnhw(op, &in_planes, &out_planes), "reshape");
  const auto at = seed % 2 ? GuardedAt::kBegin : GuardedAt::kEnd;
  GuardedBuffer<T> input(in_planes.size, at), pooled(out_planes.size, at);
  nchw_to_planes(nchw.data(), in_planes, input.data());
  check(xnn_setup_max_pooling2d_cnhw(op, input.data(), pooled.data()), "setup");
  check(xnn_run_operator(op, pool.get()), "run");
  std::vector<float> output(planes * out_h * out_w);
  planes_to_nchw(out_planes, pooled.data(), output.data());

  for (size_t p = 0; p < planes; p++) {
    for (size_t y = 0; y < out_h; y++) {
      for (size_t x = 0; x < out_w; x++) {
        float expected = -INFINITY;
        for (size_t i = 0; i < kernel; i++) {
          for (size_t j = 0; j < kernel; j++) {
            const size_t row = y * stride + i - padding, column = x * stride + j - padding;
            if (row < height && column < width) expected = std::max(expected, nchw[(p * height + row) * width + column]);
          }
        }
        ASSERT_EQ(output[(p * out_h + y) * out_w + x], expected) << p << "," << y << "," << x;
      }
    }
  }
}

TEST_P(RandomPooling, MaxMatchesDefinition) {
  if (GetParam() % 4 < 2) {
    test_max_pooling<float>(GetParam());
  } else {
    test_max_pooling<_Float16>(GetParam());
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomPooling, testing::Range(1u, 41u),
                         [](const auto& info) { return "seed" + std::to_string(info.param); });

template <typename T>
class Elements : public testing::Test {};
using Datatypes = testing::Types<float, _Float16>;
TYPED_TEST_SUITE(Elements, Datatypes);

TYPED_TEST(Elements, AverageTransposesAndAverages) {
  initialize_xnnpack();
  const size_t batch = 3, channels = 7, plane = 49;
  xnn_colnm_planes planes;
  xnn_colnm_planes_init(&planes, batch, channels, 7, 7, 1, 1, 1);
  std::vector<float> nchw(batch * channels * plane), output(batch * channels);
  std::vector<TypeParam> input(planes.size);
  std::mt19937 g(1);
  for (float& v : nchw) v = static_cast<float>(static_cast<TypeParam>(static_cast<float>(g() >> 8) / 8388608.0f - 1.0f));
  nchw_to_planes(nchw.data(), planes, input.data());
  xnn_operator_t op = nullptr;
  check(xnn_create_global_average_pooling_cnhw(kDatatype<TypeParam>, &op), "create");
  const Operator owned(op);
  check(xnn_reshape_global_average_pooling_cnhw(op, &planes), "reshape");
  check(xnn_setup_global_average_pooling_cnhw(op, input.data(), output.data()), "setup");
  check(xnn_run_operator(op, nullptr), "run");
  for (size_t i = 0; i < batch * channels; i++) {
    double sum = 0;
    for (size_t p = 0; p < plane; p++) sum += nchw[i * plane + p];
    EXPECT_NEAR(output[i], sum / plane, 1e-6) << "plane " << i;
  }
}

TYPED_TEST(Elements, EveryOneIsCopiedToPlanes) {
  initialize_xnnpack();
  const size_t batch = 2, channels = 3, height = 11, width = 37;
  for (const auto layout : {xnn_colnm_nchw, xnn_colnm_nhwc}) {
    for (const uint32_t phases : {1u, 2u, 3u}) {
      xnn_colnm_planes planes;
      xnn_colnm_planes_init(&planes, batch, channels, height, width, phases, 2, 3);
      std::vector<float> expected(batch * channels * height * width), image(expected.size());
      const size_t plane = height * width;
      for (size_t i = 0; i < image.size(); i++) {
        // Some that f16 rounds.
        const float value = static_cast<float>(i + 1) / 3;
        expected[i] = static_cast<float>(static_cast<TypeParam>(value));
        const size_t n = i / plane / channels, c = i / plane % channels, p = i % plane;
        image[layout == xnn_colnm_nchw ? i : (n * plane + p) * channels + c] = value;
      }
      GuardedBuffer<TypeParam> buffer(planes.size, GuardedAt::kEnd);
      xnn_operator_t op = nullptr;
      check(xnn_create_copy_to_planes(kDatatype<TypeParam>, &op), "create");
      const Operator owned(op);
      check(xnn_reshape_copy_to_planes(op, &planes, layout), "reshape");
      check(xnn_setup_copy_to_planes(op, image.data(), buffer.data()), "setup");
      check(xnn_run_operator(op, nullptr), "run");
      std::vector<float> back(expected.size());
      planes_to_nchw(planes, buffer.data(), back.data());
      EXPECT_EQ(back, expected) << phases << " phases, layout " << layout;
      const auto written = static_cast<size_t>(std::count_if(buffer.begin(), buffer.end(), [](TypeParam v) { return v != 0; }));
      EXPECT_EQ(written, expected.size()) << "a gap was written";
    }
  }
}

TEST(ElementsOfPlanes, OtherDatatypesAreRefused) {
  initialize_xnnpack();
  xnn_operator_t op = nullptr;
  EXPECT_EQ(xnn_create_max_pooling2d_cnhw(xnn_datatype_qint8, 0, 0, 2, 2, 2, 2, &op), xnn_status_unsupported_parameter);
  EXPECT_EQ(xnn_create_global_average_pooling_cnhw(xnn_datatype_qint8, &op), xnn_status_unsupported_parameter);
  EXPECT_EQ(xnn_create_copy_to_planes(xnn_datatype_qint8, &op), xnn_status_unsupported_parameter);
  EXPECT_EQ(op, nullptr);
}

}  // namespace
}  // namespace colonnade
