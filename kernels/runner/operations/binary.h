// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// binary: an operation with two tensors, or with a tensor and a number for each of its planes.
#pragma once

#include "nhwc_network.h"
#include "operation.h"
#include "planes_network.h"

namespace colonnade {

enum class BinaryFunction { add,
                            sub,
                            mul,
                            max,
                            min };

struct Binary {
  BinaryFunction function;
  OutputRange range;
};

// Append a layer: output = a (function) b, clamped. Operands are alike, or one of them has a number for each plane of the
// other: features [N, C], or a map [N, C, 1, 1].
void append_binary(NhwcNetwork& network, const std::string& layer, const Binary& binary, const Activation& a, const Activation& b,
                   const Activation& output);
void append_binary(PlanesNetwork& network, const std::string& layer, const Binary& binary, const PlaneOperand& a, const PlaneOperand& b,
                   const std::string& output);

}  // namespace colonnade
