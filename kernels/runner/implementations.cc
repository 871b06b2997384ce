#include "implementations.h"

#include <algorithm>

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

}  // namespace

const std::vector<Implementation>& implementations() {
  const std::vector<std::string> f32 = {"f32"}, both = {"f32", "f16"};
  static const std::vector<Implementation> table = {
      {"xnnpack_nhwc_dense", Layout::nhwc, PrunedWeights::dense, ScheduleKey::none, {}, {}, f32},
      // Its pointwise convolutions are XNNPACK's sparse operator's, which has no schedule.
      {"xnnpack_spmm", Layout::nchw, PrunedWeights::sparse, ScheduleKey::packed, {}, {}, f32},
      {"colnm_dense", Layout::planes, PrunedWeights::refused, ScheduleKey::fastest, {}, {}, both},
      {"colnm_unpipelined", Layout::planes, PrunedWeights::refused, ScheduleKey::none, kUnpipelined, {}, both},
      // What is not fused runs on the fused algorithm's schedule: the difference is the fusion alone.
      {"colnm_unfused", Layout::planes, PrunedWeights::sparse, ScheduleKey::packed, {}, xnn_colnm_unfused, both},
      {"colnm_packed", Layout::planes, PrunedWeights::sparse, ScheduleKey::packed, {}, {}, both},
      {"colnm_direct", Layout::planes, PrunedWeights::sparse, ScheduleKey::direct, {}, {}, both},
      {"colnm_tuned", Layout::planes, PrunedWeights::sparse, ScheduleKey::fastest, {}, {}, both},
      {"rownm", Layout::planes, PrunedWeights::rows, ScheduleKey::fastest, kRowWise, {}, both},
  };
  return table;
}

const Implementation& find_implementation(const std::string& name) {
  const std::vector<Implementation>& table = implementations();
  return *std::find_if(table.begin(), table.end(), [&](const Implementation& each) { return each.name == name; });
}

std::string Implementation::key_algorithm() const {
  switch (key) {
    case ScheduleKey::direct: return "direct";
    case ScheduleKey::packed: return "packed";
    default: return "";
  }
}

}  // namespace colonnade
