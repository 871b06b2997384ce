// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

#include "region_clock.h"

#include <time.h>

#include <cstdlib>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include "marker.h"

namespace colonnade {
namespace {

double now() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

}  // namespace

RegionClock::RegionClock() {
  const char* path = std::getenv("COLONNADE_TIMING");
  if (path == nullptr || *path == '\0') return;
  file_.reset(std::fopen(path, "r"));
  if (file_ == nullptr) throw std::runtime_error(std::string(path) + ": the timing model's output cannot be read");
}

void RegionClock::begin(bool cold) {
  start_ = now();
  if (cold) {
    colonnade_region_begin_cold();
  } else {
    colonnade_region_begin();
  }
}

Sample RegionClock::end() {
  colonnade_region_end();
  Sample sample;
  sample.seconds = now() - start_;
  if (file_ == nullptr) return sample;
  std::string line;
  std::clearerr(file_.get());
  for (int c; (c = std::fgetc(file_.get())) != EOF && c != '\n';) line += static_cast<char>(c);
  try {
    sample.cycles = nlohmann::json::parse(line).at("cycles").get<uint64_t>();
    sample.counters = line;
  } catch (const nlohmann::json::exception&) {
    throw std::runtime_error("the timing model wrote no result for a region (got '" + line + "')");
  }
  return sample;
}

nlohmann::ordered_json counters_of(const Sample& sample) {
  if (sample.counters.empty()) return nullptr;
  return nlohmann::ordered_json::parse(sample.counters);
}

}  // namespace colonnade
