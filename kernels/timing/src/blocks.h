// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Decoded translation blocks, found by address and content.
//
// QEMU translates the same code again after a flush of its buffer; the table then returns the
// block it already has, so pointers given to QEMU stay valid and memory is bounded by the size
// of the program. Branches get an identity from their address: the predictor's state survives
// retranslation and does not depend on how QEMU cuts the code into blocks.

#ifndef COLONNADE_TIMING_BLOCKS_H_
#define COLONNADE_TIMING_BLOCKS_H_

#include <stddef.h>
#include <stdint.h>

#include "decode.h"
#include "functions.h"

struct Block {
  uint64_t address;
  uint64_t fall_through;  // address after the last operation
  uint32_t count;
  uint32_t function;  // number
  struct Operation* operations;
  uint32_t* words;  // the instructions themselves
  struct Block* next;
};

struct Blocks {
  struct Functions functions;
  struct Block** buckets;
  uint64_t* branch_addresses;  // open addressing; 0: empty
  uint32_t* branch_ids;
  size_t branch_capacity;
  uint32_t branch_count;
};

// Returns 0 without memory.
int blocks_init(struct Blocks* blocks);

// The block of `count` instruction words at `address` in the function called `function`, which may be
// NULL. Aborts without memory. Not thread-safe.
struct Block* blocks_find(struct Blocks* blocks, uint64_t address, const uint32_t* words,
                          uint32_t count, const char* function);

#endif  // COLONNADE_TIMING_BLOCKS_H_
