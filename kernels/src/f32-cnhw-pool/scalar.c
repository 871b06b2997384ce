#include "colonnade/cnhw-pool.h"
#include "xnnpack/math.h"

static void maxpool(size_t count, size_t taps, const float* const* inputs, size_t stride, float* output) {
  for (size_t i = 0; i < count; i++) {
    float best = inputs[0][i * stride];
    for (size_t t = 1; t < taps; t++) {
      best = math_max_f32(best, inputs[t][i * stride]);
    }
    output[i] = best;
  }
}

static float plane_sum(size_t n, const float* input) {
  float sum = 0.0f;
  for (size_t i = 0; i < n; i++) {
    sum += input[i];
  }
  return sum;
}

const struct xnn_f32_cnhw_pool_config xnn_f32_cnhw_pool_config_scalar = {
  .maxpool = maxpool,
  .plane_sum = plane_sum,
};
