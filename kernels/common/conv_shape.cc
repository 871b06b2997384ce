// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

#include "conv_shape.h"

#include <regex>
#include <stdexcept>

#include "whole_number.h"

namespace colonnade {
namespace {

size_t output_size(size_t input, size_t kernel, size_t stride, size_t padding, size_t dilation) {
  const size_t reach = dilation * (kernel - 1) + 1;
  return input + 2 * padding < reach ? 0 : (input + 2 * padding - reach) / stride + 1;
}

// Throws if the sizes have a product above kMaxElements. None of them is 0, or above kMaxElements itself.
void check_elements(const std::string& what, std::initializer_list<size_t> sizes) {
  size_t product = 1;
  for (const size_t size : sizes) {
    product *= size;
    if (product > kMaxElements) {
      throw std::invalid_argument(what + ": too many elements; allowed: " + std::to_string(kMaxElements));
    }
  }
}

}  // namespace

ConvShape ConvShape::parse(const std::string& text) {
  static const std::regex form(
      R"(n(\d+)c(\d+)h(\d+)w(\d+)-o(\d+)-k(\d+)x(\d+)-s(\d+)-p(\d+)-d(\d+)(-r)?)");
  std::smatch match;
  // std::regex recurses once for each character.
  if (text.size() > 200 || !std::regex_match(text, match, form)) {
    throw std::invalid_argument("convolution shape '" + text.substr(0, 200) + "': expected the form n1c64h56w56-o64-k3x3-s1-p1-d1, and -r behind it for a residual");
  }
  try {
    const auto size = [&](size_t i, const char* name) { return static_cast<size_t>(whole_number(name, match[i], 1, kMaxDimension)); };
    const auto window = [&](size_t i, const char* name, uint32_t least) {
      return static_cast<uint32_t>(whole_number(name, match[i], least, kMaxWindow));
    };
    const ConvShape shape = {size(1, "n"), size(2, "c"), size(3, "h"), size(4, "w"), size(5, "o"), window(6, "k", 1),
                             window(7, "k", 1), window(8, "s", 1), window(9, "p", 0), window(10, "d", 1), match[11].matched};
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
  const auto s = [](size_t v) { return std::to_string(v); };
  return "n" + s(batch) + "c" + s(in_channels) + "h" + s(height) + "w" + s(width) + "-o" + s(out_channels) + "-k" +
         s(kernel_h) + "x" + s(kernel_w) + "-s" + s(stride) + "-p" + s(padding) + "-d" + s(dilation) + (residual ? "-r" : "");
}

size_t ConvShape::out_height() const { return output_size(height, kernel_h, stride, padding, dilation); }
size_t ConvShape::out_width() const { return output_size(width, kernel_w, stride, padding, dilation); }

}  // namespace colonnade
