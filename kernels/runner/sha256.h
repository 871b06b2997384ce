// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// SHA-256 (FIPS 180-4). Our own, as no library of the toolchain has it for both architectures without a package more:
// it is a page of code with published test vectors.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace colonnade {

class Sha256 {
 public:
  // Takes the message piece by piece.
  void update(const void* data, size_t size);
  // Ends the message; 64 lower-case hexadecimal digits.
  std::string hex_digest();

 private:
  static constexpr size_t kBlock = 64;
  void compress(const unsigned char* block);

  std::array<uint32_t, 8> state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<unsigned char, kBlock> pending_;  // of a block that is not whole yet
  uint64_t size_ = 0;                          // of the message so far, in bytes
};

}  // namespace colonnade
