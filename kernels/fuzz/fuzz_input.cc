// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// A safetensors file with the images of a run: opened, planned and read. An input of the fuzzer is the header's text, a
// line of two dashes, and the bytes of the tensors.
#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "files.h"
#include "safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace colonnade;
  const char rule[] = {'\n', '-', '-', '\n'};
  const uint8_t* end = std::search(data, data + size, rule, rule + sizeof(rule));
  const uint64_t length = static_cast<uint64_t>(end - data);
  std::string file(reinterpret_cast<const char*>(&length), sizeof(length));
  file.append(data, end);
  if (end != data + size) file.append(end + sizeof(rule), data + size);
  const std::string path = put_file("input.safetensors", file.data(), file.size());
  try {
    const SafetensorsFile tensors(path);
    size_t covered = 0;
    for (const auto& [name, info] : tensors.tensors()) {
      std::vector<unsigned char> bytes(info.end - info.begin);
      tensors.read(info, 0, bytes.size(), bytes.data());
      covered += bytes.size();
    }
    if (covered + sizeof(length) + length != file.size()) __builtin_trap();
  } catch (const std::runtime_error&) {
    // Refused, with a message.
  }
  return 0;
}
