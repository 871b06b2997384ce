// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Where the buffers of a network lie, and what is said where there is no room for them.
#pragma once

#include <cstddef>
#include <new>
#include <string>
#include <vector>

namespace colonnade {

// There is no memory: what() says how much was wanted.
class OutOfMemory : public std::bad_alloc {
 public:
  explicit OutOfMemory(std::string what) : what_(std::move(what)) {}
  const char* what() const noexcept override { return what_.c_str(); }

 private:
  std::string what_;
};

class Memory {
 public:
  virtual ~Memory() = default;
  // Bytes of `size` at 64-byte alignment, zeroed, which stay at least as long as this does. Throws OutOfMemory.
  virtual void* allocate(size_t size) = 0;
};

// Of the process's heap, given back at the end of its lifetime.
class HeapMemory : public Memory {
 public:
  HeapMemory() = default;
  ~HeapMemory() override;
  HeapMemory(const HeapMemory&) = delete;
  HeapMemory& operator=(const HeapMemory&) = delete;

  void* allocate(size_t size) override;

 private:
  std::vector<void*> blocks_;
};

}  // namespace colonnade
