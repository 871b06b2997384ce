// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

#include "xnn.h"

#include "arena.h"
#include "run_limits.h"
#include "virtual_pool.h"

namespace colonnade {

void check(xnn_status status, const std::string& what) {
  static const char* const names[] = {"success", "uninitialized", "invalid parameter",
                                      "invalid state", "unsupported parameter", "unsupported hardware",
                                      "out of memory", "reallocation required", "deprecated"};
  if (status == xnn_status_success) return;
  if (status == xnn_status_out_of_memory) {
    if (arena_refused() != 0) throw ArenaFull(arena_refused());
    throw OutOfMemory("XNNPACK gets none");
  }
  const size_t index = static_cast<size_t>(status);
  throw std::runtime_error(what + ": XNNPACK answers: " + (index < std::size(names) ? names[index] : "unknown failure"));
}

void initialize_xnnpack() { initialize_xnnpack(arena_allocator()); }

void initialize_xnnpack(const xnn_allocator* allocator) { check(xnn_initialize(allocator), "XNNPACK"); }

unsigned vector_length_bits() {
#if defined(__riscv)
  unsigned long bytes;
  // vlenb; the programs are built without the V extension, so the CSR is read by number.
  __asm__ volatile("csrr %0, 0xc22" : "=r"(bytes));
  return static_cast<unsigned>(bytes * 8);
#else
  return 0;
#endif
}

Operator make_binary(xnn_binary_operator type, const float* x, const std::vector<size_t>& x_shape, const float* y,
                     const std::vector<size_t>& y_shape, float* output, pthreadpool_t pool) {
  xnn_operator_t op = nullptr;
  check(xnn_create_binary_elementwise_nd(type, xnn_datatype_fp32, nullptr, nullptr, nullptr, 0, &op), "create");
  Operator owned(op);
  check(xnn_reshape_binary_elementwise_nd(op, x_shape.size(), x_shape.data(), y_shape.size(), y_shape.data(), pool), "reshape");
  check(xnn_setup_binary_elementwise_nd(op, x, y, output), "setup");
  return owned;
}

xnn_status run_operators(const std::vector<Operator>& operators, pthreadpool_t pool) {
  xnn_status status = xnn_status_success;
  for (const Operator& op : operators) {
    status = xnn_run_operator(op.get(), pool);
    if (status != xnn_status_success) break;
  }
  return status;
}

ThreadPool make_thread_pool(unsigned threads, bool modelled) {
  if (threads == 1) return nullptr;
  // The markers of a larger team would say something else.
  if (modelled && threads > kMaxModelledThreads) {
    throw std::invalid_argument("--threads: " + std::to_string(threads) + "; allowed under the timing model: 1 to " + std::to_string(kMaxModelledThreads));
  }
  ThreadPool pool(modelled ? colonnade_create_virtual_pool(threads) : pthreadpool_create(threads));
  if (pool == nullptr) throw std::runtime_error("cannot create " + std::to_string(threads) + " threads");
  return pool;
}

}  // namespace colonnade
