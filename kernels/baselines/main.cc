// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Runs convolutions by OpenBLAS and prints one JSON line each, as colonnade-bench does for ours and XNNPACK's.
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

void run(const Options& options, const ConvShape& shape, RegionClock& clock) {
  if (shape.groups != 1) throw std::invalid_argument(shape.str() + ": has groups; allowed: one");
  const ArenaScope scope;
  ConvCase conv = ConvCase::random(shape, shape.out_channels, {1, 1}, options.seed);
  if (options.relu) conv.output_min = 0;
  const std::unique_ptr<Baseline> baseline = prepare_openblas(conv);
  baseline->run();  // a library takes its buffers when it first runs
  clock.begin(/*cold=*/true);
  baseline->run();
  const Sample sample = clock.end();
  nlohmann::ordered_json line;
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
  line["max_abs_error"] = nullptr;
  if (options.check) line["max_abs_error"] = conv.max_abs_error(baseline->output());
  line["counters"] = counters_of(sample);
  std::cout << line.dump() << std::endl;
}

int baselines(int argc, char** argv) {
  Options o;
  CLI::App app{"Times convolutions by OpenBLAS; prints one JSON line each."};
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
