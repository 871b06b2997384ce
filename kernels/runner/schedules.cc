#include "schedules.h"

#include <stdexcept>

#include <nlohmann/json.hpp>

#include "safetensors.h"

namespace colonnade {

std::string ConvSchedule::str() const {
  static const std::map<xnn_colnm_algorithm, std::string> names = {
      {xnn_colnm_direct, "direct"}, {xnn_colnm_packed, "packed"}, {xnn_colnm_unfused, "unfused"}};
  const auto s = [](size_t v) { return ":" + std::to_string(v); };
  return names.at(schedule.algorithm) + s(tile) + s(schedule.lmul) + s(schedule.strips) + s(schedule.parts);
}

Schedules::Schedules(const std::string& path) {
  try {
    const auto document = nlohmann::json::parse(read_file(path));
    if (document.at("format") != "colonnade-schedules" || document.at("version") != 3) {
      throw std::runtime_error(path + ": not a colonnade-schedules file of version 3");
    }
    for (const auto& [key, entry] : document.at("convs").items()) {
      const std::string algorithm = entry.at("algorithm").get<std::string>();
      if (algorithm != "packed" && algorithm != "direct") {
        throw std::runtime_error(path + ": " + key + ": algorithm: '" + algorithm + "'; allowed: direct, packed");
      }
      convs_[key] = {entry.at("tile").get<size_t>(), {algorithm == "direct" ? xnn_colnm_direct : xnn_colnm_packed,
                     entry.at("lmul").get<uint32_t>(), entry.at("strips").get<uint32_t>(),
                     entry.at("parts").get<uint32_t>()}};
    }
  } catch (const nlohmann::json::exception& error) {
    throw std::runtime_error(path + ": " + error.what());
  }
}

ConvSchedule Schedules::find(const ConvShape& conv, size_t kept, const std::string& algorithm) const {
  const auto found = convs_.find(conv.str() + "|k" + std::to_string(kept) + (algorithm.empty() ? "" : "|" + algorithm));
  if (found != convs_.end()) return found->second;
  // Fits every tile up to 15, and does well on most shapes.
  return {14, {algorithm == "packed" ? xnn_colnm_packed : xnn_colnm_direct, 2, 4, 1}};
}

}  // namespace colonnade
