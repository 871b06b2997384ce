// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

#include "operations/table.h"

#include <cmath>
#include <stdexcept>

#include "size_limits.h"

namespace colonnade {

const std::vector<OperationType>& operation_types() {
  static const std::vector<OperationType> table = {
      {"conv2d", read_conv2d},
      {"max_pool2d", read_max_pool2d},
      {"add", read_add},
      {"global_avg_pool", read_global_avg_pool},
      {"fully_connected", read_fully_connected},
  };
  return table;
}

bool read_relu(const Fields& fields) { return fields.choice("activation", {"none", "relu"}) == 1; }

float output_min(bool relu) { return relu ? 0.0f : -INFINITY; }

void check_weight_count(const char* key, size_t rows, size_t columns) {
  if (product_within(kMaxWeights, {rows, columns})) return;
  throw std::invalid_argument(std::string(key) + ": " + std::to_string(rows) + " by " + std::to_string(columns) + " weights; allowed: at most " +
                              std::to_string(kMaxWeights) + " in all");
}

}  // namespace colonnade
