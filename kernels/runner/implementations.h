// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// The implementations of a whole network that the runner has, one row each.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "schedules.h"

namespace colonnade {

// How activations lie in memory.
enum class Layout {
  nhwc,    // XNNPACK's own operators throughout
  planes,  // [C, N, H, W] with halos and space-to-depth where convolutions read without packing
  nchw,    // [N, C, H, W] without gaps, for XNNPACK's sparse operator among our convolutions
};

// What becomes of pruned convolutions.
enum class PrunedWeights {
  dense,    // they run as dense ones, with zeros
  sparse,   // only kept columns are multiplied
  rows,     // the same, where every row has columns of its own
  refused,
};

// Which entry of the schedules file is a convolution's.
enum class ScheduleKey { none,
                         fastest,
                         direct,
                         packed };

struct Implementation {
  const char* name;
  Layout layout;
  PrunedWeights pruned;
  ScheduleKey key;
  // Of all convolutions, or of all pruned ones where the others have a key.
  std::optional<ConvSchedule> fixed;
  // Instead of the schedule's algorithm.
  std::optional<xnn_colnm_algorithm> algorithm;

  bool needs_schedules() const { return key != ScheduleKey::none; }
  // The third part of its keys; empty for the fastest.
  std::string key_algorithm() const;
  // Of activations and weights: all in our planes, f32 in XNNPACK's layouts, which have no others on RVV.
  std::vector<std::string> dtypes() const;
};

const std::vector<Implementation>& implementations();

// The table as `colonnade-run --list` prints it; workflow/colonnade/targets/implementations.py has the same names.
nlohmann::ordered_json list_implementations();

// The row of that name, which is one of the table's.
const Implementation& find_implementation(const std::string& name);

}  // namespace colonnade
