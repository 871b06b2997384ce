// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Gives each virtual page a physical frame, in the order in which pages are first touched.
//
// An operating system does the same, and it makes the caches' set indices independent of
// address-space randomisation: the same program touches its pages in the same order. The
// stack also moves within its page with the size of the environment, so addresses near the
// stack pointer at the start of the region are taken relative to it.
//
// The members of a team of cores run one after the other on one stack in the guest; each gets a
// stack of its own here, below the stack pointer at the start of the team.
//
// A program may mark one range of addresses that it asked the operating system to back with huge
// pages; how long a page is there is the core description's. All other pages have 4 KB.

#ifndef COLONNADE_TIMING_PAGES_H_
#define COLONNADE_TIMING_PAGES_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SMALL_PAGE_LOG2 = 12, PAGE_LOOKASIDE = 1024 };

struct Pages {
  struct PageEntry* entries;  // open addressing, capacity a power of two
  size_t capacity;
  size_t count;
  unsigned huge_log2;  // of the bytes in a huge page
  uint64_t huge_begin, huge_end;  // addresses that lie in huge pages
  uint64_t stack_pointer;  // at the start of the region; 0 when not known
  uint64_t team_stack_pointer;  // at the start of the team; 0 outside of one
  struct PageEntry {
    uint64_t page;  // of either size: both count in small pages
    uint64_t frame;  // 0: empty
  } lookaside[PAGE_LOOKASIDE];
};

bool pages_init(struct Pages* pages, unsigned huge_log2);
// For programs that have pages for a while: the plugin keeps all that it has.
void pages_free(struct Pages* pages);

// The addresses from `begin` to `end` lie in huge pages.
void pages_set_huge(struct Pages* pages, uint64_t begin, uint64_t end);

// Forgets every frame; `stack_pointer` anchors the stack from now on.
void pages_clear(struct Pages* pages, uint64_t stack_pointer);

// Physical address of a virtual one as `core` sees it. Aborts without memory.
uint64_t pages_translate(struct Pages* pages, uint64_t address, unsigned core);

#endif  // COLONNADE_TIMING_PAGES_H_
