// Runs one convolution over candidates, a grid or a list, and prints one JSON line per candidate.
//
// Under the timing model (COLONNADE_TIMING) each run is a cold region: a layer of a network finds its
// weights in memory, not in cache. On a real CPU the median of the repetitions is printed.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <iostream>
#include <regex>
#include <stdexcept>

#include <CLI/CLI.hpp>

#include "arena.h"
#include "conv_case.h"
#include "planes.h"
#include "region_clock.h"

namespace colonnade {
namespace {

struct Options {
  std::string conv;
  std::vector<std::string> algorithms{"packed"};
  std::vector<size_t> tiles{8};
  std::vector<uint32_t> lmuls{2};
  std::vector<uint32_t> strips{1};
  std::vector<std::string> listed;
  std::vector<double> sparsities{0};
  std::string group = "full";
  unsigned threads = 1;
  unsigned repetitions = 1;
  uint32_t seed = 1;
  bool check = false;
};

// XNNPACK's own algorithms have no tile, LMUL, strips and sparsity: all are 0.
struct Candidate {
  std::string algorithm;
  size_t tile;
  uint32_t lmul;
  uint32_t strips;
  double sparsity;
};

float* arena_copy(const std::vector<float>& values) {
  auto* copy = static_cast<float*>(arena_allocate(values.size() * sizeof(float) + XNN_EXTRA_BYTES));
  std::memcpy(copy, values.data(), values.size() * sizeof(float));
  return copy;
}

std::vector<float> nchw_to_nhwc(const std::vector<float>& in, size_t batch, size_t channels, size_t plane, bool back) {
  std::vector<float> out(in.size());
  for (size_t n = 0; n < batch; n++) {
    for (size_t c = 0; c < channels; c++) {
      for (size_t p = 0; p < plane; p++) {
        const size_t nchw = (n * channels + c) * plane + p, nhwc = (n * plane + p) * channels + c;
        out[back ? nchw : nhwc] = in[back ? nhwc : nchw];
      }
    }
  }
  return out;
}

// A convolution ready to run, and how to read its output.
struct Prepared {
  Operator op;
  std::function<std::vector<float>()> output;  // NCHW
};

Prepared prepare_colnm(const ConvCase& c, const Candidate& candidate, pthreadpool_t pool) {
  xnn_operator_t op = nullptr;
  const xnn_colnm_schedule schedule = {candidate.algorithm == "direct" ? xnn_colnm_direct : xnn_colnm_packed, candidate.lmul, candidate.strips};
  const xnn_colnm_convolution2d descriptor = c.descriptor();
  check(xnn_create_colnm_convolution2d_cnhw_f32(&descriptor, &schedule, &op), "create");
  Operator owned(op);
  const ConvLayouts layouts = best_layouts(c, schedule.algorithm);
  size_t workspace, alignment;
  check(xnn_reshape_colnm_convolution2d_cnhw_f32(op, &layouts.input, &layouts.output, nullptr, &workspace, &alignment, pool), "reshape");
  auto* input = static_cast<float*>(arena_allocate(layouts.input.size * sizeof(float)));
  auto* output = static_cast<float*>(arena_allocate(layouts.output.size * sizeof(float)));
  nchw_to_planes(c.input.data(), layouts.input, input);
  check(xnn_setup_colnm_convolution2d_cnhw_f32(op, arena_allocate(workspace), input, nullptr, output), "setup");
  return {std::move(owned), [=, size = c.shape.positions() * c.shape.out_channels] {
    std::vector<float> nchw(size);
    planes_to_nchw(layouts.output, output, nchw.data());
    return nchw;
  }};
}

Prepared prepare_nhwc(const ConvCase& c, pthreadpool_t pool) {
  const ConvShape& s = c.shape;
  xnn_operator_t op = nullptr;
  check(xnn_create_convolution2d_nhwc_f32(s.padding, s.padding, s.padding, s.padding, s.kernel_h, s.kernel_w, s.stride,
                                          s.stride, s.dilation, s.dilation, 1, s.in_channels, s.out_channels,
                                          s.in_channels, s.out_channels, c.dense_weights().data(), c.bias.data(),
                                          c.output_min, c.output_max, 0, nullptr, nullptr, &op),
        "create");
  Operator owned(op);
  size_t workspace, alignment, height, width;
  check(xnn_reshape_convolution2d_nhwc_f32(op, s.batch, s.height, s.width, &workspace, &alignment, &height, &width, pool),
        "reshape");
  const float* input = arena_copy(nchw_to_nhwc(c.input, s.batch, s.in_channels, s.height * s.width, false));
  const size_t plane = s.out_height() * s.out_width(), size = s.batch * s.out_channels * plane;
  auto* output = static_cast<float*>(arena_allocate(size * sizeof(float)));
  check(xnn_setup_convolution2d_nhwc_f32(op, workspace == 0 ? nullptr : arena_allocate(workspace), input, output), "setup");
  return {std::move(owned), [=, batch = s.batch, channels = s.out_channels] {
    return nchw_to_nhwc(std::vector<float>(output, output + size), batch, channels, plane, true);
  }};
}

double max_abs_error(const ConvCase& c, const std::vector<float>& actual) {
  const std::vector<double> expected = c.reference();
  double error = 0;
  for (size_t i = 0; i < actual.size(); i++) error = std::max(error, std::abs(actual[i] - expected[i]));
  return error;
}

void run(const Options& options, const Candidate& candidate, RegionClock& clock, pthreadpool_t pool) {
  const ArenaScope scope;
  const ConvShape shape = ConvShape::parse(options.conv);
  const bool nhwc = candidate.algorithm == "xnnpack_nhwc_dense";
  const size_t group = options.group == "full" ? 0 : std::stoul(options.group);
  const ConvCase c = ConvCase::random(shape, nhwc ? shape.out_channels : candidate.tile, nhwc ? 0 : candidate.sparsity,
                                      nhwc ? 0 : group, options.seed);
  const Prepared prepared = nhwc ? prepare_nhwc(c, pool) : prepare_colnm(c, candidate, pool);

  std::vector<Sample> samples;
  for (unsigned i = 0; i < options.repetitions; i++) {
    clock.begin(/*cold=*/true);
    const xnn_status status = xnn_run_operator(prepared.op.get(), pool);
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
  line["tile"] = candidate.tile;
  line["lmul"] = candidate.lmul;
  line["strips"] = candidate.strips;
  line["sparsity"] = candidate.sparsity;
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

bool fits_registers(const Candidate& c) { return (c.tile + 1) * c.lmul <= 32; }

// One value of --candidate. Throws std::invalid_argument if it names none.
Candidate parse_candidate(const std::string& text) {
  static const std::regex form(R"((direct|packed):(\d{1,4}):([1248]):(\d{1,4})|xnnpack_nhwc_dense)");
  std::smatch match;
  if (!std::regex_match(text, match, form)) {
    throw std::invalid_argument("--candidate '" + text + "': expected direct or packed:TILE:LMUL:STRIPS or xnnpack_nhwc_dense");
  }
  if (!match[1].matched) return {text, 0, 0, 0, 0};
  const auto number = [&](int i) { return static_cast<uint32_t>(std::stoul(match[i])); };
  const Candidate candidate = {match[1], number(2), number(3), number(4), 0};
  if (candidate.tile == 0 || candidate.strips == 0 || !fits_registers(candidate)) {
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

std::vector<Candidate> candidates(const Options& options) {
  if (!options.listed.empty()) return listed_candidates(options);
  std::vector<Candidate> grid;
  for (const std::string& algorithm : options.algorithms) {
    if (algorithm == "xnnpack_nhwc_dense") {
      grid.push_back({algorithm, 0, 0, 0, 0});
      continue;
    }
    for (const double sparsity : options.sparsities)
      for (const size_t tile : options.tiles)
        for (const uint32_t lmul : options.lmuls)
          for (const uint32_t strips : options.strips) {
            const Candidate candidate = {algorithm, tile, lmul, strips, sparsity};
            if (fits_registers(candidate)) grid.push_back(candidate);
          }
  }
  return grid;
}

Options parse(int argc, char** argv) {
  Options o;
  CLI::App app{"Times one convolution over candidates, a grid or a list; prints one JSON line each."};
  app.add_option("--conv", o.conv, "Shape, such as n1c64h56w56-o64-k3x3-s1-p1-d1")->required();
  app.add_option("--algorithm", o.algorithms)->delimiter(',')->check(CLI::IsMember({"direct", "packed", "xnnpack_nhwc_dense"}));
  app.add_option("--tile", o.tiles, "Output channels per tile")->delimiter(',')->check(CLI::Range(1, 31));
  app.add_option("--lmul", o.lmuls)->delimiter(',')->check(CLI::IsMember({1, 2, 4, 8}));
  app.add_option("--strips", o.strips, "Strips of a block")->delimiter(',')->check(CLI::PositiveNumber);
  auto* listed = app.add_option("--candidate", o.listed, "Instead of a grid: ALGORITHM:TILE:LMUL:STRIPS or xnnpack_nhwc_dense")->delimiter(',');
  for (const char* name : {"--algorithm", "--tile", "--lmul", "--strips"}) listed->excludes(app.get_option(name));
  app.add_option("--sparsity", o.sparsities, "Share of columns removed")->delimiter(',')->check(CLI::Range(0.0, 0.999));
  app.add_option("--pattern-m", o.group, "Columns per group, or 'full'")->check(CLI::PositiveNumber | CLI::IsMember({"full"}));
  app.add_option("--threads", o.threads)->check(CLI::Range(1, 256));
  app.add_option("--repetitions", o.repetitions)->check(CLI::PositiveNumber);
  app.add_option("--seed", o.seed);
  app.add_flag("--check", o.check, "Compare with a float64 reference");
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    std::exit(app.exit(help));
  }
  return o;
}

int bench(int argc, char** argv) {
  const Options options = parse(argc, argv);
  initialize_xnnpack();
  RegionClock clock;
  const ThreadPool pool = make_thread_pool(options.threads, clock.modelled());
  for (const Candidate& candidate : candidates(options)) run(options, candidate, clock, pool.get());
  return 0;
}

}  // namespace
}  // namespace colonnade

int main(int argc, char** argv) { return colonnade::main_on_arena_stack(argc, argv, colonnade::bench); }
