// Runs convolutions over candidates, a grid or a list, and prints one JSON line per run.
//
// Under the timing model (COLONNADE_TIMING) each run is a cold region: a layer of a network finds its
// weights in memory, not in cache. On a real CPU the median of the repetitions is printed.
#include <algorithm>
#include <cmath>
#include <fstream>
#include <iostream>
#include <map>
#include <regex>
#include <stdexcept>

#include <CLI/CLI.hpp>

#include "arena.h"
#include "conv_case.h"
#include "prepared.h"
#include "region_clock.h"

namespace colonnade {
namespace {

struct Options {
  std::vector<std::string> convs;
  std::string shapes;
  std::vector<std::string> algorithms{"packed"};
  std::vector<size_t> tiles{8};
  std::vector<uint32_t> lmuls{2};
  std::vector<uint32_t> strips{1};
  std::vector<uint32_t> parts{1};
  std::vector<std::string> listed;
  std::vector<double> sparsities{0};
  std::string pattern = "column";
  std::string group = "full";
  xnn_colnm_arithmetic arithmetic = xnn_colnm_f32;
  unsigned threads = 1;
  unsigned repetitions = 1;
  uint32_t seed = 1;
  bool check = false;
};

double max_abs_error(const ConvCase& c, const std::vector<float>& actual) {
  const std::vector<double> expected = c.reference();
  double error = 0;
  for (size_t i = 0; i < actual.size(); i++) error = std::max(error, std::abs(actual[i] - expected[i]));
  return error;
}

void run(const Options& options, const ConvShape& shape, const Candidate& candidate, RegionClock& clock, pthreadpool_t pool) {
  const ArenaScope scope;
  const size_t group = options.group == "full" ? 0 : std::stoul(options.group);
  const size_t tile = candidate.tile == 0 ? shape.out_channels : candidate.tile;
  const xnn_colnm_arithmetic arithmetic = is_xnnpack(candidate.algorithm) ? xnn_colnm_f32 : options.arithmetic;
  const ConvCase c = ConvCase::random(shape, tile, candidate.sparsity, group, options.seed, arithmetic);
  const Prepared prepared = prepare(c, candidate, pool);

  std::vector<Sample> samples;
  for (unsigned i = 0; i < options.repetitions; i++) {
    clock.begin(/*cold=*/true);
    const xnn_status status = run_operators(prepared.operators, pool);
    samples.push_back(clock.end());
    check(status, "run");
  }
  std::sort(samples.begin(), samples.end(), [](const Sample& a, const Sample& b) {
    return a.cycles && b.cycles ? *a.cycles < *b.cycles : a.seconds < b.seconds;
  });
  const Sample& median = samples[samples.size() / 2];
  const size_t useful = shape.positions() * shape.out_channels * c.kept;

  nlohmann::ordered_json line;
  line["conv"] = shape.str();
  line["algorithm"] = candidate.algorithm;
  line["arithmetic"] = arithmetic_name(c.arithmetic);
  line["tile"] = candidate.tile;
  line["lmul"] = candidate.lmul;
  line["strips"] = candidate.strips;
  line["parts"] = candidate.parts;
  line["sparsity"] = candidate.sparsity;
  line["pattern"] = options.pattern;
  line["pattern_m"] = options.group;
  line["threads"] = options.threads;
  line["vlen"] = vector_length_bits();
  line["cycles"] = median.cycles ? nlohmann::ordered_json(*median.cycles) : nullptr;
  line["ms"] = median.cycles ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(median.seconds * 1e3);
  line["macs"] = shape.macs();
  line["useful_macs"] = useful;
  line["mac_per_cycle"] = median.cycles
      ? nlohmann::ordered_json(static_cast<double>(useful) / static_cast<double>(*median.cycles)) : nullptr;
  line["max_abs_error"] = options.check ? nlohmann::ordered_json(max_abs_error(c, prepared.output())) : nullptr;
  line["counters"] = median.counters;
  std::cout << line.dump() << std::endl;
}

// One value of --candidate. Throws std::invalid_argument if it names none.
Candidate parse_candidate(const std::string& text) {
  static const std::regex form(R"((direct|packed|unfused):(\d{1,4}):([1248]):(\d{1,4}):(\d{1,4})|xnnpack_nhwc_dense)");
  std::smatch match;
  if (!std::regex_match(text, match, form)) {
    throw std::invalid_argument("--candidate '" + text + "': expected ALGORITHM:TILE:LMUL:STRIPS:PARTS, of algorithm direct, packed or unfused, or xnnpack_nhwc_dense");
  }
  if (!match[1].matched) return {text, 0, 0, 0, 0, 0};
  const auto number = [&](int i) { return static_cast<uint32_t>(std::stoul(match[i])); };
  const Candidate candidate = {match[1], number(2), number(3), number(4), number(5), 0};
  if (candidate.tile == 0 || candidate.strips == 0 || candidate.parts == 0 || (candidate.tile + 1) * candidate.lmul > 32) {
    throw std::invalid_argument("--candidate '" + text + "': allowed: at least 1 each, (TILE + 1) * LMUL at most 32");
  }
  return candidate;
}

// The candidates of --candidate, ours at every sparsity.
std::vector<Candidate> listed_candidates(const Options& options) {
  std::vector<Candidate> list;
  for (const std::string& text : options.listed) {
    Candidate candidate = parse_candidate(text);
    if (candidate.tile == 0) {
      list.push_back(candidate);
      continue;
    }
    for (const double sparsity : options.sparsities) {
      candidate.sparsity = sparsity;
      list.push_back(candidate);
    }
  }
  return list;
}

std::vector<Candidate> grid_candidates(const Options& options) {
  const std::vector<uint32_t> none{0};
  std::vector<Candidate> grid;
  for (const std::string& algorithm : options.algorithms) {
    if (algorithm == "xnnpack_nhwc_dense") {
      grid.push_back({algorithm, 0, 0, 0, 0, 0});
      continue;
    }
    const bool ours = !is_xnnpack(algorithm);
    for (const double sparsity : options.sparsities)
      for (const size_t tile : options.tiles)
        for (const uint32_t lmul : ours ? options.lmuls : none)
          for (const uint32_t strips : ours ? options.strips : none)
            for (const uint32_t parts : ours ? options.parts : none) grid.push_back({algorithm, tile, lmul, strips, parts, sparsity});
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
  CLI::App app{"Times convolutions over candidates, a grid or a list; prints one JSON line each."};
  auto* shapes = app.add_option_group("shapes");
  shapes->add_option("--conv", o.convs, "Shape, such as n1c64h56w56-o64-k3x3-s1-p1-d1; -r behind it adds a residual")->delimiter(',');
  shapes->add_option("--shapes", o.shapes, "File of such shapes, one a line")->check(CLI::ExistingFile);
  shapes->require_option(1);
  app.add_option("--algorithm", o.algorithms, "xnnpack_spmm skips what is not 1x1 of stride 1")->delimiter(',')->check(CLI::IsMember(kAlgorithms));
  auto* tile = app.add_option("--tile", o.tiles, "Output channels per tile")->delimiter(',')->check(CLI::Range(1, 31));
  app.add_option("--lmul", o.lmuls)->delimiter(',')->check(CLI::IsMember({1, 2, 4, 8}));
  app.add_option("--strips", o.strips, "Strips of a block")->delimiter(',')->check(CLI::PositiveNumber);
  app.add_option("--parts", o.parts, "Parts of the columns, one after the other")->delimiter(',')->check(CLI::PositiveNumber);
  auto* listed = app.add_option("--candidate", o.listed, "Instead of a grid: ALGORITHM:TILE:LMUL:STRIPS:PARTS or xnnpack_nhwc_dense")->delimiter(',');
  for (const char* name : {"--algorithm", "--tile", "--lmul", "--strips", "--parts"}) listed->excludes(app.get_option(name));
  app.add_option("--sparsity", o.sparsities, "Share of columns removed")->delimiter(',')->check(CLI::Range(0.0, 0.999));
  auto* pattern = app.add_option("--pattern", o.pattern, "row: each row its own columns, which is a tile of 1")->check(CLI::IsMember({"column", "row"}));
  app.add_option("--pattern-m", o.group, "Columns per group, or 'full'")->check(CLI::PositiveNumber | CLI::IsMember({"full"}));
  const std::map<std::string, xnn_colnm_arithmetic> arithmetics = {
      {"f32", xnn_colnm_f32}, {"f16", xnn_colnm_f16}, {"f16_f32acc", xnn_colnm_f16_f32acc}};
  app.add_option("--arithmetic", o.arithmetic, "Elements and accumulators of our kernels")
      ->transform(CLI::CheckedTransformer(arithmetics));
  app.add_option("--threads", o.threads)->check(CLI::Range(1, 256));
  app.add_option("--repetitions", o.repetitions)->check(CLI::PositiveNumber);
  app.add_option("--seed", o.seed);
  app.add_flag("--check", o.check, "Compare with a float64 reference");
  try {
    app.parse(argc, argv);
    if (o.pattern == "row" && (!tile->empty() || !listed->empty())) throw CLI::ExcludesError(pattern->get_name() + " row", "--tile and --candidate");
  } catch (const CLI::CallForHelp& help) {
    std::exit(app.exit(help));
  }
  if (o.pattern == "row") o.tiles = {1};
  return o;
}

int bench(int argc, char** argv) {
  const Options options = parse(argc, argv);
  initialize_xnnpack();
  RegionClock clock;
  const ThreadPool pool = make_thread_pool(options.threads, clock.modelled());
  const std::vector<Candidate> candidates = options.listed.empty() ? grid_candidates(options) : listed_candidates(options);
  size_t runs = 0;
  for (const ConvShape& shape : shapes(options)) {
    for (const Candidate& candidate : candidates) {
      if (!can_run(candidate, shape, options.arithmetic)) continue;
      run(options, shape, candidate, clock, pool.get());
      runs++;
    }
  }
  if (runs == 0) throw std::invalid_argument("no candidate can run: (TILE + 1) * LMUL is at most 32, f16 has one part, and xnnpack_spmm needs 1x1 of stride 1");
  return 0;
}

}  // namespace
}  // namespace colonnade

int main(int argc, char** argv) { return colonnade::main_on_arena_stack(argc, argv, colonnade::bench); }
