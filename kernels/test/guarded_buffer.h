// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Memory between two pages that nobody may touch: an access outside it ends the test.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <new>

namespace colonnade {

enum class GuardedAt { kBegin,
                       kEnd };

template <typename T>
class GuardedBuffer {
 public:
  // `count` zeroed elements that begin right behind the first guard page, or end right before the second.
  GuardedBuffer(size_t count, GuardedAt at, size_t alignment = sizeof(T)) : count_(count) {
    const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    const size_t bytes = (count * sizeof(T) + alignment - 1) / alignment * alignment;
    const size_t inner = (bytes + page - 1) / page * page;
    size_ = inner + 2 * page;
    base_ = mmap(nullptr, size_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base_ == MAP_FAILED) throw std::bad_alloc();
    unsigned char* begin = static_cast<unsigned char*>(base_) + page;
    if (inner != 0 && mprotect(begin, inner, PROT_READ | PROT_WRITE) != 0) throw std::bad_alloc();
    data_ = reinterpret_cast<T*>(at == GuardedAt::kBegin ? begin : begin + inner - bytes);
  }
  ~GuardedBuffer() { munmap(base_, size_); }
  GuardedBuffer(const GuardedBuffer&) = delete;
  GuardedBuffer& operator=(const GuardedBuffer&) = delete;

  T* data() { return data_; }
  size_t size() const { return count_; }
  T* begin() { return data_; }
  T* end() { return data_ + count_; }
  T& operator[](size_t i) { return data_[i]; }

 private:
  void* base_;
  T* data_;
  size_t count_, size_;
};

}  // namespace colonnade
