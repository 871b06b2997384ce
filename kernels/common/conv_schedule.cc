// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

#include "conv_schedule.h"

#include <algorithm>
#include <cctype>
#include <stdexcept>

#include "whole_number.h"

namespace colonnade {
namespace {

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

std::string names() {
  std::string text;
  for (const Algorithm& each : algorithms()) text += (text.empty() ? "" : ", ") + std::string(each.name);
  return text;
}

}  // namespace

const std::vector<Algorithm>& algorithms() {
  static const std::vector<Algorithm> table = {{xnn_colnm_direct, "direct"}, {xnn_colnm_packed, "packed"}, {xnn_colnm_unfused, "unfused"}, {xnn_colnm_winograd2, "winograd2"}, {xnn_colnm_winograd4, "winograd4"}};
  return table;
}

const char* name_of(xnn_colnm_algorithm value) {
  return std::find_if(algorithms().begin(), algorithms().end(), [&](const Algorithm& each) { return each.value == value; })->name;
}

bool is_winograd(xnn_colnm_algorithm value) { return value == xnn_colnm_winograd2 || value == xnn_colnm_winograd4; }

xnn_colnm_algorithm find_algorithm(const std::string& name) {
  for (const Algorithm& each : algorithms()) {
    if (each.name == name) return each.value;
  }
  throw std::invalid_argument("algorithm '" + name + "'; allowed: " + names());
}

ConvSchedule ConvSchedule::of(xnn_colnm_algorithm algorithm, const ScheduleNumbers& numbers) {
  const auto [tile, lmul, panels, kc_splits] = numbers;
  if ((lmul & (lmul - 1)) != 0) throw std::invalid_argument("lmul: " + std::to_string(lmul) + "; allowed: 1, 2, 4, 8");
  return {tile, {algorithm, static_cast<uint32_t>(lmul), static_cast<uint32_t>(panels), static_cast<uint32_t>(kc_splits)}};
}

ConvSchedule ConvSchedule::parse(const std::string& text) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == ':') parts.emplace_back();
    else parts.back() += c;
  }
  if (parts.size() != 1 + kScheduleFields.size()) {
    std::string form = "ALGORITHM";
    for (const ScheduleField& field : kScheduleFields) form += ":" + upper(field.name);
    throw std::invalid_argument("expected " + form + ", of algorithm " + names());
  }
  ScheduleNumbers numbers;
  for (size_t i = 0; i < numbers.size(); i++) numbers[i] = whole_number(upper(kScheduleFields[i].name), parts[i + 1], 1, kScheduleFields[i].most);
  return of(find_algorithm(parts[0]), numbers);
}

std::string ConvSchedule::str() const {
  std::string text = name_of(schedule.algorithm);
  for (const size_t number : numbers()) text += ":" + std::to_string(number);
  return text;
}

}  // namespace colonnade
