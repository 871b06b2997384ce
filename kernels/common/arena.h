// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// All memory that timed code touches comes from one arena at a fixed address, so that modelled cycles,
// which depend on cache sets, are the same in every run. It asks for huge pages: in small ones the frames, and
// with them the cache sets, would depend on what else ran, and every few planes would cost a TLB miss.
#pragma once

#include <cstddef>

#include <xnnpack.h>

#include "memory.h"

namespace colonnade {

// The arena has no room: what() says how much was wanted and how much is left.
class ArenaFull : public OutOfMemory {
 public:
  explicit ArenaFull(size_t wanted);
};

// Bytes of `size` at 64-byte alignment, zeroed, freed by an ArenaScope at most. Throws ArenaFull.
void* arena_allocate(size_t size);

class ArenaMemory : public Memory {
 public:
  void* allocate(size_t size) override { return arena_allocate(size); }
};

// Bytes of the last allocation for XNNPACK that failed; 0 where there was none.
size_t arena_refused();

// Gives back what was allocated in its lifetime: the next one to run finds the same addresses, whatever ran
// before it.
class ArenaScope {
 public:
  ArenaScope();
  ~ArenaScope();
  ArenaScope(const ArenaScope&) = delete;
  ArenaScope& operator=(const ArenaScope&) = delete;

 private:
  size_t begin_;
};

// Highest number of bytes handed out so far.
size_t arena_peak();

// For xnn_initialize.
const xnn_allocator* arena_allocator();

// Runs a program's `body` on a stack that lies in the arena: the distance of the process's own stack to the
// arena depends on the size of the environment. An exception becomes one line on stderr and the result 2.
int main_on_arena_stack(int argc, char** argv, int (*body)(int, char**));

}  // namespace colonnade
