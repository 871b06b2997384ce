// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

#include "implementations.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "datatype.h"

namespace colonnade {
namespace {

// Rows that share no columns: a tile of one row, so that every panel vector is loaded for a single FMA. Loading LMUL
// registers takes the load unit twice the cycles that the FMA takes, so at most half of the FMA unit's cycles are of
// use at any LMUL: 4 of 8 multiplications a cycle. More rows in one kernel would share the loads of columns that
// several of them keep, but which these are is only known from the mask: a kernel would have to be compiled for each
// mask, or branch at every column. Of all LMULs this one has the fewest modelled cycles over ResNet-50's convolutions.
constexpr ConvSchedule kRowWise = {1, {xnn_colnm_direct, 4, 2, 1}};

// For comparison: with 15 accumulators of two registers each, two are left for one panel vector, so a column's load
// waits until the one before was used. Every kernel that has registers for a second one is software-pipelined.
constexpr ConvSchedule kUnpipelined = {15, {xnn_colnm_unfused, 2, 4, 1}};

// Without profiling: with tiles that two registers an accumulator leave most rows of.
constexpr ConvSchedule kUntuned = {14, {xnn_colnm_direct, 2, 4, 1}};

const char* name_of(Layout layout) {
  switch (layout) {
    case Layout::nhwc: return "nhwc";
    case Layout::planes: return "planes";
    case Layout::nchw: return "nchw";
  }
  __builtin_unreachable();
}

const char* name_of(PrunedWeights pruned) {
  switch (pruned) {
    case PrunedWeights::dense: return "dense";
    case PrunedWeights::sparse: return "sparse";
    case PrunedWeights::rows: return "rows";
    case PrunedWeights::refused: return "refused";
  }
  __builtin_unreachable();
}

const char* name_of(ScheduleKey key) {
  switch (key) {
    case ScheduleKey::none: return "none";
    case ScheduleKey::fastest: return "fastest";
    case ScheduleKey::direct: return "direct";
    case ScheduleKey::packed: return "packed";
  }
  __builtin_unreachable();
}

}  // namespace

const std::vector<Implementation>& implementations() {
  static const std::vector<Implementation> table = {
      {"xnnpack_nhwc_dense", Layout::nhwc, PrunedWeights::dense, ScheduleKey::none, {}, {}},
      // Its pointwise convolutions are XNNPACK's sparse operator's, which has no schedule.
      {"xnnpack_spmm", Layout::nchw, PrunedWeights::sparse, ScheduleKey::packed, {}, {}},
      {"colnm_dense", Layout::planes, PrunedWeights::refused, ScheduleKey::fastest, {}, {}},
      {"colnm_unpipelined", Layout::planes, PrunedWeights::refused, ScheduleKey::none, kUnpipelined, {}},
      // What is not fused runs on the fused algorithm's schedule: the difference is the fusion alone.
      {"colnm_unfused", Layout::planes, PrunedWeights::sparse, ScheduleKey::packed, {}, xnn_colnm_unfused},
      {"colnm_packed", Layout::planes, PrunedWeights::sparse, ScheduleKey::packed, {}, {}},
      {"colnm_direct", Layout::planes, PrunedWeights::sparse, ScheduleKey::direct, {}, {}},
      {"colnm_tuned", Layout::planes, PrunedWeights::sparse, ScheduleKey::fastest, {}, {}},
      {"colnm_untuned", Layout::planes, PrunedWeights::sparse, ScheduleKey::none, kUntuned, {}},
      {"rownm", Layout::planes, PrunedWeights::rows, ScheduleKey::fastest, kRowWise, {}},
  };
  return table;
}

const Implementation& find_implementation(const std::string& name) {
  const std::vector<Implementation>& table = implementations();
  return *std::find_if(table.begin(), table.end(), [&](const Implementation& each) { return each.name == name; });
}

std::string Implementation::key_algorithm() const {
  return key == ScheduleKey::direct || key == ScheduleKey::packed ? name_of(key) : "";
}

std::vector<std::string> Implementation::dtypes() const {
  if (layout != Layout::planes) return {f32().name};
  std::vector<std::string> all;
  for (const Datatype& each : datatypes()) all.push_back(each.name);
  return all;
}

nlohmann::ordered_json list_implementations() {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Implementation& each : implementations()) {
    list.push_back({
        {"name", each.name},
        {"layout", name_of(each.layout)},
        {"pruned", name_of(each.pruned)},
        {"schedules", name_of(each.key)},
        {"fixed_schedule", each.fixed.has_value() ? nlohmann::ordered_json(each.fixed->str()) : nullptr},
        {"dtypes", each.dtypes()},
    });
  }
  return list;
}

}  // namespace colonnade
