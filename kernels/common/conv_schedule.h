// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// How a convolution is executed: its fields, their names and ranges, and the string that names it in options and reports.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "colonnade/operators.h"
#include "size_limits.h"

namespace colonnade {

// A number of a schedule, from 1 to `most`; `name` is its key in schedules files and reports. LMUL is a power of two.
struct ScheduleField {
  const char* name;
  size_t most;
};
constexpr std::array<ScheduleField, 4> kScheduleFields = {{{"tile", kMaxTile}, {"lmul", kMaxLmul}, {"panels", kMaxPanels}, {"kc_splits", kMaxKcSplits}}};
using ScheduleNumbers = std::array<size_t, kScheduleFields.size()>;

struct ConvSchedule {
  size_t tile;
  xnn_colnm_schedule schedule;

  // Of numbers in the order of the fields, each in its range. Throws std::invalid_argument for an LMUL that is no power of
  // two.
  static ConvSchedule of(xnn_colnm_algorithm algorithm, const ScheduleNumbers& numbers);
  ScheduleNumbers numbers() const { return {tile, schedule.lmul, schedule.panels, schedule.kc_splits}; }

  // ALGORITHM:TILE:LMUL:PANELS:KC_SPLITS. Reading throws std::invalid_argument if `text` is not of that form, or a number
  // is out of its range.
  static ConvSchedule parse(const std::string& text);
  std::string str() const;
};

struct Algorithm {
  xnn_colnm_algorithm value;
  const char* name;
};
const std::vector<Algorithm>& algorithms();
const char* name_of(xnn_colnm_algorithm value);
bool is_winograd(xnn_colnm_algorithm value);
// Throws std::invalid_argument for a name that no algorithm has.
xnn_colnm_algorithm find_algorithm(const std::string& name);

}  // namespace colonnade
