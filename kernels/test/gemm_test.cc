// Every GEMM microkernel of this CPU against float64.
#include <cmath>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "colonnade/colnm-gemm.h"
#include "xnn.h"

namespace {

struct Case {
  size_t log2_lmul, tile, nc, kc;
  bool residual;
};

void run_case(const xnn_f32_colnm_gemm_config& config, const Case& c, uint32_t seed) {
  SCOPED_TRACE(testing::Message() << "lmul " << (1 << c.log2_lmul) << " tile " << c.tile << " nc " << c.nc << " kc "
                                  << c.kc << " residual " << c.residual << " seed " << seed);
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> uniform(-1, 1);
  const auto random = [&](size_t n) {
    std::vector<float> v(n);
    for (float& x : v) x = uniform(generator);
    return v;
  };
  const size_t strip = config.lanes << c.log2_lmul, strips_rows = 2 * c.kc, stride = strip + 3;
  const std::vector<float> a = random(strips_rows * strip), residual = random(c.tile * stride);
  const std::vector<float> w = random(c.tile * (c.kc + 1 + COLNM_EXTRA_COLUMNS));
  std::vector<uint32_t> offsets;
  for (size_t k = 0; k < c.kc + COLNM_EXTRA_COLUMNS; k++) {
    offsets.push_back(static_cast<uint32_t>(generator() % strips_rows * strip * sizeof(float)));
  }
  constexpr float kUntouched = 12345.0f;
  std::vector<float> out(c.tile * stride, kUntouched);
  const xnn_f32_minmax_params params = {{-0.75f, 0.875f}};
  config.ukernel[c.log2_lmul][c.tile - 1](c.nc, c.kc, a.data(), w.data(), offsets.data(), out.data(),
                                          stride * sizeof(float), c.residual ? residual.data() : nullptr, &params);
  for (size_t i = 0; i < c.tile; i++) {
    for (size_t j = 0; j < c.nc; j++) {
      double sum = w[i], magnitude = std::abs(w[i]);
      for (size_t k = 0; k < c.kc; k++) {
        const double term = static_cast<double>(w[(k + 1) * c.tile + i]) * a[offsets[k] / sizeof(float) + j];
        sum += term;
        magnitude += std::abs(term);
      }
      if (c.residual) sum += residual[i * stride + j];
      const double expected = std::min(std::max(sum, -0.75), 0.875);
      // The rounding of a float sum of kc terms, each at most `magnitude`.
      ASSERT_NEAR(out[i * stride + j], expected, (magnitude + 1) * static_cast<double>(c.kc + 2) * 0x1p-24) << i << "," << j;
    }
    for (size_t j = c.nc; j < stride; j++) ASSERT_EQ(out[i * stride + j], kUntouched) << "wrote past nc in row " << i;
  }
}

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
      for (const size_t nc : {strip, size_t{1}, strip - 1}) {
        for (const size_t kc : {1, 2, 3, 8, 17}) {
          run_case(*config, {log2_lmul, tile, nc, kc, kc % 2 == 0}, static_cast<uint32_t>(1000 * tile + 10 * kc + log2_lmul));
          if (HasFatalFailure()) return;
          cases++;
        }
      }
    }
  }
  EXPECT_EQ(kernels, 31u + 15u + 7u + 3u);
  EXPECT_EQ(cases, kernels * 15);
}

}  // namespace
