// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Every GEMM microkernel of this CPU: f32 against float64, f16 bit by bit against the same sums in the same order.
#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "colonnade/colnm-gemm.h"
#include "guarded_buffer.h"
#include "xnn.h"

namespace {

using colonnade::GuardedBuffer;
using At = colonnade::GuardedAt;

enum class Store { kContiguous,
                   kMasked,
                   kHole,
                   kIndexed,
                   kPhases };

struct Case {
  size_t log2_lmul, tile, kc;
  std::vector<size_t> counts;  // of each panel
  Store store;
  bool residual;
};

constexpr float kUntouched = 12344.0f;
constexpr xnn_f32_minmax_params kParams = {{-0.75f, 0.875f}};

// One result and what it may differ by.
struct Expected {
  double value;
  double tolerance;
};

double clamp(double sum) { return std::min(std::max(sum, -0.75), 0.875); }

// Sum of `bias`, the products and `residual`, which may be null.
Expected expect(float bias, const std::vector<std::pair<float, float>>& products, const float* residual,
                const xnn_colnm_gemm_config&) {
  double sum = bias, magnitude = std::abs(bias);
  for (const auto& [w, x] : products) {
    const double term = static_cast<double>(w) * x;
    sum += term;
    magnitude += std::abs(term);
  }
  if (residual != nullptr) sum += *residual;
  // The rounding of a float sum of so many terms, each at most `magnitude`.
  return {clamp(sum), (magnitude + 1) * static_cast<double>(products.size() + 2) * 0x1p-24};
}

// Columns are added up one after the other, so every bit is known. In double a sum of such f16 products is exact.
template <typename Accumulator>
Expected add_up(float bias, const std::vector<std::pair<_Float16, _Float16>>& products, const _Float16* residual) {
  auto sum = static_cast<Accumulator>(bias);
  for (const auto& [w, x] : products) {
    sum = static_cast<Accumulator>(static_cast<double>(w) * static_cast<double>(x) + static_cast<double>(sum));
  }
  if (residual != nullptr) sum = static_cast<Accumulator>(static_cast<double>(sum) + static_cast<double>(*residual));
  return {clamp(static_cast<double>(static_cast<_Float16>(sum))), 0};
}

Expected expect(float bias, const std::vector<std::pair<_Float16, _Float16>>& products, const _Float16* residual,
                const xnn_colnm_gemm_config& config) {
  return config.accumulators->bytes == sizeof(float) ? add_up<float>(bias, products, residual)
                                                     : add_up<_Float16>(bias, products, residual);
}

// T is the kernels' element.
template <typename T>
class Runner {
 public:
  Runner(const xnn_colnm_gemm_config& config, const Case& c, uint32_t seed)
      : config_(config), c_(c), generator_(seed), panel_(config.lanes << c.log2_lmul), rows_(2 * c.kc), stride_(2 * panel_ * c.counts.size()) {}

  void run() {
    const size_t panels = c_.counts.size();
    // A panel vector is read whole, so the last panel's columns are as long as the others'.
    GuardedBuffer<T> a(panels * rows_ * panel_, At::kEnd);
    // Biases are as wide as accumulators.
    const size_t bias_elements = c_.tile * config_.accumulators->bytes / sizeof(T);
    GuardedBuffer<T> w(bias_elements + c_.tile * (c_.kc + COLNM_EXTRA_COLUMNS), At::kEnd, config_.accumulators->bytes);
    GuardedBuffer<T> residual(c_.tile * stride_, At::kEnd), out(c_.tile * stride_, At::kEnd);
    GuardedBuffer<uint32_t> offsets(c_.kc + COLNM_EXTRA_COLUMNS, At::kEnd);
    for (auto* values : {&a, &w, &residual}) {
      for (T& x : *values) x = static_cast<T>(std::uniform_real_distribution<float>(-1, 1)(generator_));
    }
    std::vector<float> bias(c_.tile);
    for (size_t i = 0; i < c_.tile; i++) {
      bias[i] = static_cast<float>(w[i]);
      if (bias_elements != c_.tile) std::memcpy(&w[2 * i], &bias[i], sizeof(float));
    }
    for (T& x : out) x = static_cast<T>(kUntouched);
    // What a hole holds is zero or what was there: here the same.
    for (size_t p = 0; p < out.size(); p++) {
      if (is_hole(p % stride_)) out[p] = 0;
    }
    for (uint32_t& o : offsets) o = static_cast<uint32_t>(generator_() % rows_ * panel_ * sizeof(T));
    make_panels();
    config_.ukernel[c_.log2_lmul][c_.tile - 1](
        c_.kc, a.data(), w.data(), offsets.data(), panels, panels_.data(), out.data(), stride_ * sizeof(T),
        c_.residual ? residual.data() : nullptr, stride_ * sizeof(T), &kParams);
    for (size_t i = 0; i < c_.tile; i++) {
      std::vector<bool> written(stride_);
      for (size_t s = 0; s < panels; s++) {
        for (size_t j = 0; j < c_.counts[s]; j++) {
          if (!is_stored(s, j)) continue;
          std::vector<std::pair<T, T>> products;
          for (size_t k = 0; k < c_.kc; k++) {
            products.emplace_back(w[bias_elements + k * c_.tile + i], a[s * rows_ * panel_ + offsets[k] / sizeof(T) + j]);
          }
          const size_t place = position(s, j);
          const Expected expected = expect(bias[i], products, c_.residual ? &residual[i * stride_ + place] : nullptr, config_);
          ASSERT_NEAR(static_cast<double>(out[i * stride_ + place]), expected.value, expected.tolerance)
              << "row " << i << ", panel " << s << ", position " << j;
          written[place] = true;
        }
      }
      for (size_t p = 0; p < stride_; p++) {
        if (written[p]) continue;
        ASSERT_EQ(static_cast<float>(out[i * stride_ + p]), is_hole(p) ? 0 : kUntouched) << "row " << i << ", element " << p;
      }
    }
  }

 private:
  bool is_stored(size_t panel, size_t j) const {
    if (c_.store == Store::kHole) return j != 1 || c_.counts[panel] < 3;
    return c_.store != Store::kMasked || (j + panel) % 3 != 1;
  }

  bool is_hole(size_t place) {
    const size_t panel = place / (2 * panel_);
    return c_.store == Store::kHole && place % (2 * panel_) == 1 && !is_stored(panel, 1);
  }

  // Element of a row where a result goes. By index: every other one, backwards. In phases: rows of 7 and 3 in turn,
  // of which even elements lie in the first half of the panel's room and odd ones in the second.
  size_t position(size_t panel, size_t j) const {
    const size_t begin = 2 * panel * panel_;
    if (c_.store == Store::kIndexed) return begin + 2 * (c_.counts[panel] - 1 - j);
    if (c_.store != Store::kPhases) return begin + j;
    const size_t row = j / 10 * 2 + (j % 10 >= 7), x = j % 10 - (j % 10 >= 7 ? 7 : 0);
    return begin + x % 2 * panel_ + row / 2 * 6 + row % 2 * 4 + x / 2;
  }

  void make_panels() {
    panels_.resize(c_.counts.size());
    masks_.assign(c_.counts.size(), std::vector<uint8_t>((panel_ + 7) / 8 + 1));
    indices_.assign(c_.counts.size(), std::vector<uint32_t>());
    for (size_t s = 0; s < c_.counts.size(); s++) {
      panels_[s].count = static_cast<uint32_t>(c_.counts[s]);
      panels_[s].log2_lmul = static_cast<uint32_t>(c_.log2_lmul);
      panels_[s].input = s * rows_ * panel_ * sizeof(T);
      panels_[s].output = panels_[s].residual = 2 * s * panel_ * sizeof(T);
      for (size_t j = 0; j < c_.counts[s]; j++) {
        masks_[s][j / 8] |= static_cast<uint8_t>(is_stored(s, j) << (j % 8));
        indices_[s].push_back(static_cast<uint32_t>((position(s, j) - 2 * s * panel_) * sizeof(T)));
      }
      if (c_.store == Store::kMasked || (c_.store == Store::kHole && !is_stored(s, 1))) panels_[s].mask = masks_[s].data();
      if (c_.store == Store::kHole && !is_stored(s, 1)) panels_[s].hole = sizeof(T);
      if (c_.store >= Store::kIndexed) panels_[s].output_index = panels_[s].residual_index = indices_[s].data();
    }
  }

  const xnn_colnm_gemm_config& config_;
  const Case& c_;
  std::mt19937 generator_;
  size_t panel_, rows_, stride_;
  std::vector<xnn_colnm_panel> panels_;
  std::vector<std::vector<uint8_t>> masks_;
  std::vector<std::vector<uint32_t>> indices_;
};

// Every kernel of `config` over column counts, ways to store and lengths of panels; returns how many there are.
template <typename T>
size_t test_kernels(const xnn_colnm_gemm_config& config) {
  size_t kernels = 0, cases = 0;
  for (size_t log2_lmul = 0; log2_lmul < COLNM_LMULS; log2_lmul++) {
    const size_t panel = config.lanes << log2_lmul;
    for (size_t tile = 1; tile <= COLNM_MAX_TILE; tile++) {
      if (config.ukernel[log2_lmul][tile - 1] == nullptr) continue;
      kernels++;
      // Panels that may start in the shadow of the one before, and one that may not because it is longer.
      // The last has few positions, or as few behind whole vectors.
      const size_t whole = log2_lmul == 0 ? 0 : log2_lmul == 2 ? panel / 4 * 3
                                                               : panel / 2;
      const std::vector<std::vector<size_t>> counts = {
          {panel}, {panel, panel, 1}, {panel - 1, panel, panel / 2 + 1}, {whole + 1, whole + 2, whole + 4}};
      for (const size_t kc : {1u, 2u, 3u, 4u, 5u, 16u}) {
        for (const Store store : {Store::kContiguous, Store::kMasked, Store::kHole, Store::kIndexed, Store::kPhases}) {
          const Case c = {log2_lmul, tile, kc, counts[cases % counts.size()], store, cases / 4 % 2 == 0};
          const auto seed = static_cast<uint32_t>(cases);
          SCOPED_TRACE(testing::Message() << "lmul " << (1 << log2_lmul) << " tile " << tile << " kc " << kc << " store "
                                          << static_cast<int>(store) << " panels " << cases % counts.size()
                                          << " residual " << c.residual << " seed " << seed);
          Runner<T>(config, c, seed).run();
          if (testing::Test::HasFatalFailure()) return kernels;
          cases++;
        }
      }
      cases++;  // so that the next kernel meets other combinations
    }
  }
  EXPECT_EQ(cases, kernels * 31);
  return kernels;
}

// Tests the kernels of each instruction set that this CPU has, not only of the best. `kernels` is how many there are,
// of RVV `kernels_of_rvv`.
template <typename T>
void test_instruction_sets(xnn_colnm_arithmetic arithmetic, size_t kernels_of_rvv, size_t kernels) {
  colonnade::initialize_xnnpack();
  xnn_colnm_gemm_config config = {};
  std::string name;
  for (size_t i = 0; const char* found = xnn_colnm_find_instruction_set(i, arithmetic, &config); i++) {
    name = found;
    SCOPED_TRACE(name);
    EXPECT_EQ(test_kernels<T>(config), name.substr(0, 3) == "rvv" ? kernels_of_rvv : kernels);
    if (i == 0) {
      EXPECT_EQ(config.ukernel[0][0], xnn_init_colnm_gemm_config(arithmetic)->ukernel[0][0]) << "the best are taken";
    }
  }
  EXPECT_EQ(name, "scalar") << "every CPU runs plain C";
}

TEST(ColnmGemm, EveryF32KernelMatchesFloat64) {
  test_instruction_sets<float>(xnn_colnm_f32, 31 + 15 + 7 + 3, 31 + 15 + 7 + 3);
}

TEST(ColnmGemm, EveryF16KernelIsExact) {
  test_instruction_sets<_Float16>(xnn_colnm_f16, 30 + 14 + 6, 30 + 14 + 6);
}

TEST(ColnmGemm, EveryF16KernelWithF32AccumulatorsIsExact) {
  // Only RVV's tiles are limited by them: others take those of f16.
  test_instruction_sets<_Float16>(xnn_colnm_f16_f32acc, 15 + 7 + 3, 30 + 14 + 6);
}

}  // namespace
