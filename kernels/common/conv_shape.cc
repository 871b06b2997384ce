// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

#include "conv_shape.h"

#include <regex>
#include <stdexcept>

#include "colonnade/window.h"
#include "whole_number.h"

namespace colonnade {
namespace {

// Throws if the sizes have a product above kMaxElements. None of them is 0, or above kMaxElements itself.
void check_elements(const std::string& what, std::initializer_list<size_t> sizes) {
  if (!product_within(kMaxElements, sizes)) {
    throw std::invalid_argument(what + ": too many elements; allowed: " + std::to_string(kMaxElements));
  }
}

std::string number(size_t value) { return std::to_string(value); }

// A single number where height and width have the same.
std::string shortest(const Pair& pair) { return number(pair[0]) + (pair[0] == pair[1] ? "" : "x" + number(pair[1])); }

std::string shortest(const Padding& padding) {
  const auto [top, left, bottom, right] = padding;
  if (top == bottom && left == right) return shortest(Pair{top, left});
  return number(top) + "x" + number(left) + "x" + number(bottom) + "x" + number(right);
}

}  // namespace

ConvShape ConvShape::parse(const std::string& text) {
  static const std::regex form(
      R"(n(\d+)c(\d+)h(\d+)w(\d+)-o(\d+)-k(\d+)x(\d+)-s(\d+)(?:x(\d+))?-p(\d+)(?:x(\d+)(?:x(\d+)x(\d+))?)?-d(\d+)(?:x(\d+))?(?:-g(\d+))?(-r)?)");
  std::smatch match;
  // std::regex recurses once for each character.
  if (text.size() > 200 || !std::regex_match(text, match, form)) {
    throw std::invalid_argument("convolution shape '" + text.substr(0, 200) + "': expected the form n1c64h56w56-o64-k3x3-s1-p1-d1, -g32 behind it for groups, and -r for a residual");
  }
  try {
    const auto size = [&](size_t i, const char* name) { return static_cast<size_t>(whole_number(name, match[i], 1, kMaxDimension)); };
    const auto pair = [&](size_t i, const char* name, uint32_t least) {
      const auto value = [&](size_t at) { return static_cast<uint32_t>(whole_number(name, match[at], least, kMaxWindow)); };
      const uint32_t first = value(i);
      return Pair{first, match[i + 1].matched ? value(i + 1) : first};
    };
    const auto padding = [&]() -> Padding {
      const auto [top, left] = pair(10, "p", 0);
      if (!match[12].matched) return {top, left, top, left};
      const auto [bottom, right] = pair(12, "p", 0);
      return {top, left, bottom, right};
    };
    const ConvShape shape = {size(1, "n"), size(2, "c"), size(3, "h"), size(4, "w"), size(5, "o"), pair(6, "k", 1),
                             pair(8, "s", 1), padding(), pair(14, "d", 1), match[16].matched ? size(16, "g") : 1, match[17].matched};
    if (shape.in_channels % shape.groups != 0 || shape.out_channels % shape.groups != 0) {
      throw std::invalid_argument("g: " + number(shape.groups) + "; allowed: a number that divides the channels of input and output");
    }
    if (shape.positions() == 0) throw std::invalid_argument("the kernel does not fit the input");
    check_elements("input", {shape.batch, shape.in_channels, shape.height, shape.width});
    check_elements("weights", {shape.out_channels, shape.reduction()});
    check_elements("output", {shape.batch, shape.out_channels, shape.out_height(), shape.out_width()});
    return shape;
  } catch (const std::invalid_argument& error) {
    throw std::invalid_argument("convolution shape '" + text + "': " + error.what());
  }
}

std::string ConvShape::str() const {
  return "n" + number(batch) + "c" + number(in_channels) + "h" + number(height) + "w" + number(width) + "-o" + number(out_channels) + "-k" +
         number(kernel[0]) + "x" + number(kernel[1]) + "-s" + shortest(stride) + "-p" + shortest(padding) + "-d" + shortest(dilation) +
         (groups == 1 ? "" : "-g" + number(groups)) + (residual ? "-r" : "");
}

size_t ConvShape::out_height() const { return colnm_output_size(height, padding[0], padding[2], kernel[0], dilation[0], stride[0]); }
size_t ConvShape::out_width() const { return colnm_output_size(width, padding[1], padding[3], kernel[1], dilation[1], stride[1]); }

bool ConvShape::has_weights_of(const ConvShape& other) const {
  return in_channels == other.in_channels && out_channels == other.out_channels && kernel == other.kernel && stride == other.stride &&
         padding == other.padding && dilation == other.dilation && groups == other.groups && residual == other.residual;
}

ConvShape ConvShape::of_group() const {
  ConvShape group = *this;
  group.in_channels /= groups;
  group.out_channels /= groups;
  group.groups = 1;
  return group;
}

namespace {

// What a description of a convolution has of its window and its input.
template <typename Description>
Description window_of(const ConvShape& shape) {
  Description d = {};
  d.padding_top = shape.padding[0];
  d.padding_left = shape.padding[1];
  d.padding_bottom = shape.padding[2];
  d.padding_right = shape.padding[3];
  d.kernel_height = shape.kernel[0];
  d.kernel_width = shape.kernel[1];
  d.stride_height = shape.stride[0];
  d.stride_width = shape.stride[1];
  d.dilation_height = shape.dilation[0];
  d.dilation_width = shape.dilation[1];
  d.in_channels = shape.in_channels;
  return d;
}

}  // namespace

xnn_depthwise2d ConvShape::depthwise() const {
  auto d = window_of<xnn_depthwise2d>(*this);
  d.multiplier = out_channels / in_channels;
  return d;
}

xnn_colnm_convolution2d ConvShape::geometry() const {
  auto d = window_of<xnn_colnm_convolution2d>(*this);
  d.out_channels = out_channels;
  return d;
}

}  // namespace colonnade
