// Schedules chosen by profiling, keyed by conv shape and sparsity: the winner's, and each algorithm's best.
#pragma once

#include <map>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "colonnade/operators.h"

namespace colonnade {

struct ConvSchedule {
  size_t tile;
  xnn_colnm_schedule schedule;

  // As the bench takes it: ALGORITHM:TILE:LMUL:STRIPS:PARTS.
  std::string str() const;
};

class Schedules {
 public:
  // Every conv gets the default schedule.
  Schedules() = default;
  // Throws std::runtime_error naming the file and the key that is wrong.
  explicit Schedules(const std::string& path);

  // `conv` is a shape string, `algorithm` empty for the winner; a default where the file has no entry.
  ConvSchedule find(const std::string& conv, double sparsity, const std::string& algorithm) const;

 private:
  void read(const nlohmann::json& document);

  std::map<std::string, ConvSchedule> convs_;
};

}  // namespace colonnade
