// Marks the region of a program that the timing model measures.
//
// The markers are HINT instructions (`slti x0, x0, imm`): real processors execute them as
// no-ops, and on other architectures these functions are empty.

#ifndef COLONNADE_TIMING_MARKER_H_
#define COLONNADE_TIMING_MARKER_H_

#ifdef __riscv
#define COLONNADE_TIMING_MARK(imm) __asm__ volatile("slti x0, x0, " #imm ::: "memory")
#else
#define COLONNADE_TIMING_MARK(imm) ((void) 0)
#endif

// Starts a region with cold caches and an idle pipeline.
static inline void colonnade_region_begin_cold(void) { COLONNADE_TIMING_MARK(0x511); }

// Starts a region in the state the previous one left.
static inline void colonnade_region_begin(void) { COLONNADE_TIMING_MARK(0x512); }

// Ends the region; the plugin has written its JSON line when this returns.
static inline void colonnade_region_end(void) { COLONNADE_TIMING_MARK(0x513); }

#undef COLONNADE_TIMING_MARK

#endif  // COLONNADE_TIMING_MARKER_H_
