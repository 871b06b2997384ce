// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Schedules chosen by profiling, keyed by conv shape and kept columns: the winner's, and each algorithm's best.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "conv_schedule.h"
#include "conv_shape.h"

namespace colonnade {

// Of the files that are read; colonnade.tuning.choice writes them.
constexpr size_t kSchedulesVersion = 3;

// Where the schedule of a convolution comes from.
enum class ScheduleSource {
  tuned,       // the entry of this very shape, kept columns and algorithm
  other_size,  // that of the same weights for other images: all of the shape but n, h and w is equal, and the rest of the key
  fixed,       // the implementation has one for every convolution
};
// As reports have it: "tuned", "other size" or "fixed".
const char* name_of(ScheduleSource source);

struct FoundSchedule {
  ConvSchedule schedule;
  ScheduleSource source;
  std::string key;  // of the entry; empty for one that is fixed
};

// Key of a convolution whose tiles keep `kept` columns each: of the schedule of an algorithm ("direct", "packed", ...),
// or of the fastest of all where `algorithm` is empty.
std::string schedule_key(const ConvShape& conv, size_t kept, const std::string& algorithm);

class Schedules {
 public:
  // Throws std::runtime_error naming the file and the key that is wrong.
  explicit Schedules(const std::string& path);
  // The same without a file; `name` stands for it in messages.
  Schedules(const std::string& name, const nlohmann::json& document);

  // The entry of that key. Where there is none: that of the same weights whose number of output positions is nearest,
  // the first in the order of keys among equals; or nothing.
  std::optional<FoundSchedule> look_up(const ConvShape& conv, size_t kept, const std::string& algorithm) const;
  // The same; throws std::runtime_error naming file, `user` and key where there is none of these.
  FoundSchedule find(const std::string& user, const ConvShape& conv, size_t kept, const std::string& algorithm) const;

 private:
  struct Entry {
    ConvShape conv;
    size_t kept;
    std::string algorithm;  // of its key
    ConvSchedule schedule;
  };

  void read(const nlohmann::json& document);

  std::string name_;
  std::map<std::string, Entry> entries_;
};

}  // namespace colonnade
