// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Says what machine this is, as one JSON object on stdout.

#include <sched.h>
#include <sys/auxv.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "xnn.h"

namespace colonnade {
namespace {

using Json = nlohmann::ordered_json;

// The first line of a file of the kernel, up to the first NUL; null where there is no such file.
Json first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) return nullptr;
  return line.substr(0, line.find('\0'));
}

// Of a file that holds a number.
Json number(const std::string& path) {
  std::ifstream file(path);
  double value;
  return file >> value ? Json(value) : Json(nullptr);
}

// The first value of /proc/cpuinfo whose name is one of these; null if there is none.
Json cpuinfo(const std::vector<std::string>& names) {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::string name = line.substr(0, line.find_last_not_of(" \t", colon - 1) + 1);
    for (const std::string& wanted : names) {
      if (name == wanted) return line.substr(std::min(line.size(), colon + 2));
    }
  }
  return nullptr;
}

// VLEN in bits, 0 where the CPU has no vector extension, null where there is no such thing as VLEN.
Json vector_length() {
#ifdef __riscv
  // Linux has a bit for each single-letter extension.
  const bool vectors = (getauxval(AT_HWCAP) >> ('V' - 'A') & 1) != 0;
  return vectors ? vector_length_bits() : 0;
#else
  return nullptr;
#endif
}

// Those that we may run on.
std::vector<unsigned> allowed_cpus() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) != 0) throw std::runtime_error("sched_getaffinity failed");
  std::vector<unsigned> cpus;
  for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++) {
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  }
  return cpus;
}

Json one_cpu(unsigned cpu) {
  const std::string folder = "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/cpufreq/";
  const auto mhz = [&](const char* name) {
    const Json khz = number(folder + name);
    return khz.is_null() ? khz : Json(khz.get<double>() / 1e3);
  };
  return {{"cpu", cpu},
          {"governor", first_line(folder + "scaling_governor")},
          {"mhz", mhz("scaling_cur_freq")},
          {"max_mhz", mhz("cpuinfo_max_freq")}};
}

// Bytes of the second cache; null where nothing tells.
Json l2_bytes(unsigned cpu) {
  const std::string caches = "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/cache/index";
  for (unsigned index = 0;; index++) {
    const std::string folder = caches + std::to_string(index) + "/";
    const Json level = number(folder + "level");
    if (level.is_null()) break;
    // Such as 512K.
    const Json kib = number(folder + "size");
    if (level == 2.0 && !kib.is_null()) return static_cast<long>(kib.get<double>() * 1024);
  }
  const long told = sysconf(_SC_LEVEL2_CACHE_SIZE);
  return told > 0 ? Json(told) : Json(nullptr);
}

Json report() {
  utsname name;
  if (uname(&name) != 0) throw std::runtime_error("uname failed");
  const std::vector<unsigned> allowed = allowed_cpus();
  Json cpus = Json::array();
  for (const unsigned cpu : allowed) cpus.push_back(one_cpu(cpu));
  const Json temperature = number("/sys/class/thermal/thermal_zone0/temp");
  return {{"machine", name.machine},
          {"kernel", name.release},
          {"board", first_line("/proc/device-tree/model")},
          {"cpu_model", cpuinfo({"model name", "uarch", "marchid"})},
          {"isa", cpuinfo({"isa", "flags", "Features"})},
          {"vlen", vector_length()},
          {"l2_bytes", allowed.empty() ? Json(nullptr) : l2_bytes(allowed.front())},
          {"cpus", cpus},
          {"load", number("/proc/loadavg")},
          {"celsius", temperature.is_null() ? temperature : Json(temperature.get<double>() / 1e3)},
          {"memory_mb", static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1e6}};
}

}  // namespace
}  // namespace colonnade

int main() {
  try {
    std::cout << colonnade::report().dump() << std::endl;
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << "\n";
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}
