// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// What a convolution computes in.
#pragma once

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum xnn_colnm_arithmetic {
  // Elements and sums are f32.
  xnn_colnm_f32,
  // Elements and sums are f16: the fastest, and the error of a sum grows with its columns.
  xnn_colnm_f16,
  // Elements are f16, sums are f32 and rounded when they are stored.
  xnn_colnm_f16_f32acc,
  xnn_colnm_arithmetics,
};

#ifdef __cplusplus
}  // extern "C"
#endif
