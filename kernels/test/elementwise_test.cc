// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Operators that compute elements from elements, and those that move them, against their definitions in float64.
#include <algorithm>
#include <cmath>
#include <functional>
#include <random>

#include <gtest/gtest.h>

#include "colonnade/plane-operators.h"
#include "datatype.h"
#include "guarded_buffer.h"
#include "planes.h"
#include "xnn.h"

namespace colonnade {
namespace {

// A tensor in planes with gaps of its own, between guard pages.
struct Tensor {
  Tensor(const Datatype& datatype, size_t batch, size_t channels, size_t height, size_t width, std::mt19937& g)
      : planes(lay_out(batch, channels, height, width, g)), buffer(planes.size * datatype.element_bytes, g() % 2 ? GuardedAt::kBegin : GuardedAt::kEnd, datatype.element_bytes), elements(datatype) {}

  static xnn_colnm_planes lay_out(size_t batch, size_t channels, size_t height, size_t width, std::mt19937& g) {
    xnn_colnm_planes planes;
    const size_t rows = g() % 3, columns = g() % 3;
    xnn_colnm_planes_init(&planes, batch, channels, height, width, 1, rows, columns);
    return planes;
  }

  size_t size() const { return planes.batch * planes.channels * planes.height * planes.width; }

  // Random numbers of the datatype, NCHW.
  std::vector<float> fill(float range, std::mt19937& g) {
    std::vector<float> values(size());
    for (float& value : values) value = elements.round((static_cast<float>(g() >> 8) / 8388608.0f - 1.0f) * range);
    elements.to_planes(values.data(), planes, buffer.data());
    return values;
  }

  // What is in it; afterwards it is empty. Gaps that are not zero fail the test.
  std::vector<float> take() {
    std::vector<float> values(size());
    elements.from_planes(planes, buffer.data(), values.data());
    const std::vector<float> zeros(values.size());
    elements.to_planes(zeros.data(), planes, buffer.data());
    for (size_t i = 0; i < buffer.size(); i++) EXPECT_EQ(buffer[i], 0) << "a gap was written, byte " << i;
    return values;
  }

  xnn_plane_tensor tensor() { return {planes, buffer.data()}; }

  xnn_colnm_planes planes;
  GuardedBuffer<char> buffer;
  const Datatype& elements;
};

void run(xnn_operator_t op) {
  const Operator owned(op);
  check(xnn_run_operator(op, nullptr), "run");
}

class RandomElements : public testing::TestWithParam<uint32_t> {
 protected:
  void SetUp() override { initialize_xnnpack(); }

  size_t in(size_t low, size_t high) { return low + generator() % (high - low + 1); }
  Tensor tensor(size_t n, size_t c, size_t h, size_t w) { return Tensor(elements, n, c, h, w, generator); }
  // Of a number that was rounded to the datatype, after a computation in f32.
  double tolerance(double expected, double magnitude) const {
    return std::abs(expected) * elements.relative_error + elements.least_error + magnitude * 0x1p-20;
  }

  std::mt19937 generator{GetParam()};
  const Datatype& elements = datatypes()[GetParam() % datatypes().size()];
  const size_t n = in(1, 3), c = in(1, 5), h = in(1, 9), w = in(1, 40);
};

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

double softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }

// Half of x times one and a tanh, without what they cancel.
double gelu_by_tanh(double x) { return x * sigmoid(2 * std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)); }

TEST_P(RandomElements, FunctionsMatchFloat64) {
  const xnn_elementwise_params p = {0.3f, -0.2f, 0.1f, -1.5f, 2.0f};
  const auto clamp = [](double x, double least, double most) { return std::min(std::max(x, least), most); };
  const std::vector<std::pair<xnn_elementwise_function, std::function<double(double)>>> functions = {
      {xnn_elementwise_affine, [&](double x) { return clamp(x * p.scale + p.shift, p.min, p.max); }},
      {xnn_elementwise_hard_swish, [&](double x) { return x * clamp(x * p.scale + p.shift, 0, 1); }},
      {xnn_elementwise_leaky_relu, [&](double x) { return x < 0 ? x * p.slope : x; }},
      {xnn_elementwise_sigmoid, sigmoid},
      {xnn_elementwise_silu, [](double x) { return x * sigmoid(x); }},
      {xnn_elementwise_tanh, [](double x) { return std::tanh(x); }},
      {xnn_elementwise_gelu, [](double x) { return x * std::erfc(-x * M_SQRT1_2) / 2; }},
      {xnn_elementwise_gelu_tanh, gelu_by_tanh},
      {xnn_elementwise_mish, [](double x) { return x * std::tanh(softplus(x)); }},
      {xnn_elementwise_elu, [&](double x) { return x < 0 ? p.slope * std::expm1(x) : x; }},
      {xnn_elementwise_softplus, softplus},
      {xnn_elementwise_erf, [](double x) { return std::erf(x); }},
      {xnn_elementwise_exp, [](double x) { return std::exp(x); }},
      {xnn_elementwise_abs, [](double x) { return std::abs(x); }},
  };
  for (const float range : {1e-3f, 3.0f, 100.0f}) {
    Tensor a = tensor(n, c, h, w), output = tensor(n, c, h, w);
    const std::vector<float> values = a.fill(range, generator);
    for (const auto& [function, expected] : functions) {
      xnn_elementwise what = {};
      what.function = function;
      what.datatype = elements.xnnpack;
      what.params = p;
      what.a = a.tensor();
      what.output = output.tensor();
      xnn_operator_t op = nullptr;
      check(xnn_create_elementwise_cnhw(&what, &op), "create");
      run(op);
      const std::vector<float> actual = output.take();
      for (size_t i = 0; i < actual.size(); i++) {
        const double right = expected(values[i]);
        // Nothing of it cancels, but in those that add: a product is rounded before the sum where there is no FMA. That of
        // hard-swish is at most 1 more than what is added, where the sum is not clamped; elsewhere its error does not matter.
        const double term = std::abs(values[i]);
        const double product = std::min(term * std::abs(p.scale), 1.0 + std::abs(p.shift));
        // Those of a square or a cube of x are as exact as that in the exponent.
        const double exponent = std::abs(right) * (1 + term * term * (function == xnn_elementwise_gelu_tanh ? 1 + term * 0.1 : 1));
        const double magnitude = function == xnn_elementwise_affine       ? term + 1
                                 : function == xnn_elementwise_hard_swish ? std::abs(right) + term * (product + std::abs(p.shift))
                                 : function == xnn_elementwise_gelu || function == xnn_elementwise_gelu_tanh
                                     ? exponent + 0x1p-60
                                     : std::abs(right) + 0x1p-60;
        if (std::isinf(elements.round(static_cast<float>(right)))) {
          ASSERT_EQ(actual[i], INFINITY) << "function " << function << " of " << values[i];
          continue;
        }
        ASSERT_NEAR(actual[i], right, tolerance(right, magnitude)) << "function " << function << " of " << values[i];
      }
    }
  }
}

TEST_P(RandomElements, TwoOperandsMatchFloat64) {
  const std::vector<std::function<double(double, double)>> functions = {
      [](double x, double y) { return x + y; }, [](double x, double y) { return x - y; }, [](double x, double y) { return x * y; },
      [](double x, double y) { return std::max(x, y); }, [](double x, double y) { return std::min(x, y); }};
  Tensor a = tensor(n, c, h, w), b = tensor(n, c, h, w), one = tensor(n, c, 1, 1), output = tensor(n, c, h, w);
  const std::vector<float> x = a.fill(4, generator), y = b.fill(4, generator), numbers = one.fill(4, generator);
  for (size_t i = 0; i < functions.size(); i++) {
    for (const bool has_number : {false, true}) {
      for (const bool first : {false, true}) {
        xnn_elementwise what = {};
        what.function = static_cast<xnn_elementwise_function>(xnn_elementwise_add + i);
        what.datatype = elements.xnnpack;
        what.params.min = in(0, 1) ? 0.0f : -INFINITY;
        what.params.max = in(0, 1) ? 6.0f : INFINITY;
        what.a = a.tensor();
        what.output = output.tensor();
        if (has_number) {
          what.numbers = {one.buffer.data() + one.planes.origin * elements.element_bytes, elements.xnnpack, one.planes.channel_stride, one.planes.image_stride};
          what.number_first = first;
        } else {
          what.b = b.tensor();
        }
        xnn_operator_t op = nullptr;
        check(xnn_create_elementwise_cnhw(&what, &op), "create");
        run(op);
        const std::vector<float> actual = output.take();
        for (size_t k = 0; k < actual.size(); k++) {
          const double other = has_number ? numbers[k / (h * w)] : y[k];
          const bool swapped = has_number && first;
          const double exact = functions[i](swapped ? other : x[k], swapped ? x[k] : other);
          const double right = std::min(std::max(exact, static_cast<double>(what.params.min)), static_cast<double>(what.params.max));
          ASSERT_NEAR(actual[k], right, tolerance(right, 8)) << "function " << i << ", number " << has_number << ", first " << first;
        }
      }
    }
  }
}

TEST_P(RandomElements, CopiesPutEveryElementInItsPlace) {
  const size_t top = in(0, 3), left = in(0, 3), bottom = in(0, 3), right = in(0, 3);
  Tensor a = tensor(n, c, h, w), output = tensor(n, c, h + top + bottom, w + left + right);
  const std::vector<float> values = a.fill(9, generator);
  std::vector<uint32_t> channels(c);
  for (uint32_t& channel : channels) channel = static_cast<uint32_t>(in(0, c - 1));
  xnn_plane_copy what = {elements.xnnpack, false, a.tensor(), output.tensor(), channels.data(), top, left, 0.5f, nullptr, nullptr};
  xnn_operator_t op = nullptr;
  check(xnn_create_plane_copy_cnhw(&what, &op), "create");
  run(op);
  const std::vector<float> actual = output.take();
  size_t i = 0;
  for (size_t image = 0; image < n; image++) {
    for (size_t channel = 0; channel < c; channel++) {
      for (size_t y = 0; y < h + top + bottom; y++) {
        for (size_t x = 0; x < w + left + right; x++, i++) {
          const bool inside = y - top < h && x - left < w;
          ASSERT_EQ(actual[i], inside ? values[((image * c + channels[channel]) * h + y - top) * w + x - left] : 0.5f);
        }
      }
    }
  }
  what.output.planes.height--;
  what.top = bottom + top;
  EXPECT_EQ(xnn_create_plane_copy_cnhw(&what, &op), xnn_status_invalid_parameter);
}

TEST_P(RandomElements, CopiesMayHaveABorderOfTheirOwnElements) {
  const size_t top = in(0, 3), left = in(0, 3), bottom = in(0, 3), right = in(0, 3);
  Tensor a = tensor(n, c, h, w), output = tensor(n, c, h + top + bottom, w + left + right);
  const std::vector<float> values = a.fill(10, generator);
  // Those of the input's place are not read.
  std::vector<uint32_t> rows(h + top + bottom, UINT32_MAX), columns(w + left + right, UINT32_MAX);
  const auto draw = [this](std::vector<uint32_t>& of, size_t begin, size_t size) {
    for (size_t i = 0; i < of.size(); i++) {
      if (i < begin || i >= begin + size) of[i] = static_cast<uint32_t>(in(0, size - 1));
    }
  };
  draw(rows, top, h);
  draw(columns, left, w);
  xnn_plane_copy what = {elements.xnnpack, false, a.tensor(), output.tensor(), nullptr, top, left, 0.5f, rows.data(), columns.data()};
  xnn_operator_t op = nullptr;
  check(xnn_create_plane_copy_cnhw(&what, &op), "create");
  run(op);
  const std::vector<float> actual = output.take();
  size_t i = 0;
  for (size_t plane = 0; plane < n * c; plane++) {
    for (size_t y = 0; y < rows.size(); y++) {
      for (size_t x = 0; x < columns.size(); x++, i++) {
        const size_t row = y - top < h ? y - top : rows[y], column = x - left < w ? x - left : columns[x];
        ASSERT_EQ(actual[i], values[(plane * h + row) * w + column]) << "row " << y << ", column " << x;
      }
    }
  }
  what.columns = nullptr;
  EXPECT_EQ(xnn_create_plane_copy_cnhw(&what, &op), xnn_status_invalid_parameter);
  if (top > 0) {
    what.columns = columns.data();
    rows[0] = static_cast<uint32_t>(h);
    EXPECT_EQ(xnn_create_plane_copy_cnhw(&what, &op), xnn_status_invalid_parameter);
  }
}

TEST_P(RandomElements, ResizingInterpolates) {
  const size_t out_h = in(1, 15), out_w = in(1, 60);
  Tensor a = tensor(n, c, h, w), output = tensor(n, c, out_h, out_w);
  const std::vector<float> values = a.fill(1, generator);
  struct Samples {
    std::vector<uint32_t> first, step;
    std::vector<float> weight;

    xnn_plane_samples get() const { return {first.data(), step.data(), weight.data()}; }
  };
  const auto draw = [&](size_t count, size_t size) {
    Samples samples;
    for (size_t i = 0; i < count; i++) {
      samples.first.push_back(static_cast<uint32_t>(in(0, size - 1)));
      samples.step.push_back(samples.first[i] + 1 < size ? 1 : 0);
      samples.weight.push_back(static_cast<float>(in(0, 8)) / 8);
    }
    return samples;
  };
  Samples rows = draw(out_h, h);
  const Samples columns = draw(out_w, w);
  xnn_plane_resize what = {elements.xnnpack, a.tensor(), output.tensor(), rows.get(), columns.get()};
  xnn_operator_t op = nullptr;
  check(xnn_create_plane_resize_cnhw(&what, &op), "create");
  run(op);
  const std::vector<float> actual = output.take();
  for (size_t i = 0; i < actual.size(); i++) {
    const size_t row = i / out_w % out_h, column = i % out_w;
    const float* plane = values.data() + i / (out_h * out_w) * h * w;
    const auto at = [&](size_t y) {
      const float* first = plane + y * w + columns.first[column];
      return first[0] * (1.0 - columns.weight[column]) + first[columns.step[column]] * double{columns.weight[column]};
    };
    const double right = at(rows.first[row]) * (1.0 - rows.weight[row]) + at(rows.first[row] + rows.step[row]) * double{rows.weight[row]};
    ASSERT_NEAR(actual[i], right, tolerance(right, 1)) << i;
  }
  rows.first[0] = static_cast<uint32_t>(h);
  EXPECT_EQ(xnn_create_plane_resize_cnhw(&what, &op), xnn_status_invalid_parameter);
}

TEST_P(RandomElements, NormalizationMatchesFloat64) {
  const size_t size = in(1, 6);
  const float alpha = static_cast<float>(in(1, 20)) / 10, beta = static_cast<float>(in(1, 8)) / 4, k = static_cast<float>(in(1, 4));
  Tensor a = tensor(n, c, h, w), output = tensor(n, c, h, w);
  const std::vector<float> values = a.fill(3, generator);
  const xnn_plane_normalization what = {elements.xnnpack, a.tensor(), output.tensor(), size, alpha, beta, k};
  xnn_operator_t op = nullptr;
  check(xnn_create_local_response_normalization_cnhw(&what, &op), "create");
  run(op);
  const std::vector<float> actual = output.take();
  const size_t plane = h * w;
  for (size_t i = 0; i < actual.size(); i++) {
    const size_t image = i / plane / c, channel = i / plane % c;
    double sum = 0;
    for (size_t other = 0; other < c; other++) {
      const bool counts = other + size / 2 >= channel && other <= channel + (size - 1) / 2;
      const double value = values[(image * c + other) * plane + i % plane];
      if (counts) sum += value * value;
    }
    const double right = values[i] / std::pow(k + double{alpha} / static_cast<double>(size) * sum, double{beta});
    ASSERT_NEAR(actual[i], right, tolerance(right, std::abs(right) * 4)) << i;
  }
}

TEST_P(RandomElements, GroupNormalizationMatchesFloat64) {
  const bool per_pixel = in(0, 1);
  const size_t groups = per_pixel ? 1 : in(1, 3), of_group = in(1, 40), channels = groups * of_group, wide = in(1, 70);
  const float epsilon = in(0, 1) ? 1e-5f : 0.5f, offset = in(0, 1) ? 0.0f : 30.0f;
  Tensor a = tensor(n, channels, h, wide), output = tensor(n, channels, h, wide);
  std::vector<float> values = a.fill(3, generator);
  for (float& value : values) value = elements.round(value + offset);
  elements.to_planes(values.data(), a.planes, a.buffer.data());
  std::vector<float> scale(channels), shift(channels);
  for (size_t c = 0; c < channels; c++) {
    scale[c] = static_cast<float>(in(0, 40)) / 20 - 1;
    shift[c] = static_cast<float>(in(0, 40)) / 20 - 1;
  }
  xnn_group_normalization what = {elements.xnnpack, a.tensor(), output.tensor(), groups, per_pixel, scale.data(), shift.data(), epsilon};
  xnn_operator_t op = nullptr;
  check(xnn_create_group_normalization_cnhw(&what, &op), "create");
  run(op);
  const std::vector<float> actual = output.take();
  const size_t plane = h * wide;
  const auto value = [&](size_t image, size_t c, size_t pixel) { return double{values[(image * channels + c) * plane + pixel]}; };
  // Of each group of an image, or of each pixel.
  const size_t parts = per_pixel ? plane : 1, pixels = plane / parts;
  std::vector<double> means(n * groups * parts), inverses(means.size());
  for (size_t part = 0; part < means.size(); part++) {
    const size_t image = part / parts / groups, first = part / parts % groups * of_group, begin = part % parts * pixels;
    const double count = static_cast<double>(of_group * pixels);
    double variance = 0;
    for (size_t c = first; c < first + of_group; c++) {
      for (size_t pixel = begin; pixel < begin + pixels; pixel++) means[part] += value(image, c, pixel) / count;
    }
    for (size_t c = first; c < first + of_group; c++) {
      for (size_t pixel = begin; pixel < begin + pixels; pixel++) variance += std::pow(value(image, c, pixel) - means[part], 2) / count;
    }
    inverses[part] = 1 / std::sqrt(variance + double{epsilon});
  }
  for (size_t i = 0; i < actual.size(); i++) {
    const size_t image = i / plane / channels, c = i / plane % channels;
    const size_t part = (image * groups + c / of_group) * parts + (per_pixel ? i % plane : 0);
    const double mean = means[part], inverse = inverses[part];
    const double right = (values[i] - mean) * inverse * scale[c] + shift[c];
    // What cancels is as large as the value and the mean are, times what they are scaled by.
    const double magnitude = 1 + (std::abs(values[i]) + std::abs(mean)) * inverse;
    ASSERT_NEAR(actual[i], right, tolerance(right, magnitude)) << i << ", per pixel " << per_pixel;
  }
  what.groups = channels + 1;
  EXPECT_EQ(xnn_create_group_normalization_cnhw(&what, &op), xnn_status_invalid_parameter);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomElements, testing::Range(1u, 25u),
                         [](const auto& info) { return "seed" + std::to_string(info.param); });

TEST(Elements, OperandsOfOtherShapesAreRefused) {
  initialize_xnnpack();
  std::mt19937 g(1);
  Tensor a(f32(), 1, 2, 3, 4, g), other(f32(), 1, 2, 3, 5, g), output(f32(), 1, 2, 3, 4, g);
  xnn_elementwise what = {};
  what.function = xnn_elementwise_add;
  what.datatype = xnn_datatype_fp32;
  what.a = a.tensor();
  what.output = output.tensor();
  xnn_operator_t op = nullptr;
  EXPECT_EQ(xnn_create_elementwise_cnhw(&what, &op), xnn_status_invalid_parameter) << "one operand";
  what.b = other.tensor();
  EXPECT_EQ(xnn_create_elementwise_cnhw(&what, &op), xnn_status_invalid_parameter) << "another shape";
  what.b = a.tensor();
  what.datatype = xnn_datatype_qint8;
  EXPECT_EQ(xnn_create_elementwise_cnhw(&what, &op), xnn_status_unsupported_parameter);
  EXPECT_EQ(op, nullptr);
}

}  // namespace
}  // namespace colonnade
