// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

#include "schedules.h"

#include <array>
#include <set>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include "safetensors.h"
#include "size_limits.h"
#include "strict_json.h"

namespace colonnade {
namespace {

ConvSchedule read_schedule(const nlohmann::json& entry) {
  std::vector<const char*> keys = {"algorithm"};
  for (const ScheduleField& field : kScheduleFields) keys.push_back(field.name);
  const Fields fields(entry, "", keys);
  constexpr std::array kTuned = {xnn_colnm_direct, xnn_colnm_packed, xnn_colnm_winograd2, xnn_colnm_winograd4};
  std::vector<const char*> names;
  for (const xnn_colnm_algorithm each : kTuned) names.push_back(name_of(each));
  const xnn_colnm_algorithm algorithm = kTuned[fields.choice("algorithm", names)];
  ScheduleNumbers numbers;
  for (size_t i = 0; i < numbers.size(); i++) numbers[i] = fields.size(kScheduleFields[i].name, 1, kScheduleFields[i].most);
  const ConvSchedule schedule = ConvSchedule::of(algorithm, numbers);
  if (is_winograd(algorithm) && schedule.schedule.kc_splits != 1) {
    throw std::invalid_argument("kc_splits: " + std::to_string(schedule.schedule.kc_splits) + "; allowed with " + name_of(algorithm) + ": 1");
  }
  return schedule;
}

struct Key {
  ConvShape conv;
  size_t kept;
  std::string algorithm;
};

// A key is SHAPE|kKEPT for the fastest schedule, or SHAPE|kKEPT|ALGORITHM for that of the algorithm, which is the
// entry's own.
Key read_key(const std::string& key, const std::string& where, const std::string& algorithm) {
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
  return {conv, std::stoull(kept.substr(2)), second == std::string::npos ? "" : algorithm};
}

size_t distance(size_t a, size_t b) { return a < b ? b - a : a - b; }

}  // namespace

const char* name_of(ScheduleSource source) {
  switch (source) {
    case ScheduleSource::tuned: return "tuned";
    case ScheduleSource::other_size: return "other size";
    case ScheduleSource::fixed: return "fixed";
  }
  __builtin_unreachable();
}

std::string schedule_key(const ConvShape& conv, size_t kept, const std::string& algorithm) {
  return conv.str() + "|k" + std::to_string(kept) + (algorithm.empty() ? "" : "|" + algorithm);
}

Schedules::Schedules(const std::string& path) : name_(path) {
  try {
    read(parse_json(read_file(path, kMaxJsonBytes)));
  } catch (const std::invalid_argument& error) {
    throw std::runtime_error(path + ": " + error.what());
  }
}

Schedules::Schedules(const std::string& name, const nlohmann::json& document) : name_(name) {
  try {
    read(document);
  } catch (const std::invalid_argument& error) {
    throw std::runtime_error(name + ": " + error.what());
  }
}

void Schedules::read(const nlohmann::json& document) {
  if (!document.is_object() || document.value("format", nlohmann::json()) != "colonnade-schedules" || document.value("version", nlohmann::json()) != kSchedulesVersion) {
    throw std::invalid_argument("not a colonnade-schedules file of version " + std::to_string(kSchedulesVersion));
  }
  const Fields fields(document, "", {"format", "version", "target", "convs", "stays_dense"});
  fields.size("version", kSchedulesVersion, kSchedulesVersion);
  fields.text("target");
  for (const auto& key : read_list(fields.at("stays_dense"), "stays_dense", 0, kMaxTensors)) read_key(read_text(key, "stays_dense"), "stays_dense", "");
  const nlohmann::json& convs = fields.at("convs");
  if (!convs.is_object() || convs.size() > kMaxTensors) throw std::invalid_argument("convs: " + shown(convs) + "; allowed: an object of at most " + std::to_string(kMaxTensors) + " schedules");
  for (const auto& [key, entry] : convs.items()) {
    try {
      const ConvSchedule schedule = read_schedule(entry);
      const Key parts = read_key(read_text(key, "key"), "key", entry.at("algorithm").get<std::string>());
      if (is_winograd(schedule.schedule.algorithm) && !(parts.conv.has_winograd() && parts.kept == parts.conv.reduction())) {
        throw std::invalid_argument(std::string("algorithm: ") + name_of(schedule.schedule.algorithm) + "; allowed for it: all columns of a 3x3 kernel, stride and dilation 1");
      }
      const bool is_new = entries_.emplace(schedule_key(parts.conv, parts.kept, parts.algorithm), Entry{parts.conv, parts.kept, parts.algorithm, schedule}).second;
      if (!is_new) throw std::invalid_argument("the same convolution is there already, written otherwise");
    } catch (const std::invalid_argument& error) {
      throw std::invalid_argument("convs: " + key.substr(0, kMaxName) + ": " + error.what());
    }
  }
}

std::optional<FoundSchedule> Schedules::look_up(const ConvShape& conv, size_t kept, const std::string& algorithm) const {
  const std::string wanted = schedule_key(conv, kept, algorithm);
  const auto found = entries_.find(wanted);
  if (found != entries_.end()) return FoundSchedule{found->second.schedule, ScheduleSource::tuned, wanted};
  auto nearest = entries_.end();
  for (auto each = entries_.begin(); each != entries_.end(); ++each) {
    const Entry& entry = each->second;
    if (entry.algorithm != algorithm || entry.kept != kept || !entry.conv.has_weights_of(conv)) continue;
    const bool nearer = nearest == entries_.end() ||
                        distance(entry.conv.positions(), conv.positions()) < distance(nearest->second.conv.positions(), conv.positions());
    if (nearer) nearest = each;
  }
  if (nearest == entries_.end()) return std::nullopt;
  return FoundSchedule{nearest->second.schedule, ScheduleSource::other_size, nearest->first};
}

FoundSchedule Schedules::find(const std::string& user, const ConvShape& conv, size_t kept, const std::string& algorithm) const {
  const std::optional<FoundSchedule> found = look_up(conv, kept, algorithm);
  if (found.has_value()) return *found;
  std::set<size_t> others;  // kept columns for which there are schedules of these weights
  for (const auto& [key, entry] : entries_) {
    if (entry.algorithm == algorithm && entry.conv.has_weights_of(conv)) others.insert(entry.kept);
  }
  const std::string wanted = schedule_key(conv, kept, algorithm);
  std::string text = name_ + ": has no schedule for " + user + ", " + wanted + ", nor for the same weights at another size";
  if (!others.empty()) text += "; of other numbers of kept columns it has";
  for (const size_t other : others) text += " k" + std::to_string(other);
  throw std::runtime_error(text);
}

}  // namespace colonnade
