// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// A convolution case made runnable by one algorithm, ours or a reference.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "conv_case.h"
#include "conv_schedule.h"
#include "xnn.h"

namespace colonnade {

// One way to run a convolution: by an algorithm of ours, which is the schedule's but for the depthwise one, or of XNNPACK's.
// XNNPACK's have no LMUL and no panels, its dense one and the depthwise one no tile either: these are 0. They keep all columns.
struct Candidate {
  std::string algorithm;
  ConvSchedule schedule;
  Keep keep;
};

// XNNPACK's dense operator, which our kernels are compared with.
constexpr char kDenseReference[] = "xnnpack_nhwc_dense";
// Ours for convolutions of every channel on its own.
constexpr char kDepthwise[] = "depthwise";

// What --algorithm allows.
std::vector<std::string> bench_algorithms();

bool is_xnnpack(const std::string& algorithm);

// Whether there is a kernel for the candidate's tile and LMUL, and an operator for the shape: XNNPACK's sparse one
// is for 1x1 of stride 1 without padding, and where there are groups only the depthwise and the dense one run.
bool can_run(const Candidate& candidate, const ConvShape& shape, xnn_colnm_arithmetic arithmetic);

struct Prepared {
  std::vector<Operator> operators;         // to be run in order
  std::function<std::vector<float>()> output;  // NCHW
};

// What candidates of one convolution read and write, from the arena.
class Buffers {
 public:
  enum Role {
    kInput,
    kOutput,
    kResidual,
    kWorkspace,
  };

  // Where they are shared, candidates find them in cache as a layer of a network does what the layer before has
  // written, and their weights as far away; of all of them only the last one that ran has its output there.
  explicit Buffers(bool shared) : shared_(shared) {}

  void* allocate(Role role, size_t bytes);

 private:
  const bool shared_;
  std::map<std::pair<Role, size_t>, void*> known_;
};

// Throws std::runtime_error if XNNPACK refuses.
Prepared prepare(const ConvCase& conv, const Candidate& candidate, Buffers& buffers, pthreadpool_t pool);

}  // namespace colonnade
