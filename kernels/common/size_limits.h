// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// How large what the readers take may be. Beyond these sizes no loop runs and nothing is allocated, so that a damaged
// file costs a message and no time; within them no product of sizes wraps around. The library's
// readers have those of packages and shapes too; tests/integration/test_damaged_packages.py compares.
#pragma once

#include <cstddef>
#include <initializer_list>

#include "colonnade/registers.h"

namespace colonnade {

constexpr size_t kMaxNodes = 4096;
constexpr size_t kMaxTensors = 4 * kMaxNodes;
// Bytes of the name of a node or tensor.
constexpr size_t kMaxName = 256;
// Images, channels, features, height and width.
constexpr size_t kMaxDimension = 65536;
// Kernel, stride, padding and dilation, each way.
constexpr size_t kMaxWindow = 255;
// Rows of a tile: no kernel has more accumulators.
constexpr size_t kMaxTile = COLNM_MAX_TILE;
constexpr size_t kMaxLmul = size_t{1} << (COLNM_LMULS - 1);
// Weights of one layer, before pruning.
constexpr size_t kMaxWeights = size_t{1} << 28;
// Of an activation, and of all that one convolution reads or writes at a time.
constexpr size_t kMaxElements = 2147483647;
// Of a schedule: panels of a block, and KC splits of the columns.
constexpr size_t kMaxPanels = size_t{1} << 20;
constexpr size_t kMaxKcSplits = size_t{1} << 10;
// Objects and lists inside each other, and the length of a file or header, of JSON.
constexpr size_t kMaxJsonDepth = 16;
constexpr size_t kMaxJsonBytes = size_t{16} << 20;
// Axes of a tensor in a file, and its size along each of them.
constexpr size_t kMaxRank = 8;
constexpr size_t kMaxFileDimension = (size_t{1} << 31) - 1;

// Whether the product of `sizes` is at most `limit`.
constexpr bool product_within(size_t limit, std::initializer_list<size_t> sizes) {
  size_t product = 1;
  for (const size_t size : sizes) {
    if (__builtin_mul_overflow(product, size, &product)) return false;
  }
  return product <= limit;
}

}  // namespace colonnade
