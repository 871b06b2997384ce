// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Marks the region of a program that the timing model measures, the cores that it runs on, and the memory
// that it asked to lie in huge pages.
//
// The markers are HINT instructions (`slti x0, x0, imm` and `slt x0, rs1, rs2`): real processors
// execute them as no-ops, and on other architectures these functions are empty.

#ifndef COLONNADE_TIMING_MARKER_H_
#define COLONNADE_TIMING_MARKER_H_

#ifdef __riscv
#define COLONNADE_TIMING_MARK(imm) __asm__ volatile("slti x0, x0, " #imm::: "memory")
#define COLONNADE_TIMING_TEAM(value) __asm__ volatile("slt x0, x0, %0" ::"r"(value) : "memory")
#define COLONNADE_TIMING_HUGE(begin, end) \
  __asm__ volatile("slt x0, %0, %1" ::"r"(begin), "r"(end) : "memory")
#else
#define COLONNADE_TIMING_MARK(imm) ((void) 0)
#define COLONNADE_TIMING_HUGE(begin, end) ((void) (begin), (void) (end))
#define COLONNADE_TIMING_TEAM(value) ((void) (value))
#endif

// Starts a region with cold caches and an idle pipeline.
static inline void colonnade_region_begin_cold(void) { COLONNADE_TIMING_MARK(0x511); }

// Starts a region in the state the previous one left.
static inline void colonnade_region_begin(void) { COLONNADE_TIMING_MARK(0x512); }

// Ends the region; the plugin has written its JSON line when this returns.
static inline void colonnade_region_end(void) { COLONNADE_TIMING_MARK(0x513); }

// Whether a region is to do its work once more: never here, where time is exact.
static inline int colonnade_region_again(void) { return 0; }

// Starts a team of `size` cores, of which this one is member 0. All members run in this thread, one
// after the other, each on the stack below this point. The marker has a byte for the size.
static inline void colonnade_team_begin(unsigned long size) { COLONNADE_TIMING_TEAM(0x100 + size); }

// What follows is executed by `member`.
static inline void colonnade_team_member(unsigned long member) {
  COLONNADE_TIMING_TEAM(0x200 + member);
}

// Ends the team: member 0 goes on when every member has come here.
static inline void colonnade_team_end(void) { COLONNADE_TIMING_TEAM(0x300ul); }

// The memory from `begin` to `end` lies in huge pages: call it outside of a region, once.
static inline void colonnade_huge_pages(const void* begin, const void* end) {
  COLONNADE_TIMING_HUGE(begin, end);
}

#undef COLONNADE_TIMING_HUGE
#undef COLONNADE_TIMING_MARK
#undef COLONNADE_TIMING_TEAM

#endif  // COLONNADE_TIMING_MARKER_H_
