// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// A set-associative cache with LRU replacement, holding line numbers only.

#ifndef COLONNADE_TIMING_CACHE_H_
#define COLONNADE_TIMING_CACHE_H_

#include <stdbool.h>
#include <stdint.h>

struct Cache {
  uint64_t* lines;  // [sets][ways], most recently used first
  uint32_t sets;    // a power of two
  uint32_t ways;
};

// `bytes` / (`ways` * `line_bytes`) must be a power of two. Returns false without memory.
bool cache_init(struct Cache* cache, uint32_t bytes, uint32_t ways, uint32_t line_bytes);
// For programs that have a cache for a while: the plugin keeps all that it has.
void cache_free(struct Cache* cache);
void cache_clear(struct Cache* cache);

// Looks `line` up, makes it the most recently used of its set, and says whether it was there.
bool cache_access(struct Cache* cache, uint64_t line);

// Says whether `line` is there, and leaves everything as it is.
bool cache_holds(const struct Cache* cache, uint64_t line);

// Takes `line` out, if it is there.
void cache_remove(struct Cache* cache, uint64_t line);

#endif  // COLONNADE_TIMING_CACHE_H_
