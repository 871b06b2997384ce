// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// What the files of operations give to the table.
#pragma once

#include "operation.h"

namespace colonnade {

using ReadOperation = std::shared_ptr<const Operation>(const nlohmann::json& entry, Node& node);
ReadOperation read_conv2d, read_max_pool2d, read_avg_pool2d, read_global_pool, read_fully_connected, read_unary, read_binary, read_affine,
    read_concat, read_pad, read_channel_shuffle, read_flatten, read_upsample2d, read_softmax, read_local_response_norm, read_slice,
    read_group_norm;

}  // namespace colonnade
