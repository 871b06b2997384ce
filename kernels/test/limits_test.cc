// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// What the programs refuse, of what they compute and of what they are asked for.
#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>

#include "conv_case.h"
#include "run_limits.h"
#include "xnn.h"

namespace colonnade {
namespace {

std::vector<float> exact_output(const ConvCase& c) {
  const std::vector<double> reference = c.reference();
  return {reference.begin(), reference.end()};
}

TEST(ConvCase, ErrorIsThatOfTheWorstOutput) {
  const ConvCase c = ConvCase::random(ConvShape::parse("n1c4h5w5-o6-k3x3-s1-p1-d1"), 6, Keep{1, 2}, 1);
  std::vector<float> output = exact_output(c);
  EXPECT_LT(c.max_abs_error(output), 1e-5);
  output[7] += 0.5f;
  EXPECT_NEAR(c.max_abs_error(output), 0.5, 1e-5);
}

TEST(ConvCase, OutputsThatAreNoNumbersAreErrors) {
  const ConvCase c = ConvCase::random(ConvShape::parse("n1c4h5w5-o6-k3x3-s1-p1-d1"), 6, Keep{1, 2}, 1);
  for (const float wrong : {NAN, INFINITY, -INFINITY}) {
    std::vector<float> output = exact_output(c);
    output[7] = wrong;
    try {
      c.max_abs_error(output);
      ADD_FAILURE() << wrong << " is taken";
    } catch (const std::runtime_error& error) {
      EXPECT_NE(std::string(error.what()).find("output 7: "), std::string::npos) << error.what();
    }
  }
}

TEST(ThreadPool, HasNoMoreCoresThanTheTimingModel) {
  for (const unsigned threads : {kMaxModelledThreads + 1, kMaxThreads}) EXPECT_THROW(make_thread_pool(threads, /*modelled=*/true), std::invalid_argument);
}

}  // namespace
}  // namespace colonnade
