// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Winograd's F(m x m, 3 x 3): of every tile of n x n inputs, n = m + 2, that m x m outputs depend on, V = B^T d B; for
// each of its n * n elements one multiplication over channels, M = U V, with weights U = G g G^T; the outputs are A^T M A.
// The points are 0, 1, -1, for m = 4 also 2 and -2, and infinity.
//
// A block of rows of tiles goes through all three steps before the next one. The multiplications are 1x1 convolutions of
// planes whose positions are the block's tiles.
#include <riscv_vector.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "arena.h"
#include "baseline.h"
#include "whole_number.h"
#include "xnn.h"

namespace colonnade {
namespace {

using Vector = vfloat32m1_t;

// Of one dimension, for as many tiles as a vector has elements: `load(i)` gives the i-th number, `store(i, value)` takes the
// i-th result.
template <size_t m>
struct Transform;

template <>
struct Transform<2> {
  static constexpr double kWeights[4][3] = {{1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}};

  template <typename Load, typename Store>
  static void input(Load load, Store store, size_t vl) {
    const Vector d0 = load(0), d1 = load(1), d2 = load(2), d3 = load(3);
    store(0, __riscv_vfsub(d0, d2, vl));
    store(1, __riscv_vfadd(d1, d2, vl));
    store(2, __riscv_vfsub(d2, d1, vl));
    store(3, __riscv_vfsub(d1, d3, vl));
  }

  template <typename Load, typename Store>
  static void output(Load load, Store store, size_t vl) {
    const Vector p0 = load(0), p1 = load(1), p2 = load(2), p3 = load(3);
    store(0, __riscv_vfadd(__riscv_vfadd(p0, p1, vl), p2, vl));
    store(1, __riscv_vfsub(__riscv_vfsub(p1, p2, vl), p3, vl));
  }
};

template <>
struct Transform<4> {
  static constexpr double kWeights[6][3] = {
      {1.0 / 4, 0, 0},
      {-1.0 / 6, -1.0 / 6, -1.0 / 6},
      {-1.0 / 6, 1.0 / 6, -1.0 / 6},
      {1.0 / 24, 1.0 / 12, 1.0 / 6},
      {1.0 / 24, -1.0 / 12, 1.0 / 6},
      {0, 0, 1},
  };

  template <typename Load, typename Store>
  static void input(Load load, Store store, size_t vl) {
    const Vector d0 = load(0), d1 = load(1), d2 = load(2), d3 = load(3), d4 = load(4), d5 = load(5);
    const Vector even = __riscv_vfnmsac(d4, 4.0f, d2, vl), odd = __riscv_vfnmsac(d3, 4.0f, d1, vl);
    const Vector outer = __riscv_vfsub(d4, d2, vl), difference = __riscv_vfsub(d3, d1, vl);
    store(0, __riscv_vfmacc(__riscv_vfnmsac(d4, 5.0f, d2, vl), 4.0f, d0, vl));
    store(1, __riscv_vfadd(even, odd, vl));
    store(2, __riscv_vfsub(even, odd, vl));
    store(3, __riscv_vfmacc(outer, 2.0f, difference, vl));
    store(4, __riscv_vfnmsac(outer, 2.0f, difference, vl));
    store(5, __riscv_vfmacc(__riscv_vfnmsac(d5, 5.0f, d3, vl), 4.0f, d1, vl));
  }

  template <typename Load, typename Store>
  static void output(Load load, Store store, size_t vl) {
    const Vector p0 = load(0), p1 = load(1), p2 = load(2), p3 = load(3), p4 = load(4), p5 = load(5);
    const Vector sum1 = __riscv_vfadd(p1, p2, vl), sum2 = __riscv_vfadd(p3, p4, vl);
    const Vector difference1 = __riscv_vfsub(p1, p2, vl), difference2 = __riscv_vfsub(p3, p4, vl);
    store(0, __riscv_vfadd(__riscv_vfadd(p0, sum1, vl), sum2, vl));
    store(1, __riscv_vfmacc(difference1, 2.0f, difference2, vl));
    store(2, __riscv_vfmacc(sum1, 4.0f, sum2, vl));
    store(3, __riscv_vfadd(__riscv_vfmacc(difference1, 8.0f, difference2, vl), p5, vl));
  }
};

float* allocate(size_t count) { return static_cast<float*>(arena_allocate(count * sizeof(float))); }

size_t tiles_of(size_t size, size_t m) { return (size + m - 1) / m; }

// Calls `body(first, vl)` for vectors that cover `count` elements.
template <typename Body>
void for_vectors(size_t count, Body body) {
  for (size_t first = 0, vl; first < count; first += vl) {
    vl = __riscv_vsetvl_e32m1(count - first);
    body(first, vl);
  }
}

// B^T over the rows of a row of tiles, for every column; the results are `step` apart.
template <size_t m>
void input_rows(const float* in, size_t width, float* out, size_t step) {
  for_vectors(width, [&](size_t x, size_t vl) {
    Transform<m>::input([&](size_t i) { return __riscv_vle32_v_f32m1(in + i * width + x, vl); },
                        [&](size_t i, Vector v) { __riscv_vse32(out + i * step + x, v, vl); }, vl);
  });
}

// B over the columns of every tile of one row of those.
template <size_t m>
void input_columns(const float* in, float* out, size_t matrix_stride, size_t tiles) {
  for_vectors(tiles, [&](size_t t, size_t vl) {
    Transform<m>::input([&](size_t i) { return __riscv_vlse32_v_f32m1(in + t * m + i, m * sizeof(float), vl); },
                        [&](size_t i, Vector v) { __riscv_vse32(out + i * matrix_stride + t, v, vl); }, vl);
  });
}

// A^T over the rows of every tile.
template <size_t m>
void output_rows(const float* in, size_t matrix_stride, float* out, size_t row_stride, size_t tiles) {
  for_vectors(tiles, [&](size_t t, size_t vl) {
    Transform<m>::output([&](size_t i) { return __riscv_vle32_v_f32m1(in + i * (m + 2) * matrix_stride + t, vl); },
                         [&](size_t i, Vector v) { __riscv_vse32(out + i * row_stride + t, v, vl); }, vl);
  });
}

// A over the columns of one row of each: [m + 2, tiles] to [tiles, m].
template <size_t m>
void output_columns(const float* in, float* out, size_t tiles) {
  for_vectors(tiles, [&](size_t t, size_t vl) {
    Transform<m>::output([&](size_t i) { return __riscv_vle32_v_f32m1(in + i * tiles + t, vl); },
                         [&](size_t i, Vector v) { __riscv_vsse32(out + t * m + i, m * sizeof(float), v, vl); }, vl);
  });
}

void finish(const float* in, const float* residual, float bias, float low, float high, float* out, size_t width) {
  for_vectors(width, [&](size_t x, size_t vl) {
    Vector sum = __riscv_vfadd(__riscv_vle32_v_f32m1(in + x, vl), bias, vl);
    if (residual != nullptr) sum = __riscv_vfadd(sum, __riscv_vle32_v_f32m1(residual + x, vl), vl);
    __riscv_vse32(out + x, __riscv_vfmin(__riscv_vfmax(sum, low, vl), high, vl), vl);
  });
}

template <size_t m>
class Winograd final : public Baseline {
  static constexpr size_t n = m + 2;

 public:
  Winograd(const ConvCase& conv, const WinogradPlan& plan)
      : conv_(conv),
        tiles_y_(tiles_of(conv.shape.out_height(), m)),
        tiles_x_(tiles_of(conv.shape.out_width(), m)),
        rows_(std::min(plan.rows, tiles_y_)),
        width_(tiles_x_ * m + 2),
        height_(tiles_of(tiles_y_, rows_) * rows_ * m + 2),
        input_(allocate(conv.shape.batch * conv.shape.in_channels * height_ * width_)),
        bias_(allocate(conv.shape.out_channels)),
        output_(allocate(conv.shape.positions() * conv.shape.out_channels)),
        scratch_(allocate(rows_ * std::max(n * width_, (n + 1) * m * tiles_x_))) {
    std::copy(conv.bias.begin(), conv.bias.end(), bias_);
    if (!conv.residual.empty()) {
      residual_ = allocate(conv.residual.size());
      std::copy(conv.residual.begin(), conv.residual.end(), residual_);
    }
    place_input();
    make_products(plan.schedule);
  }

  void run() override {
    for (size_t image = 0; image < conv_.shape.batch; image++) {
      for (size_t first = 0; first < tiles_y_; first += rows_) {
        transform_input(image, first);
        check(run_operators(products_, nullptr), "run");
        transform_output(image, first);
      }
    }
  }

  std::vector<float> output() const override { return {output_, output_ + conv_.shape.positions() * conv_.shape.out_channels}; }

 private:
  // Planes with their padding around them, as convolutions of ours that pack nothing have their input.
  void place_input() {
    const ConvShape& s = conv_.shape;
    const float* from = conv_.input.data();
    for (size_t plane = 0; plane < s.batch * s.in_channels; plane++) {
      for (size_t y = 0; y < s.height; y++, from += s.width) {
        const size_t padded_y = y + s.padding[0];
        if (padded_y >= height_) continue;
        const size_t count = std::min(s.width, width_ - std::min<size_t>(width_, s.padding[1]));
        std::copy_n(from, count, input_ + (plane * height_ + padded_y) * width_ + s.padding[1]);
      }
    }
  }

  void make_products(const ConvSchedule& schedule) {
    const ConvShape& s = conv_.shape;
    ConvCase product;
    product.shape = {1, s.in_channels, 1, rows_ * tiles_x_, s.out_channels, {1, 1}, {1, 1}, {}, {1, 1}};
    product.tile = schedule.tile;
    product.kept = s.in_channels;
    product.bias.assign(s.out_channels, 0);
    product.arithmetic = xnn_colnm_f32;
    product.output_min = -INFINITY;
    product.output_max = INFINITY;
    const ConvLayouts layouts = best_layouts(product, schedule.schedule.algorithm);
    planes_in_ = layouts.input;
    planes_out_ = layouts.output;
    matrices_in_ = allocate(n * n * planes_in_.size);
    matrices_out_ = allocate(n * n * planes_out_.size);
    const std::vector<float> weights = conv_.dense_weights();
    for (size_t element = 0; element < n * n; element++) {
      product.values = tiled(transformed_weights(weights, element / n, element % n), schedule.tile);
      products_.push_back(make_product(product, schedule.schedule, element));
    }
  }

  // [out_channels, in_channels] of one element of U.
  std::vector<float> transformed_weights(const std::vector<float>& weights, size_t row, size_t column) const {
    const size_t channels = conv_.shape.in_channels;
    std::vector<float> u(conv_.shape.out_channels * channels);
    for (size_t i = 0; i < u.size(); i++) {
      const float* g = weights.data() + i / channels * 9 * channels + i % channels;
      double sum = 0;
      for (size_t tap = 0; tap < 9; tap++) {
        sum += Transform<m>::kWeights[row][tap / 3] * Transform<m>::kWeights[column][tap % 3] * static_cast<double>(g[tap * channels]);
      }
      u[i] = static_cast<float>(sum);
    }
    return u;
  }

  // Tile after tile, column after column, as the operator takes weights.
  std::vector<float> tiled(const std::vector<float>& matrix, size_t tile) const {
    const size_t channels = conv_.shape.in_channels, rows = conv_.shape.out_channels;
    std::vector<float> out;
    out.reserve(matrix.size());
    for (size_t first = 0; first < rows; first += tile) {
      for (size_t c = 0; c < channels; c++) {
        for (size_t o = first; o < std::min(rows, first + tile); o++) out.push_back(matrix[o * channels + c]);
      }
    }
    return out;
  }

  Operator make_product(const ConvCase& product, const xnn_colnm_schedule& schedule, size_t element) {
    const xnn_colnm_convolution2d descriptor = product.descriptor();
    xnn_operator_t created = nullptr;
    check(xnn_create_colnm_convolution2d_cnhw(&descriptor, &schedule, &created), "create");
    Operator op(created);
    size_t workspace, alignment;
    check(xnn_reshape_colnm_convolution2d_cnhw(created, &planes_in_, &planes_out_, nullptr, &workspace, &alignment, nullptr), "reshape");
    check(xnn_setup_colnm_convolution2d_cnhw(created, workspace == 0 ? nullptr : arena_allocate(workspace), matrix_in(element), nullptr,
                                             matrix_out(element)),
          "setup");
    return op;
  }

  float* matrix_in(size_t element) const { return matrices_in_ + element * planes_in_.size; }
  float* matrix_out(size_t element) const { return matrices_out_ + element * planes_out_.size; }

  // A channel at a time: few matrices are written at once, each row after row, as a prefetcher follows.
  void transform_input(size_t image, size_t first) {
    const size_t channels = conv_.shape.in_channels, step = rows_ * width_;
    for (size_t c = 0; c < channels; c++) {
      const float* plane = input_ + (image * channels + c) * height_ * width_;
      for (size_t row = 0; row < rows_; row++) {
        input_rows<m>(plane + (first + row) * m * width_, width_, scratch_ + row * width_, step);
      }
      float* to = matrix_in(0) + planes_in_.origin + c * planes_in_.channel_stride;
      for (size_t i = 0; i < n; i++) {
        for (size_t row = 0; row < rows_; row++) {
          input_columns<m>(scratch_ + i * step + row * width_, to + i * n * planes_in_.size + row * tiles_x_, planes_in_.size, tiles_x_);
        }
      }
    }
  }

  void transform_output(size_t image, size_t first) {
    const ConvShape& s = conv_.shape;
    const size_t height = s.out_height(), width = s.out_width(), tiles = rows_ * tiles_x_;
    float* lines = scratch_ + m * n * tiles;
    for (size_t o = 0; o < s.out_channels; o++) {
      const float* from = matrix_out(0) + planes_out_.origin + o * planes_out_.channel_stride;
      for (size_t j = 0; j < n; j++) {
        output_rows<m>(from + j * planes_out_.size, planes_out_.size, scratch_ + j * tiles, n * tiles, tiles);
      }
      for (size_t i = 0; i < m; i++) {
        output_columns<m>(scratch_ + i * n * tiles, lines, tiles);
        for (size_t row = 0, y = first * m + i; row < rows_ && y < height; row++, y += m) {
          const size_t at = ((image * s.out_channels + o) * height + y) * width;
          finish(lines + row * tiles_x_ * m, residual_ == nullptr ? nullptr : residual_ + at, bias_[o], conv_.output_min,
                 conv_.output_max, output_ + at, width);
        }
      }
    }
  }

  const ConvCase& conv_;
  size_t tiles_y_, tiles_x_, rows_, width_, height_;
  float *input_, *bias_, *residual_ = nullptr, *output_, *scratch_;
  xnn_colnm_planes planes_in_, planes_out_;
  float *matrices_in_, *matrices_out_;  // [n * n] buffers of the planes' size
  std::vector<Operator> products_;
};

}  // namespace

WinogradPlan WinogradPlan::parse(const std::string& text) {
  const size_t first = text.find(':'), second = first == std::string::npos ? first : text.find(':', first + 1);
  if (second == std::string::npos) throw std::invalid_argument("'" + text + "': expected M:ROWS:ALGORITHM:TILE:LMUL:PANELS:KC_SPLITS");
  const uint64_t m = whole_number("'" + text + "': M", text.substr(0, first), 2, 4);
  if (m == 3) throw std::invalid_argument("'" + text + "': M 3; allowed: 2, 4");
  const uint64_t rows = whole_number("'" + text + "': ROWS", text.substr(first + 1, second - first - 1), 1, kMaxElements);
  return {m, rows, ConvSchedule::parse(text.substr(second + 1))};
}

bool has_winograd(const ConvShape& shape) {
  return shape.kernel == Pair{3, 3} && shape.stride == Pair{1, 1} && shape.dilation == Pair{1, 1} && shape.groups == 1;
}

std::unique_ptr<Baseline> prepare_winograd(const ConvCase& conv, const WinogradPlan& plan) {
  if (plan.m == 2) return std::make_unique<Winograd<2>>(conv, plan);
  return std::make_unique<Winograd<4>>(conv, plan);
}

}  // namespace colonnade
