// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Which CPUs of a machine a program runs on.
#pragma once

#include <vector>

namespace colonnade {

// Stays on the CPUs that the environment variable COLONNADE_CPUS lists by number, such as 0,2; without it nothing
// changes. Threads that are started later stay there too. Throws std::runtime_error if it is no such list, or if the
// machine has no such CPU.
void pin_to_cpus();

// Numbers of the CPUs that this thread may run on.
std::vector<unsigned> allowed_cpus();

}  // namespace colonnade
