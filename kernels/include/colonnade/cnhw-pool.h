// Row and plane kernels of the pooling operators.
#pragma once

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

// One output row of a max pool. `row` holds the maximum over the window's rows, already padded;
// output[x] = max over k < pooling_width of row[x * stride + k].
typedef void (*xnn_f32_maxpool_row_ukernel_fn)(
    size_t output_width, const float* row, size_t pooling_width, size_t stride, float* output);

// row[x] = max(row[x], input[x]).
typedef void (*xnn_f32_vmax_ukernel_fn)(size_t width, const float* input, float* row);

// Sum of n floats.
typedef float (*xnn_f32_plane_sum_ukernel_fn)(size_t n, const float* input);

struct xnn_f32_cnhw_pool_config {
  xnn_f32_maxpool_row_ukernel_fn maxpool_row;
  xnn_f32_vmax_ukernel_fn vmax;
  xnn_f32_plane_sum_ukernel_fn plane_sum;
};

extern const struct xnn_f32_cnhw_pool_config xnn_f32_cnhw_pool_config_scalar;
extern const struct xnn_f32_cnhw_pool_config xnn_f32_cnhw_pool_config_rvv;

// The kernels for the CPU this runs on, or NULL where XNNPACK does not support it.
const struct xnn_f32_cnhw_pool_config* xnn_init_f32_cnhw_pool_config(void);

#ifdef __cplusplus
}  // extern "C"
#endif
