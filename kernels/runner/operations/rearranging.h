// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// What operations that only move elements have in common.
#pragma once

#include "planes_network.h"

namespace colonnade {

// Appends the copy `what`, whose tensors and datatype are left open, to a new layer.
void append_plane_copy(PlanesNetwork& network, const Node& node, xnn_plane_copy what);

// An f32 tensor with its axes in another order: axis i of the output is axis order[i] of the input.
void append_transpose(Network& network, const Node& node, const std::vector<size_t>& shape, const std::vector<size_t>& order);

}  // namespace colonnade
