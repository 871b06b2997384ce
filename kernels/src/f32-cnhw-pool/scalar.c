#include "colonnade/cnhw-pool.h"
#include "xnnpack/math.h"

static void maxpool_row(size_t output_width, const float* row, size_t pooling_width, size_t stride, float* output) {
  for (size_t x = 0; x < output_width; x++) {
    float best = row[x * stride];
    for (size_t k = 1; k < pooling_width; k++) {
      best = math_max_f32(best, row[x * stride + k]);
    }
    output[x] = best;
  }
}

static void vmax(size_t width, const float* input, float* row) {
  for (size_t x = 0; x < width; x++) {
    row[x] = math_max_f32(row[x], input[x]);
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
  .maxpool_row = maxpool_row,
  .vmax = vmax,
  .plane_sum = plane_sum,
};
