// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// add: the sum of two maps, rectified on request.
#pragma once

#include "operation.h"

namespace colonnade {

class Network;
struct Activation;

// Appends a layer: output = a + b, at least 0 with `relu`. Throws std::runtime_error, which begins with `where`, where
// XNNPACK does not add tensors of the network's datatype.
void append_add(Network& network, const std::string& where, const std::string& name, const Activation& a, const Activation& b,
                const Activation& output, bool relu);

}  // namespace colonnade
