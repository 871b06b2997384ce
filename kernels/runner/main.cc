// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Runs an exported package and reports outputs and times.
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <iostream>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "arena.h"
#include "batches.h"
#include "network.h"
#include "operations/conv2d.h"
#include "pinning.h"
#include "run_limits.h"
#include "whole_number.h"

namespace colonnade {
namespace {

struct Options {
  std::string package, implementation, dtype = "f32", schedules, input, output, report;
  size_t batch = 0;
  unsigned threads = 1;
  unsigned repetitions = 1;
  unsigned warmup = 0;
  bool serve = false;
};

template <typename Row>
std::vector<std::string> names_of(const std::vector<Row>& table) {
  std::vector<std::string> names;
  for (const Row& row : table) names.push_back(row.name);
  return names;
}

template <typename T, typename Get>
T median(const std::vector<Sample>& samples, Get get) {
  std::vector<T> values;
  for (const Sample& sample : samples) values.push_back(get(sample));
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// Most bytes that the process held at once; under emulation the emulator's, too.
size_t peak_memory() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<size_t>(usage.ru_maxrss) * 1024;
}

// Times are medians over repetitions, or over batches.
nlohmann::ordered_json make_report(const Options& options, const BatchPlan& plan, const RegionClock& clock, std::vector<Layer>& layers) {
  nlohmann::ordered_json report = {
      {"implementation", options.implementation},
      {"dtype", options.dtype},
      {"vlen", vector_length_bits()},
      {"threads", options.threads},
      {"repetitions", options.repetitions},
      {"images", plan.images},
      {"batch", plan.size},
      {"evidence_clock", clock.modelled() ? "model" : "wall"},
  };
  std::vector<Sample> totals(options.repetitions * plan.count());
  for (auto& layer : layers) {
    layer.samples.erase(layer.samples.begin(), layer.samples.begin() + options.warmup);
    for (size_t i = 0; i < totals.size(); i++) {
      totals[i].seconds += layer.samples[i].seconds;
      totals[i].cycles = totals[i].cycles.value_or(0) + layer.samples[i].cycles.value_or(0);
    }
    nlohmann::ordered_json entry = {{"name", layer.name}, {"op", layer.op}};
    entry["cycles"] = clock.modelled() ? nlohmann::ordered_json(median<uint64_t>(layer.samples, [](auto& s) { return *s.cycles; })) : nullptr;
    entry["seconds"] = median<double>(layer.samples, [](auto& s) { return s.seconds; });
    if (!layer.arithmetic.empty()) entry["arithmetic"] = layer.arithmetic;
    if (!layer.schedule.empty()) {
      entry["schedule"] = layer.schedule;
      entry["schedule_source"] = name_of(layer.found.source);
      if (layer.found.source == ScheduleSource::other_size) entry["schedule_key"] = layer.found.key;
      if (!layer.adapted.empty()) entry["schedule_adapted"] = layer.adapted;
    }
    entry["macs"] = layer.macs;
    entry["useful_macs"] = layer.useful_macs;
    entry["counters"] = counters_of(layer.samples.back());
    report["layers"].push_back(entry);
  }
  report["total"]["cycles"] = clock.modelled() ? nlohmann::ordered_json(median<uint64_t>(totals, [](auto& s) { return *s.cycles; })) : nullptr;
  report["total"]["seconds"] = median<double>(totals, [](auto& s) { return s.seconds; });
  for (const Sample& total : totals) report["total"]["samples"].push_back(total.seconds);
  report["peak_arena_bytes"] = arena_peak();
  report["peak_memory_bytes"] = peak_memory();
  return report;
}

Options parse(int argc, char** argv) {
  Options o;
  CLI::App app{"Runs an exported package on its input and writes outputs and times."};
  app.add_flag_callback("--list", [] {
    std::cout << list_implementations().dump(2) << std::endl;
    throw CLI::Success();
  }, "Print the implementations as JSON")
      ->trigger_on_parse();
  app.add_option("--package", o.package, "Directory with graph.json and weights.safetensors")->required();
  app.add_option("--implementation", o.implementation)->required()->check(CLI::IsMember(names_of(implementations())));
  app.add_option("--dtype", o.dtype, "Activations and weights; XNNPACK's own have f32 only")->check(CLI::IsMember(names_of(datatypes())));
  app.add_option("--schedules", o.schedules, "Schedules chosen by profiling; needed unless the implementation has its own");
  app.add_option("--input", o.input, "safetensors, NCHW float32 tensors by input name")->required();
  app.add_option("--output", o.output, "safetensors to write")->required();
  app.add_option("--report", o.report, "JSON to write")->required();
  app.add_option("--threads", o.threads)->check(CLI::Range(1u, kMaxThreads));
  CLI::Option* repetitions = app.add_option("--repetitions", o.repetitions)->check(CLI::Range(1u, kMaxRuns));
  CLI::Option* warmup = app.add_option("--warmup", o.warmup, "Runs before the counted ones")->check(CLI::Range(0u, kMaxRuns));
  app.add_flag("--serve", o.serve, "For every number on stdin run so often, and print the seconds of each run as a JSON line; all of them are repetitions")
      ->excludes(repetitions)
      ->excludes(warmup);
  app.add_option("--batch", o.batch, "Images at a time, each run once: memory does not grow with the input; without, all of them")
      ->check(CLI::PositiveNumber)
      ->excludes(repetitions)
      ->excludes(warmup)
      ->excludes("--serve");
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    std::exit(app.exit(help));
  } catch (const CLI::Success&) {
    std::exit(0);
  }
  return o;
}

// Throws std::runtime_error where the implementation does not run packages with these masks.
void check_masks(const Package& package, const Options& options, const Implementation& implementation) {
  for (const Node& node : package.nodes()) {
    const Conv2d* conv = as_conv2d(node);
    if (conv == nullptr || !conv->is_pruned()) continue;
    if (implementation.pruned == PrunedWeights::refused) {
      throw std::runtime_error(options.package + ": is pruned; " + options.implementation + " runs dense packages");
    }
    if (implementation.pruned == PrunedWeights::rows && conv->tile() != 1) {
      throw std::runtime_error(options.package + ": node '" + node.name + "' has tile " + std::to_string(conv->tile()) +
                               "; " + options.implementation + " runs packages whose rows have columns of their own, of tile 1");
    }
  }
}

// Throws std::runtime_error where the implementation has no operators for the datatype.
void check_dtype(const Options& options, const Implementation& implementation) {
  std::string allowed;
  for (const std::string& dtype : implementation.dtypes()) {
    if (dtype == options.dtype) return;
    allowed += (allowed.empty() ? "" : ", ") + dtype;
  }
  throw std::runtime_error("--dtype " + options.dtype + ": " + options.implementation + " has no " + options.dtype + " on RVV; allowed: " + allowed);
}

// Says on stderr how many images are done, at most once a second.
class Progress {
 public:
  explicit Progress(size_t images) : images_(images) {}

  void done(size_t images) {
    const auto now = std::chrono::steady_clock::now();
    if (images < images_ && now - said_ < std::chrono::seconds(1)) return;
    said_ = now;
    std::cerr << "images: " << images << "/" << images_ << std::endl;
  }

 private:
  const size_t images_;
  std::chrono::steady_clock::time_point said_;
};

// Runs as often as it is asked to, so that others can run in between; returns how often that was. An empty list says that
// it is ready.
unsigned serve(const std::function<void()>& network) {
  unsigned runs = 0;
  std::cout << "[]" << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    auto seconds = nlohmann::ordered_json::array();
    for (uint64_t left = whole_number("stdin", line, 1, kMaxRuns); left != 0; left--, runs++) {
      const auto begin = std::chrono::steady_clock::now();
      network();
      seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    }
    std::cout << seconds.dump() << std::endl;
  }
  if (runs == 0) throw std::invalid_argument("stdin: asks for no run; allowed: a number on each line");
  return runs;
}

int run(int argc, char** argv) {
  Options options = parse(argc, argv);
  const Implementation& implementation = find_implementation(options.implementation);
  if (implementation.needs_schedules() && options.schedules.empty()) {
    throw std::runtime_error("--schedules: missing; " + options.implementation + " runs the schedules that profiling chose, of a file schedules.json");
  }
  const Package package(options.package);
  check_masks(package, options, implementation);
  InputImages images(options.input, package);
  const BatchPlan plan = images.plan(options.batch);
  std::optional<Schedules> schedules;
  if (!options.schedules.empty()) schedules.emplace(options.schedules);
  colonnade_pin();
  initialize_xnnpack();
  RegionClock clock;
  const ThreadPool pool = make_thread_pool(options.threads, clock.modelled());
  check_dtype(options, implementation);
  ArenaMemory memory;
  const auto network = make_network(package, implementation, schedules.has_value() ? &*schedules : nullptr,
                                    find_datatype(options.dtype), pool.get(), memory);
  try {
    network->build(images.shapes(plan));
  } catch (const OutOfMemory& full) {
    throw std::runtime_error(std::string(full.what()) + ", with --batch");
  }
  OutputFile output(options.output, plan, *network);
  Progress progress(plan.images);
  for (size_t batch = 0; batch < plan.count(); batch++) {
    images.load(plan, batch, *network);
    if (options.serve) options.repetitions = serve([&] { network->run(clock); });
    for (unsigned i = 0; !options.serve && i < options.warmup + options.repetitions; i++) network->run(clock);
    output.store(plan, batch, *network);
    progress.done(std::min(plan.images, (batch + 1) * plan.size));
  }
  write_file(options.report, make_report(options, plan, clock, network->layers()).dump(2) + "\n");
  output.keep();
  return 0;
}

}  // namespace
}  // namespace colonnade

int main(int argc, char** argv) {
  return colonnade::main_on_arena_stack(argc, argv, colonnade::run);
}
