// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Mutations that keep text what it is: a number or name becomes another one, where libFuzzer's own would mostly
// destroy the JSON around. Half of the time its own are taken.
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace {

const char* const kNumbers[] = {"0", "1", "2", "3", "4", "5", "7", "8", "16", "31", "32", "255", "256", "65535", "65536", "1048577", "2147483647",
                                "4294967299", "9223372036854775808", "18446744073709551617", "-1", "3.9", "1e300", "true", "null", "[]", "{}", "\"\""};

struct Token {
  size_t begin, end;
};

// Numbers, and texts in quotes.
std::vector<Token> tokens(const std::string& text) {
  std::vector<Token> found;
  for (size_t i = 0; i < text.size();) {
    size_t end = i;
    if (std::isdigit(static_cast<unsigned char>(text[i])) != 0) {
      while (end < text.size() && std::isdigit(static_cast<unsigned char>(text[end])) != 0) end++;
    } else if (text[i] == '"') {
      end = text.find('"', i + 1);
      end = end == std::string::npos ? text.size() : end + 1;
    }
    if (end != i) found.push_back({i, end});
    i = end == i ? i + 1 : end;
  }
  return found;
}

}  // namespace

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
  std::minstd_rand random(seed);
  const std::string text(reinterpret_cast<const char*>(data), size);
  const std::vector<Token> found = tokens(text);
  if (random() % 2 == 0 || found.empty()) return LLVMFuzzerMutate(data, size, max_size);
  const Token token = found[random() % found.size()];
  // A number becomes a special one; a text another text of the same input.
  const Token other = found[random() % found.size()];
  const std::string replacement = text[token.begin] == '"' || random() % 4 == 0 ? text.substr(other.begin, other.end - other.begin)
                                                                                : kNumbers[random() % std::size(kNumbers)];
  const std::string result = text.substr(0, token.begin) + replacement + text.substr(token.end);
  if (result.size() > max_size) return LLVMFuzzerMutate(data, size, max_size);
  std::memcpy(data, result.data(), result.size());
  return result.size();
}
