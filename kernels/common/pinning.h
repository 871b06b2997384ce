// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// The CPUs that a program stays on.
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

// Stays on the CPUs that the environment variable COLONNADE_CPUS lists by number, such as 0,2; without it nothing
// changes. Threads that are started later stay there too. Says on stderr what is wrong with the list, or that the
// machine has no such CPU, and ends the program.
void colonnade_pin(void);

#ifdef __cplusplus
}
#endif
