// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

#include "virtual_pool.h"

#include <stdbool.h>
#include <string.h>

#include <fxdiv.h>

// pthreadpool's own headers: this file takes the place of what it does with threads.
#include "threadpool-atomics.h"
#include "threadpool-object.h"

#include "marker.h"

static bool pools_are_virtual;

pthreadpool_t colonnade_create_virtual_pool(size_t threads) {
  struct pthreadpool* pool = pthreadpool_allocate(threads);
  if (pool == NULL) {
    return NULL;
  }
  pools_are_virtual = true;
  pool->threads_count = fxdiv_init_size_t(threads);
  for (size_t i = 0; i < threads; i++) {
    pool->threads[i].thread_number = i;
    pool->threads[i].threadpool = pool;
  }
  return pool;
}

// Gives one element of the work to a thread, nothing to the others: there is nothing to take over.
static void run_element(struct pthreadpool* pool, thread_function_t function, size_t thread,
                        size_t element) {
  struct thread_info* info = &pool->threads[thread];
  pthreadpool_store_relaxed_size_t(&info->range_start, element);
  pthreadpool_store_relaxed_size_t(&info->range_end, element + 1);
  pthreadpool_store_relaxed_size_t(&info->range_length, 1);
  function(pool, info);
}

// The linker puts these two in the place of pthreadpool's (--wrap), which it calls __real_*.
void __real_pthreadpool_destroy(struct pthreadpool* pool);
void __wrap_pthreadpool_destroy(struct pthreadpool* pool);
void __real_pthreadpool_parallelize(struct pthreadpool* pool, thread_function_t function,
                                    const void* params, size_t params_size, void* task,
                                    void* context, size_t linear_range, uint32_t flags);
void __wrap_pthreadpool_parallelize(struct pthreadpool* pool, thread_function_t function,
                                    const void* params, size_t params_size, void* task,
                                    void* context, size_t linear_range, uint32_t flags);

void __wrap_pthreadpool_destroy(struct pthreadpool* pool) {
  if (!pools_are_virtual) {
    __real_pthreadpool_destroy(pool);
  } else if (pool != NULL) {
    pthreadpool_deallocate(pool);
  }
}

void __wrap_pthreadpool_parallelize(struct pthreadpool* pool, thread_function_t function,
                                    const void* params, size_t params_size, void* task,
                                    void* context, size_t linear_range, uint32_t flags) {
  if (!pools_are_virtual) {
    __real_pthreadpool_parallelize(pool, function, params, params_size, task, context, linear_range,
                                   flags);
    return;
  }
  pthreadpool_store_relaxed_void_p(&pool->thread_function, (void*) function);
  pthreadpool_store_relaxed_void_p(&pool->task, task);
  pthreadpool_store_relaxed_void_p(&pool->argument, context);
  pthreadpool_store_relaxed_uint32_t(&pool->flags, flags);
  if (params_size != 0) {
    memcpy(&pool->params, params, params_size);
  }
  const struct fxdiv_result_size_t split = fxdiv_divide_size_t(linear_range, pool->threads_count);
  const size_t threads = pool->threads_count.value;
  colonnade_team_begin(threads);
  // Element after element, so that what the model has to keep of each core stays small.
  for (size_t step = 0; step < split.quotient + (split.remainder != 0); step++) {
    for (size_t thread = 0; thread < threads; thread++) {
      const bool has_one_more = thread < split.remainder;
      if (step < split.quotient + has_one_more) {
        const size_t start = thread * split.quotient + (has_one_more ? thread : split.remainder);
        colonnade_team_member(thread);
        run_element(pool, function, thread, start + step);
      }
    }
  }
  colonnade_team_end();
}
