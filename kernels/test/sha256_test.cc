// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Test vectors of FIPS 180-4, by NIST.
#include "sha256.h"

#include <gtest/gtest.h>

namespace colonnade {
namespace {

std::string digest(const std::string& message, size_t piece) {
  Sha256 sum;
  for (size_t begin = 0; begin < message.size(); begin += piece) sum.update(message.data() + begin, std::min(piece, message.size() - begin));
  return sum.hex_digest();
}

TEST(Sha256, PublishedVectors) {
  for (const size_t piece : {size_t{1}, size_t{3}, size_t{64}, size_t{100}, size_t{1} << 20}) {
    EXPECT_EQ(digest("", piece), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(digest("abc", piece), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", piece), "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    EXPECT_EQ(digest(std::string(1000000, 'a'), piece), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  }
}

}  // namespace
}  // namespace colonnade
