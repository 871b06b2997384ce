// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

#include "schedules.h"

#include <stdexcept>

#include "size_limits.h"
#include "safetensors.h"
#include "strict_json.h"

namespace colonnade {
namespace {

constexpr size_t kVersion = 3;

ConvSchedule read_schedule(const nlohmann::json& entry) {
  const Fields fields(entry, "", {"algorithm", "tile", "lmul", "panels", "kc_splits"});
  ConvSchedule schedule = {};
  schedule.schedule.algorithm = fields.choice("algorithm", {"direct", "packed"}) == 0 ? xnn_colnm_direct : xnn_colnm_packed;
  schedule.tile = fields.size("tile", 1, kMaxTile);
  const size_t lmul = fields.size("lmul", 1, 8);
  if ((lmul & (lmul - 1)) != 0) throw std::invalid_argument("lmul: " + std::to_string(lmul) + "; allowed: 1, 2, 4, 8");
  schedule.schedule.lmul = static_cast<uint32_t>(lmul);
  schedule.schedule.panels = static_cast<uint32_t>(fields.size("panels", 1, kMaxPanels));
  schedule.schedule.kc_splits = static_cast<uint32_t>(fields.size("kc_splits", 1, kMaxKcSplits));
  return schedule;
}

// A key is SHAPE|kKEPT for the fastest schedule, or SHAPE|kKEPT|ALGORITHM for that of the algorithm.
void check_key(const std::string& key, const std::string& where, const std::string& algorithm) {
  const size_t bar = key.find('|');
  const std::string rest = bar == std::string::npos ? "" : key.substr(bar);
  const ConvShape conv = ConvShape::parse(key.substr(0, bar));
  const std::string shown_algorithm = algorithm.empty() ? "" : " or that and |" + algorithm;
  const size_t second = rest.find('|', 1);
  const std::string kept = rest.substr(0, second);
  const bool digits = kept.size() > 2 && kept.size() < 12 && kept[1] == 'k' && kept[2] != '0' && kept.find_first_not_of("0123456789", 2) == std::string::npos;
  const bool ends = second == std::string::npos || (!algorithm.empty() && rest.substr(second + 1) == algorithm);
  if (!digits || !ends || std::stoull(kept.substr(2)) > conv.reduction()) {
    throw std::invalid_argument(where + ": '" + key + "'; allowed: a shape and |k1 to |k" + std::to_string(conv.reduction()) + shown_algorithm);
  }
}

}  // namespace

std::string ConvSchedule::str() const {
  static const std::map<xnn_colnm_algorithm, std::string> names = {
      {xnn_colnm_direct, "direct"}, {xnn_colnm_packed, "packed"}, {xnn_colnm_unfused, "unfused"}};
  const auto s = [](size_t v) { return ":" + std::to_string(v); };
  return names.at(schedule.algorithm) + s(tile) + s(schedule.lmul) + s(schedule.panels) + s(schedule.kc_splits);
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
  const Fields fields(document, "", {"format", "version", "target", "convs", "stays_dense"});
  fields.size("version", kVersion, kVersion);
  fields.text("target");
  for (const auto& key : read_list(fields.at("stays_dense"), "stays_dense", 0, kMaxTensors)) check_key(read_text(key, "stays_dense"), "stays_dense", "");
  const nlohmann::json& convs = fields.at("convs");
  if (!convs.is_object() || convs.size() > kMaxTensors) throw std::invalid_argument("convs: " + shown(convs) + "; allowed: an object of at most " + std::to_string(kMaxTensors) + " schedules");
  for (const auto& [key, entry] : convs.items()) {
    try {
      convs_[read_text(key, "key")] = read_schedule(entry);
      check_key(key, "key", entry.at("algorithm").get<std::string>());
    } catch (const std::invalid_argument& error) {
      throw std::invalid_argument("convs: " + key.substr(0, kMaxName) + ": " + error.what());
    }
  }
}

ConvSchedule Schedules::find(const ConvShape& conv, size_t kept, const std::string& algorithm) const {
  const auto found = convs_.find(conv.str() + "|k" + std::to_string(kept) + (algorithm.empty() ? "" : "|" + algorithm));
  if (found != convs_.end()) return found->second;
  // Fits every tile up to 15, and does well on most shapes.
  return {14, {algorithm == "packed" ? xnn_colnm_packed : xnn_colnm_direct, 2, 4, 1}};
}

}  // namespace colonnade
