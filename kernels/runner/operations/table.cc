// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

#include "operations/table.h"

#include <cmath>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include "size_limits.h"

namespace colonnade {

const std::vector<OperationType>& operation_types() {
  static const std::vector<OperationType> table = {
      {"conv2d", read_conv2d},
      {"max_pool2d", read_max_pool2d},
      {"avg_pool2d", read_avg_pool2d},
      {"global_pool", read_global_pool},
      {"fully_connected", read_fully_connected},
      {"unary", read_unary},
      {"binary", read_binary},
      {"affine", read_affine},
      {"concat", read_concat},
      {"pad", read_pad},
      {"channel_shuffle", read_channel_shuffle},
      {"flatten", read_flatten},
      {"upsample2d", read_upsample2d},
      {"softmax", read_softmax},
      {"local_response_norm", read_local_response_norm},
      {"slice", read_slice},
      {"group_norm", read_group_norm},
  };
  return table;
}

OutputRange read_activation(const Fields& fields) {
  static const OutputRange ranges[] = {{-INFINITY, INFINITY}, {0, INFINITY}, {0, 6}};
  return ranges[fields.choice("activation", {"none", "relu", "relu6"})];
}

std::vector<std::string> read_inputs(const Fields& fields, size_t least, size_t most) {
  std::vector<std::string> names;
  for (const auto& input : read_list(fields.at("inputs"), "inputs", least, most)) names.push_back(read_text(input, "inputs"));
  return names;
}

void check_weight_count(const char* key, size_t rows, size_t columns) {
  if (product_within(kMaxWeights, {rows, columns})) return;
  throw std::invalid_argument(std::string(key) + ": " + std::to_string(rows) + " by " + std::to_string(columns) + " weights; allowed: at most " +
                              std::to_string(kMaxWeights) + " in all");
}

}  // namespace colonnade
