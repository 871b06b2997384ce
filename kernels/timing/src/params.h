// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// The core description: what every instruction class costs, the issue rules, the caches.
// Read from a JSON file such as cores/x60.json, whose `about` lines cite the sources.

#ifndef COLONNADE_TIMING_PARAMS_H_
#define COLONNADE_TIMING_PARAMS_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "classes.h"

// Costs of vector instructions depend on element width and register grouping together:
// index = 8 * log2(element bytes) + (log2(LMUL) mod 8), as vtype encodes them.
enum { SHAPE_COUNT = 32, MAX_UNITS = 8, NO_UNIT = MAX_UNITS };

enum {
  MAX_CORES = 64,
  MAX_STREAMS = 64,
  MAX_OUTSTANDING = 16,
  MAX_DISTANCE = 32,
  MAX_STORE_QUEUE = 32
};

static inline unsigned shape_index(unsigned eew_log2, int lmul_log2) {
  return 8 * eew_log2 + ((unsigned) lmul_log2 & 7);
}

// Occupancies count sixteenths of a cycle: measured averages are not whole.
enum { OCCUPANCY_ONE = 16 };

struct Cost {
  uint8_t unit;                       // index of the unit occupied, or NO_UNIT
  uint16_t latency[SHAPE_COUNT];      // cycles until the result can be used
  uint16_t late_latency[SHAPE_COUNT];  // the same by an instruction of a late unit
  uint32_t occupancy[SHAPE_COUNT];    // sixteenths of a cycle until the unit is free again
  uint32_t masked[SHAPE_COUNT];       // the same of an instruction with a mask operand
};

struct CacheGeometry {
  uint32_t bytes, ways, line;
};

// Cycles of a line that comes from one level of the memory system.
struct MissCost {
  uint32_t stream_read, stream_write;  // between two lines of a stream
  uint32_t latency;                    // any other line
  uint32_t interval;                   // between the starts of two of those
  uint32_t transfer;                   // how long the path that cores share is busy
};

struct Params {
  uint32_t vlen;  // bits
  uint32_t issue_width;
  uint32_t vector_issue_width;
  uint32_t store_queue;    // scalar stores that wait for their data at once
  bool is_late[MAX_UNITS +
               1];  // by unit: whether its instructions wait for the late latency of results
  uint32_t vtype_latency;  // cycles from a vset to the first vector instruction that it governs
  uint32_t mispredict;    // cycles lost by a mispredicted branch
  uint32_t taken_branch;  // cycles lost by a correctly predicted taken branch
  uint32_t unit_count;
  struct Cost costs[CLASS_COUNT];
  struct CacheGeometry l1, l2;
  uint32_t line_log2;  // of the bytes in a line of both caches
  uint32_t huge_page_log2;  // of the bytes in a page where the program asked for huge ones
  struct MissCost l2_hit, memory;
  uint32_t streams;      // that the prefetcher follows at once; 0: none
  uint32_t reach;        // how many lines further the next line of a stream may be
  uint32_t confirm;  // lines of a stream that the program comes to before the prefetcher follows it
  uint32_t distance;  // how many lines ahead of the program the prefetcher gets
  uint32_t degree;  // lines that it asks for, at most, for each that the program comes to
  uint32_t outstanding;  // lines that a core waits for at once
  uint32_t fill;  // cycles in which L1 takes a line, and serves nothing else
  uint32_t core_count, cores_per_cluster;
  uint32_t fork_join;  // cycles from the start of a team of cores to its members' first instruction
};

enum { PARAMS_ERROR_SIZE = 512 };

// Reads the file at `path`. On failure returns false and a one-line message in `error`.
bool params_read(const char* path, struct Params* params, char error[PARAMS_ERROR_SIZE]);

#endif  // COLONNADE_TIMING_PARAMS_H_
