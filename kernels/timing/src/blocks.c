// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

#include "blocks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKET_COUNT = 1 << 14, INITIAL_BRANCHES = 1 << 12 };

static void* checked(void* memory) {
  if (memory == NULL) {
    fprintf(stderr, "colonnade-timing: out of memory for decoded blocks\n");
    abort();
  }
  return memory;
}

static size_t hash(uint64_t address) { return address * UINT64_C(0x9e3779b97f4a7c15) >> 32; }

int blocks_init(struct Blocks* blocks) {
  memset(blocks, 0, sizeof(*blocks));
  blocks->branch_capacity = INITIAL_BRANCHES;
  blocks->buckets = calloc(BUCKET_COUNT, sizeof(*blocks->buckets));
  blocks->branch_addresses = calloc(INITIAL_BRANCHES, sizeof(*blocks->branch_addresses));
  blocks->branch_ids = calloc(INITIAL_BRANCHES, sizeof(*blocks->branch_ids));
  return blocks->buckets != NULL && blocks->branch_addresses != NULL && blocks->branch_ids != NULL;
}

static size_t find_branch_slot(const uint64_t* addresses, size_t capacity, uint64_t address) {
  size_t slot = hash(address) & (capacity - 1);
  while (addresses[slot] != 0 && addresses[slot] != address) {
    slot = (slot + 1) & (capacity - 1);
  }
  return slot;
}

static void grow_branches(struct Blocks* blocks) {
  const size_t capacity = 2 * blocks->branch_capacity;
  uint64_t* addresses = checked(calloc(capacity, sizeof(*addresses)));
  uint32_t* ids = checked(calloc(capacity, sizeof(*ids)));
  for (size_t i = 0; i < blocks->branch_capacity; i++) {
    if (blocks->branch_addresses[i] != 0) {
      const size_t slot = find_branch_slot(addresses, capacity, blocks->branch_addresses[i]);
      addresses[slot] = blocks->branch_addresses[i];
      ids[slot] = blocks->branch_ids[i];
    }
  }
  free(blocks->branch_addresses);
  free(blocks->branch_ids);
  blocks->branch_addresses = addresses;
  blocks->branch_ids = ids;
  blocks->branch_capacity = capacity;
}

static uint32_t find_branch_id(struct Blocks* blocks, uint64_t address) {
  if (2 * (size_t) blocks->branch_count >= blocks->branch_capacity) {
    grow_branches(blocks);
  }
  const size_t slot = find_branch_slot(blocks->branch_addresses, blocks->branch_capacity, address);
  if (blocks->branch_addresses[slot] == 0) {
    blocks->branch_addresses[slot] = address;
    blocks->branch_ids[slot] = blocks->branch_count++;
  }
  return blocks->branch_ids[slot];
}

static struct Block* make_block(struct Blocks* blocks, uint64_t address, const uint32_t* words,
                                uint32_t count) {
  struct Block* block = checked(calloc(1, sizeof(*block)));
  block->address = address;
  block->count = count;
  block->operations = checked(calloc(count, sizeof(*block->operations)));
  block->words = checked(calloc(count, sizeof(*block->words)));
  memcpy(block->words, words, count * sizeof(*words));
  for (uint32_t i = 0; i < count; i++) {
    block->operations[i] = decode(words[i]);
    if (block->operations[i].flow != FLOW_NEXT) {
      block->operations[i].branch_id = find_branch_id(blocks, address);
    }
    address += block->operations[i].length;
  }
  block->fall_through = address;
  return block;
}

struct Block* blocks_find(struct Blocks* blocks, uint64_t address, const uint32_t* words,
                          uint32_t count, const char* function) {
  struct Block** bucket = &blocks->buckets[hash(address) & (BUCKET_COUNT - 1)];
  for (struct Block* block = *bucket; block != NULL; block = block->next) {
    if (block->address == address && block->count == count &&
        memcmp(block->words, words, count * sizeof(*words)) == 0) {
      return block;
    }
  }
  struct Block* block = make_block(blocks, address, words, count);
  block->function = functions_find(&blocks->functions, function);
  block->next = *bucket;
  *bucket = block;
  return block;
}
