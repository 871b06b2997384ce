// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

#include "arena.h"

#include <sys/mman.h>
#include <ucontext.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <exception>
#include <iostream>
#include <mutex>
#include <new>
#include <string>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__ 1  // as gcc says it
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

#include "marker.h"

namespace colonnade {
namespace {

constexpr uintptr_t kAddress = 0x2000000000;
constexpr size_t kSize = size_t{8} << 30;  // address space only; pages are taken when touched
constexpr size_t kAlignment = 64;
constexpr size_t kStackSize = size_t{8} << 20;
#if defined(__SANITIZE_ADDRESS__)
// AddressSanitizer knows nothing of the arena's blocks: behind each lies memory that nobody may touch.
constexpr size_t kRedZone = kAlignment;
void forbid(const unsigned char* begin, size_t size) { __asan_poison_memory_region(begin, size); }
void allow(const unsigned char* begin, size_t size) { __asan_unpoison_memory_region(begin, size); }
#else
constexpr size_t kRedZone = 0;
void forbid(const unsigned char*, size_t) {}
void allow(const unsigned char*, size_t) {}
#endif

struct Arena {
  unsigned char* base;
  size_t used = 0;
  size_t peak = 0;
  std::mutex mutex;

  Arena() {
    // Not MAP_FIXED: where the address is taken (a sanitizer's shadow, say) any other will do.
    void* mapped = mmap(reinterpret_cast<void*>(kAddress), kSize, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped == MAP_FAILED) throw std::bad_alloc();
    // A wish: a kernel without huge pages refuses it, and small ones do as well.
    madvise(mapped, kSize, MADV_HUGEPAGE);
    colonnade_huge_pages(mapped, static_cast<unsigned char*>(mapped) + kSize);
    base = static_cast<unsigned char*>(mapped);
  }
};

Arena& arena() {
  static Arena instance;
  return instance;
}

std::atomic<size_t> refused{0};

void* allocate(void*, size_t size) {
  try {
    return arena_allocate(size);
  } catch (const ArenaFull&) {
    refused = size;
    return nullptr;
  }
}

void* aligned_allocate(void* context, size_t, size_t size) { return allocate(context, size); }

void* reallocate(void* context, void* pointer, size_t size) {
  // The old block's size is not kept; it lies wholly before the new one.
  void* moved = allocate(context, size);
  if (pointer != nullptr && moved != nullptr) {
    const auto distance = static_cast<size_t>(static_cast<unsigned char*>(moved) - static_cast<unsigned char*>(pointer));
    std::memcpy(moved, pointer, distance < size ? distance : size);
  }
  return moved;
}

void deallocate(void*, void*) {}

struct Program {
  int argc;
  char** argv;
  int (*body)(int, char**);
  int result;
} program;

int failed(const std::string& reason) {
  std::cerr << "error: " << reason << std::endl;
  return 2;
}

void run_program() {
  try {
    program.result = program.body(program.argc, program.argv);
  } catch (const std::exception& error) {
    program.result = failed(error.what());
  }
}

}  // namespace

ArenaFull::ArenaFull(size_t wanted)
    : OutOfMemory(std::to_string(wanted) + " bytes do not fit into the arena's memory: " + std::to_string(kSize - arena().used) + " of " +
                  std::to_string(kSize) + " are left") {}

void* arena_allocate(size_t size) {
  Arena& a = arena();
  const std::lock_guard<std::mutex> lock(a.mutex);
  const size_t rounded = (size + kRedZone + kAlignment - 1) / kAlignment * kAlignment;
  if (rounded < size || rounded > kSize - a.used) throw ArenaFull(size);
  unsigned char* block = a.base + a.used;
  forbid(block + size, rounded - size);
  a.used += rounded;
  a.peak = std::max(a.peak, a.used);
  return block;
}

ArenaScope::ArenaScope() : begin_(arena().used) {}

ArenaScope::~ArenaScope() {
  Arena& a = arena();
  const std::lock_guard<std::mutex> lock(a.mutex);
  allow(a.base + begin_, a.used - begin_);
  std::memset(a.base + begin_, 0, a.used - begin_);
  a.used = begin_;
}

size_t arena_peak() { return arena().peak; }

size_t arena_refused() { return refused; }

const xnn_allocator* arena_allocator() {
  static const xnn_allocator allocator = {nullptr, allocate, reallocate, deallocate, aligned_allocate, deallocate};
  return &allocator;
}

int main_on_arena_stack(int argc, char** argv, int (*body)(int, char**)) {
  ucontext_t caller, callee;
  getcontext(&callee);
  try {
    callee.uc_stack.ss_sp = arena_allocate(kStackSize);
  } catch (const std::bad_alloc&) {
    return failed(std::to_string(kSize) + " bytes of addresses are needed; this process may not have them");
  }
  callee.uc_stack.ss_size = kStackSize;
  callee.uc_link = &caller;
  program = {argc, argv, body, 0};
  makecontext(&callee, run_program, 0);
  swapcontext(&caller, &callee);
  return program.result;
}

}  // namespace colonnade
