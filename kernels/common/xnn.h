// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// XNNPACK's C API with C++ ownership and exceptions.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <pthreadpool.h>
#include <xnnpack.h>

namespace colonnade {

// Throws std::runtime_error naming `what` unless `status` is success; OutOfMemory where memory is out.
void check(xnn_status status, const std::string& what);

// Initialises XNNPACK with the arena's allocator, or with another one; NULL: that of the process's heap. The first call of
// a process decides.
void initialize_xnnpack();
void initialize_xnnpack(const xnn_allocator* allocator);

// VLEN in bits, 0 where there is no vector extension.
unsigned vector_length_bits();

struct DeleteOperator {
  void operator()(xnn_operator_t op) const { xnn_delete_operator(op); }
};
using Operator = std::unique_ptr<xnn_operator, DeleteOperator>;

// output = x `type` y of f32 tensors; where one of them has a size of 1, it is the same for all of the other's.
Operator make_binary(xnn_binary_operator type, const float* x, const std::vector<size_t>& x_shape, const float* y,
                     const std::vector<size_t>& y_shape, float* output, pthreadpool_t pool);

// Runs them in order up to the first that fails, and returns the last status.
xnn_status run_operators(const std::vector<Operator>& operators, pthreadpool_t pool);

struct DeletePool {
  void operator()(pthreadpool_t pool) const { pthreadpool_destroy(pool); }
};
using ThreadPool = std::unique_ptr<pthreadpool, DeletePool>;

// An empty pointer for one thread: XNNPACK then calls its tasks directly. With `modelled`, the threads
// are cores of the timing model (virtual_pool.h), of which it has no more than kMaxModelledThreads; make no other pool
// beside. Throws std::invalid_argument for more, and std::runtime_error where there is no pool.
ThreadPool make_thread_pool(unsigned threads, bool modelled = false);

}  // namespace colonnade
