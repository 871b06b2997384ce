// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

#include "colonnade/datatypes.h"

#include "xnnpack/math.h"

#define CONVERSIONS(name, element, xnnpack, to, from, relative_error, least_error) \
  static void name##_from_float(size_t count, const float* in, void* out) {        \
    for (size_t i = 0; i < count; i++) {                                           \
      ((element*) out)[i] = from(in[i]);                                           \
    }                                                                              \
  }                                                                                \
  static void name##_to_float(size_t count, const void* in, float* out) {          \
    for (size_t i = 0; i < count; i++) {                                           \
      out[i] = to(((const element*) in)[i]);                                       \
    }                                                                              \
  }
COLNM_DATATYPES(CONVERSIONS)

#define DATATYPE_ROW(name, element, xnnpack, to, from, relative_error, least_error) \
  {#name, xnnpack, sizeof(element), relative_error, least_error, name##_from_float, name##_to_float},
const struct xnn_colnm_datatype xnn_colnm_datatypes[] = {COLNM_DATATYPES(DATATYPE_ROW)};

const struct xnn_colnm_datatype* xnn_colnm_find_datatype(enum xnn_datatype datatype) {
  for (size_t i = 0; i < xnn_colnm_datatype_count; i++) {
    if (xnn_colnm_datatypes[i].xnnpack == datatype) {
      return &xnn_colnm_datatypes[i];
    }
  }
  return NULL;
}

#define DATATYPE(name) (&xnn_colnm_datatypes[xnn_colnm_datatype_##name])
#define ARITHMETIC_ROW(name, elements, sums, max_columns) {#name, DATATYPE(elements), DATATYPE(sums), max_columns},
const struct xnn_colnm_arithmetic_row xnn_colnm_arithmetic_rows[] = {COLNM_ARITHMETICS(ARITHMETIC_ROW)};
