// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// One in-order core: issue with a scoreboard, execution units, branch prediction.
//
// Operations issue in program order, up to `issue_width` in a cycle, each as soon as its
// operands are ready and its unit is free; they complete out of order. Time is the cycle in
// which the latest operation issued.

#ifndef COLONNADE_TIMING_CORE_H_
#define COLONNADE_TIMING_CORE_H_

#include <stddef.h>
#include <stdint.h>

#include "decode.h"
#include "functions.h"
#include "memory.h"
#include "params.h"

// Why an operation did not issue in the cycle in which the one before it did.
#define COLONNADE_STALLS(STALL)       \
  STALL(LOAD_RESULT, "load_result")   \
  STALL(RESULT, "result")             \
  STALL(CACHE_MISS, "cache_miss")     \
  STALL(MEMORY_UNIT, "memory_unit")   \
  STALL(EXECUTE_UNIT, "execute_unit") \
  STALL(BRANCH, "branch")             \
  STALL(IDLE, "idle")

enum Stall {
#define STALL(enumerator, name) STALL_##enumerator,
  COLONNADE_STALLS(STALL)
#undef STALL
      STALL_COUNT
};

extern const char* const stall_names[STALL_COUNT];

struct Counters {
  uint64_t groups[GROUP_COUNT];  // instructions
  uint64_t stalls[STALL_COUNT];  // cycles
  uint64_t mispredictions;
  uint64_t functions[MAX_FUNCTIONS];  // cycles
};

// When a register or unit can next be used; `miss` of the cycles before that are due to a miss.
struct Scoreboard {
  uint64_t at;
  uint32_t miss;
  uint16_t late;      // how much later an instruction of a late unit can use it
  uint8_t stall;      // enum Stall
};

struct Prediction {
  uint64_t target;  // last target of an indirect jump
  uint8_t counter;  // two-bit counter of a conditional branch, plus one; 0: not yet seen
};

struct Core {
  const struct Params* params;
  struct MemoryPath path;
  struct Core* const* team;  // the cores that run together with this one, this one among them
  unsigned team_size;
  uint64_t cycle;
  uint32_t issued, vector_issued;  // in this cycle
  unsigned sew_log2;               // log2 of bytes
  int lmul_log2;
  struct Scoreboard vtype;
  struct Scoreboard registers[REGISTER_COUNT];
  struct Scoreboard units[MAX_UNITS];  // `at` counts sixteenths of a cycle
  struct Scoreboard
      stores[MAX_STORE_QUEUE];  // until the data of each scalar store that waits are there
  struct Prediction* predictions;      // by branch_id
  size_t prediction_count;
  struct Counters counters;
};

// Memory accesses of a run of operations, in program order.
struct Access {
  uint64_t address;    // of the first byte touched in a cache line
  uint32_t operation;  // index
};

struct AccessList {
  struct Access* items;
  size_t count, capacity;
  size_t next;  // the first one that is not simulated yet
};

// vtype values read at run time by vsetvl, in program order.
struct VtypeList {
  uint64_t* items;
  size_t count, capacity;
  size_t next;
};

// A core of number `number` on its own, a team of one.
bool core_init(struct Core* core, struct MemorySystem* memory, unsigned number);

// Empties pipeline, predictor and L1. Time restarts at zero.
void core_reset(struct Core* core);

// Lets the core wait, with nothing to do, until `cycle`.
void core_idle_until(struct Core* core, uint64_t cycle);

// Lets the vector unit know vtype, as the CSR has it.
void core_set_vtype(struct Core* core, uint64_t vtype);

// Ends the current issue cycle and clears the counters: a measurement starts at the cycle
// returned.
uint64_t core_start_counting(struct Core* core);

// Cycle after the one in which the latest operation issued.
uint64_t core_now(const struct Core* core);

// A stretch of operations executed one after the other.
struct Trace {
  const struct Operation* operations;
  uint32_t first, end;   // range that executed
  uint32_t function;
  uint64_t fall_through;  // address after the last operation of the array
  uint64_t next;          // address executed next
  bool ends_block;        // the last operation of the array is in the range
  struct AccessList* accesses;
  size_t access_end;  // of the accesses that belong to these operations
  struct VtypeList* vtypes;
};

// Runs the operations up to the one that issues after cycle `limit`; returns the first one that
// is left, or `end`.
uint32_t core_run(struct Core* core, const struct Trace* trace, uint64_t limit);

#endif  // COLONNADE_TIMING_CORE_H_
