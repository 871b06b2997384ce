// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// A thread pool whose threads are cores of the timing model.
//
// Under emulation the order in which threads run is arbitrary, and so would be modelled cycles. A
// virtual pool starts no threads: one thread executes the tasks of all of them, and tells the model
// which core each task belongs to. Work is split as pthreadpool splits it, in equal ranges; that a
// thread takes over work of a slower one is not modelled.
#pragma once

#include <pthreadpool.h>

#ifdef __cplusplus
extern "C" {
#endif

// NULL without memory. From now on every pool of the program must be virtual; this one is released
// by pthreadpool_destroy like any other.
pthreadpool_t colonnade_create_virtual_pool(size_t threads);

#ifdef __cplusplus
}
#endif
