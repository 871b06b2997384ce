// One convolution with seeded random data: shared by the bench and the tests.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "colonnade/operators.h"
#include "xnn.h"

namespace colonnade {

// The convolution named by a string such as n1c64h56w56-o64-k3x3-s1-p1-d1; an -r behind it adds a residual to the
// output.
struct ConvShape {
  size_t batch, in_channels, height, width, out_channels;
  uint32_t kernel_h, kernel_w, stride, padding, dilation;
  bool residual = false;

  // Throws std::invalid_argument if `text` is not of that form or the kernel does not fit.
  static ConvShape parse(const std::string& text);
  std::string str() const;
  size_t out_height() const;
  size_t out_width() const;
  size_t positions() const { return batch * out_height() * out_width(); }
  size_t reduction() const { return size_t{kernel_h} * kernel_w * in_channels; }
  size_t macs() const { return positions() * out_channels * reduction(); }
};

// Which columns a tile keeps: `group` consecutive columns at a time (0: all of K), `keep` of each.
struct ConvCase {
  ConvShape shape;
  size_t tile;
  size_t kept;
  std::vector<uint32_t> columns;  // [tiles, kept]
  std::vector<float> values;      // tile after tile, [kept, rows]
  std::vector<float> bias;        // [out_channels]
  std::vector<float> input;       // NCHW
  std::vector<float> residual;    // NCHW of the output; empty unless the shape has one
  float output_min, output_max;
  xnn_colnm_arithmetic arithmetic;

  // Random weights, bias, input and residual in [-1, 1); columns drawn at random per tile, so that in each group
  // of `group` columns ceil((1 - sparsity) * size) are kept. All are f16 numbers if the arithmetic's elements are.
  static ConvCase random(const ConvShape& shape, size_t tile, double sparsity, size_t group, uint32_t seed,
                         xnn_colnm_arithmetic arithmetic = xnn_colnm_f32);

  // Dense [out_channels, kernel_h, kernel_w, in_channels] weights with zeros for what is not kept.
  std::vector<float> dense_weights() const;

  // The convolution in float64, NCHW of the output.
  std::vector<double> reference() const;

  // The same of absolute values, without the clamp: what rounding errors are relative to.
  std::vector<double> magnitudes() const;

  xnn_colnm_convolution2d descriptor() const;
};

// Layouts in which an algorithm runs best: the tightest its input may have, and an output whose rows are
// as far apart.
struct ConvLayouts {
  xnn_colnm_planes input, output;
};
ConvLayouts best_layouts(const ConvCase& conv, xnn_colnm_algorithm algorithm);

}  // namespace colonnade
