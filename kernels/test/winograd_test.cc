// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// The transforms of Winograd's algorithm, of every instruction set that this CPU has, against float64.
#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "colonnade/winograd.h"
#include "xnn.h"

namespace colonnade {
namespace {

// B^T and A^T of F(2x2, 3x3) and F(4x4, 3x3), as Lavin and Gray have them.
using Matrix = std::vector<std::vector<double>>;
Matrix input_matrix(size_t m) {
  if (m == 2) return {{1, 0, -1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, 1, 0, -1}};
  return {{4, 0, -5, 0, 1, 0}, {0, -4, -4, 1, 1, 0}, {0, 4, -4, -1, 1, 0}, {0, -2, -1, 2, 1, 0}, {0, 2, -1, -2, 1, 0}, {0, 4, 0, -5, 0, 1}};
}
Matrix output_matrix(size_t m) {
  if (m == 2) return {{1, 1, 1, 0}, {0, 1, -1, -1}};
  return {{1, 1, 1, 1, 1, 0}, {0, 1, -1, 2, -2, 0}, {0, 1, 1, 4, 4, 0}, {0, 1, -1, 8, -8, 1}};
}

// L x L^T for a square x of as many rows as L has columns.
Matrix both_sides(const Matrix& l, const Matrix& x) {
  Matrix out(l.size(), std::vector<double>(l.size()));
  for (size_t i = 0; i < l.size(); i++)
    for (size_t j = 0; j < l.size(); j++)
      for (size_t p = 0; p < x.size(); p++)
        for (size_t q = 0; q < x.size(); q++) out[i][j] += l[i][p] * x[p][q] * l[j][q];
  return out;
}

struct Transforms {
  std::string name;
  const xnn_winograd_config* config;
};

std::vector<Transforms> all_transforms() {
  initialize_xnnpack();
  std::vector<Transforms> found;
  for (const size_t m : {size_t{2}, size_t{4}}) {
    const xnn_winograd_config* config = nullptr;
    for (size_t i = 0; const char* name = xnn_find_f32_winograd_config(i, m, &config); i++) {
      found.push_back({std::string(name) + " " + std::to_string(m), config});
    }
  }
  return found;
}

class WinogradTransforms : public testing::TestWithParam<uint32_t> {
 protected:
  void SetUp() override {
    generator_.seed(GetParam());
    transforms_ = all_transforms();
    // Plain C is always there.
    ASSERT_GE(transforms_.size(), 2u);
  }
  size_t draw(size_t low, size_t high) { return low + generator_() % (high - low + 1); }
  std::vector<float> numbers(size_t count) {
    std::vector<float> v(count);
    for (float& x : v) x = std::uniform_real_distribution<float>(-1, 1)(generator_);
    return v;
  }

  std::mt19937 generator_;
  std::vector<Transforms> transforms_;
};

TEST_P(WinogradTransforms, OfInputsMatchFloat64) {
  for (const auto& [name, config] : transforms_) {
    const size_t m = config->m, n = m + 2, tiles = draw(1, 37), width = m * tiles + 2;
    const size_t left = draw(0, std::min<size_t>(width, 3)), inside = draw(0, width - left);
    SCOPED_TRACE(testing::Message() << name << " tiles " << tiles << " left " << left << " inside " << inside);
    const std::vector<float> data = numbers(n * (inside + 1));
    xnn_winograd_rows rows = {};
    for (size_t i = 0; i < n; i++) rows.rows[i] = data.data() + i * (inside + 1);
    rows.left = left;
    rows.inside = inside;
    const size_t stride = tiles + config->vector;
    std::vector<float> scratch(n * (m * stride + 2), NAN), out(n * n * stride, NAN);
    config->input(tiles, &rows, scratch.data(), out.data(), stride);
    for (size_t t = 0; t < tiles; t++) {
      Matrix d(n, std::vector<double>(n));
      for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++) {
          const size_t x = m * t + j;
          d[i][j] = x < left || x >= left + inside ? 0 : static_cast<double>(rows.rows[i][x - left]);
        }
      }
      const Matrix expected = both_sides(input_matrix(m), d);
      for (size_t i = 0; i < n * n; i++) ASSERT_NEAR(out[i * stride + t], expected[i / n][i % n], 1e-5) << "tile " << t << " element " << i;
    }
  }
}

TEST_P(WinogradTransforms, OfOutputsMatchFloat64) {
  for (const auto& [name, config] : transforms_) {
    const size_t m = config->m, n = m + 2, tiles = draw(1, 37), stride = tiles + config->vector;
    SCOPED_TRACE(testing::Message() << name << " tiles " << tiles);
    const std::vector<float> in = numbers(n * n * stride);
    std::vector<float> out(m * m * stride, NAN);
    config->output(tiles, in.data(), stride, out.data(), stride);
    for (size_t t = 0; t < tiles; t++) {
      Matrix products(n, std::vector<double>(n));
      for (size_t i = 0; i < n * n; i++) products[i / n][i % n] = static_cast<double>(in[i * stride + t]);
      const Matrix expected = both_sides(output_matrix(m), products);
      for (size_t i = 0; i < m * m; i++) ASSERT_NEAR(out[i * stride + t], expected[i / m][i % m], 2e-4) << "tile " << t << " element " << i;
    }
  }
}

TEST_P(WinogradTransforms, RowsHaveBiasResidualAndActivation) {
  for (const auto& [name, config] : transforms_) {
    const size_t m = config->m, count = draw(1, 70), tiles = (count + m - 1) / m, stride = tiles + config->vector;
    const bool has_residual = draw(0, 1) == 1;
    SCOPED_TRACE(testing::Message() << name << " count " << count << " residual " << has_residual);
    const std::vector<float> in = numbers(m * stride), residual = numbers(count);
    const float bias = numbers(1)[0];
    xnn_f32_minmax_params params = {};
    params.scalar.min = -0.5f;
    params.scalar.max = 0.75f;
    std::vector<float> line(m * stride, NAN), out(count + 1, NAN);
    config->row(count, in.data(), stride, bias, has_residual ? residual.data() : nullptr, line.data(), out.data(), &params);
    for (size_t x = 0; x < count; x++) {
      const double sum = static_cast<double>(in[x % m * stride + x / m]) + static_cast<double>(bias) + (has_residual ? static_cast<double>(residual[x]) : 0);
      ASSERT_NEAR(out[x], std::clamp(sum, -0.5, 0.75), 1e-6) << "column " << x;
    }
    ASSERT_TRUE(std::isnan(out[count])) << "written behind the row";
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, WinogradTransforms, testing::Range(1u, 31u), [](const auto& info) { return "seed" + std::to_string(info.param); });

}  // namespace
}  // namespace colonnade
