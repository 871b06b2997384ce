// Kernels of the pooling operators.
#pragma once

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

// output[i] = max over t < taps of inputs[t][i * stride]; taps >= 1.
typedef void (*xnn_f32_cnhw_maxpool_ukernel_fn)(
    size_t count, size_t taps, const float* const* inputs, size_t stride, float* output);

// Sum of n floats.
typedef float (*xnn_f32_plane_sum_ukernel_fn)(size_t n, const float* input);

struct xnn_f32_cnhw_pool_config {
  xnn_f32_cnhw_maxpool_ukernel_fn maxpool;
  xnn_f32_plane_sum_ukernel_fn plane_sum;
};

extern const struct xnn_f32_cnhw_pool_config xnn_f32_cnhw_pool_config_scalar;
extern const struct xnn_f32_cnhw_pool_config xnn_f32_cnhw_pool_config_rvv;

// The kernels for the CPU this runs on, or NULL where XNNPACK does not support it.
const struct xnn_f32_cnhw_pool_config* xnn_init_f32_cnhw_pool_config(void);

#ifdef __cplusplus
}  // extern "C"
#endif
