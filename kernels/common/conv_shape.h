// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// The shape of one convolution, and the string that names it in options, schedules and tables.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "colonnade/operators.h"
#include "size_limits.h"

namespace colonnade {

using Pair = std::array<uint32_t, 2>;  // height, width
using Padding = std::array<uint32_t, 4>;  // top, left, bottom, right

// The convolution named by a string such as n1c64h56w56-o64-k3x3-s1-p1-d1; -g32 behind it says that it has that many
// groups, an -r behind that adds a residual to the output. A stride, padding or dilation that differs in height and width has both: s1x2. A padding that differs before and
// behind has all four, of top, left, bottom and right: p0x0x1x1.
struct ConvShape {
  size_t batch, in_channels, height, width, out_channels;
  Pair kernel, stride;
  Padding padding;
  Pair dilation;
  size_t groups = 1;  // divides both channel counts
  bool residual = false;

  // Throws std::invalid_argument if `text` is not of that form, exceeds a limit of size_limits.h, or the kernel does not fit.
  static ConvShape parse(const std::string& text);
  std::string str() const;
  size_t out_height() const;
  size_t out_width() const;
  size_t positions() const { return batch * out_height() * out_width(); }
  size_t reduction() const { return size_t{kernel[0]} * kernel[1] * (in_channels / groups); }
  size_t macs() const { return positions() * out_channels * reduction(); }
  // 1x1, stride 1, no padding: each output reads the input at its own position.
  bool is_pointwise() const { return kernel == Pair{1, 1} && stride == Pair{1, 1} && padding == Padding{}; }
  // Whether every input channel is a group of its own.
  bool is_depthwise() const { return groups == in_channels && groups != 1; }
  // 3x3 of one group, stride and dilation 1: what Winograd's algorithm computes.
  bool has_winograd() const { return kernel == Pair{3, 3} && stride == Pair{1, 1} && dilation == Pair{1, 1} && groups == 1; }
  // The convolution of one group.
  ConvShape of_group() const;
  // Whether the weights of `other` would do: all but batch, height and width are equal.
  bool has_weights_of(const ConvShape& other) const;
  // As the column-wise operator takes it, which has one group; weights, columns, arithmetic and activation are left open.
  xnn_colnm_convolution2d geometry() const;
  // The same for the depthwise operator.
  xnn_depthwise2d depthwise() const;
};

}  // namespace colonnade
