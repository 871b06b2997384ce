// Gives each virtual page a physical frame, in the order in which pages are first touched.
//
// An operating system does the same, and it makes the caches' set indices independent of
// address-space randomisation: the same program touches its pages in the same order. The
// stack also moves within its page with the size of the environment, so addresses near the
// stack pointer at the start of the region are taken relative to it.

#ifndef COLONNADE_TIMING_PAGES_H_
#define COLONNADE_TIMING_PAGES_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PAGE_BITS = 12, PAGE_LOOKASIDE = 1024 };

struct Pages {
  struct PageEntry* entries;  // open addressing, capacity a power of two
  size_t capacity;
  size_t count;
  uint64_t stack_pointer;  // at the start of the region; 0 when not known
  struct PageEntry {
    uint64_t page;
    uint64_t frame;  // 0: empty
  } lookaside[PAGE_LOOKASIDE];
};

bool pages_init(struct Pages* pages);
void pages_free(struct Pages* pages);

// Forgets every frame; `stack_pointer` anchors the stack from now on.
void pages_clear(struct Pages* pages, uint64_t stack_pointer);

// Physical address of a virtual one. Aborts without memory.
uint64_t pages_translate(struct Pages* pages, uint64_t address);

#endif  // COLONNADE_TIMING_PAGES_H_
