// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// What activations and weights are stored as, and what convolutions compute in: the rows of generate.py.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <xnnpack.h>

#include "colonnade-datatypes.h"

#ifdef __cplusplus
extern "C" {
#endif

struct xnn_colnm_datatype {
  const char* name;  // as options and reports have it
  enum xnn_datatype xnnpack;
  size_t bytes;
  // What a number is off by at most when it is rounded to this datatype: in relation to the number, and near 0.
  double relative_error, least_error;
  // Convert `count` elements.
  void (*from_float)(size_t count, const float* in, void* out);
  void (*to_float)(size_t count, const void* in, float* out);
};

#define COLNM_PLACE(name, ...) xnn_colnm_datatype_##name,
enum { COLNM_DATATYPES(COLNM_PLACE) xnn_colnm_datatype_count };
#undef COLNM_PLACE
extern const struct xnn_colnm_datatype xnn_colnm_datatypes[xnn_colnm_datatype_count];

// The row of a datatype, or NULL if elements of planes cannot have it.
const struct xnn_colnm_datatype* xnn_colnm_find_datatype(enum xnn_datatype datatype);

// Whether sums may wait among elements between two KC splits: not where they would be rounded.
static inline bool xnn_colnm_keeps_sums(const struct xnn_colnm_datatype* elements) {
  return elements->xnnpack == xnn_datatype_fp32;
}

#define COLNM_VALUE(name, ...) xnn_colnm_##name,
enum xnn_colnm_arithmetic { COLNM_ARITHMETICS(COLNM_VALUE) xnn_colnm_arithmetics };
#undef COLNM_VALUE

struct xnn_colnm_arithmetic_row {
  const char* name;
  const struct xnn_colnm_datatype* elements;
  const struct xnn_colnm_datatype* sums;
  size_t max_columns;  // of a sum, beyond which it loses too much
};
// By the values of the enumeration; of a datatype the fastest first.
extern const struct xnn_colnm_arithmetic_row xnn_colnm_arithmetic_rows[xnn_colnm_arithmetics];

#ifdef __cplusplus
}  // extern "C"
#endif
