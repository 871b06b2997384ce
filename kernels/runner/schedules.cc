#include "schedules.h"

#include <cstdio>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include "safetensors.h"

namespace colonnade {

Schedules::Schedules(const std::string& path) {
  try {
    const auto document = nlohmann::json::parse(read_file(path));
    if (document.at("format") != "colonnade-schedules" || document.at("version") != 1) {
      throw std::runtime_error(path + ": not a colonnade-schedules file of version 1");
    }
    for (const auto& [key, entry] : document.at("convs").items()) {
      if (entry.at("algorithm") != "packed") {
        throw std::runtime_error(path + ": " + key + ": algorithm: " + entry.at("algorithm").dump() + "; allowed: \"packed\"");
      }
      convs_[key] = {entry.at("tile").get<size_t>(), {entry.at("lmul").get<uint32_t>(), entry.at("strips").get<uint32_t>()}};
    }
  } catch (const nlohmann::json::exception& error) {
    throw std::runtime_error(path + ": " + error.what());
  }
}

ConvSchedule Schedules::find(const std::string& conv, double sparsity) const {
  char suffix[32];
  std::snprintf(suffix, sizeof(suffix), "|%g", sparsity);
  const auto found = convs_.find(conv + suffix);
  // Fits every tile up to 15, and does well on most shapes.
  constexpr ConvSchedule kDefault = {14, {2, 4}};
  return found == convs_.end() ? kDefault : found->second;
}

}  // namespace colonnade
