// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// The simulated machine: what one thread of the guest does, executed on one or several cores.
//
// Several cores work as a team. The guest runs the members of a team one after the other, task
// by task (kernels/common/virtual_pool.c); what each of them does is recorded, and simulated in the
// order of simulated time: always the member whose clock is behind. So the cores share L2 and
// memory as if they ran at once, and the result does not depend on how the guest was scheduled.

#ifndef COLONNADE_TIMING_MACHINE_H_
#define COLONNADE_TIMING_MACHINE_H_

#include "blocks.h"
#include "core.h"
#include "report.h"

// A stretch of operations of one block.
struct Piece {
  const struct Block* block;
  uint32_t first, end;
  uint64_t next;  // address executed next
  size_t access_end;
  bool sets_vtype;  // the guest came from another member: `vtype` is the vector state it left
  uint64_t vtype;
};

// What a core has still to simulate.
struct Queue {
  struct Piece* pieces;
  size_t count, capacity;
  size_t next;
  struct AccessList accesses;
  struct VtypeList vtypes;
  size_t open;  // the first access that belongs to no piece yet
};

struct Machine {
  const struct Params* params;
  struct MemorySystem memory;
  struct Core* cores[MAX_CORES];  // made when a team first needs them
  struct Queue queues[MAX_CORES];
  unsigned member;  // the core that the guest executes as
  bool switched;  // it has just become that, in the vector state `switch_vtype`
  uint64_t switch_vtype;
  unsigned team_size;  // 1 outside of a team
  unsigned core_count;  // cores that have been in a team since the caches were emptied
  unsigned region_size;  // cores that were in a team in this region
  uint64_t region_start;  // cycle
};

// False without memory.
bool machine_init(struct Machine* machine, const struct Params* params);

// Cold caches, idle pipelines, one core.
void machine_reset(struct Machine* machine, uint64_t stack_pointer);

void machine_begin_region(struct Machine* machine, uint64_t vtype);

// Ends the region; sums the counters of its cores up in `report`. Ends the program with a message if a team is
// still at work.
void machine_end_region(struct Machine* machine, struct RegionReport* report);

// Ends the program with a message if the machine has not `size` cores.
void machine_begin_team(struct Machine* machine, unsigned size, uint64_t stack_pointer);

// From now on the guest executes as this member, in the vector state `vtype`.
void machine_switch(struct Machine* machine, unsigned member, uint64_t vtype);

void machine_end_team(struct Machine* machine, uint64_t vtype);

// Records for the member that the guest executes as, in program order: the accesses and vtypes of
// a piece, then the piece.
void machine_add_access(struct Machine* machine, uint32_t operation, uint64_t address);
void machine_add_vtype(struct Machine* machine, uint64_t vtype);
void machine_add_piece(struct Machine* machine, const struct Block* block, uint32_t first,
                       uint32_t end, uint64_t next);

#endif  // COLONNADE_TIMING_MACHINE_H_
