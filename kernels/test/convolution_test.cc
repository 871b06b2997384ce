// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// The column-wise convolution operator against float64 on random shapes.
#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <random>

#include <gtest/gtest.h>

#include "conv_case.h"
#include "guarded_buffer.h"

namespace colonnade {
namespace {

constexpr uint32_t kCases = 300;     // of f32, and
constexpr uint32_t kF16Cases = 120;  // of f16, every other two with f32 accumulators
constexpr uint32_t kWinogradCases = 160;

struct RandomCase {
  ConvCase conv;
  xnn_colnm_schedule schedule;
  ConvLayouts layouts;
  xnn_colnm_planes residual;
  unsigned threads;
};

// The algorithm's best layouts, or an input with larger gaps, and outputs whose rows are closer or farther
// apart, or that are split into phases for a convolution of stride 2.
void draw_layouts(RandomCase& r, std::mt19937& g) {
  r.layouts = best_layouts(r.conv, r.schedule.algorithm);
  const auto change = [&](xnn_colnm_planes& p, uint32_t phases) {
    const size_t rows = g() % 3, columns = g() % 3;
    xnn_colnm_planes_init(&p, p.batch, p.channels, p.height, p.width, phases, rows, columns);
  };
  r.residual = r.layouts.output;
  if (g() % 2) change(r.layouts.output, 1 + g() % 2);
  if (g() % 2) change(r.residual, 1 + g() % 2);
  xnn_colnm_planes& in = r.layouts.input;
  const ConvShape& s = r.conv.shape;
  if (s.is_pointwise() && r.schedule.algorithm == xnn_colnm_direct) {
    change(in, 1 + g() % 2);
  } else if (g() % 3 == 0) {
    const size_t rows = in.phase_stride / in.row_stride - xnn_colnm_phase_height(&in) + g() % 2;
    const size_t columns = in.row_stride - xnn_colnm_phase_width(&in) + g() % 2;
    xnn_colnm_planes_init(&in, in.batch, in.channels, in.height, in.width, in.phases, rows, columns);
  }
}

// Strides 1-3, dilations 1-2, paddings 0-3, all of them different each way, kernels 1-7, odd sizes, batches 1-3, and tiles that mostly
// do not divide the output channels.
RandomCase draw(uint32_t seed) {
  std::mt19937 g(seed);
  const auto in = [&](uint32_t low, uint32_t high) { return low + static_cast<uint32_t>(g() % (high - low + 1)); };
  const auto stride = [&] {
    const uint32_t first = in(1, 3);
    // Planes that are read without packing are split by one stride.
    return Pair{first, seed % 3 == 0 ? first : in(1, 3)};
  };
  ConvShape shape;
  do {
    shape = {in(1, 3), in(1, 9), in(1, 17), in(1, 19), in(1, 40), {in(1, 7), in(1, 7)}, stride(), {in(0, 3), in(0, 3), in(0, 3), in(0, 3)}, {in(1, 2), in(1, 2)}};
  } while (shape.positions() == 0);
  shape.residual = in(0, 1);
  // The first of the table, or any other.
  const Arithmetic& row = arithmetics()[seed <= kCases ? 0 : 1 + seed / 2 % (arithmetics().size() - 1)];
  const xnn_colnm_arithmetic arithmetic = row.value;
  const uint32_t lmul = 1u << in(0, row.elements.has_kc_splits ? 3 : 2);
  size_t tile = in(1, 32 / lmul - 1);
  while (!xnn_colnm_has_kernel(arithmetic, tile, lmul)) tile /= 2;
  const size_t quarters = 4 - in(0, 3), group = std::array<size_t, 4>{0, 4, 8, 0}[in(0, 3)];
  const size_t k = shape.reduction();
  const Keep keep = group == 0 ? Keep{Keep{quarters, 4}.of(k), k} : Keep{group / 4 * quarters, group};
  const xnn_colnm_algorithm algorithm = std::array{xnn_colnm_direct, xnn_colnm_packed, xnn_colnm_unfused}[seed % 3];
  RandomCase r{ConvCase::random(shape, tile, keep, seed, arithmetic), {algorithm, lmul, in(1, 4), row.elements.has_kc_splits ? in(1, 3) : 1}, {}, {}, in(0, 1) ? 3u : 1u};
  // More panels than there are: all of them are one block.
  if (seed % 7 == 0) r.schedule.panels = UINT32_MAX;
  draw_layouts(r, g);
  if (in(0, 1)) r.conv.output_min = 0;
  if (in(0, 1)) r.conv.output_max = 1.5f;
  return r;
}

// The same of 3x3 at stride 1, dense, by Winograd's algorithm: sizes that tiles do and do not divide.
RandomCase draw_winograd(uint32_t seed) {
  std::mt19937 g(seed);
  const auto in = [&](uint32_t low, uint32_t high) { return low + static_cast<uint32_t>(g() % (high - low + 1)); };
  ConvShape shape;
  do {
    shape = {in(1, 3), in(1, 40), in(1, 23), in(1, 39), in(1, 40), {3, 3}, {1, 1}, {in(0, 3), in(0, 3), in(0, 3), in(0, 3)}, {1, 1}};
  } while (shape.positions() == 0);
  shape.residual = in(0, 1);
  const uint32_t lmul = 1u << in(0, 3);
  const size_t tile = in(1, 32 / lmul - 1);
  const uint32_t panels = seed % 7 == 0 ? UINT32_MAX : in(1, 4);
  const xnn_colnm_algorithm algorithm = seed % 2 ? xnn_colnm_winograd4 : xnn_colnm_winograd2;
  RandomCase r{ConvCase::random(shape, tile, Keep{}, seed), {algorithm, lmul, panels, 1}, {}, {}, in(0, 1) ? 3u : 1u};
  draw_layouts(r, g);
  if (in(0, 1)) r.conv.output_min = 0;
  if (in(0, 1)) r.conv.output_max = 1.5f;
  return r;
}

// Gaps are zero before and must be zero after; every buffer lies between guard pages.
std::vector<float> run_operator(const RandomCase& r, GuardedAt at) {
  const ThreadPool pool = make_thread_pool(r.threads);
  const xnn_colnm_convolution2d descriptor = r.conv.descriptor();
  xnn_operator_t op = nullptr;
  check(xnn_create_colnm_convolution2d_cnhw(&descriptor, &r.schedule, &op), "create");
  const Operator owned(op);
  const bool has_residual = !r.conv.residual.empty();
  size_t workspace_size, alignment;
  check(xnn_reshape_colnm_convolution2d_cnhw(op, &r.layouts.input, &r.layouts.output, has_residual ? &r.residual : nullptr,
                                             &workspace_size, &alignment, pool.get()),
        "reshape");
  const Datatype& elements = find_arithmetic(r.conv.arithmetic).elements;
  const size_t bytes = elements.element_bytes;
  GuardedBuffer<char> input(r.layouts.input.size * bytes, at, bytes), residual(r.residual.size * bytes, at, bytes), output(r.layouts.output.size * bytes, at, bytes);
  GuardedBuffer<char> workspace(workspace_size, at, alignment);
  elements.to_planes(r.conv.input.data(), r.layouts.input, input.data());
  if (has_residual) elements.to_planes(r.conv.residual.data(), r.residual, residual.data());
  check(xnn_setup_colnm_convolution2d_cnhw(op, workspace.data(), input.data(), has_residual ? residual.data() : nullptr,
                                           output.data()),
        "setup");
  check(xnn_run_operator(op, pool.get()), "run");
  const ConvShape& s = r.conv.shape;
  std::vector<float> nchw(s.positions() * s.out_channels);
  elements.from_planes(r.layouts.output, output.data(), nchw.data());
  const std::vector<float> zeros(nchw.size());
  elements.to_planes(zeros.data(), r.layouts.output, output.data());
  for (size_t i = 0; i < output.size(); i++) EXPECT_EQ(output[i], 0) << "a gap was written, element " << i / bytes;
  return nchw;
}

// What the sum of each output may be off by: the error of n roundings is at most n u / (1 - n u) of the sum of
// absolute values, u being half the distance from 1 to the next number.
std::vector<double> tolerances(const ConvCase& c, const std::vector<double>& expected) {
  const Arithmetic& arithmetic = find_arithmetic(c.arithmetic);
  const Datatype &elements = arithmetic.elements, &sums = arithmetic.sums;
  const double n = static_cast<double>(c.kept) + 2, u = sums.relative_error;
  std::vector<double> tolerances = c.magnitudes();
  for (size_t i = 0; i < tolerances.size(); i++) {
    tolerances[i] *= n * u / (1 - n * u);
    // A sum of another datatype is rounded at last; numbers near 0 have a fixed distance.
    if (&sums != &elements) tolerances[i] += elements.relative_error * (std::abs(expected[i]) + tolerances[i]);
    tolerances[i] += n * elements.least_error;
  }
  return tolerances;
}

// By Winograd's algorithm an output has errors of all numbers of its tile: they are compared with what plain sums may be off by
// where those are largest. F(2x2) stays within half of that; F(4x4), whose transforms multiply by up to 8, comes to between
// one and two times it in convolutions of few channels.
std::vector<double> winograd_tolerances(const RandomCase& r, const std::vector<double>& expected) {
  const std::vector<double> plain = tolerances(r.conv, expected);
  const double times = r.schedule.algorithm == xnn_colnm_winograd4 ? 4 : 1;
  return std::vector<double>(plain.size(), times * *std::max_element(plain.begin(), plain.end()));
}

class RandomConvolution : public testing::TestWithParam<uint32_t> {
 public:
  static size_t cases_run;
  static void TearDownTestSuite() { ASSERT_GE(cases_run, 1u) << "no random convolution ran"; }
};
size_t RandomConvolution::cases_run = 0;

TEST_P(RandomConvolution, MatchesFloat64) {
  initialize_xnnpack();
  const bool by_winograd = GetParam() > kCases + kF16Cases;
  const RandomCase r = by_winograd ? draw_winograd(GetParam()) : draw(GetParam());
  SCOPED_TRACE(testing::Message() << r.conv.shape.str() << " tile " << r.conv.tile << " kept " << r.conv.kept
                                  << " lmul " << r.schedule.lmul << " panels " << r.schedule.panels << " kc_splits " << r.schedule.kc_splits
                                  << " algorithm " << r.schedule.algorithm << ' ' << find_arithmetic(r.conv.arithmetic).name);
  const auto at = GetParam() / 3 % 2 ? GuardedAt::kBegin : GuardedAt::kEnd;
  const std::vector<float> actual = run_operator(r, at);
  const std::vector<double> expected = r.conv.reference();
  ASSERT_EQ(actual.size(), expected.size());
  const std::vector<double> tolerance = by_winograd ? winograd_tolerances(r, expected) : tolerances(r.conv, expected);
  for (size_t i = 0; i < actual.size(); i++) ASSERT_NEAR(actual[i], expected[i], tolerance[i]) << "element " << i;
  cases_run++;
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomConvolution, testing::Range(1u, kCases + kF16Cases + kWinogradCases + 1),
                         [](const auto& info) { return "seed" + std::to_string(info.param); });

TEST(ConvolutionParameters, BadOnesAreRefused) {
  initialize_xnnpack();
  const ConvCase c = ConvCase::random(ConvShape::parse("n1c4h5w5-o6-k3x3-s1-p1-d1"), 4, Keep{1, 2}, 1);
  const xnn_colnm_schedule schedule = {xnn_colnm_packed, 2, 1, 1};
  xnn_operator_t op = nullptr;
  const auto status = [&](auto change, xnn_colnm_schedule s) {
    xnn_colnm_convolution2d d = c.descriptor();
    change(d);
    return xnn_create_colnm_convolution2d_cnhw(&d, &s, &op);
  };
  const auto nothing = [](xnn_colnm_convolution2d&) {};
  using D = xnn_colnm_convolution2d&;
  EXPECT_EQ(status([](D d) { d.tile = 0; }, schedule), xnn_status_invalid_parameter);
  EXPECT_EQ(status([](D d) { d.kept = 37; }, schedule), xnn_status_invalid_parameter);
  EXPECT_EQ(status([](D d) { d.stride_width = 0; }, schedule), xnn_status_invalid_parameter);
  EXPECT_EQ(status([](D d) { d.output_min = 2; d.output_max = 1; }, schedule), xnn_status_invalid_parameter);
  EXPECT_EQ(status([](D d) { d.tile = 16; }, schedule), xnn_status_unsupported_parameter);
  EXPECT_EQ(status([](D d) { d.arithmetic = xnn_colnm_arithmetics; }, schedule), xnn_status_invalid_parameter);
  EXPECT_EQ(status([](D d) { d.arithmetic = xnn_colnm_f16; }, {xnn_colnm_packed, 8, 1, 1}), xnn_status_unsupported_parameter);
  EXPECT_EQ(status(nothing, {xnn_colnm_packed, 3, 1, 1}), xnn_status_unsupported_parameter);
  EXPECT_EQ(status(nothing, {xnn_colnm_packed, 2, 0, 1}), xnn_status_invalid_parameter);
  EXPECT_EQ(status(nothing, {xnn_colnm_packed, 2, 1, 0}), xnn_status_invalid_parameter);
  EXPECT_EQ(status([](D d) { d.arithmetic = xnn_colnm_f16; }, {xnn_colnm_packed, 2, 1, 2}), xnn_status_invalid_parameter);
  for (const xnn_colnm_algorithm winograd : {xnn_colnm_winograd2, xnn_colnm_winograd4}) {
    EXPECT_EQ(status(nothing, {winograd, 2, 1, 1}), xnn_status_unsupported_parameter);  // half of the columns
    const auto dense = [](D d) { d.kept = 36, d.columns = nullptr; };
    EXPECT_EQ(status([&](D d) { dense(d), d.stride_width = 2; }, {winograd, 2, 1, 1}), xnn_status_unsupported_parameter);
    EXPECT_EQ(status([&](D d) { dense(d), d.dilation_height = 2; }, {winograd, 2, 1, 1}), xnn_status_unsupported_parameter);
    EXPECT_EQ(status([&](D d) { dense(d), d.kernel_height = 1, d.kept = 12; }, {winograd, 2, 1, 1}), xnn_status_unsupported_parameter);
    EXPECT_EQ(status(dense, {winograd, 2, 1, 2}), xnn_status_unsupported_parameter);  // KC splits
    EXPECT_EQ(status([&](D d) { dense(d), d.arithmetic = xnn_colnm_f16_f32acc; }, {winograd, 2, 1, 1}), xnn_status_unsupported_parameter);
  }
  std::vector<uint32_t> descending(c.columns.rbegin(), c.columns.rend());
  EXPECT_EQ(status([&](D d) { d.columns = descending.data(); }, schedule), xnn_status_invalid_parameter);
  EXPECT_EQ(status([](D d) { d.kernel_height = d.kernel_width = 65536; }, schedule), xnn_status_unsupported_parameter);
  EXPECT_EQ(status([](D d) { d.in_channels = SIZE_MAX / 4; }, schedule), xnn_status_unsupported_parameter);
  EXPECT_EQ(status([](D d) { d.out_channels = SIZE_MAX / 36; }, schedule), xnn_status_unsupported_parameter);
  ASSERT_EQ(op, nullptr);
}

// Reshapes for planes of that size, nothing of which is touched; the workspace, or nothing where that is refused.
std::optional<size_t> workspace_of(const ConvCase& c, xnn_colnm_schedule schedule) {
  const xnn_colnm_convolution2d d = c.descriptor();
  xnn_operator_t op = nullptr;
  check(xnn_create_colnm_convolution2d_cnhw(&d, &schedule, &op), "create");
  const Operator owned(op);
  const ConvLayouts layouts = best_layouts(c, schedule.algorithm);
  size_t workspace, alignment;
  const xnn_status status = xnn_reshape_colnm_convolution2d_cnhw(op, &layouts.input, &layouts.output, nullptr, &workspace, &alignment, nullptr);
  if (status == xnn_status_unsupported_parameter) return std::nullopt;
  check(status, "reshape");
  return workspace;
}

TEST(ConvolutionParameters, PanelsThatDoNotExistTakeNoMemory) {
  initialize_xnnpack();
  // 49 positions are seven panels of one register of eight lanes, and fewer longer ones.
  const ConvCase c = ConvCase::random(ConvShape::parse("n1c8h7w7-o4-k3x3-s1-p1-d1"), 4, Keep{}, 1);
  for (const xnn_colnm_algorithm algorithm : {xnn_colnm_packed, xnn_colnm_unfused, xnn_colnm_direct, xnn_colnm_winograd2, xnn_colnm_winograd4}) {
    ASSERT_TRUE(workspace_of(c, {algorithm, 1, 49, 1}).has_value());
    EXPECT_EQ(workspace_of(c, {algorithm, 1, UINT32_MAX, 1}), workspace_of(c, {algorithm, 1, 49, 1}));
  }
}

TEST(ConvolutionParameters, OffsetsOfMoreThan32BitsAreRefused) {
  initialize_xnnpack();
  ConvCase c = ConvCase::random(ConvShape::parse("n1c20h8w8-o1-k15x15-s1-p7-d1"), 1, Keep{}, 1);
  // 4500 packed rows of 512 * 512 positions are 4.7 GB; in blocks of 1000 panels they fit.
  c.shape.height = c.shape.width = 512;
  for (const xnn_colnm_algorithm algorithm : {xnn_colnm_packed, xnn_colnm_unfused}) {
    EXPECT_FALSE(workspace_of(c, {algorithm, 1, UINT32_MAX, 1}).has_value());
    EXPECT_TRUE(workspace_of(c, {algorithm, 1, 1000, 1}).has_value());
  }
  // 65538 channels of 128 * 128 tiles are 4.3 GB.
  ConvCase deep = ConvCase::random(ConvShape::parse("n1c1h8w8-o1-k3x3-s1-p1-d1"), 1, Keep{}, 1);
  deep.shape.height = deep.shape.width = 512;
  deep.shape.in_channels = 65538;
  deep.kept = deep.shape.reduction();
  deep.values.resize(deep.kept);
  EXPECT_FALSE(workspace_of(deep, {xnn_colnm_winograd4, 1, UINT32_MAX, 1}).has_value());
  EXPECT_TRUE(workspace_of(deep, {xnn_colnm_winograd4, 1, 1, 1}).has_value());
  // A channel of 4 GiB.
  ConvCase wide = ConvCase::random(ConvShape::parse("n1c1h1w1-o1-k1x1-s1-p0-d1"), 1, Keep{}, 1);
  wide.shape.width = size_t{1} << 30;
  for (const xnn_colnm_algorithm algorithm : {xnn_colnm_packed, xnn_colnm_unfused, xnn_colnm_direct}) {
    EXPECT_FALSE(workspace_of(wide, {algorithm, 1, 1, 1}).has_value());
  }
}

TEST(ConvolutionParameters, KernelLargerThanInputIsRefused) {
  initialize_xnnpack();
  const ConvCase c = ConvCase::random(ConvShape::parse("n1c1h9w9-o1-k7x7-s1-p0-d1"), 1, Keep{}, 1);
  const xnn_colnm_convolution2d d = c.descriptor();
  const xnn_colnm_schedule schedule = {xnn_colnm_packed, 1, 1, 1};
  xnn_operator_t op = nullptr;
  check(xnn_create_colnm_convolution2d_cnhw(&d, &schedule, &op), "create");
  const Operator owned(op);
  xnn_colnm_planes input, output;
  xnn_colnm_planes_init(&input, 1, 1, 5, 5, 1, 0, 0);
  xnn_colnm_planes_init(&output, 1, 1, 1, 1, 1, 0, 0);
  size_t workspace, alignment;
  EXPECT_EQ(xnn_reshape_colnm_convolution2d_cnhw(op, &input, &output, nullptr, &workspace, &alignment, nullptr),
            xnn_status_invalid_parameter);
  EXPECT_EQ(xnn_setup_colnm_convolution2d_cnhw(op, nullptr, nullptr, nullptr, nullptr), xnn_status_invalid_state);
}

TEST(ConvolutionParameters, PlanesThatDoNotSuitTheAlgorithmAreRefused) {
  initialize_xnnpack();
  const ConvCase c = ConvCase::random(ConvShape::parse("n1c2h8w8-o3-k3x3-s2-p1-d1"), 3, Keep{}, 1);
  const xnn_colnm_convolution2d d = c.descriptor();
  xnn_colnm_planes whole, split, output;
  xnn_colnm_planes_init(&whole, 1, 2, 8, 8, 1, 0, 0);
  xnn_colnm_planes_init(&split, 1, 2, 8, 8, 2, 0, 0);
  xnn_colnm_planes_init(&output, 1, 3, 4, 4, 1, 0, 0);
  size_t workspace, alignment;
  const auto reshape = [&](xnn_colnm_algorithm algorithm, const xnn_colnm_planes& input) {
    const xnn_colnm_schedule schedule = {algorithm, 1, 1, 1};
    xnn_operator_t op = nullptr;
    check(xnn_create_colnm_convolution2d_cnhw(&d, &schedule, &op), "create");
    const Operator owned(op);
    return xnn_reshape_colnm_convolution2d_cnhw(op, &input, &output, nullptr, &workspace, &alignment, nullptr);
  };
  EXPECT_EQ(reshape(xnn_colnm_direct, split), xnn_status_unsupported_parameter);  // no gaps
  EXPECT_EQ(reshape(xnn_colnm_direct, whole), xnn_status_unsupported_parameter);  // no phases
  EXPECT_EQ(reshape(xnn_colnm_packed, split), xnn_status_unsupported_parameter);
  EXPECT_EQ(reshape(xnn_colnm_unfused, split), xnn_status_unsupported_parameter);
  EXPECT_EQ(reshape(xnn_colnm_packed, whole), xnn_status_success);
  EXPECT_EQ(reshape(xnn_colnm_unfused, whole), xnn_status_success);
}

TEST(ConvolutionParameters, WinogradsTakesWholePlanesOfAnySizeAfterAnother) {
  initialize_xnnpack();
  ConvCase c = ConvCase::random(ConvShape::parse("n1c2h19w23-o3-k3x3-s1-p1-d1"), 3, Keep{}, 1);
  const xnn_colnm_convolution2d d = c.descriptor();
  const xnn_colnm_schedule schedule = {xnn_colnm_winograd4, 1, 2, 1};
  xnn_operator_t op = nullptr;
  check(xnn_create_colnm_convolution2d_cnhw(&d, &schedule, &op), "create");
  const Operator owned(op);
  size_t workspace_size, alignment;
  xnn_colnm_planes split, small;
  xnn_colnm_planes_init(&split, 1, 2, 8, 8, 2, 1, 1);
  xnn_colnm_planes_init(&small, 1, 3, 8, 8, 1, 0, 0);
  EXPECT_EQ(xnn_reshape_colnm_convolution2d_cnhw(op, &split, &small, nullptr, &workspace_size, &alignment, nullptr), xnn_status_unsupported_parameter);
  // Outputs in three phases, too.
  for (const auto& [height, width, phases, threads] : {std::array{19u, 23u, 3u, 1u}, std::array{7u, 5u, 1u, 3u}, std::array{1u, 2u, 3u, 2u}}) {
    c.shape.height = height;
    c.shape.width = width;
    c.input.resize(2 * height * width);
    const ThreadPool pool = make_thread_pool(threads);
    ConvLayouts layouts = best_layouts(c, schedule.algorithm);
    xnn_colnm_planes_init(&layouts.output, 1, 3, height, width, phases, 1, 2);
    check(xnn_reshape_colnm_convolution2d_cnhw(op, &layouts.input, &layouts.output, nullptr, &workspace_size, &alignment, pool.get()), "reshape");
    GuardedBuffer<float> input(layouts.input.size, GuardedAt::kEnd, 4), output(layouts.output.size, GuardedAt::kEnd, 4);
    GuardedBuffer<char> workspace(workspace_size, GuardedAt::kEnd, alignment);
    const Datatype& elements = find_arithmetic(c.arithmetic).elements;
    elements.to_planes(c.input.data(), layouts.input, input.data());
    check(xnn_setup_colnm_convolution2d_cnhw(op, workspace.data(), input.data(), nullptr, output.data()), "setup");
    check(xnn_run_operator(op, pool.get()), "run");
    std::vector<float> nchw(3 * height * width);
    elements.from_planes(layouts.output, output.data(), nchw.data());
    const std::vector<double> expected = c.reference();
    for (size_t i = 0; i < nchw.size(); i++) ASSERT_NEAR(nchw[i], expected[i], 1e-4) << height << "x" << width << " element " << i;
  }
}

}  // namespace
}  // namespace colonnade
