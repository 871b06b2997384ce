// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// The timing model's headers are C only.
#pragma once

// Reads a core file; aborts where it is refused without a message.
void fuzz_core_file(const char* path);
