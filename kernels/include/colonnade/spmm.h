// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Sparse matrix times dense planes: kernels for XNNPACK's sparse 1x1 convolution, which has none for RVV.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "xnnpack/microparams.h"

#ifdef __cplusplus
extern "C" {
#endif

// XNNPACK's xnn_f32_spmm_minmax_ukernel_fn; panels of four vector registers, one, two or four output channels
// that share their columns.
void xnn_f32_spmm_minmax_ukernel_4vx1__rvv(
    size_t, size_t, const float*, const float*, const int32_t*, const uint32_t*, float*, size_t,
    const union xnn_f32_minmax_params*);
void xnn_f32_spmm_minmax_ukernel_4vx2__rvv(
    size_t, size_t, const float*, const float*, const int32_t*, const uint32_t*, float*, size_t,
    const union xnn_f32_minmax_params*);
void xnn_f32_spmm_minmax_ukernel_4vx4__rvv(
    size_t, size_t, const float*, const float*, const int32_t*, const uint32_t*, float*, size_t,
    const union xnn_f32_minmax_params*);

#ifdef __cplusplus
}  // extern "C"
#endif
