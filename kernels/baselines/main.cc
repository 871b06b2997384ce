// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Runs convolutions by other libraries and prints one JSON line for each way that they have to do it, as colonnade-bench does
// for ours and XNNPACK's.
#include <algorithm>
#include <cmath>
#include <iostream>
#include <stdexcept>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "arena.h"
#include "baseline.h"
#include "region_clock.h"
#include "xnn.h"

namespace colonnade {
namespace {

struct Options {
  std::vector<std::string> convs;
  uint32_t seed = 1;
  bool check = false;
  bool relu = false;
};

// As tables name them.
struct Library {
  const char* implementation;
  std::unique_ptr<Baseline> (*prepare)(const ConvCase& conv, size_t candidate);
};
constexpr Library LIBRARIES[] = {
    {"openblas_im2col", prepare_openblas},
#ifdef COLONNADE_ONEDNN
    {"onednn", prepare_onednn},
#endif
};

Sample time(Baseline& baseline, RegionClock& clock) {
  baseline.run();  // a library takes its buffers when it first runs
  baseline.reset();
  clock.begin(/*cold=*/true);
  baseline.run();
  return clock.end();
}

// Whether an output is another library's but for rounding: not all that libraries have is right.
bool is_same(const std::vector<float>& output, const std::vector<float>& expected) {
  float largest = 0, difference = 0;
  for (size_t i = 0; i < output.size(); i++) {
    if (!std::isfinite(output[i])) return false;
    largest = std::max(largest, std::abs(expected[i]));
    difference = std::max(difference, std::abs(output[i] - expected[i]));
  }
  return difference <= 1e-4f * largest;
}

void report(const Options& options, const ConvCase& conv, const Library& library, const Baseline& baseline, const Sample& sample, bool right) {
  const ConvShape& shape = conv.shape;
  nlohmann::ordered_json line;
  line["implementation"] = library.implementation;
  line["candidate"] = baseline.name();
  line["conv"] = shape.str();
  line["seed"] = options.seed;
  line["vlen"] = vector_length_bits();
  line["macs"] = shape.macs();
  line["cycles"] = nullptr;
  line["mac_per_cycle"] = nullptr;
  if (sample.cycles) {
    line["cycles"] = *sample.cycles;
    line["mac_per_cycle"] = static_cast<double>(shape.macs()) / static_cast<double>(*sample.cycles);
  }
  line["right"] = right;
  line["max_abs_error"] = nullptr;
  if (options.check) line["max_abs_error"] = conv.max_abs_error(baseline.output());
  line["counters"] = counters_of(sample);
  std::cout << line.dump() << std::endl;
}

void run(const Options& options, const ConvShape& shape, RegionClock& clock) {
  if (shape.groups != 1) throw std::invalid_argument(shape.str() + ": has groups; allowed: one");
  ConvCase conv = ConvCase::random(shape, shape.out_channels, {1, 1}, options.seed);
  if (options.relu) conv.output_min = 0;
  std::vector<float> first;
  for (const Library& library : LIBRARIES) {
    for (size_t candidate = 0;; candidate++) {
      const ArenaScope scope;
      const std::unique_ptr<Baseline> baseline = library.prepare(conv, candidate);
      if (baseline == nullptr) break;
      const Sample sample = time(*baseline, clock);
      if (first.empty()) first = baseline->output();
      report(options, conv, library, *baseline, sample, is_same(baseline->output(), first));
    }
  }
}

int baselines(int argc, char** argv) {
  Options o;
  CLI::App app{"Times convolutions by other libraries; prints one JSON line for each way that they have."};
  app.add_option("--conv", o.convs, "Shape, such as n1c64h56w56-o64-k3x3-s1-p1-d1, -r behind it for a residual")->delimiter(',')->required();
  app.add_option("--seed", o.seed)->check(CLI::Range(0u, UINT32_MAX));
  app.add_flag("--relu", o.relu, "Clamp outputs at 0");
  app.add_flag("--check", o.check, "Compare with a float64 reference");
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    std::exit(app.exit(help));
  }
  initialize_xnnpack();
  RegionClock clock;
  for (const std::string& conv : o.convs) run(o, ConvShape::parse(conv), clock);
  return 0;
}

}  // namespace
}  // namespace colonnade

int main(int argc, char** argv) { return colonnade::main_on_arena_stack(argc, argv, colonnade::baselines); }
