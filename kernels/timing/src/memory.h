// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// The memory system: a cache of its own for each core, one second-level cache for each cluster of
// cores, and the memory behind them.
//
// A line that nothing foresaw takes the latency of its level; a core waits for a bounded number of
// them at once, its slots. The prefetcher follows streams of neighbouring lines and asks for the next
// ones some lines ahead, as fast as the level gives them: whoever reads a stream slowly finds its
// lines in L1, and whoever reads it fast waits for their rate. What comes keeps L1 busy for some
// cycles in which nothing else is read or written there. Lines that are written one after the other
// are not fetched. The cores share the port of their cluster's L2 and the memory bus, each with a
// bandwidth of its own.

#ifndef COLONNADE_TIMING_MEMORY_H_
#define COLONNADE_TIMING_MEMORY_H_

#include <stdbool.h>
#include <stdint.h>

#include "cache.h"
#include "pages.h"
#include "params.h"

struct MemoryCounters {
  uint64_t l1_accesses, l1_misses, l2_misses;
};

// Where lines come from that are not in L1.
enum Level { LEVEL_L2, LEVEL_MEMORY, LEVEL_COUNT };

// What the cores share.
struct MemorySystem {
  const struct Params* params;
  struct Pages pages;
  struct Cluster {
    struct Cache l2;
    uint64_t port_free;  // cycle
  } clusters[MAX_CORES];
  uint64_t bus_free;  // cycle
};

// Lines that follow each other: of those from `next` to before `head`, `ready` by number says when
// they are in L1.
struct Stream {
  uint64_t next, head;
  uint64_t lines;  // that a program has come to
  uint64_t used;  // order of use; 0: never
  uint64_t ready[MAX_DISTANCE];
};

enum { MAX_FILLS = 64 };

// One core's way to memory.
struct MemoryPath {
  struct MemorySystem* memory;
  unsigned core;
  struct Cache l1;
  uint64_t
      level_free[LEVEL_COUNT];  // cycle in which the level can start the next line for this core
  uint64_t slots[MAX_OUTSTANDING];  // cycle in which each of them has its line
  uint64_t fills[MAX_FILLS];  // cycles, rising, in which L1 starts to take a line
  uint32_t fill_count;
  struct Stream streams[MAX_STREAMS];
  uint64_t use_count;
  struct MemoryCounters counters;
};

// An access: when it was accepted, so that its unit can go on, and when its line is there.
struct Fill {
  uint64_t accepted, ready;
};

bool memory_init(struct MemorySystem* memory, const struct Params* params);
bool memory_path_init(struct MemoryPath* path, struct MemorySystem* memory, unsigned core);

// Empty caches, no page has a frame, and time restarts at zero; the paths have a reset of their
// own. `stack_pointer` anchors the stack: see pages.h.
void memory_reset(struct MemorySystem* memory, uint64_t stack_pointer);
void memory_path_reset(struct MemoryPath* path);

// Accesses `address` in cycle `now`.
struct Fill memory_access(struct MemoryPath* path, uint64_t address, bool is_write, uint64_t now);

// Takes the line of `address`, which another core wrote, out of this core's caches.
void memory_invalidate(struct MemoryPath* path, const struct MemoryPath* writer, uint64_t address);

#endif  // COLONNADE_TIMING_MEMORY_H_
