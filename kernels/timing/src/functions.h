// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// The program's functions, by number: what a core's cycles are counted by.

#ifndef COLONNADE_TIMING_FUNCTIONS_H_
#define COLONNADE_TIMING_FUNCTIONS_H_

#include <stdint.h>

// Those past the last are counted together, as those without a name are: number 0.
enum { MAX_FUNCTIONS = 1024 };

struct Functions {
  char* names[MAX_FUNCTIONS];  // number 0 has none
  uint32_t count;
};

// The number of the function called `name`, which may be NULL. Aborts without memory. Not thread-safe.
uint32_t functions_find(struct Functions* functions, const char* name);

#endif  // COLONNADE_TIMING_FUNCTIONS_H_
