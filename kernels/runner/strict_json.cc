// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

#include "strict_json.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include "size_limits.h"

namespace colonnade {
namespace {

constexpr size_t kShown = 80;

[[noreturn]] void refuse(const std::string& key, const nlohmann::json& value, const std::string& allowed) {
  throw std::invalid_argument(key + ": " + shown(value) + "; allowed: " + allowed);
}

std::string range(size_t low, size_t high) { return std::to_string(low) + " to " + std::to_string(high); }

std::string listed(const std::vector<const char*>& names) {
  std::string text;
  for (const char* name : names) text += (text.empty() ? "" : ", ") + std::string(name);
  return text;
}

bool is_one_of(const std::string& text, const std::vector<const char*>& names) {
  return std::any_of(names.begin(), names.end(), [&](const char* name) { return text == name; });
}

bool is_whole(const nlohmann::json& value, size_t low, size_t high) {
  if (!value.is_number_integer() || (!value.is_number_unsigned() && value.get<int64_t>() < 0)) return false;
  const auto number = value.get<uint64_t>();
  return low <= number && number <= high;
}

}  // namespace

nlohmann::json parse_json(const std::string& text) {
  if (text.size() > kMaxJsonBytes) throw std::invalid_argument(std::to_string(text.size()) + " bytes of JSON; allowed: at most " + std::to_string(kMaxJsonBytes));
  std::vector<std::set<std::string>> keys;  // of the objects around
  const auto check = [&](int depth, nlohmann::json::parse_event_t event, nlohmann::json& parsed) {
    using Event = nlohmann::json::parse_event_t;
    const bool begins = event == Event::object_start || event == Event::array_start;
    if (begins && static_cast<size_t>(depth) >= kMaxJsonDepth) throw std::invalid_argument("nested too deep; allowed: " + std::to_string(kMaxJsonDepth) + " levels");
    if (event == Event::object_start) keys.emplace_back();
    if (event == Event::object_end) keys.pop_back();
    if (event == Event::key && !keys.back().insert(parsed.get<std::string>()).second) {
      throw std::invalid_argument("key " + shown(parsed) + " is given twice");
    }
    return true;
  };
  try {
    return nlohmann::json::parse(text, check);
  } catch (const nlohmann::json::exception& error) {
    // Without the library's own number of the error.
    const std::string what = error.what();
    const size_t begin = what.find("] ");
    throw std::invalid_argument("not valid JSON: " + (begin == std::string::npos ? what : what.substr(begin + 2)));
  }
}

std::string shown(const nlohmann::json& value) {
  const std::string text = value.dump(-1, ' ', /*ensure_ascii=*/true);
  return text.size() <= kShown ? text : text.substr(0, kShown) + "...";
}

template <typename T>
std::string json_text(const T& value) {
  return nlohmann::json(value).dump();
}
template std::string json_text(const bool&);
template std::string json_text(const uint32_t&);
template std::string json_text(const size_t&);
template std::string json_text(const char* const&);
template std::string json_text(const Pair&);
template std::string json_text(const Padding&);
template std::string json_text(const std::array<double, 2>&);
template std::string json_text(const std::vector<size_t>&);

size_t read_size(const nlohmann::json& value, const std::string& key, size_t low, size_t high) {
  if (!is_whole(value, low, high)) refuse(key, value, "a whole number from " + range(low, high));
  return value.get<size_t>();
}

std::string read_text(const nlohmann::json& value, const std::string& key) {
  const std::string* text = value.get_ptr<const std::string*>();
  if (text == nullptr || text->empty() || text->size() > kMaxName) refuse(key, value, "a text of " + range(1, kMaxName) + " bytes");
  return *text;
}

size_t read_choice(const nlohmann::json& value, const std::string& key, const std::vector<const char*>& allowed) {
  const std::string* text = value.get_ptr<const std::string*>();
  const auto found = std::find_if(allowed.begin(), allowed.end(), [&](const char* name) { return text != nullptr && *text == name; });
  if (found == allowed.end()) refuse(key, value, listed(allowed));
  return static_cast<size_t>(found - allowed.begin());
}

const nlohmann::json& read_list(const nlohmann::json& value, const char* key, size_t low, size_t high) {
  if (!value.is_array() || value.size() < low || value.size() > high) refuse(key, value, "a list of " + range(low, high) + " elements");
  return value;
}

Fields::Fields(const nlohmann::json& value, const std::string& key, const std::vector<const char*>& needed,
               const std::vector<const char*>& optional)
    : value_(value), prefix_(key.empty() ? "" : key + ": ") {
  if (!value.is_object()) throw std::invalid_argument(prefix_ + shown(value) + "; allowed: an object");
  for (const auto& item : value.items()) {
    if (!is_one_of(item.key(), needed) && !is_one_of(item.key(), optional)) {
      throw std::invalid_argument(prefix_ + shown(item.key()) + ": unknown key; allowed: " + listed(needed) + (optional.size() == 0 ? "" : ", " + listed(optional)));
    }
  }
  for (const char* name : needed) {
    if (!value.contains(name)) throw std::invalid_argument(prefix_ + name + ": missing");
  }
}

const nlohmann::json& Fields::at(const char* key) const { return value_.at(key); }

bool Fields::has(const char* key) const { return value_.contains(key); }

bool Fields::is_null(const char* key) const { return at(key).is_null(); }

std::string Fields::shown_at(const char* key) const { return shown(at(key)); }

double Fields::number(const char* key) const {
  const nlohmann::json& value = at(key);
  if (!value.is_number() || !std::isfinite(value.get<float>())) refuse(prefix_ + key, value, "a finite number");
  return value.get<double>();
}

double Fields::number(const char* key, float low) const {
  const double value = number(key);
  if (static_cast<float>(value) < low) refuse(prefix_ + key, at(key), "a number of at least " + nlohmann::json(low).dump());
  return value;
}

bool Fields::boolean(const char* key) const {
  if (!at(key).is_boolean()) refuse(prefix_ + key, at(key), "true, false");
  return at(key).get<bool>();
}

Padding Fields::padding(const char* key) const {
  const nlohmann::json& value = at(key);
  const bool fits = value.is_array() && value.size() == 4 && std::all_of(value.begin(), value.end(), [](const nlohmann::json& each) { return is_whole(each, 0, kMaxWindow); });
  if (!fits) refuse(prefix_ + key, value, "four whole numbers from " + range(0, kMaxWindow));
  return {value[0].get<uint32_t>(), value[1].get<uint32_t>(), value[2].get<uint32_t>(), value[3].get<uint32_t>()};
}

Pair Fields::pair(const char* key, size_t low, size_t high) const {
  const nlohmann::json& value = at(key);
  if (!value.is_array() || value.size() != 2 || !is_whole(value[0], low, high) || !is_whole(value[1], low, high)) {
    refuse(prefix_ + key, value, "two whole numbers from " + range(low, high));
  }
  return {value[0].get<uint32_t>(), value[1].get<uint32_t>()};
}

}  // namespace colonnade
