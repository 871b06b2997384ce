// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Runs convolutions over candidates, a grid or a list, and prints one JSON line per run.
//
// Under the timing model (COLONNADE_TIMING) each run is a cold region: a layer of a network finds its
// weights in memory, not in cache. On a real CPU the median of the repetitions is printed, and all of them.
#include <algorithm>
#include <fstream>
#include <iostream>
#include <map>
#include <numeric>
#include <random>
#include <regex>
#include <stdexcept>
#include <tuple>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "arena.h"
#include "conv_case.h"
#include "pinning.h"
#include "prepared.h"
#include "region_clock.h"
#include "run_limits.h"
#include "whole_number.h"

namespace colonnade {
namespace {

// A share below 1 as it is written in decimal: `digits` of `unit`.
struct Decimal {
  uint64_t digits, unit;
};

struct Options {
  std::vector<std::string> convs;
  std::string shapes;
  std::vector<std::string> algorithms{"packed"};
  std::vector<size_t> tiles{8};
  std::vector<uint32_t> lmuls{2};
  std::vector<uint32_t> panels{1};
  std::vector<uint32_t> kc_splits{1};
  std::vector<std::string> listed;
  std::vector<Keep> keeps{{1, 1}};
  std::vector<Decimal> sparsities;  // instead of `keeps`, of all columns
  std::string pattern = "column";
  xnn_colnm_arithmetic arithmetic = xnn_colnm_f32;
  unsigned threads = 1;
  unsigned repetitions = 1;
  uint32_t seed = 1;
  bool interleaved = false;
  bool check = false;
  bool dry_run = false;
};

// The median of a candidate's samples and all that were measured, in their order, into its line.
void report(const std::vector<Sample>& samples, nlohmann::ordered_json& line) {
  std::vector<Sample> sorted = samples;
  std::sort(sorted.begin(), sorted.end(), [](const Sample& a, const Sample& b) {
    return a.cycles && b.cycles ? *a.cycles < *b.cycles : a.seconds < b.seconds;
  });
  const Sample& median = sorted[sorted.size() / 2];
  line["counters"] = counters_of(median);
  if (median.cycles) {
    line["cycles"] = *median.cycles;
    line["mac_per_cycle"] = line["useful_macs"].get<double>() / static_cast<double>(*median.cycles);
    return;
  }
  line["ms"] = median.seconds * 1e3;
  line["samples_ms"] = nlohmann::ordered_json::array();
  for (const Sample& sample : samples) line["samples_ms"].push_back(sample.seconds * 1e3);
}

Sample run_once(const Prepared& prepared, RegionClock& clock, pthreadpool_t pool) {
  clock.begin(/*cold=*/true);
  const xnn_status status = run_operators(prepared.operators, pool);
  const Sample sample = clock.end();
  check(status, "run");
  return sample;
}

xnn_colnm_arithmetic arithmetic_of(const Options& options, const Candidate& candidate) {
  return is_xnnpack(candidate.algorithm) ? xnn_colnm_f32 : options.arithmetic;
}

size_t tile_of(const ConvShape& shape, const Candidate& candidate) {
  return candidate.schedule.tile == 0 ? shape.out_channels : candidate.schedule.tile;
}

// What is known of a run before it.
nlohmann::ordered_json describe(const Options& options, const ConvShape& shape, const Candidate& candidate) {
  const size_t kept = candidate.keep.of(shape.reduction());
  nlohmann::ordered_json line;
  line["conv"] = shape.str();
  line["algorithm"] = candidate.algorithm;
  line["arithmetic"] = find_arithmetic(arithmetic_of(options, candidate)).name;
  for (size_t i = 0; i < kScheduleFields.size(); i++) line[kScheduleFields[i].name] = candidate.schedule.numbers()[i];
  line["pattern"] = options.pattern;
  line["keep"] = candidate.keep.str();
  line["kept"] = kept;
  line["threads"] = options.threads;
  line["vlen"] = vector_length_bits();
  line["cycles"] = nullptr;
  line["ms"] = nullptr;
  line["samples_ms"] = nullptr;
  line["macs"] = shape.macs();
  line["useful_macs"] = shape.positions() * shape.out_channels * kept;
  line["mac_per_cycle"] = nullptr;
  line["max_abs_error"] = nullptr;
  line["counters"] = nullptr;
  return line;
}

// One candidate after the other, each in memory of its own.
void run_in_turn(const Options& options, const ConvShape& shape, const std::vector<Candidate>& candidates, RegionClock& clock, pthreadpool_t pool) {
  for (const Candidate& candidate : candidates) {
    nlohmann::ordered_json line = describe(options, shape, candidate);
    if (!options.dry_run) {
      const ArenaScope scope;
      const ConvCase c = ConvCase::random(shape, tile_of(shape, candidate), candidate.keep, options.seed, arithmetic_of(options, candidate));
      Buffers buffers(/*shared=*/false);
      const Prepared prepared = prepare(c, candidate, buffers, pool);
      std::vector<Sample> samples;
      for (unsigned i = 0; i < options.repetitions; i++) samples.push_back(run_once(prepared, clock, pool));
      report(samples, line);
      if (options.check) line["max_abs_error"] = c.max_abs_error(prepared.output());
    }
    std::cout << line.dump() << std::endl;
  }
}

// All candidates side by side, each once in every round: what slows the machine down for a while slows all of them. The
// order is drawn anew for each round, since what a candidate finds in cache depends on the one before it. The first round
// touches the memory and does not count.
void run_interleaved(const Options& options, const ConvShape& shape, const std::vector<Candidate>& candidates, RegionClock& clock, pthreadpool_t pool) {
  const ArenaScope scope;
  Buffers buffers(/*shared=*/true);
  std::vector<Prepared> prepared;
  {
    // Operators have weights of their own: of the cases nothing is needed later.
    std::map<std::tuple<size_t, size_t, size_t, xnn_colnm_arithmetic>, ConvCase> cases;
    for (const Candidate& candidate : candidates) {
      const size_t tile = tile_of(shape, candidate);
      const xnn_colnm_arithmetic arithmetic = arithmetic_of(options, candidate);
      auto found = cases.find({tile, candidate.keep.n, candidate.keep.m, arithmetic});
      if (found == cases.end()) {
        found = cases.emplace(std::make_tuple(tile, candidate.keep.n, candidate.keep.m, arithmetic),
                              ConvCase::random(shape, tile, candidate.keep, options.seed, arithmetic))
                    .first;
      }
      prepared.push_back(prepare(found->second, candidate, buffers, pool));
    }
  }
  std::vector<std::vector<Sample>> samples(candidates.size());
  std::vector<size_t> order(candidates.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::mt19937 generator(options.seed);
  for (unsigned round = 0; round <= options.repetitions; round++) {
    std::shuffle(order.begin(), order.end(), generator);
    for (const size_t i : order) {
      const Sample sample = run_once(prepared[i], clock, pool);
      if (round != 0) samples[i].push_back(sample);
    }
  }
  for (size_t i = 0; i < candidates.size(); i++) {
    nlohmann::ordered_json line = describe(options, shape, candidates[i]);
    report(samples[i], line);
    std::cout << line.dump() << std::endl;
  }
}

// One value of --keep. Throws std::invalid_argument if it is none.
Keep parse_keep(const std::string& text) {
  const size_t colon = text.find(':');
  if (colon == std::string::npos) throw std::invalid_argument("--keep '" + text + "': expected N:M, such as 1:4");
  const uint64_t m = whole_number("--keep '" + text + "': M", text.substr(colon + 1), 1, kMaxElements);
  return {whole_number("--keep '" + text + "': N", text.substr(0, colon), 1, m), m};
}

// One value of --sparsity. Throws std::invalid_argument if it is none.
Decimal parse_sparsity(const std::string& text) {
  static const std::regex form(R"(0?\.(\d{1,9})|0)");
  std::smatch match;
  if (text.size() > 11 || !std::regex_match(text, match, form)) {
    throw std::invalid_argument("--sparsity '" + text + "': allowed: 0, or below 1 with at most nine decimals, such as 0.75");
  }
  Decimal decimal = {0, 1};
  for (const char digit : match[1].str()) decimal = {10 * decimal.digits + static_cast<uint64_t>(digit - '0'), 10 * decimal.unit};
  return decimal;
}

// What --keep or --sparsity say of a convolution. A share of all columns is rounded up to a number of columns.
std::vector<Keep> keeps(const Options& options, const ConvShape& shape) {
  if (options.sparsities.empty()) return options.keeps;
  std::vector<Keep> list;
  const size_t k = shape.reduction();
  for (const Decimal& s : options.sparsities) list.push_back({Keep{s.unit - s.digits, s.unit}.of(k), k});
  return list;
}

constexpr char kWhatRuns[] =
    "(TILE + 1) * LMUL of at most 32, direct with one stride for height and width, one KC split in f16, winograd2 and winograd4 of f32 and 3x3 with stride and dilation 1 in one KC split, depthwise with as many groups as channels, xnnpack_spmm of 1x1 with stride 1";

// One value of --candidate. Throws std::invalid_argument if it names none.
Candidate parse_candidate(const std::string& text) {
  if (text == kDenseReference || text == kDepthwise) return {text, {}, {}};
  try {
    const ConvSchedule schedule = ConvSchedule::parse(text);
    if (!colnm_fits_registers(schedule.tile, schedule.schedule.lmul)) throw std::invalid_argument("allowed: (TILE + 1) * LMUL at most 32");
    return {name_of(schedule.schedule.algorithm), schedule, {}};
  } catch (const std::invalid_argument& error) {
    throw std::invalid_argument("--candidate '" + text.substr(0, 200) + "': " + error.what() + "; allowed too: " + kDenseReference + ", " + kDepthwise);
  }
}

// The candidates of --candidate, ours at every pattern but for those that keep all columns.
std::vector<Candidate> listed_candidates(const Options& options, const ConvShape& shape) {
  std::vector<Candidate> list;
  for (const std::string& text : options.listed) {
    Candidate candidate = parse_candidate(text);
    // A grid leaves out what cannot run; whoever names a candidate waits for its lines.
    if (!can_run(candidate, shape, options.arithmetic)) throw std::invalid_argument("--candidate '" + text + "': cannot run " + shape.str() + "; allowed: " + kWhatRuns);
    const bool is_dense = candidate.schedule.tile == 0 || is_winograd(candidate.schedule.schedule.algorithm);
    for (const Keep& keep : is_dense ? std::vector<Keep>{{}} : keeps(options, shape)) {
      candidate.keep = keep;
      list.push_back(candidate);
    }
  }
  return list;
}

std::vector<Candidate> grid_candidates(const Options& options, const ConvShape& shape) {
  const std::vector<uint32_t> none{0};
  std::vector<Candidate> grid;
  for (const std::string& algorithm : options.algorithms) {
    if (algorithm == kDenseReference || algorithm == kDepthwise) {
      grid.push_back({algorithm, {}, {}});
      continue;
    }
    const bool ours = !is_xnnpack(algorithm);
    const xnn_colnm_algorithm value = ours ? find_algorithm(algorithm) : xnn_colnm_algorithm{};
    const bool is_dense = ours && is_winograd(value);
    for (const Keep& keep : is_dense ? std::vector<Keep>{{}} : keeps(options, shape))
      for (const size_t tile : options.tiles)
        for (const uint32_t lmul : ours ? options.lmuls : none)
          for (const uint32_t panels : ours ? options.panels : none)
            for (const uint32_t kc_splits : ours ? options.kc_splits : none) grid.push_back({algorithm, {tile, {value, lmul, panels, kc_splits}}, keep});
  }
  return grid;
}

// Shape strings of --conv, or of the lines of the file; a '#' begins a comment.
std::vector<ConvShape> shapes(const Options& options) {
  std::vector<ConvShape> list;
  for (const std::string& conv : options.convs) list.push_back(ConvShape::parse(conv));
  if (options.shapes.empty()) return list;
  std::ifstream file(options.shapes);
  std::string line;
  for (unsigned number = 1; std::getline(file, line); number++) {
    const std::string text = CLI::detail::trim_copy(line.substr(0, line.find('#')));
    try {
      if (!text.empty()) list.push_back(ConvShape::parse(text));
    } catch (const std::invalid_argument& error) {
      throw std::invalid_argument(options.shapes + ":" + std::to_string(number) + ": " + error.what());
    }
  }
  if (list.empty()) throw std::invalid_argument(options.shapes + ": no shapes in it");
  return list;
}

Options parse(int argc, char** argv) {
  Options o;
  std::vector<std::string> keep, sparsity;
  CLI::App app{"Times convolutions over candidates, a grid or a list; prints one JSON line each."};
  auto* shapes = app.add_option_group("shapes");
  shapes->add_option("--conv", o.convs, "Shape, such as n1c64h56w56-o64-k3x3-s1-p1-d1; -g32 behind it for groups, -r for a residual")->delimiter(',');
  shapes->add_option("--shapes", o.shapes, "File of such shapes, one a line")->check(CLI::ExistingFile);
  shapes->require_option(1);
  app.add_option("--algorithm", o.algorithms, "xnnpack_spmm skips what is not 1x1 of stride 1, depthwise what is not of as many groups as input channels")->delimiter(',')->check(CLI::IsMember(bench_algorithms()));
  auto* tile = app.add_option("--tile", o.tiles, "Output channels per tile")->delimiter(',')->check(CLI::Range(size_t{1}, kMaxTile));
  app.add_option("--lmul", o.lmuls)->delimiter(',')->check(CLI::IsMember({1, 2, 4, 8}));
  app.add_option("--panels", o.panels, "Panels of a block")->delimiter(',')->check(CLI::Range(size_t{1}, kMaxPanels));
  app.add_option("--kc-splits", o.kc_splits, "KC splits of the columns, one after the other")->delimiter(',')->check(CLI::Range(size_t{1}, kMaxKcSplits));
  auto* listed = app.add_option("--candidate", o.listed, "Instead of a grid: ALGORITHM:TILE:LMUL:PANELS:KC_SPLITS, xnnpack_nhwc_dense or depthwise")->delimiter(',');
  for (const char* name : {"--algorithm", "--tile", "--lmul", "--panels", "--kc-splits"}) listed->excludes(app.get_option(name));
  auto* kept = app.add_option("--keep", keep, "N:M: a tile keeps N of each M consecutive columns; all by default")->delimiter(',');
  app.add_option("--sparsity", sparsity, "Instead: the share removed of all columns, in decimal")->delimiter(',')->excludes(kept);
  auto* pattern = app.add_option("--pattern", o.pattern, "row: each row its own columns, which is a tile of 1")->check(CLI::IsMember({"column", "row"}));
  std::map<std::string, xnn_colnm_arithmetic> by_name;
  for (const Arithmetic& each : arithmetics()) by_name[each.name] = each.value;
  app.add_option("--arithmetic", o.arithmetic, "Elements and accumulators of our kernels")
      ->transform(CLI::CheckedTransformer(by_name));
  app.add_option("--threads", o.threads)->check(CLI::Range(1u, kMaxThreads));
  app.add_option("--repetitions", o.repetitions)->check(CLI::Range(1u, kMaxRuns));
  app.add_option("--seed", o.seed)->check(CLI::Range(0u, UINT32_MAX));
  auto* compared = app.add_flag("--check", o.check, "Compare with a float64 reference");
  auto* dry = app.add_flag("--dry-run", o.dry_run, "Print the lines without running anything");
  app.add_flag("--interleaved", o.interleaved, "Each repetition runs all candidates of a shape once, in an order of its own; one more before does not count")
      ->excludes(compared)
      ->excludes(dry);
  try {
    app.parse(argc, argv);
    if (o.pattern == "row" && (!tile->empty() || !listed->empty())) throw CLI::ExcludesError(pattern->get_name() + " row", "--tile and --candidate");
  } catch (const CLI::CallForHelp& help) {
    std::exit(app.exit(help));
  }
  if (o.pattern == "row") o.tiles = {1};
  if (!keep.empty()) o.keeps.clear();
  for (const std::string& text : keep) o.keeps.push_back(parse_keep(text));
  for (const std::string& text : sparsity) o.sparsities.push_back(parse_sparsity(text));
  return o;
}

int bench(int argc, char** argv) {
  const Options options = parse(argc, argv);
  colonnade_pin();
  initialize_xnnpack();
  RegionClock clock;
  const ThreadPool pool = make_thread_pool(options.threads, clock.modelled());
  size_t runs = 0;
  for (const ConvShape& shape : shapes(options)) {
    std::vector<Candidate> candidates = options.listed.empty() ? grid_candidates(options, shape) : listed_candidates(options, shape);
    const auto cannot = [&](const Candidate& candidate) { return !can_run(candidate, shape, options.arithmetic); };
    candidates.erase(std::remove_if(candidates.begin(), candidates.end(), cannot), candidates.end());
    runs += candidates.size();
    (options.interleaved ? run_interleaved : run_in_turn)(options, shape, candidates, clock, pool.get());
  }
  if (runs == 0) throw std::invalid_argument(std::string("no candidate can run; allowed: ") + kWhatRuns);
  return 0;
}

}  // namespace
}  // namespace colonnade

int main(int argc, char** argv) { return colonnade::main_on_arena_stack(argc, argv, colonnade::bench); }
