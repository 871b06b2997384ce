// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

#include "datatype.h"

#include <algorithm>

#include "colonnade/operators.h"
#include "planes.h"

namespace colonnade {
namespace {

template <typename T>
void to_planes(const float* nchw, const xnn_colnm_planes& planes, void* buffer) {
  nchw_to_planes(nchw, planes, static_cast<T*>(buffer));
}

template <typename T>
void from_planes(const xnn_colnm_planes& planes, const void* buffer, float* nchw) {
  planes_to_nchw(planes, static_cast<const T*>(buffer), nchw);
}

template <typename T>
float round_to(float value) {
  return static_cast<float>(static_cast<T>(value));
}

// A row whose elements are T.
template <typename T>
Datatype row(const char* name, xnn_datatype xnnpack, double relative_error, double least_error,
             xnn_colnm_arithmetic (*arithmetic)(size_t, size_t), bool has_kc_splits) {
  return {name, xnnpack, sizeof(T), to_planes<T>, from_planes<T>, round_to<T>, relative_error, least_error, arithmetic, has_kc_splits};
}

xnn_colnm_arithmetic f32_arithmetic(size_t, size_t) { return xnn_colnm_f32; }

template <typename Row, typename Matches>
const Row& find(const std::vector<Row>& table, Matches matches) {
  return *std::find_if(table.begin(), table.end(), matches);
}

}  // namespace

const std::vector<Datatype>& datatypes() {
  static const std::vector<Datatype> table = {
      row<float>("f32", xnn_datatype_fp32, 0x1p-24, 0x1p-150, f32_arithmetic, /*has_kc_splits=*/true),
      row<_Float16>("f16", xnn_datatype_fp16, 0x1p-11, 0x1p-25, xnn_colnm_f16_arithmetic, /*has_kc_splits=*/false),
  };
  return table;
}

const Datatype& f32() { return find_datatype("f32"); }

const Datatype& find_datatype(const std::string& name) {
  return find(datatypes(), [&](const Datatype& each) { return each.name == name; });
}

const std::vector<Arithmetic>& arithmetics() {
  static const std::vector<Arithmetic> table = {
      {xnn_colnm_f32, "f32", find_datatype("f32"), find_datatype("f32")},
      {xnn_colnm_f16, "f16", find_datatype("f16"), find_datatype("f16")},
      {xnn_colnm_f16_f32acc, "f16_f32acc", find_datatype("f16"), find_datatype("f32")},
  };
  return table;
}

const Arithmetic& find_arithmetic(xnn_colnm_arithmetic value) {
  return find(arithmetics(), [&](const Arithmetic& each) { return each.value == value; });
}

}  // namespace colonnade
