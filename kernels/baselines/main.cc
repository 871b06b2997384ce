// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Runs convolutions by dense baselines and prints one JSON line per run, as colonnade-bench does for ours and XNNPACK's.
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

constexpr char kOpenBlas[] = "openblas_im2col";
constexpr char kWinograd[] = "winograd:";

struct Options {
  std::vector<std::string> convs, candidates;
  uint32_t seed = 1;
  bool check = false;
  bool relu = false;
};

std::unique_ptr<Baseline> prepare(const ConvCase& conv, const std::string& candidate) {
  if (conv.shape.groups != 1) throw std::invalid_argument(conv.shape.str() + ": has groups; allowed: one");
  if (candidate == kOpenBlas) return prepare_openblas(conv);
  if (candidate.rfind(kWinograd, 0) != 0) {
    throw std::invalid_argument("--candidate '" + candidate + "': allowed: " + kOpenBlas + ", " + kWinograd +
                                "M:ROWS:ALGORITHM:TILE:LMUL:PANELS:KC_SPLITS");
  }
  const WinogradPlan plan = WinogradPlan::parse(candidate.substr(sizeof(kWinograd) - 1));
  if (!has_winograd(conv.shape)) throw std::invalid_argument(conv.shape.str() + ": allowed for Winograd: 3x3, stride and dilation 1");
  return prepare_winograd(conv, plan);
}

void run(const Options& options, const ConvShape& shape, const std::string& candidate, RegionClock& clock) {
  const ArenaScope scope;
  ConvCase conv = ConvCase::random(shape, shape.out_channels, {1, 1}, options.seed);
  if (options.relu) conv.output_min = 0;
  const std::unique_ptr<Baseline> baseline = prepare(conv, candidate);
  baseline->run();  // a library takes its buffers when it first runs
  clock.begin(/*cold=*/true);
  baseline->run();
  const Sample sample = clock.end();
  nlohmann::ordered_json line;
  line["conv"] = shape.str();
  line["candidate"] = candidate;
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
  CLI::App app{"Times convolutions by dense baselines; prints one JSON line each."};
  app.add_option("--conv", o.convs, "Shape, such as n1c64h56w56-o64-k3x3-s1-p1-d1, -r behind it for a residual")->delimiter(',')->required();
  app.add_option("--candidate", o.candidates, "openblas_im2col, or winograd:M:ROWS:ALGORITHM:TILE:LMUL:PANELS:KC_SPLITS")->delimiter(',')->required();
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
  for (const std::string& conv : o.convs) {
    for (const std::string& candidate : o.candidates) run(o, ConvShape::parse(conv), candidate, clock);
  }
  return 0;
}

}  // namespace
}  // namespace colonnade

int main(int argc, char** argv) { return colonnade::main_on_arena_stack(argc, argv, colonnade::baselines); }
