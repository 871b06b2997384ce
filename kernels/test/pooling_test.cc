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

// Values are whole numbers that both datatypes have; of averages, f16 rounds what comes out.
template <typename T>
void test_pooling(uint32_t seed, bool is_average) {
  initialize_xnnpack();
  std::mt19937 g(seed);
  const auto in = [&](uint32_t low, uint32_t high) { return low + static_cast<uint32_t>(g() % (high - low + 1)); };
  xnn_pooling2d w = {};
  w.pooling_height = in(1, 4), w.pooling_width = in(1, 4);
  w.stride_height = in(1, 3), w.stride_width = in(0, 1) ? w.stride_height : in(1, 3);
  w.dilation_height = is_average ? 1 : in(1, 2), w.dilation_width = is_average ? 1 : in(1, 2);
  const uint32_t reach_y = (w.pooling_height - 1) * w.dilation_height + 1, reach_x = (w.pooling_width - 1) * w.dilation_width + 1;
  w.padding_top = in(0, reach_y - 1), w.padding_bottom = in(0, reach_y - 1);
  w.padding_left = in(0, reach_x - 1), w.padding_right = in(0, reach_x - 1);
  w.ceil_mode = in(0, 1), w.count_include_pad = is_average && in(0, 1);
  const size_t planes = in(1, 5), height = in(8, 20), width = in(8, 150);
  std::vector<float> nchw(planes * height * width);
  for (float& v : nchw) v = static_cast<float>(g() % 1000) - 500.0f;
  const ThreadPool pool = make_thread_pool(in(1, 2));
  const auto outputs = [&](size_t size, uint32_t before, uint32_t behind, uint32_t reach, uint32_t stride) {
    size_t count = (size + before + behind - reach) / stride + 1;
    // A last window that begins before the padding behind it.
    if (w.ceil_mode && (count - 1) * stride + reach < size + before + behind && count * stride < size + before) count++;
    return count;
  };
  const size_t out_h = outputs(height, w.padding_top, w.padding_bottom, reach_y, w.stride_height);
  const size_t out_w = outputs(width, w.padding_left, w.padding_right, reach_x, w.stride_width);
  xnn_colnm_planes in_planes, out_planes;
  const bool is_split = w.stride_height == w.stride_width && in(0, 1);
  xnn_colnm_planes_init(&in_planes, 1, planes, height, width, is_split ? w.stride_height : 1, in(0, 2), in(0, 2));
  xnn_colnm_planes_init(&out_planes, 1, planes, out_h, out_w, 1, in(0, 2), in(0, 2));

  xnn_operator_t op = nullptr;
  check((is_average ? xnn_create_average_pooling2d_cnhw : xnn_create_max_pooling2d_cnhw)(&w, kDatatype<T>, &op), "create");
  const Operator owned(op);
  check(xnn_reshape_pooling2d_cnhw(op, &in_planes, &out_planes), "reshape");
  const auto at = seed % 2 ? GuardedAt::kBegin : GuardedAt::kEnd;
  GuardedBuffer<T> input(in_planes.size, at), pooled(out_planes.size, at);
  nchw_to_planes(nchw.data(), in_planes, input.data());
  check(xnn_setup_pooling2d_cnhw(op, input.data(), pooled.data()), "setup");
  check(xnn_run_operator(op, pool.get()), "run");
  std::vector<float> output(planes * out_h * out_w);
  planes_to_nchw(out_planes, pooled.data(), output.data());

  for (size_t p = 0; p < planes; p++) {
    for (size_t y = 0; y < out_h; y++) {
      for (size_t x = 0; x < out_w; x++) {
        double largest = -INFINITY, sum = 0, count = 0;
        for (size_t i = 0; i < w.pooling_height; i++) {
          for (size_t j = 0; j < w.pooling_width; j++) {
            const size_t padded_row = y * w.stride_height + i * w.dilation_height, padded_column = x * w.stride_width + j * w.dilation_width;
            const size_t row = padded_row - w.padding_top, column = padded_column - w.padding_left;
            const bool inside = row < height && column < width;
            const bool in_padding = padded_row < height + w.padding_top + w.padding_bottom && padded_column < width + w.padding_left + w.padding_right;
            count += inside || (w.count_include_pad && in_padding);
            if (!inside) continue;
            const double value = nchw[(p * height + row) * width + column];
            largest = std::max(largest, value);
            sum += value;
          }
        }
        const double expected = is_average ? (count == 0 ? 0 : sum / count) : largest;
        const double actual = output[(p * out_h + y) * out_w + x];
        if (std::isinf(expected)) {
          ASSERT_EQ(actual, expected) << p << "," << y << "," << x;
        } else {
          ASSERT_NEAR(actual, expected, is_average ? 500 * (sizeof(T) == sizeof(float) ? 0x1p-22 : 0x1p-11) : 0) << p << "," << y << "," << x;
        }
      }
    }
  }
}

TEST_P(RandomPooling, MatchesDefinition) {
  const bool is_average = GetParam() % 8 < 4;
  if (GetParam() % 4 < 2) {
    test_pooling<float>(GetParam(), is_average);
  } else {
    test_pooling<_Float16>(GetParam(), is_average);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomPooling, testing::Range(1u, 161u),
                         [](const auto& info) { return "seed" + std::to_string(info.param); });

template <typename T>
class Elements : public testing::Test {};
using Datatypes = testing::Types<float, _Float16>;
TYPED_TEST_SUITE(Elements, Datatypes);

TYPED_TEST(Elements, GlobalPoolsTranspose) {
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
  check(xnn_reshape_global_pooling_cnhw(op, &planes), "reshape");
  check(xnn_setup_global_pooling_cnhw(op, input.data(), output.data()), "setup");
  check(xnn_run_operator(op, nullptr), "run");
  for (size_t i = 0; i < batch * channels; i++) {
    double sum = 0;
    for (size_t p = 0; p < plane; p++) sum += nchw[i * plane + p];
    EXPECT_NEAR(output[i], sum / plane, 1e-6) << "plane " << i;
  }
  xnn_operator_t max_op = nullptr;
  check(xnn_create_global_max_pooling_cnhw(kDatatype<TypeParam>, &max_op), "create");
  const Operator owned_max(max_op);
  check(xnn_reshape_global_pooling_cnhw(max_op, &planes), "reshape");
  check(xnn_setup_global_pooling_cnhw(max_op, input.data(), output.data()), "setup");
  check(xnn_run_operator(max_op, nullptr), "run");
  for (size_t i = 0; i < batch * channels; i++) {
    EXPECT_EQ(output[i], *std::max_element(&nchw[i * plane], &nchw[i * plane] + plane)) << "plane " << i;
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
  const xnn_pooling2d window = {0, 0, 0, 0, 2, 2, 2, 2, 1, 1, false, false};
  EXPECT_EQ(xnn_create_max_pooling2d_cnhw(&window, xnn_datatype_qint8, &op), xnn_status_unsupported_parameter);
  EXPECT_EQ(xnn_create_global_average_pooling_cnhw(xnn_datatype_qint8, &op), xnn_status_unsupported_parameter);
  EXPECT_EQ(xnn_create_copy_to_planes(xnn_datatype_qint8, &op), xnn_status_unsupported_parameter);
  EXPECT_EQ(op, nullptr);
}

}  // namespace
}  // namespace colonnade
