// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

#include "conv_case.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <stdexcept>

namespace colonnade {

ConvCase ConvCase::random(const ConvShape& shape, size_t tile, Keep keep, uint32_t seed,
                          xnn_colnm_arithmetic arithmetic) {
  const Datatype& elements = find_arithmetic(arithmetic).elements;
  std::mt19937 generator(seed);
  const auto fill = [&](std::vector<float>& vector, size_t size) {
    vector.resize(size);
    for (float& value : vector) {
      value = static_cast<float>(generator() >> 8) / 8388608.0f - 1.0f;
      value = elements.round(value);
    }
  };
  ConvCase c;
  c.shape = shape;
  c.tile = tile;
  c.arithmetic = arithmetic;
  c.output_min = -INFINITY;
  c.output_max = INFINITY;
  const size_t k_size = shape.reduction();
  std::vector<uint32_t> order(std::min(keep.m, k_size));
  for (size_t channel = 0; channel < shape.out_channels; channel += tile) {
    for (size_t begin = 0; begin < k_size; begin += keep.m) {
      const size_t size = std::min(keep.m, k_size - begin), kept = keep.of(size);
      std::iota(order.data(), order.data() + size, static_cast<uint32_t>(begin));
      for (size_t i = 0; i < kept; i++) std::swap(order[i], order[i + generator() % (size - i)]);
      std::sort(order.data(), order.data() + kept);
      c.columns.insert(c.columns.end(), order.data(), order.data() + kept);
    }
  }
  c.kept = keep.of(k_size);
  fill(c.values, shape.out_channels * c.kept);
  fill(c.bias, shape.out_channels);
  fill(c.input, shape.batch * shape.in_channels * shape.height * shape.width);
  if (shape.residual) fill(c.residual, shape.positions() * shape.out_channels);
  return c;
}

std::vector<float> ConvCase::dense_weights() const {
  const size_t k_size = shape.reduction();
  std::vector<float> dense(shape.out_channels * k_size);
  const float* value = values.data();
  const uint32_t* column = columns.data();
  for (size_t channel = 0; channel < shape.out_channels; channel += tile, column += kept) {
    const size_t rows = std::min(tile, shape.out_channels - channel);
    for (size_t k = 0; k < kept; k++) {
      for (size_t row = 0; row < rows; row++) dense[(channel + row) * k_size + column[k]] = *value++;
    }
  }
  return dense;
}

std::vector<double> ConvCase::reference() const {
  const size_t out_h = shape.out_height(), out_w = shape.out_width(), k_size = shape.reduction();
  const std::vector<float> weights = dense_weights();
  std::vector<double> output(shape.batch * shape.out_channels * out_h * out_w);
  // im2col once, in double, by the definition of convolution.
  std::vector<double> patch(k_size);
  const size_t group_channels = shape.in_channels / shape.groups, group_outputs = shape.out_channels / shape.groups;
  for (size_t i = 0; i < shape.batch * shape.groups; i++) {
    const size_t n = i / shape.groups, group = i % shape.groups;
    for (size_t y = 0; y < out_h; y++) {
      for (size_t x = 0; x < out_w; x++) {
        size_t k = 0;
        for (size_t kh = 0; kh < shape.kernel[0]; kh++) {
          for (size_t kw = 0; kw < shape.kernel[1]; kw++) {
            const size_t in_y = y * shape.stride[0] + kh * shape.dilation[0] - shape.padding[0];
            const size_t in_x = x * shape.stride[1] + kw * shape.dilation[1] - shape.padding[1];
            for (size_t c = 0; c < group_channels; c++, k++) {
              const bool inside = in_y < shape.height && in_x < shape.width;
              const size_t channel = group * group_channels + c;
              patch[k] = inside ? input[((n * shape.in_channels + channel) * shape.height + in_y) * shape.width + in_x] : 0.0;
            }
          }
        }
        for (size_t o = group * group_outputs; o < (group + 1) * group_outputs; o++) {
          const float* row = weights.data() + o * k_size;
          double sum = bias[o];
          for (k = 0; k < k_size; k++) sum += row[k] * patch[k];
          const size_t index = ((n * shape.out_channels + o) * out_h + y) * out_w + x;
          if (!residual.empty()) sum += residual[index];
          output[index] = std::clamp(sum, static_cast<double>(output_min), static_cast<double>(output_max));
        }
      }
    }
  }
  return output;
}

double ConvCase::max_abs_error(const std::vector<float>& output) const {
  const std::vector<double> expected = reference();
  double error = 0;
  for (size_t i = 0; i < output.size(); i++) {
    // A NaN is no larger than any error.
    if (!std::isfinite(output[i])) throw std::runtime_error(shape.str() + ": output " + std::to_string(i) + ": " + std::to_string(output[i]) + "; allowed: finite numbers");
    error = std::max(error, std::abs(static_cast<double>(output[i]) - expected[i]));
  }
  return error;
}

std::vector<double> ConvCase::magnitudes() const {
  ConvCase c = *this;
  for (std::vector<float>* vector : {&c.values, &c.bias, &c.input, &c.residual}) {
    for (float& value : *vector) value = std::abs(value);
  }
  c.output_max = INFINITY;
  return c.reference();
}

xnn_colnm_convolution2d ConvCase::descriptor() const {
  xnn_colnm_convolution2d d = shape.geometry();
  d.arithmetic = arithmetic;
  d.tile = tile;
  d.kept = kept;
  d.columns = kept == shape.reduction() ? nullptr : columns.data();
  d.values = values.data();
  d.bias = bias.data();
  d.output_min = output_min;
  d.output_max = output_max;
  return d;
}

ConvLayouts best_layouts(const ConvCase& conv, xnn_colnm_algorithm algorithm) {
  const ConvShape& s = conv.shape;
  const xnn_colnm_convolution2d descriptor = conv.descriptor();
  const bool direct = algorithm == xnn_colnm_direct;
  const xnn_colnm_gaps gaps = direct ? xnn_colnm_input_gaps(&descriptor, s.height, s.width) : xnn_colnm_gaps{0, 0};
  ConvLayouts layouts;
  xnn_colnm_planes_init(&layouts.input, s.batch, s.in_channels, s.height, s.width, direct ? s.stride[0] : 1, gaps.rows, gaps.columns);
  const size_t column_gap = direct ? layouts.input.row_stride - s.out_width() : 0;
  xnn_colnm_planes_init(&layouts.output, s.batch, s.out_channels, s.out_height(), s.out_width(), 1, gaps.rows, column_gap);
  return layouts;
}

}  // namespace colonnade
