// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Times a region of code: in modelled cycles under the timing model, in seconds of wall clock otherwise.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

namespace colonnade {

struct Sample {
  double seconds = 0;              // wall clock, meaningless as a speed under emulation
  std::optional<uint64_t> cycles;  // modelled
  std::string counters;            // the model's line for the region, a JSON object, or empty
};

// The counters as a report has them: an object, or null.
nlohmann::ordered_json counters_of(const Sample& sample);

class RegionClock {
 public:
  // Under the timing model the environment variable COLONNADE_TIMING names the file that the model
  // appends one line per region to. Throws std::runtime_error if it cannot be read.
  RegionClock();

  bool modelled() const { return file_ != nullptr; }

  // A cold region starts with empty caches and an idle pipeline, any other with what the last one left.
  void begin(bool cold);
  Sample end();

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::unique_ptr<std::FILE, Close> file_;
  double start_ = 0;
};

}  // namespace colonnade
