// Every GEMM microkernel of this CPU against float64.
#include <cmath>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "colonnade/colnm-gemm.h"
#include "guarded_buffer.h"
#include "xnn.h"

namespace {

using colonnade::GuardedBuffer;
using At = colonnade::GuardedAt;

enum class Store { kContiguous, kMasked, kHole, kIndexed };

struct Case {
  size_t log2_lmul, tile, kc;
  std::vector<size_t> counts;  // of each strip
  Store store;
  bool residual;
};

constexpr float kUntouched = 12345.0f;
constexpr xnn_f32_minmax_params kParams = {{-0.75f, 0.875f}};

class Runner {
 public:
  Runner(const xnn_f32_colnm_gemm_config& config, const Case& c, uint32_t seed)
      : config_(config), c_(c), generator_(seed), strip_(config.lanes << c.log2_lmul), rows_(2 * c.kc),
        stride_(2 * strip_ * c.counts.size()) {}

  void run() {
    const size_t strips = c_.counts.size();
    // A strip vector is read whole, so the last strip's columns are as long as the others'.
    GuardedBuffer<float> a(strips * rows_ * strip_, At::kEnd), w(c_.tile * (c_.kc + 1 + COLNM_EXTRA_COLUMNS), At::kEnd);
    GuardedBuffer<float> residual(c_.tile * stride_, At::kEnd), out(c_.tile * stride_, At::kEnd);
    GuardedBuffer<uint32_t> offsets(c_.kc + COLNM_EXTRA_COLUMNS, At::kEnd);
    for (auto* values : {&a, &w, &residual}) {
      for (float& x : *values) x = std::uniform_real_distribution<float>(-1, 1)(generator_);
    }
    for (float& x : out) x = kUntouched;
    // What a hole holds is zero or what was there: here the same.
    for (size_t p = 0; p < out.size(); p++) {
      if (is_hole(p % stride_)) out[p] = 0;
    }
    for (uint32_t& o : offsets) o = static_cast<uint32_t>(generator_() % rows_ * strip_ * sizeof(float));
    make_strips();
    config_.ukernel[c_.log2_lmul][c_.tile - 1](
        c_.kc, a.data(), w.data(), offsets.data(), strips, strips_.data(), out.data(), stride_ * sizeof(float),
        c_.residual ? residual.data() : nullptr, stride_ * sizeof(float), &kParams);
    for (size_t i = 0; i < c_.tile; i++) {
      std::vector<bool> written(stride_);
      for (size_t s = 0; s < strips; s++) {
        for (size_t j = 0; j < c_.counts[s]; j++) {
          if (!is_stored(s, j)) continue;
          double sum = w[i], magnitude = std::abs(w[i]);
          for (size_t k = 0; k < c_.kc; k++) {
            const double term = static_cast<double>(w[(k + 1) * c_.tile + i]) *
                                a[s * rows_ * strip_ + offsets[k] / sizeof(float) + j];
            sum += term;
            magnitude += std::abs(term);
          }
          const size_t place = position(s, j);
          if (c_.residual) sum += residual[i * stride_ + place];
          const double expected = std::min(std::max(sum, -0.75), 0.875);
          // The rounding of a float sum of kc terms, each at most `magnitude`.
          ASSERT_NEAR(out[i * stride_ + place], expected, (magnitude + 1) * static_cast<double>(c_.kc + 2) * 0x1p-24)
              << "row " << i << ", strip " << s << ", position " << j;
          written[place] = true;
        }
      }
      for (size_t p = 0; p < stride_; p++) {
        if (written[p]) continue;
        ASSERT_EQ(out[i * stride_ + p], is_hole(p) ? 0 : kUntouched) << "row " << i << ", element " << p;
      }
    }
  }

 private:
  bool is_stored(size_t strip, size_t j) const {
    if (c_.store == Store::kHole) return j != 1 || c_.counts[strip] < 3;
    return c_.store != Store::kMasked || (j + strip) % 3 != 1;
  }

  bool is_hole(size_t place) {
    const size_t strip = place / (2 * strip_);
    return c_.store == Store::kHole && place % (2 * strip_) == 1 && !is_stored(strip, 1);
  }

  // Element of a row where a result goes. By index: every other one, backwards.
  size_t position(size_t strip, size_t j) const {
    const size_t begin = 2 * strip * strip_;
    return c_.store == Store::kIndexed ? begin + 2 * (c_.counts[strip] - 1 - j) : begin + j;
  }

  void make_strips() {
    strips_.resize(c_.counts.size());
    masks_.assign(c_.counts.size(), std::vector<uint8_t>((strip_ + 7) / 8 + 1));
    indices_.assign(c_.counts.size(), std::vector<uint32_t>());
    for (size_t s = 0; s < c_.counts.size(); s++) {
      strips_[s].count = static_cast<uint32_t>(c_.counts[s]);
      strips_[s].log2_lmul = static_cast<uint32_t>(c_.log2_lmul);
      strips_[s].input = s * rows_ * strip_ * sizeof(float);
      strips_[s].output = strips_[s].residual = 2 * s * strip_ * sizeof(float);
      for (size_t j = 0; j < c_.counts[s]; j++) {
        masks_[s][j / 8] |= static_cast<uint8_t>(is_stored(s, j) << (j % 8));
        indices_[s].push_back(static_cast<uint32_t>((position(s, j) - 2 * s * strip_) * sizeof(float)));
      }
      if (c_.store == Store::kMasked || (c_.store == Store::kHole && !is_stored(s, 1))) strips_[s].mask = masks_[s].data();
      if (c_.store == Store::kHole && !is_stored(s, 1)) strips_[s].hole = sizeof(float);
      if (c_.store == Store::kIndexed) strips_[s].output_index = strips_[s].residual_index = indices_[s].data();
    }
  }

  const xnn_f32_colnm_gemm_config& config_;
  const Case& c_;
  std::mt19937 generator_;
  size_t strip_, rows_, stride_;
  std::vector<xnn_colnm_strip> strips_;
  std::vector<std::vector<uint8_t>> masks_;
  std::vector<std::vector<uint32_t>> indices_;
};

TEST(ColnmGemm, EveryKernelMatchesFloat64) {
  colonnade::initialize_xnnpack();
  const xnn_f32_colnm_gemm_config* config = xnn_init_f32_colnm_gemm_config();
  ASSERT_NE(config, nullptr);
  size_t kernels = 0, cases = 0;
  for (size_t log2_lmul = 0; log2_lmul < COLNM_LMULS; log2_lmul++) {
    const size_t strip = config->lanes << log2_lmul;
    for (size_t tile = 1; tile <= COLNM_MAX_TILE; tile++) {
      if (config->ukernel[log2_lmul][tile - 1] == nullptr) {
        EXPECT_GT((tile + 1) << log2_lmul, 32u) << "no kernel for tile " << tile << " LMUL " << (1 << log2_lmul);
        continue;
      }
      kernels++;
      // Strips that may start in the shadow of the one before, and one that may not because it is longer.
      const std::vector<std::vector<size_t>> counts = {{strip}, {strip, strip, 1}, {strip - 1, strip, strip / 2 + 1}};
      for (const size_t kc : {1, 2, 3, 4, 5, 16}) {
        for (const Store store : {Store::kContiguous, Store::kMasked, Store::kHole, Store::kIndexed}) {
          const Case c = {log2_lmul, tile, kc, counts[cases % counts.size()], store, cases / 2 % 2 == 0};
          const auto seed = static_cast<uint32_t>(cases);
          SCOPED_TRACE(testing::Message() << "lmul " << (1 << log2_lmul) << " tile " << tile << " kc " << kc << " store "
                                          << static_cast<int>(store) << " strips " << cases % counts.size()
                                          << " residual " << c.residual << " seed " << seed);
          Runner(*config, c, seed).run();
          if (HasFatalFailure()) return;
          cases++;
        }
      }
      cases++;  // so that the next kernel meets other combinations
    }
  }
  EXPECT_EQ(kernels, 31u + 15u + 7u + 3u);
  EXPECT_EQ(cases, kernels * 25);
}

}  // namespace
