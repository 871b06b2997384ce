// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

#include "datatype.h"

#include <algorithm>

#include "colonnade/operators.h"
#include "planes.h"

namespace colonnade {
namespace {

template <typename Row, typename Matches>
const Row& find(const std::vector<Row>& table, Matches matches) {
  return *std::find_if(table.begin(), table.end(), matches);
}

}  // namespace

Datatype::Datatype(const xnn_colnm_datatype& row)
    : name(row.name), xnnpack(row.xnnpack), element_bytes(row.bytes), relative_error(row.relative_error), least_error(row.least_error), has_kc_splits(xnn_colnm_keeps_sums(&row)), row_(&row) {}

void Datatype::to_planes(const float* nchw, const xnn_colnm_planes& planes, void* buffer) const {
  auto* elements = static_cast<char*>(buffer);
  for_each_element(planes, [&](size_t to, size_t from) { row_->from_float(1, nchw + from, elements + to * element_bytes); });
}

void Datatype::from_planes(const xnn_colnm_planes& planes, const void* buffer, float* nchw) const {
  const auto* elements = static_cast<const char*>(buffer);
  for_each_element(planes, [&](size_t from, size_t to) { row_->to_float(1, elements + from * element_bytes, nchw + to); });
}

float Datatype::round(float value) const {
  max_align_t element;
  row_->from_float(1, &value, &element);
  row_->to_float(1, &element, &value);
  return value;
}

xnn_colnm_arithmetic Datatype::arithmetic(size_t tile, size_t kept) const { return xnn_colnm_arithmetic_of(xnnpack, tile, kept); }

const std::vector<Datatype>& datatypes() {
  static const std::vector<Datatype> table(std::begin(xnn_colnm_datatypes), std::end(xnn_colnm_datatypes));
  return table;
}

const Datatype& f32() { return find_datatype("f32"); }

const Datatype& find_datatype(const std::string& name) {
  return find(datatypes(), [&](const Datatype& each) { return each.name == name; });
}

const std::vector<Arithmetic>& arithmetics() {
  static const std::vector<Arithmetic> table = [] {
    std::vector<Arithmetic> rows;
    for (const xnn_colnm_arithmetic_row& row : xnn_colnm_arithmetic_rows) {
      rows.push_back({static_cast<xnn_colnm_arithmetic>(rows.size()), row.name, find_datatype(row.elements->name), find_datatype(row.sums->name)});
    }
    return rows;
  }();
  return table;
}

const Arithmetic& find_arithmetic(xnn_colnm_arithmetic value) {
  return find(arithmetics(), [&](const Arithmetic& each) { return each.value == value; });
}

}  // namespace colonnade
