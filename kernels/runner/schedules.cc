#include "schedules.h"

#include <cstdio>
#include <stdexcept>

#include "limits.h"
#include "safetensors.h"
#include "strict_json.h"

namespace colonnade {
namespace {

constexpr size_t kVersion = 2;

ConvSchedule read_schedule(const nlohmann::json& entry) {
  const Fields fields(entry, "schedule", {"algorithm", "tile", "lmul", "strips", "parts"});
  ConvSchedule schedule = {};
  schedule.schedule.algorithm = fields.choice("algorithm", {"direct", "packed"}) == 0 ? xnn_colnm_direct : xnn_colnm_packed;
  schedule.tile = fields.size("tile", 1, kMaxTile);
  const size_t lmul = fields.size("lmul", 1, 8);
  if ((lmul & (lmul - 1)) != 0) throw std::invalid_argument("lmul: " + std::to_string(lmul) + "; allowed: 1, 2, 4, 8");
  schedule.schedule.lmul = static_cast<uint32_t>(lmul);
  schedule.schedule.strips = static_cast<uint32_t>(fields.size("strips", 1, kMaxStrips));
  schedule.schedule.parts = static_cast<uint32_t>(fields.size("parts", 1, kMaxParts));
  return schedule;
}

}  // namespace

std::string ConvSchedule::str() const {
  static const std::map<xnn_colnm_algorithm, std::string> names = {
      {xnn_colnm_direct, "direct"}, {xnn_colnm_packed, "packed"}, {xnn_colnm_unfused, "unfused"}};
  const auto s = [](size_t v) { return ":" + std::to_string(v); };
  return names.at(schedule.algorithm) + s(tile) + s(schedule.lmul) + s(schedule.strips) + s(schedule.parts);
}

Schedules::Schedules(const std::string& path) {
  try {
    read(parse_json(read_file(path, kMaxJsonBytes)));
  } catch (const std::invalid_argument& error) {
    throw std::runtime_error(path + ": " + error.what());
  }
}

void Schedules::read(const nlohmann::json& document) {
  if (!document.is_object() || document.value("format", nlohmann::json()) != "colonnade-schedules" || document.value("version", nlohmann::json()) != kVersion) {
    throw std::invalid_argument("not a colonnade-schedules file of version " + std::to_string(kVersion));
  }
  const Fields fields(document, "schedules", {"format", "version", "target", "convs", "stays_dense"});
  fields.size("version", kVersion, kVersion);
  fields.text("target");
  for (const auto& key : read_list(fields.at("stays_dense"), "stays_dense", 0, kMaxTensors)) read_text(key, "stays_dense");
  const nlohmann::json& convs = fields.at("convs");
  if (!convs.is_object() || convs.size() > kMaxTensors) throw std::invalid_argument("convs: " + shown(convs) + "; allowed: an object of at most " + std::to_string(kMaxTensors) + " schedules");
  for (const auto& [key, entry] : convs.items()) {
    try {
      convs_[read_text(key, "convs")] = read_schedule(entry);
    } catch (const std::invalid_argument& error) {
      throw std::invalid_argument("convs: " + key.substr(0, kMaxName) + ": " + error.what());
    }
  }
}

ConvSchedule Schedules::find(const std::string& conv, double sparsity, const std::string& algorithm) const {
  char suffix[32];
  std::snprintf(suffix, sizeof(suffix), "|%g", sparsity);
  const auto found = convs_.find(conv + suffix + (algorithm.empty() ? "" : "|" + algorithm));
  if (found != convs_.end()) return found->second;
  // Fits every tile up to 15, and does well on most shapes.
  return {14, {algorithm == "packed" ? xnn_colnm_packed : xnn_colnm_direct, 2, 4, 1}};
}

}  // namespace colonnade
