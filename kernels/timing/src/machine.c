// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

#include "machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A member may be ahead of the others by this many cycles before one of them has its turn: enough
// to make turns rare, little against a miss.
enum { TURN = 16 };

// Pieces that a core on its own records before it simulates them: enough that a program that is simulated on
// many cores goes from one to the next rarely.
enum { BATCH = 256 };

static void* checked(void* memory) {
  if (memory == NULL) {
    fprintf(stderr, "colonnade-timing: out of memory for the trace of a team\n");
    abort();
  }
  return memory;
}

bool machine_init(struct Machine* machine, const struct Params* params) {
  memset(machine, 0, sizeof(*machine));
  machine->params = params;
  machine->team_size = machine->core_count = machine->region_size = 1;
  machine->cores[0] = malloc(sizeof(*machine->cores[0]));
  return machine->cores[0] != NULL && memory_init(&machine->memory, params) &&
         core_init(machine->cores[0], &machine->memory, 0);
}

static struct Core* get_core(struct Machine* machine, unsigned number) {
  if (machine->cores[number] == NULL) {
    machine->cores[number] = checked(malloc(sizeof(*machine->cores[number])));
    if (!core_init(machine->cores[number], &machine->memory, number)) {
      checked(NULL);
    }
  }
  return machine->cores[number];
}

static void empty_queue(struct Queue* queue) {
  queue->count = queue->next = 0;
  queue->accesses.count = queue->accesses.next = 0;
  queue->vtypes.count = queue->vtypes.next = 0;
  queue->open = 0;
}

void machine_reset(struct Machine* machine, uint64_t stack_pointer) {
  memory_reset(&machine->memory, stack_pointer);
  for (unsigned i = 0; i < MAX_CORES && machine->cores[i] != NULL; i++) {
    core_reset(machine->cores[i]);
    machine->cores[i]->team_size = 1;
    empty_queue(&machine->queues[i]);
  }
  machine->member = 0;
  machine->team_size = machine->core_count = 1;
}

// Simulates what the core has recorded, as far as the cycle `limit`.
static void run_core(struct Machine* machine, unsigned number, uint64_t limit) {
  struct Core* core = machine->cores[number];
  struct Queue* queue = &machine->queues[number];
  while (queue->next < queue->count) {
    struct Piece* piece = &queue->pieces[queue->next];
    const struct Trace trace = {
      .operations = piece->block->operations,
      .first = piece->first,
      .end = piece->end,
      .function = piece->block->function,
      .fall_through = piece->block->fall_through,
      .next = piece->next,
      .ends_block = piece->end == piece->block->count,
      .accesses = &queue->accesses,
      .access_end = piece->access_end,
      .vtypes = &queue->vtypes,
    };
    if (piece->sets_vtype) {
      core_set_vtype(core, piece->vtype);
      piece->sets_vtype = false;
    }
    piece->first = core_run(core, &trace, limit);
    if (piece->first < piece->end) {
      return;
    }
    // An exception of the guest leaves accesses that belong to no operation.
    queue->accesses.next = piece->access_end;
    queue->next++;
  }
  empty_queue(queue);
}

// A core on its own simulates what it has recorded.
static void catch_up(struct Machine* machine) {
  if (machine->team_size == 1) {
    run_core(machine, machine->member, UINT64_MAX);
  }
}

void machine_begin_region(struct Machine* machine, uint64_t vtype) {
  catch_up(machine);
  const uint64_t now = core_now(machine->cores[0]);
  for (unsigned i = 0; i < machine->core_count; i++) {
    core_idle_until(machine->cores[i], now);
    core_start_counting(machine->cores[i]);
  }
  core_set_vtype(machine->cores[0], vtype);
  empty_queue(&machine->queues[0]);
  machine->region_start = now;
  machine->region_size = 1;
}

static bool has_work(const struct Queue* queue) { return queue->next < queue->count; }

// Simulates the team in the order of time, until a member has nothing recorded: it may do
// something earlier than what the others have. In the end it does not.
static void run_team(struct Machine* machine, bool is_end) {
  for (;;) {
    unsigned first = 0;
    uint64_t earliest = UINT64_MAX, second = UINT64_MAX;
    for (unsigned i = 0; i < machine->team_size; i++) {
      if (!has_work(&machine->queues[i])) {
        if (!is_end) {
          return;
        }
        continue;
      }
      const uint64_t now = machine->cores[i]->cycle;
      if (now < earliest) {
        second = earliest;
        earliest = now;
        first = i;
      } else if (now < second) {
        second = now;
      }
    }
    if (earliest == UINT64_MAX) {
      return;
    }
    run_core(machine, first, second == UINT64_MAX ? second : second + TURN);
  }
}

void machine_begin_team(struct Machine* machine, unsigned size, uint64_t stack_pointer) {
  if (size == 0 || size > machine->params->core_count) {
    fprintf(stderr, "colonnade-timing: a team of %u cores; the core description has %u\n", size,
            machine->params->core_count);
    exit(EXIT_FAILURE);
  }
  catch_up(machine);
  if (size > machine->core_count) {
    machine->core_count = size;
  }
  if (size > machine->region_size) {
    machine->region_size = size;
  }
  const uint64_t start = core_now(machine->cores[0]) + machine->params->fork_join;
  for (unsigned i = 0; i < machine->core_count; i++) {
    struct Core* core = get_core(machine, i);
    core->team = machine->cores;
    core->team_size = machine->core_count;
    if (i != 0 && i < size) {
      core_idle_until(core, start);
    }
  }
  machine->memory.pages.team_stack_pointer = stack_pointer;
  machine->team_size = size;
  machine->member = 0;
}

void machine_switch(struct Machine* machine, unsigned member, uint64_t vtype) {
  if (member >= machine->team_size) {
    fprintf(stderr, "colonnade-timing: member %u of a team of %u\n", member, machine->team_size);
    exit(EXIT_FAILURE);
  }
  run_team(machine, false);
  machine->member = member;
  machine->switched = true;
  machine->switch_vtype = vtype;
}

void machine_end_team(struct Machine* machine, uint64_t vtype) {
  run_team(machine, true);
  uint64_t end = 0;
  for (unsigned i = 0; i < machine->team_size; i++) {
    const uint64_t now = core_now(machine->cores[i]);
    end = now > end ? now : end;
  }
  for (unsigned i = 0; i < machine->team_size; i++) {
    core_idle_until(machine->cores[i], end);
  }
  core_set_vtype(machine->cores[0], vtype);
  machine->memory.pages.team_stack_pointer = 0;
  machine->team_size = 1;
  machine->member = 0;
  machine->switched = false;
}

void machine_end_region(struct Machine* machine, struct RegionReport* report) {
  if (machine->team_size > 1) {
    fprintf(stderr, "colonnade-timing: a region ends inside a team of %u\n", machine->team_size);
    exit(EXIT_FAILURE);
  }
  catch_up(machine);
  const uint64_t end = core_now(machine->cores[0]);
  report->cycles = end - machine->region_start;
  report->threads = machine->region_size;
  for (unsigned i = 0; i < machine->region_size; i++) {
    struct Core* core = machine->cores[i];
    core_idle_until(core, end);
    report_add(report, &core->counters, &core->path.counters);
  }
}

void machine_add_access(struct Machine* machine, uint32_t operation, uint64_t address) {
  struct Queue* queue = &machine->queues[machine->member];
  struct AccessList* list = &queue->accesses;
  if (list->count > queue->open) {
    const struct Access* last = &list->items[list->count - 1];
    // The elements of a vector come one by one; those of one line are one access.
    if (last->operation == operation && (last->address ^ address) < machine->params->l1.line) {
      return;
    }
  }
  if (list->count == list->capacity) {
    list->capacity = 2 * list->capacity + 64;
    list->items = checked(realloc(list->items, list->capacity * sizeof(*list->items)));
  }
  list->items[list->count++] = (struct Access) {address, operation};
}

void machine_add_vtype(struct Machine* machine, uint64_t vtype) {
  struct VtypeList* list = &machine->queues[machine->member].vtypes;
  if (list->count == list->capacity) {
    list->capacity = 2 * list->capacity + 8;
    list->items = checked(realloc(list->items, list->capacity * sizeof(*list->items)));
  }
  list->items[list->count++] = vtype;
}

void machine_add_piece(struct Machine* machine, const struct Block* block, uint32_t first,
                       uint32_t end, uint64_t next) {
  struct Queue* queue = &machine->queues[machine->member];
  if (queue->count == queue->capacity) {
    queue->capacity = 2 * queue->capacity + 64;
    queue->pieces = checked(realloc(queue->pieces, queue->capacity * sizeof(*queue->pieces)));
  }
  queue->open = queue->accesses.count;
  queue->pieces[queue->count++] = (struct Piece) {
    .block = block,
    .first = first,
    .end = end,
    .next = next,
    .access_end = queue->open,
    .sets_vtype = machine->switched,
    .vtype = machine->switch_vtype,
  };
  machine->switched = false;
  if (queue->count >= BATCH) {
    catch_up(machine);
  }
}
