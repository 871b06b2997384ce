// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Schedules: read, and looked up.
#include <stdexcept>

#include "files.h"
#include "size_limits.h"
#include "schedules.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace colonnade;
  const std::string path = put_file("schedules.json", data, size);
  try {
    const Schedules schedules(path);
    const ConvShape conv = ConvShape::parse("n1c64h8w8-o64-k3x3-s1-p1-d1");
    for (const char* algorithm : {"", "direct", "packed"}) {
      const ConvSchedule found = schedules.find("node", conv, 288, algorithm).schedule;
      if (found.tile == 0 || found.tile > kMaxTile || found.schedule.panels == 0 || found.schedule.kc_splits == 0) __builtin_trap();
    }
  } catch (const std::runtime_error&) {
    // Refused, with a message.
  }
  return 0;
}
