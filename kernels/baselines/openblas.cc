// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// The loops are written for the compiler to turn into vector code.
#include <cblas.h>

#include <algorithm>

#include "arena.h"
#include "baseline.h"

namespace colonnade {
namespace {

float* arena_copy(const std::vector<float>& values) {
  auto* copy = static_cast<float*>(arena_allocate(values.size() * sizeof(float)));
  std::copy(values.begin(), values.end(), copy);
  return copy;
}

// Weights of a row in (c, kh, kw) order, as the rows of the im2col matrix are.
std::vector<float> channels_first(const ConvCase& conv) {
  const ConvShape& s = conv.shape;
  const size_t taps = size_t{s.kernel[0]} * s.kernel[1];
  const std::vector<float> weights = conv.dense_weights();
  std::vector<float> out(weights.size());
  for (size_t o = 0; o < s.out_channels; o++) {
    for (size_t tap = 0; tap < taps; tap++) {
      for (size_t c = 0; c < s.in_channels; c++) {
        out[(o * s.in_channels + c) * taps + tap] = weights[(o * taps + tap) * s.in_channels + c];
      }
    }
  }
  return out;
}

// Positions of an axis of the output at which a tap lies inside the input, and where in the input the first one is.
struct Inside {
  size_t begin, end, first;
};

Inside inside(size_t tap, uint32_t dilation, uint32_t padding, uint32_t stride, size_t size, size_t out) {
  const size_t offset = tap * dilation;
  const size_t begin = offset >= padding ? 0 : (padding - offset + stride - 1) / stride;
  const size_t past = size + padding;  // in the padded input
  const size_t end = offset >= past ? 0 : std::min(out, (past - offset - 1) / stride + 1);
  return {std::min(begin, end), end, begin * stride + offset - padding};
}

void copy_strided(const float* in, float* out, size_t count, size_t stride) {
  if (stride == 1) {
    for (size_t x = 0; x < count; x++) out[x] = in[x];
  } else {
    for (size_t x = 0; x < count; x++) out[x] = in[x * stride];
  }
}

void zero(float* out, size_t count) {
  for (size_t x = 0; x < count; x++) out[x] = 0;
}

class OpenBlas final : public Baseline {
 public:
  explicit OpenBlas(const ConvCase& conv)
      : conv_(conv),
        plane_(conv.shape.out_height() * conv.shape.out_width()),
        weights_(arena_copy(channels_first(conv))),
        bias_(arena_copy(conv.bias)),
        input_(arena_copy(conv.input)),
        residual_(conv.residual.empty() ? nullptr : arena_copy(conv.residual)),
        output_(allocate(conv.shape.positions() * conv.shape.out_channels)),
        matrix_(conv.shape.is_pointwise() ? nullptr : allocate(conv.shape.reduction() * plane_)) {}

  std::string name() const override { return "im2col"; }

  void run() override {
    const ConvShape& s = conv_.shape;
    const auto rows = static_cast<blasint>(s.out_channels), positions = static_cast<blasint>(plane_),
               k = static_cast<blasint>(s.reduction());
    for (size_t n = 0; n < s.batch; n++) {
      const float* image = input_ + n * s.in_channels * s.height * s.width;
      float* output = output_ + n * s.out_channels * plane_;
      if (matrix_ != nullptr) im2col(image);
      begin(output, residual_ == nullptr ? nullptr : residual_ + n * s.out_channels * plane_);
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, positions, k, 1, weights_, k,
                  matrix_ == nullptr ? image : matrix_, positions, 1, output, positions);
      clamp(output);
    }
  }

  std::vector<float> output() const override {
    return {output_, output_ + conv_.shape.positions() * conv_.shape.out_channels};
  }

 private:
  static float* allocate(size_t count) { return static_cast<float*>(arena_allocate(count * sizeof(float))); }

  void im2col(const float* image) {
    const ConvShape& s = conv_.shape;
    float* row = matrix_;
    for (size_t c = 0; c < s.in_channels; c++, image += s.height * s.width) {
      for (size_t kh = 0; kh < s.kernel[0]; kh++) {
        const Inside y = inside(kh, s.dilation[0], s.padding[0], s.stride[0], s.height, s.out_height());
        for (size_t kw = 0; kw < s.kernel[1]; kw++, row += plane_) {
          const Inside x = inside(kw, s.dilation[1], s.padding[1], s.stride[1], s.width, s.out_width());
          copy_tap(image, y, x, row);
        }
      }
    }
  }

  void copy_tap(const float* image, const Inside& y, const Inside& x, float* row) const {
    const ConvShape& s = conv_.shape;
    const size_t width = s.out_width();
    zero(row, y.begin * width);
    for (size_t at = y.begin; at < y.end; at++) {
      const float* in = image + (y.first + (at - y.begin) * s.stride[0]) * s.width;
      float* out = row + at * width;
      zero(out, x.begin);
      if (x.end > x.begin) copy_strided(in + x.first, out + x.begin, x.end - x.begin, s.stride[1]);
      zero(out + x.end, width - x.end);
    }
    zero(row + y.end * width, plane_ - y.end * width);
  }

  void begin(float* output, const float* residual) const {
    for (size_t o = 0; o < conv_.shape.out_channels; o++, output += plane_) {
      const float bias = bias_[o];
      if (residual == nullptr) {
        for (size_t p = 0; p < plane_; p++) output[p] = bias;
      } else {
        for (size_t p = 0; p < plane_; p++) output[p] = residual[p] + bias;
        residual += plane_;
      }
    }
  }

  void clamp(float* output) const {
    const float low = conv_.output_min, high = conv_.output_max;
    for (size_t i = 0; i < plane_ * conv_.shape.out_channels; i++) {
      const float value = output[i] < low ? low : output[i];
      output[i] = value > high ? high : value;
    }
  }

  const ConvCase& conv_;
  size_t plane_;
  const float *weights_, *bias_, *input_, *residual_;
  float *output_, *matrix_;
};

}  // namespace

std::unique_ptr<Baseline> prepare_openblas(const ConvCase& conv, size_t candidate) {
  return candidate == 0 ? std::make_unique<OpenBlas>(conv) : nullptr;
}

}  // namespace colonnade
