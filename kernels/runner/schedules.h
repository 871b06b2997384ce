// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Schedules chosen by profiling, keyed by conv shape and kept columns: the winner's, and each algorithm's best.
#pragma once

#include <map>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "colonnade/operators.h"
#include "conv_shape.h"

namespace colonnade {

struct ConvSchedule {
  size_t tile;
  xnn_colnm_schedule schedule;

  // As the bench takes it: ALGORITHM:TILE:LMUL:PANELS:PARTS.
  std::string str() const;
};

class Schedules {
 public:
  // Every conv gets the default schedule.
  Schedules() = default;
  // Throws std::runtime_error naming the file and the key that is wrong.
  explicit Schedules(const std::string& path);

  // Of a convolution whose tiles keep `kept` columns each, `algorithm` empty for the winner; a default where the file
  // has no entry.
  ConvSchedule find(const ConvShape& conv, size_t kept, const std::string& algorithm) const;

 private:
  void read(const nlohmann::json& document);

  std::map<std::string, ConvSchedule> convs_;
};

}  // namespace colonnade
