// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Planes of channels spread over the sets of a cache.
#include <algorithm>
#include <cstddef>
#include <map>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "colonnade/planes.h"

namespace {

constexpr size_t kLine = 16;  // elements
constexpr size_t kSets = 512;

xnn_colnm_planes make_planes(size_t channels, size_t height, size_t width, uint32_t phases, size_t gap) {
  xnn_colnm_planes planes;
  xnn_colnm_planes_init(&planes, 1, channels, height, width, phases, gap, gap);
  return planes;
}

// Lines beyond an even share of the sets, of four lines at the begin of each plane.
double crowding(size_t stride, size_t channels) {
  std::map<size_t, double> taken;
  for (size_t c = 0; c < channels; c++) {
    for (size_t line = 0; line < 4; line++) taken[(c * stride / kLine + line) % kSets]++;
  }
  const double share = 4.0 * static_cast<double>(channels) / kSets;
  double beyond = 0;
  for (const auto& [set, lines] : taken) beyond += std::max(0.0, lines - share);
  return beyond;
}

class PlanesTest : public testing::TestWithParam<unsigned> {};

TEST_P(PlanesTest, RandomShapes) {
  std::mt19937 random(GetParam());
  const auto draw = [&](size_t low, size_t high) { return std::uniform_int_distribution<size_t>(low, high)(random); };
  for (int i = 0; i < 50; i++) {
    const auto planes = make_planes(draw(1, 600), draw(1, 60), draw(1, 60), static_cast<uint32_t>(draw(1, 2)), draw(0, 2));
    const size_t lines = (planes.image_stride + kLine - 1) / kLine;
    ASSERT_EQ(planes.channel_stride % kLine, 0u);
    const size_t stride = planes.channel_stride / kLine;
    EXPECT_EQ(stride % 2, 1u);
    EXPECT_GE(stride, lines);
    EXPECT_LE(stride, lines + 5);
    EXPECT_LE(planes.origin + planes.channels * planes.channel_stride, planes.size);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, PlanesTest, testing::Range(0u, 4u), [](const auto& info) {
  return "Seed" + std::to_string(info.param);
});

// 56 x 56 elements without gaps are 196 lines.
TEST(Planes, DoNotMeetAgainInL2) {
  const auto planes = make_planes(256, 56, 56, 1, 0);
  EXPECT_LT(crowding(planes.channel_stride, 256), 0.7 * crowding(197 * kLine, 256));
}

TEST(Planes, StayCloseWhereThatCostsNothing) {
  const auto planes = make_planes(3, 56, 56, 1, 0);
  EXPECT_EQ(planes.channel_stride, 197 * kLine);
}

}  // namespace
