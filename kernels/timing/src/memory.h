// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// The memory system: a cache of its own for each core, one second-level cache for each cluster of
// cores, and the memory behind them.
//
// A core waits for a bounded number of lines at once, its slots; they come one after the other
// through its port. The next line of a stream was prefetched: it comes at the rate of the port. Any
// other line takes the latency of its level. The cores share the port of their cluster's L2 and the
// memory bus, each with a bandwidth of its own.

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

// One core's way to memory.
struct MemoryPath {
  struct MemorySystem* memory;
  unsigned core;
  struct Cache l1;
  uint64_t port_free;  // cycle in which the next line can start
  uint64_t slots[MAX_OUTSTANDING];  // cycle in which each of them has its line
  struct Stream {
    uint64_t next;  // line
    uint64_t used;  // order of use
  } streams[MAX_STREAMS];
  uint64_t use_count;
  struct MemoryCounters counters;
};

// A line on its way: when a slot took the request, and when the line is there.
struct Fill {
  uint64_t accepted, ready;
};

bool memory_init(struct MemorySystem* memory, const struct Params* params);
bool memory_path_init(struct MemoryPath* path, struct MemorySystem* memory, unsigned core);
void memory_path_free(struct MemoryPath* path);

// Empty caches, no page has a frame, and time restarts at zero; the paths have a reset of their
// own. `stack_pointer` anchors the stack: see pages.h.
void memory_reset(struct MemorySystem* memory, uint64_t stack_pointer);
void memory_path_reset(struct MemoryPath* path);

// Accesses `address` in cycle `now`. A hit in L1 is accepted and ready at once.
struct Fill memory_access(struct MemoryPath* path, uint64_t address, bool is_write, uint64_t now);

// Takes the line of `address`, which another core wrote, out of this core's caches.
void memory_invalidate(struct MemoryPath* path, const struct MemoryPath* writer, uint64_t address);

#endif  // COLONNADE_TIMING_MEMORY_H_
