// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// JSON read without leniency: whole numbers are whole and in range, no key is unknown, missing or given twice.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

// All of it takes seconds to compile: for the sources that read more than fields.
#include <nlohmann/json_fwd.hpp>

#include "conv_shape.h"

namespace colonnade {

// Throws std::invalid_argument for text that is not JSON, has a key twice in one object, or exceeds size_limits.h.
nlohmann::json parse_json(const std::string& text);

// A value as messages show it: JSON, cut where it is long.
std::string shown(const nlohmann::json& value);
// The same of what was read, for messages: bool, uint32_t, size_t, const char*, Pair, Padding, lists of numbers.
template <typename T>
std::string json_text(const T& value);

// A whole number. Throws std::invalid_argument naming `key` and what is allowed.
size_t read_size(const nlohmann::json& value, const std::string& key, size_t low, size_t high);

// A text of 1 to kMaxName bytes.
std::string read_text(const nlohmann::json& value, const std::string& key);

// The place in `allowed` of a text that is one of them.
size_t read_choice(const nlohmann::json& value, const std::string& key, const std::vector<const char*>& allowed);

// A list of `low` to `high` elements, whatever they are.
const nlohmann::json& read_list(const nlohmann::json& value, const char* key, size_t low, size_t high);

// An object and its keys. All functions throw std::invalid_argument naming the key, what it is and what is allowed.
class Fields {
 public:
  // `key`: what messages call the object, empty for one that they name themselves. Refuses what is no object, lacks one of the `needed` keys, or has one that is in neither list.
  Fields(const nlohmann::json& value, const std::string& key, const std::vector<const char*>& needed,
         const std::vector<const char*>& optional = {});

  const nlohmann::json& at(const char* key) const;
  bool has(const char* key) const;
  bool is_null(const char* key) const;
  // As messages have it.
  std::string shown_at(const char* key) const;
  size_t size(const char* key, size_t low, size_t high) const { return read_size(at(key), prefix_ + key, low, high); }
  // A number that is finite.
  double number(const char* key) const;
  // A finite number of at least `low`.
  double number(const char* key, float low) const;
  bool boolean(const char* key) const;
  // Top, left, bottom and right.
  Padding padding(const char* key) const;
  // Height and width.
  Pair pair(const char* key, size_t low, size_t high) const;
  std::string text(const char* key) const { return read_text(at(key), prefix_ + key); }
  size_t choice(const char* key, const std::vector<const char*>& allowed) const { return read_choice(at(key), prefix_ + key, allowed); }

 private:
  const nlohmann::json& value_;
  const std::string prefix_;
};

}  // namespace colonnade
