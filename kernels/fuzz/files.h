// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Files in memory for readers that take paths.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace colonnade {

// A folder of the process, removed at its end, where a file costs no disk.
const std::string& fuzz_folder();

// Writes `size` bytes to a file of that folder; returns its path.
std::string put_file(const std::string& name, const void* data, size_t size);

}  // namespace colonnade
