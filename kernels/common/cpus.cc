// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

#include "cpus.h"

#include <sched.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <stdexcept>
#include <string>

#include "whole_number.h"

namespace colonnade {

void pin_to_cpus() {
  const char* value = std::getenv("COLONNADE_CPUS");
  if (value == nullptr) return;
  const std::string what = "COLONNADE_CPUS '" + std::string(value) + "'";
  cpu_set_t set;
  CPU_ZERO(&set);
  std::istringstream list(std::string(value) + ",");
  for (std::string number; std::getline(list, number, ',');) CPU_SET(whole_number(what, number, 0, CPU_SETSIZE - 1), &set);
  if (sched_setaffinity(0, sizeof(set), &set) != 0) throw std::runtime_error(what + ": " + std::strerror(errno));
  // The kernel takes a set of which only some are there.
  if (allowed_cpus().size() != static_cast<size_t>(CPU_COUNT(&set))) throw std::runtime_error(what + ": not all of them are there");
}

std::vector<unsigned> allowed_cpus() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) != 0) throw std::runtime_error(std::string("sched_getaffinity: ") + std::strerror(errno));
  std::vector<unsigned> cpus;
  for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++) {
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  }
  return cpus;
}

}  // namespace colonnade
