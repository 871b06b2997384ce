// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

#include "memory.h"

#include <cstdlib>
#include <cstring>

namespace colonnade {
namespace {

constexpr size_t kAlignment = 64;

}  // namespace

HeapMemory::~HeapMemory() {
  for (void* block : blocks_) std::free(block);
}

void* HeapMemory::allocate(size_t size) {
  void* block = nullptr;
  if (posix_memalign(&block, kAlignment, size == 0 ? kAlignment : size) != 0) {
    throw OutOfMemory(std::to_string(size) + " bytes are not to be had");
  }
  blocks_.push_back(block);
  std::memset(block, 0, size);
  return block;
}

}  // namespace colonnade
