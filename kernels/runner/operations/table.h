// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// What the files of operations give to the table.
#pragma once

#include "operation.h"

namespace colonnade {

using ReadOperation = std::shared_ptr<const Operation>(const nlohmann::json& entry, Node& node);
ReadOperation read_conv2d, read_max_pool2d, read_add, read_global_avg_pool, read_fully_connected;

}  // namespace colonnade
