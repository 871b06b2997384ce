// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

#include "cache.h"

#include <stdlib.h>
#include <string.h>

// No line has this number: addresses are 64 bits and lines at least two bytes.
#define NO_LINE UINT64_MAX

bool cache_init(struct Cache* cache, uint32_t bytes, uint32_t ways, uint32_t line_bytes) {
  cache->ways = ways;
  cache->sets = bytes / (ways * line_bytes);
  cache->lines = malloc((size_t) cache->sets * ways * sizeof(*cache->lines));
  if (cache->lines == NULL) {
    return false;
  }
  cache_clear(cache);
  return true;
}

void cache_free(struct Cache* cache) {
  free(cache->lines);
  cache->lines = NULL;
}

void cache_clear(struct Cache* cache) {
  const size_t count = (size_t) cache->sets * cache->ways;
  for (size_t i = 0; i < count; i++) {
    cache->lines[i] = NO_LINE;
  }
}

bool cache_access(struct Cache* cache, uint64_t line) {
  uint64_t* set = cache->lines + (line & (cache->sets - 1)) * cache->ways;
  if (set[0] == line) {
    return true;
  }
  uint32_t position = 1;
  while (position < cache->ways && set[position] != line) {
    position++;
  }
  const bool hit = position < cache->ways;
  const uint32_t moved = hit ? position : cache->ways - 1;
  memmove(set + 1, set, moved * sizeof(*set));
  set[0] = line;
  return hit;
}

bool cache_holds(const struct Cache* cache, uint64_t line) {
  const uint64_t* set = cache->lines + (line & (cache->sets - 1)) * cache->ways;
  for (uint32_t i = 0; i < cache->ways; i++) {
    if (set[i] == line) {
      return true;
    }
  }
  return false;
}

void cache_remove(struct Cache* cache, uint64_t line) {
  uint64_t* set = cache->lines + (line & (cache->sets - 1)) * cache->ways;
  for (uint32_t i = 0; i < cache->ways; i++) {
    if (set[i] == line) {
      memmove(set + i, set + i + 1, (cache->ways - 1 - i) * sizeof(*set));
      set[cache->ways - 1] = NO_LINE;
      return;
    }
  }
}
