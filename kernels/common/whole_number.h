// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Whole numbers as text, in range or refused.
#pragma once

#include <charconv>
#include <cstdint>
#include <stdexcept>
#include <string>

namespace colonnade {

// Reads all of `text` as a decimal number from `least` to `most`. Throws std::invalid_argument that says what `name`
// is and what is allowed.
inline uint64_t whole_number(const std::string& name, const std::string& text, uint64_t least, uint64_t most) {
  uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end || value < least || value > most) {
    throw std::invalid_argument(name + ": " + text + "; allowed: " + std::to_string(least) + " to " + std::to_string(most));
  }
  return value;
}

}  // namespace colonnade
