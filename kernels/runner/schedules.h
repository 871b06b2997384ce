// Schedules chosen by profiling, keyed by conv shape and sparsity.
#pragma once

#include <map>
#include <string>

#include "colonnade/operators.h"

namespace colonnade {

struct ConvSchedule {
  size_t tile;
  xnn_colnm_schedule schedule;
};

class Schedules {
 public:
  // Every conv gets the default schedule.
  Schedules() = default;
  // Throws std::runtime_error naming the file and the key that is wrong.
  explicit Schedules(const std::string& path);

  // `conv` is a shape string; the default where the file has no entry.
  ConvSchedule find(const std::string& conv, double sparsity) const;

 private:
  std::map<std::string, ConvSchedule> convs_;
};

}  // namespace colonnade
