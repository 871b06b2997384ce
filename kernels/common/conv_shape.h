// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// The shape of one convolution, and the string that names it in options, schedules and tables.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "size_limits.h"

namespace colonnade {

// The convolution named by a string such as n1c64h56w56-o64-k3x3-s1-p1-d1; an -r behind it adds a residual to the
// output.
struct ConvShape {
  size_t batch, in_channels, height, width, out_channels;
  uint32_t kernel_h, kernel_w, stride, padding, dilation;
  bool residual = false;

  // Throws std::invalid_argument if `text` is not of that form, exceeds a limit of size_limits.h, or the kernel does not fit.
  static ConvShape parse(const std::string& text);
  std::string str() const;
  size_t out_height() const;
  size_t out_width() const;
  size_t positions() const { return batch * out_height() * out_width(); }
  size_t reduction() const { return size_t{kernel_h} * kernel_w * in_channels; }
  size_t macs() const { return positions() * out_channels * reduction(); }
};

}  // namespace colonnade
