// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

#include "memory.h"

#include <string.h>

static struct Cluster* cluster_of(const struct MemoryPath* path) {
  return &path->memory->clusters[path->core / path->memory->params->cores_per_cluster];
}

bool memory_init(struct MemorySystem* memory, const struct Params* params) {
  memset(memory, 0, sizeof(*memory));
  memory->params = params;
  const struct CacheGeometry* l2 = &params->l2;
  for (unsigned i = 0; i * params->cores_per_cluster < params->core_count; i++) {
    if (!cache_init(&memory->clusters[i].l2, l2->bytes, l2->ways, l2->line)) {
      return false;
    }
  }
  return pages_init(&memory->pages, params->huge_page_log2);
}

bool memory_path_init(struct MemoryPath* path, struct MemorySystem* memory, unsigned core) {
  memset(path, 0, sizeof(*path));
  path->memory = memory;
  path->core = core;
  const struct CacheGeometry* l1 = &memory->params->l1;
  return cache_init(&path->l1, l1->bytes, l1->ways, l1->line);
}

void memory_path_free(struct MemoryPath* path) { cache_free(&path->l1); }

void memory_reset(struct MemorySystem* memory, uint64_t stack_pointer) {
  const struct Params* params = memory->params;
  for (unsigned i = 0; i * params->cores_per_cluster < params->core_count; i++) {
    cache_clear(&memory->clusters[i].l2);
    memory->clusters[i].port_free = 0;
  }
  memory->bus_free = 0;
  pages_clear(&memory->pages, stack_pointer);
}

void memory_path_reset(struct MemoryPath* path) {
  cache_clear(&path->l1);
  path->port_free = 0;
  memset(path->slots, 0, sizeof(path->slots));
  memset(path->streams, 0, sizeof(path->streams));
  path->use_count = 0;
}

// How many lines of a stream come with `line`, itself and those before it that were skipped: the
// prefetcher brought them too. 0 if it continues no stream; it then starts one, in the place of the
// stream used longest ago.
static uint64_t follow_stream(struct MemoryPath* path, uint64_t line) {
  const struct Params* params = path->memory->params;
  struct Stream* found = &path->streams[0];
  uint64_t lines = 0;
  for (uint32_t i = 0; i < params->streams && lines == 0; i++) {
    struct Stream* stream = &path->streams[i];
    if (stream->used != 0 && line - stream->next < params->reach) {
      lines = line - stream->next + 1;
    }
    if (lines != 0 || stream->used < found->used) {
      found = stream;
    }
  }
  *found = (struct Stream) {line + 1, ++path->use_count};
  return lines;
}

static uint64_t later(uint64_t a, uint64_t b) { return a > b ? a : b; }

static uint64_t* first_free_slot(struct MemoryPath* path) {
  uint64_t* best = &path->slots[0];
  for (uint32_t i = 1; i < path->memory->params->outstanding; i++) {
    if (path->slots[i] < *best) {
      best = &path->slots[i];
    }
  }
  return best;
}

struct Fill memory_access(struct MemoryPath* path, uint64_t address, bool is_write, uint64_t now) {
  struct MemorySystem* memory = path->memory;
  const struct Params* params = memory->params;
  const uint64_t line = pages_translate(&memory->pages, address, path->core) >> params->line_log2;
  path->counters.l1_accesses++;
  if (cache_access(&path->l1, line)) {
    return (struct Fill) {now, now};
  }
  path->counters.l1_misses++;
  struct Cluster* cluster = cluster_of(path);
  const bool in_l2 = cache_access(&cluster->l2, line);
  path->counters.l2_misses += !in_l2;
  const struct MissCost* cost = in_l2 ? &params->l2_hit : &params->memory;
  uint64_t* shared = in_l2 ? &cluster->port_free : &memory->bus_free;
  uint64_t* slot = first_free_slot(path);
  const uint64_t accepted = later(now, *slot);
  const uint64_t start = later(accepted, later(path->port_free, *shared));
  const uint64_t lines = params->streams == 0 ? 0 : follow_stream(path, line);
  if (lines == 0) {
    path->port_free = start + cost->interval;
    *shared = start + cost->transfer;
    *slot = start + cost->latency;
  } else {
    path->port_free = start + lines * (is_write ? cost->stream_write : cost->stream_read);
    *shared = start + lines * cost->transfer;
    *slot = path->port_free;
  }
  return (struct Fill) {accepted, *slot};
}

void memory_invalidate(struct MemoryPath* path, const struct MemoryPath* writer, uint64_t address) {
  const struct Params* params = path->memory->params;
  const uint64_t line =
      pages_translate(&path->memory->pages, address, writer->core) >> params->line_log2;
  cache_remove(&path->l1, line);
  if (cluster_of(path) != cluster_of(writer)) {
    cache_remove(&cluster_of(path)->l2, line);
  }
}
