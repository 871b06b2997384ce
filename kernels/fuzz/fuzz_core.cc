// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Core files of the timing model.
#include <cstring>

#include "files.h"

extern "C" {
#include "core_file.h"
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz_core_file(colonnade::put_file("core.json", data, size).c_str());
  return 0;
}
