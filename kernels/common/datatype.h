// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// The datatypes of activations and weights, and the arithmetics that convolutions have for them, by their names. All that
// is to be said of one is said in generate.py.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <xnnpack.h>

#include "colonnade/datatypes.h"
#include "colonnade/planes.h"

namespace colonnade {

// A row of colonnade/datatypes.h.
class Datatype {
 public:
  explicit Datatype(const xnn_colnm_datatype& row);

  const char* name;  // as options and reports have it
  xnn_datatype xnnpack;
  size_t element_bytes;
  // What a number of this datatype is off by in relation to numbers around 1, and near 0.
  double relative_error, least_error;
  // Whether sums may wait in the output between two KC splits: not where they would be rounded.
  bool has_kc_splits;

  // NCHW tensors to and from planes of this datatype.
  void to_planes(const float* nchw, const xnn_colnm_planes& planes, void* buffer) const;
  void from_planes(const xnn_colnm_planes& planes, const void* buffer, float* nchw) const;
  // The number of this datatype that is nearest.
  float round(float value) const;
  // What a convolution computes in whose tiles of `tile` rows keep `kept` columns each.
  xnn_colnm_arithmetic arithmetic(size_t tile, size_t kept) const;

 private:
  const xnn_colnm_datatype* row_;
};

const std::vector<Datatype>& datatypes();

// What inputs, outputs and features are, whatever the network's own datatype.
const Datatype& f32();

// The row of that name, which is one of the table's.
const Datatype& find_datatype(const std::string& name);

struct Arithmetic {
  xnn_colnm_arithmetic value;
  const char* name;
  const Datatype &elements, &sums;
};

const std::vector<Arithmetic>& arithmetics();
const Arithmetic& find_arithmetic(xnn_colnm_arithmetic value);

}  // namespace colonnade
