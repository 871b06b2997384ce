// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

#include "pages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INITIAL_CAPACITY = 1 << 12 };

// The stack of a region: how far it may reach below and above the stack pointer at its start.
#define STACK_BELOW (UINT64_C(1) << 20)
#define STACK_ABOVE (UINT64_C(1) << 14)

// Where the stack pointer is put: no user address reaches this high.
#define STACK_ANCHOR (UINT64_C(1) << 62)

// How far the stacks of the members of a team are apart; a multiple of the page.
#define STACK_DISTANCE (UINT64_C(1) << 40)

bool pages_init(struct Pages* pages, unsigned huge_log2) {
  memset(pages, 0, sizeof(*pages));
  pages->huge_log2 = huge_log2;
  pages->capacity = INITIAL_CAPACITY;
  pages->entries = calloc(pages->capacity, sizeof(*pages->entries));
  return pages->entries != NULL;
}

void pages_free(struct Pages* pages) {
  free(pages->entries);
  pages->entries = NULL;
}

void pages_set_huge(struct Pages* pages, uint64_t begin, uint64_t end) {
  pages->huge_begin = begin;
  pages->huge_end = end;
}

void pages_clear(struct Pages* pages, uint64_t stack_pointer) {
  memset(pages->entries, 0, pages->capacity * sizeof(*pages->entries));
  memset(pages->lookaside, 0, sizeof(pages->lookaside));
  pages->count = 0;
  pages->stack_pointer = stack_pointer;
  pages->team_stack_pointer = 0;
}

// Where the frames of huge pages begin: no small one reaches this high.
#define HUGE_FRAMES (UINT64_C(1) << 62)

static struct PageEntry* find_slot(struct PageEntry* entries, size_t capacity, uint64_t page) {
  size_t slot = (page * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (capacity - 1);
  while (entries[slot].frame != 0 && entries[slot].page != page) {
    slot = (slot + 1) & (capacity - 1);
  }
  return &entries[slot];
}

static void grow(struct Pages* pages) {
  const size_t capacity = 2 * pages->capacity;
  struct PageEntry* entries = calloc(capacity, sizeof(*entries));
  if (entries == NULL) {
    fprintf(stderr, "colonnade-timing: out of memory for the page map\n");
    abort();
  }
  for (size_t i = 0; i < pages->capacity; i++) {
    if (pages->entries[i].frame != 0) {
      *find_slot(entries, capacity, pages->entries[i].page) = pages->entries[i];
    }
  }
  free(pages->entries);
  pages->entries = entries;
  pages->capacity = capacity;
}

static struct PageEntry find_or_add(struct Pages* pages, uint64_t page) {
  if (2 * pages->count >= pages->capacity) {
    grow(pages);
  }
  struct PageEntry* entry = find_slot(pages->entries, pages->capacity, page);
  if (entry->frame == 0) {
    *entry = (struct PageEntry) {.page = page, .frame = ++pages->count};
  }
  return *entry;
}

uint64_t pages_translate(struct Pages* pages, uint64_t address, unsigned core) {
  const uint64_t above_stack_limit = address - (pages->stack_pointer - STACK_BELOW);
  if (pages->stack_pointer != 0 && above_stack_limit < STACK_BELOW + STACK_ABOVE) {
    const bool is_private = address < pages->team_stack_pointer;
    address = STACK_ANCHOR + above_stack_limit + (is_private ? core * STACK_DISTANCE : 0);
  }
  const bool is_huge = address - pages->huge_begin < pages->huge_end - pages->huge_begin;
  const unsigned page_log2 = is_huge ? pages->huge_log2 : SMALL_PAGE_LOG2;
  const uint64_t offset = address & ((UINT64_C(1) << page_log2) - 1);
  const uint64_t page = (address - offset) >> SMALL_PAGE_LOG2;
  struct PageEntry* recent = &pages->lookaside[(address >> page_log2) % PAGE_LOOKASIDE];
  if (recent->page != page || recent->frame == 0) {
    *recent = find_or_add(pages, page);
  }
  return (is_huge ? HUGE_FRAMES : 0) + (recent->frame << page_log2) + offset;
}
