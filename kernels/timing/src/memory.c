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
  memset(path->level_free, 0, sizeof(path->level_free));
  memset(path->slots, 0, sizeof(path->slots));
  path->fill_count = 0;
  memset(path->streams, 0, sizeof(path->streams));
  path->use_count = 0;
}

static uint64_t later(uint64_t a, uint64_t b) { return a > b ? a : b; }

static void drop_first_fill(struct MemoryPath* path) {
  path->fill_count--;
  memmove(path->fills, path->fills + 1, path->fill_count * sizeof(*path->fills));
}

// When L1 can serve an access that comes in cycle `now`: it takes lines in between.
static uint64_t wait_for_l1(struct MemoryPath* path, uint64_t now) {
  while (path->fill_count != 0 && path->fills[0] <= now) {
    now = later(now, path->fills[0] + path->memory->params->fill);
    drop_first_fill(path);
  }
  return now;
}

// Lets L1 take a line that comes in cycle `arrival`, as soon as it takes no other one; returns when
// it has it.
static uint64_t take_line(struct MemoryPath* path, uint64_t arrival) {
  const uint32_t fill = path->memory->params->fill;
  if (path->fill_count == MAX_FILLS) {
    drop_first_fill(path);
  }
  uint32_t position = 0;
  for (; position < path->fill_count && path->fills[position] < arrival + fill; position++) {
    arrival = later(arrival, path->fills[position] + fill);
  }
  memmove(path->fills + position + 1, path->fills + position,
          (path->fill_count - position) * sizeof(*path->fills));
  path->fills[position] = arrival;
  path->fill_count++;
  return arrival + fill;
}

// The stream that `line` continues, or NULL; it then starts one, in the place of the stream used
// longest ago.
static struct Stream* find_stream(struct MemoryPath* path, uint64_t line) {
  const struct Params* params = path->memory->params;
  if (params->streams == 0) {
    return NULL;
  }
  struct Stream* oldest = &path->streams[0];
  for (uint32_t i = 0; i < params->streams; i++) {
    struct Stream* stream = &path->streams[i];
    if (stream->used != 0 && line - stream->next < params->reach) {
      stream->used = ++path->use_count;
      stream->lines++;
      return stream;
    }
    if (stream->used < oldest->used) {
      oldest = stream;
    }
  }
  oldest->next = oldest->head = line + 1;
  oldest->used = ++path->use_count;
  oldest->lines = 1;
  return NULL;
}

// Where a line comes from that is not in L1, and what that level costs.
struct Source {
  enum Level level;
  const struct MissCost* cost;
  uint64_t* shared;  // cycle in which the path that cores share is free
};

static struct Source find_source(struct MemoryPath* path, uint64_t line) {
  struct MemorySystem* memory = path->memory;
  struct Cluster* cluster = cluster_of(path);
  if (cache_access(&cluster->l2, line)) {
    return (struct Source) {LEVEL_L2, &memory->params->l2_hit, &cluster->port_free};
  }
  path->counters.l2_misses++;
  return (struct Source) {LEVEL_MEMORY, &memory->params->memory, &memory->bus_free};
}

// Starts lines of a level one after the other, each after `interval`; returns when this one starts.
static uint64_t start_lines(struct MemoryPath* path, const struct Source* source, uint64_t now,
                            uint64_t interval, uint64_t lines) {
  uint64_t* own = &path->level_free[source->level];
  const uint64_t start = later(now, later(*own, *source->shared));
  *own = start + interval;
  *source->shared = start + lines * source->cost->transfer;
  return start;
}

// Asks for lines ahead of `line`, which a program has come to in cycle `now`: so many for each that it
// went on.
static void prefetch(struct MemoryPath* path, struct Stream* stream, uint64_t line, uint64_t now) {
  const struct Params* params = path->memory->params;
  const uint64_t most = params->degree * (line + 1 - stream->next);
  stream->next = line + 1;
  stream->head = later(stream->head, stream->next);
  if (stream->lines < params->confirm) {
    return;
  }
  for (uint64_t i = 0; i < most && stream->head - line <= params->distance; i++) {
    const uint64_t ahead = stream->head++;
    uint64_t* ready = &stream->ready[ahead % MAX_DISTANCE];
    *ready = now;
    if (cache_holds(&path->l1, ahead)) {
      continue;
    }
    const struct Source source = find_source(path, ahead);
    const uint32_t rate = source.cost->stream_read;
    const uint64_t start = start_lines(path, &source, now, rate, 1);
    const uint64_t there = later(start + rate, now + source.cost->latency);
    *ready = take_line(path, there - params->fill);
  }
}

static uint64_t* first_free_slot(struct MemoryPath* path) {
  uint64_t* best = &path->slots[0];
  for (uint32_t i = 1; i < path->memory->params->outstanding; i++) {
    if (path->slots[i] < *best) {
      best = &path->slots[i];
    }
  }
  return best;
}

// A line that was asked for before: who comes too early waits for it in a slot.
static struct Fill await(struct MemoryPath* path, uint64_t ready, uint64_t now) {
  if (ready <= now) {
    return (struct Fill) {now, now};
  }
  path->counters.l1_misses++;
  uint64_t* slot = first_free_slot(path);
  const uint64_t accepted = later(now, *slot);
  *slot = later(accepted, ready);
  return (struct Fill) {accepted, *slot};
}

// A line that nothing foresaw.
static struct Fill fetch(struct MemoryPath* path, uint64_t line, uint64_t now) {
  const struct Source source = find_source(path, line);
  uint64_t* slot = first_free_slot(path);
  const uint64_t accepted = later(now, *slot);
  const uint64_t start = start_lines(path, &source, accepted, source.cost->interval, 1);
  *slot = take_line(path, start + source.cost->latency - path->memory->params->fill);
  return (struct Fill) {accepted, *slot};
}

// The next line of a stream that is written, and those before it that were skipped: nothing is
// fetched.
static struct Fill write_next(struct MemoryPath* path, struct Stream* stream, uint64_t line,
                              uint64_t now) {
  const uint64_t lines = line + 1 - stream->next;
  const struct Source source = find_source(path, line);
  uint64_t* slot = first_free_slot(path);
  const uint64_t accepted = later(now, *slot);
  const uint64_t cycles = lines * source.cost->stream_write;
  *slot = start_lines(path, &source, accepted, cycles, lines) + cycles;
  stream->next = stream->head = line + 1;
  return (struct Fill) {accepted, *slot};
}

struct Fill memory_access(struct MemoryPath* path, uint64_t address, bool is_write, uint64_t now) {
  struct MemorySystem* memory = path->memory;
  const uint64_t line =
      pages_translate(&memory->pages, address, path->core) >> memory->params->line_log2;
  path->counters.l1_accesses++;
  now = wait_for_l1(path, now);
  if (cache_access(&path->l1, line)) {
    return (struct Fill) {now, now};
  }
  struct Stream* stream = find_stream(path, line);
  if (stream != NULL && line < stream->head) {
    const uint64_t ready = stream->ready[line % MAX_DISTANCE];
    prefetch(path, stream, line, now);
    return await(path, ready, now);
  }
  path->counters.l1_misses++;
  if (stream != NULL && is_write) {
    return write_next(path, stream, line, now);
  }
  const struct Fill fill = fetch(path, line, now);
  if (stream != NULL) {
    prefetch(path, stream, line, now);
  }
  return fill;
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
