// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

#include "core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char* const stall_names[STALL_COUNT] = {
#define STALL(enumerator, name) name,
  COLONNADE_STALLS(STALL)
#undef STALL
};

bool core_init(struct Core* core, struct MemorySystem* memory, unsigned number) {
  memset(core, 0, sizeof(*core));
  core->params = memory->params;
  core->team_size = 1;
  return memory_path_init(&core->path, memory, number);
}

void core_reset(struct Core* core) {
  memory_path_reset(&core->path);
  memset(&core->vtype, 0, sizeof(core->vtype));
  memset(core->registers, 0, sizeof(core->registers));
  memset(core->units, 0, sizeof(core->units));
  memset(core->stores, 0, sizeof(core->stores));
  if (core->prediction_count != 0) {
    memset(core->predictions, 0, core->prediction_count * sizeof(*core->predictions));
  }
  core->cycle = 0;
  core->issued = core->vector_issued = 0;
}

void core_set_vtype(struct Core* core, uint64_t vtype) {
  const int vlmul = (int) (vtype & 7);
  core->sew_log2 = (unsigned) (vtype >> 3) & 3;
  core->lmul_log2 = vlmul < 4 ? vlmul : vlmul - 8;
}

static void start_cycle(struct Core* core, uint64_t cycle) {
  core->cycle = cycle;
  core->issued = core->vector_issued = 0;
}

uint64_t core_now(const struct Core* core) { return core->cycle + (core->issued != 0); }

uint64_t core_start_counting(struct Core* core) {
  start_cycle(core, core_now(core));
  memset(&core->counters, 0, sizeof(core->counters));
  memset(&core->path.counters, 0, sizeof(core->path.counters));
  return core->cycle;
}

void core_idle_until(struct Core* core, uint64_t cycle) {
  const uint64_t now = core_now(core);
  if (cycle > now) {
    core->counters.stalls[STALL_IDLE] += cycle - now;
    start_cycle(core, cycle);
  }
}

static int clamp_lmul(int lmul_log2) { return lmul_log2 < -3 ? -3 : lmul_log2 > 3 ? 3 : lmul_log2; }

static int effective_lmul(const struct Core* core, const struct Operation* operation) {
  return clamp_lmul(core->lmul_log2 + (int) operation->eew_log2 - (int) core->sew_log2);
}

static unsigned registers_of_lmul(int lmul_log2) {
  return lmul_log2 <= 0 ? 1u : 1u << (lmul_log2 > 3 ? 3 : lmul_log2);
}

static unsigned span_registers(const struct Core* core, const struct Operation* operation,
                               enum Span span) {
  switch (span) {
    case SPAN_ONE: return 1;
    case SPAN_LMUL: return registers_of_lmul(core->lmul_log2);
    case SPAN_WIDE: return registers_of_lmul(core->lmul_log2 + 1);
    case SPAN_HALF: return registers_of_lmul(core->lmul_log2 - 1);
    case SPAN_QUARTER: return registers_of_lmul(core->lmul_log2 - 2);
    case SPAN_EIGHTH: return registers_of_lmul(core->lmul_log2 - 3);
    case SPAN_EEW: return operation->fields * registers_of_lmul(effective_lmul(core, operation));
    default: return operation->fields;
  }
}

static unsigned operation_shape(const struct Core* core, const struct Operation* operation) {
  switch (operation->size) {
    case SIZE_EEW: return shape_index(operation->eew_log2, effective_lmul(core, operation));
    case SIZE_FIXED: return shape_index(operation->eew_log2, 31 - __builtin_clz(operation->fields));
    default: return shape_index(core->sew_log2, core->lmul_log2);
  }
}

// The earliest cycle so far, and what the operation would be waiting for until then.
struct Wait {
  uint64_t until;
  uint32_t miss;
  uint8_t stall;
};

static inline void wait_for(struct Wait* wait, uint64_t at, uint32_t miss, uint8_t stall) {
  if (at > wait->until) {
    *wait = (struct Wait) {at, miss, stall};
  }
}

static inline void wait_for_registers(const struct Core* core, struct Wait* wait, unsigned first,
                                      unsigned count, bool is_late) {
  const unsigned end = first + count < REGISTER_COUNT ? first + count : REGISTER_COUNT;
  for (unsigned i = first; i < end; i++) {
    const struct Scoreboard* reg = &core->registers[i];
    wait_for(wait, reg->at + (is_late ? reg->late : 0), reg->miss, reg->stall);
  }
}

static inline void wait_for_unit(const struct Core* core, struct Wait* wait, unsigned unit) {
  const struct Scoreboard* busy = &core->units[unit];
  wait_for(wait, (busy->at + OCCUPANCY_ONE - 1) / OCCUPANCY_ONE, busy->miss, busy->stall);
}

// Issues at `wait->until` or in the next cycle with a free slot; returns that cycle.
static inline uint64_t issue(struct Core* core, const struct Wait* wait, bool is_vector) {
  if (wait->until > core->cycle) {
    // The cycle after this one comes anyway when this one is full.
    const uint64_t stalled = wait->until - core->cycle;
    const uint64_t lost = core->issued != 0 ? stalled - 1 : stalled;
    const uint64_t by_miss = wait->miss < lost ? wait->miss : lost;
    core->counters.stalls[STALL_CACHE_MISS] += by_miss;
    core->counters.stalls[wait->stall] += lost - by_miss;
    start_cycle(core, wait->until);
  } else if (core->issued == core->params->issue_width ||
             (is_vector && core->vector_issued == core->params->vector_issue_width)) {
    start_cycle(core, core->cycle + 1);
  }
  core->issued++;
  core->vector_issued += is_vector;
  return core->cycle;
}

static inline void set_registers(struct Core* core, unsigned first, unsigned count, uint64_t at,
                                 uint32_t miss, uint16_t late, uint8_t stall) {
  const unsigned end = first + count < REGISTER_COUNT ? first + count : REGISTER_COUNT;
  for (unsigned i = first; i < end; i++) {
    core->registers[i] = (struct Scoreboard) {at, miss, late, stall};
  }
}

// The unit is busy for `occupancy` sixteenths of a cycle, and for `held` cycles in which it waited for memory.
static inline void occupy_unit(struct Core* core, unsigned unit, uint64_t cycle, uint32_t occupancy,
                               uint32_t held, uint8_t stall) {
  struct Scoreboard* busy = &core->units[unit];
  const uint64_t start = cycle * OCCUPANCY_ONE;
  // Within the issue cycle, the unit continues at the fraction where it became free.
  const uint64_t from = busy->at > start - OCCUPANCY_ONE && busy->at < start ? busy->at : start;
  *busy = (struct Scoreboard) {from + occupancy + (uint64_t) held * OCCUPANCY_ONE, held, 0, stall};
}

// What memory adds to the time of an operation: to that of its unit, and to that of its result.
struct Added {
  uint32_t held, late;
};

// Makes the accesses of operation `index`, which come next in the list: in cycle `now`, or spread over
// the `busy` cycles from then on in which its unit works.
static struct Added run_accesses(struct Core* core, const struct Trace* trace, uint32_t index,
                                 bool is_write, uint64_t now, uint32_t busy) {
  struct AccessList* accesses = trace->accesses;
  const size_t first = accesses->next;
  size_t end = first;
  while (end < trace->access_end && accesses->items[end].operation == index) {
    end++;
  }
  const uint32_t spacing = end - first > 1 ? busy / (uint32_t) (end - first) : 0;
  struct Added added = {0, 0};
  for (size_t i = first; i < end; i++) {
    const uint64_t address = accesses->items[i].address;
    const uint64_t at = now + (i - first) * spacing;
    const struct Fill fill = memory_access(&core->path, address, is_write, at + added.held);
    added.held = (uint32_t) (fill.accepted - at);
    if (fill.ready > at + added.late) {
      added.late = (uint32_t) (fill.ready - at);
    }
    for (unsigned j = 0; is_write && core->team_size > 1 && j < core->team_size; j++) {
      if (core->team[j] != core) {
        memory_invalidate(&core->team[j]->path, &core->path, address);
      }
    }
  }
  accesses->next = end;
  return added;
}

static bool is_scalar_store(const struct Operation* operation) {
  return operation->class == CLASS_STORE || operation->class == CLASS_FP_STORE;
}

// The entry of the store queue whose store has its data first.
static struct Scoreboard* first_store(struct Core* core) {
  struct Scoreboard* first = &core->stores[0];
  for (uint32_t i = 1; i < core->params->store_queue; i++) {
    if (core->stores[i].at < first->at) {
      first = &core->stores[i];
    }
  }
  return first;
}

// A scalar store waits for its address and for a place in the queue; there it waits for its data.
static void wait_for_store(struct Core* core, const struct Operation* operation,
                           struct Wait* wait) {
  wait_for_registers(core, wait, operation->source[0], 1, false);
  struct Scoreboard* entry = first_store(core);
  wait_for(wait, entry->at, entry->miss, entry->stall);
  *entry = (struct Scoreboard) {0};
  if (operation->source[1] != NO_REGISTER) {
    *entry = core->registers[operation->source[1]];
  }
}

static void run_scalar(struct Core* core, const struct Trace* trace, uint32_t index) {
  const struct Operation* operation = &trace->operations[index];
  const struct Cost* cost = &core->params->costs[operation->class];
  struct Wait wait = {.until = core->cycle};
  if (is_scalar_store(operation)) {
    wait_for_store(core, operation, &wait);
  } else {
    for (unsigned i = 0; i < MAX_SOURCES && operation->source[i] != NO_REGISTER; i++) {
      wait_for_registers(core, &wait, operation->source[i], 1, false);
    }
  }
  if (cost->unit != NO_UNIT) {
    wait_for_unit(core, &wait, cost->unit);
  }
  const uint64_t cycle = issue(core, &wait, false);
  const bool is_memory = operation->memory != MEMORY_NONE;
  struct Added added = {0, 0};
  if (is_memory) {
    added = run_accesses(core, trace, index, operation->memory == MEMORY_WRITE, cycle, 0);
  }
  if (cost->unit != NO_UNIT) {
    occupy_unit(core, cost->unit, cycle, cost->occupancy[0], added.held,
                is_memory ? STALL_MEMORY_UNIT : STALL_EXECUTE_UNIT);
  }
  if (operation->destination != NO_REGISTER) {
    set_registers(core, operation->destination, 1, cycle + added.late + cost->latency[0],
                  added.late, 0, is_memory ? STALL_LOAD_RESULT : STALL_RESULT);
  }
  if (operation->kind == KIND_VTYPE_IMMEDIATE || operation->kind == KIND_VTYPE_REGISTER) {
    core->vtype = (struct Scoreboard) {cycle + core->params->vtype_latency, 0, 0, STALL_RESULT};
  }
}

static void run_vector(struct Core* core, const struct Trace* trace, uint32_t index) {
  const struct Operation* operation = &trace->operations[index];
  const struct Cost* cost = &core->params->costs[operation->class];
  const unsigned shape = operation_shape(core, operation);
  const uint32_t occupancy =
      operation->repeat * (operation->is_masked ? cost->masked[shape] : cost->occupancy[shape]);
  struct Wait wait = {.until = core->cycle};
  wait_for(&wait, core->vtype.at, core->vtype.miss, core->vtype.stall);
  for (unsigned i = 0; i < MAX_SOURCES && operation->source[i] != NO_REGISTER; i++) {
    wait_for_registers(core, &wait, operation->source[i],
                       span_registers(core, operation, operation->source_span[i]),
                       core->params->is_late[cost->unit]);
  }
  wait_for_unit(core, &wait, cost->unit);
  const uint64_t cycle = issue(core, &wait, true);
  const bool is_memory = operation->memory != MEMORY_NONE;
  struct Added added = {0, 0};
  if (is_memory) {
    added = run_accesses(core, trace, index, operation->memory == MEMORY_WRITE, cycle,
                         occupancy / OCCUPANCY_ONE);
  }
  occupy_unit(core, cost->unit, cycle, occupancy, added.held,
              is_memory ? STALL_MEMORY_UNIT : STALL_EXECUTE_UNIT);
  if (operation->destination != NO_REGISTER) {
    const uint32_t repeated =
        occupancy / OCCUPANCY_ONE * (operation->repeat - 1u) / operation->repeat;
    set_registers(core, operation->destination,
                  span_registers(core, operation, operation->destination_span),
                  cycle + added.late + cost->latency[shape] + repeated, added.late,
                  cost->late_latency[shape] - cost->latency[shape],
                  is_memory ? STALL_LOAD_RESULT : STALL_RESULT);
  }
}

static struct Prediction* find_prediction(struct Core* core, uint32_t branch_id) {
  if (branch_id >= core->prediction_count) {
    const size_t count = 2 * (size_t) branch_id + 64;
    struct Prediction* grown = realloc(core->predictions, count * sizeof(*grown));
    if (grown == NULL) {
      fprintf(stderr, "colonnade-timing: out of memory for branch predictions\n");
      abort();
    }
    memset(grown + core->prediction_count, 0, (count - core->prediction_count) * sizeof(*grown));
    core->predictions = grown;
    core->prediction_count = count;
  }
  return &core->predictions[branch_id];
}

// Updates the predictor with the outcome and says whether it had foreseen it. Conditional
// branches have a two-bit counter each, first seen as backward taken, forward not taken.
static bool predict(struct Core* core, const struct Operation* operation, bool taken,
                    uint64_t target) {
  if (operation->flow == FLOW_DIRECT || operation->flow == FLOW_RETURN) {
    return true;
  }
  struct Prediction* prediction = find_prediction(core, operation->branch_id);
  if (operation->flow == FLOW_INDIRECT) {
    const bool correct = prediction->target == target;
    prediction->target = target;
    return correct;
  }
  if (prediction->counter == 0) {
    prediction->counter = operation->backward ? 3 : 2;
  }
  const unsigned counter = prediction->counter - 1u;
  const bool correct = taken == (counter >= 2);
  if (taken && counter < 3) {
    prediction->counter++;
  } else if (!taken && counter > 0) {
    prediction->counter--;
  }
  return correct;
}

// Fetch restarts: nothing more issues in this cycle, nor in `penalty` cycles after it.
static void restart_fetch(struct Core* core, uint32_t penalty) {
  core->counters.stalls[STALL_BRANCH] += penalty;
  start_cycle(core, core->cycle + 1 + penalty);
}

static void run_branch(struct Core* core, const struct Operation* operation, bool taken,
                       uint64_t target) {
  if (!predict(core, operation, taken, target)) {
    core->counters.mispredictions++;
    restart_fetch(core, core->params->mispredict);
  } else if (taken) {
    restart_fetch(core, core->params->taken_branch);
  }
}

static void run_operation(struct Core* core, const struct Trace* trace, uint32_t index) {
  const struct Operation* operation = &trace->operations[index];
  core->counters.groups[class_groups[operation->class]]++;
  if (operation->kind == KIND_VECTOR) {
    run_vector(core, trace, index);
    return;
  }
  run_scalar(core, trace, index);
  if (operation->kind == KIND_VTYPE_IMMEDIATE) {
    core_set_vtype(core, operation->vtype);
  } else if (operation->kind == KIND_VTYPE_REGISTER && trace->vtypes->next < trace->vtypes->count) {
    core_set_vtype(core, trace->vtypes->items[trace->vtypes->next++]);
  } else if (operation->flow != FLOW_NEXT) {
    const bool leaves =
        trace->ends_block && index + 1 == trace->end && trace->next != trace->fall_through;
    run_branch(core, operation, leaves || operation->flow != FLOW_CONDITIONAL, trace->next);
  }
}

uint32_t core_run(struct Core* core, const struct Trace* trace, uint64_t limit) {
  const uint64_t start = core_now(core);
  uint32_t index = trace->first;
  while (index < trace->end && core->cycle <= limit) {
    run_operation(core, trace, index++);
  }
  core->counters.functions[trace->function] += core_now(core) - start;
  return index;
}
