// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Packages: a graph and its weights, read, built and run. An input of the fuzzer is the graph's text, a line
// of two dashes, the header's text of the weights, another such line, and the bytes of the tensors; the lengths and the digest are filled in, or no
// damage would reach what lies behind them. What the reader takes is run on a small image, and then once more refused
// with a bit of its weights flipped.
#include <algorithm>
#include <cstring>
#include <iostream>
#include <random>

#include <nlohmann/json.hpp>

#include "arena.h"
#include "files.h"
#include "network.h"
#include "operations/conv2d.h"
#include "sha256.h"

namespace {

using namespace colonnade;

// Beyond that a run takes time, and finds nothing that a smaller one does not.
constexpr size_t kMostElements = size_t{1} << 14;
constexpr size_t kMostMacs = size_t{1} << 20;
constexpr char kDigest[] = "DIGEST";
constexpr char kRule[] = "\n--\n";

struct Draft {
  std::string graph, weights;
};

Draft split(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const size_t first = std::min(text.find(kRule), text.size());
  const size_t header_begin = std::min(first + std::strlen(kRule), text.size());
  const size_t second = std::min(text.find(kRule, header_begin), text.size());
  const std::string header = text.substr(header_begin, second - header_begin);
  const uint64_t length = header.size();
  Draft draft;
  draft.weights = std::string(reinterpret_cast<const char*>(&length), sizeof(length)) + header + text.substr(std::min(second + std::strlen(kRule), text.size()));
  draft.graph = text.substr(0, first);
  const size_t digest = draft.graph.find(kDigest);
  if (digest != std::string::npos) {
    Sha256 sum;
    sum.update(draft.weights.data(), draft.weights.size());
    draft.graph.replace(digest, std::strlen(kDigest), sum.hex_digest());
  }
  return draft;
}

void put(const Draft& draft) {
  put_file("graph.json", draft.graph.data(), draft.graph.size());
  put_file("weights.safetensors", draft.weights.data(), draft.weights.size());
}

bool is_small(const Package& package, const std::map<std::string, Shape>& inputs) {
  const auto shapes = package.shapes(inputs);
  for (const auto& [name, tensor] : shapes) {
    if (tensor.shape.elements() > kMostElements) return false;
  }
  for (const Node& node : package.nodes()) {
    const Conv2d* conv = as_conv2d(node);
    if (conv == nullptr) continue;
    // Gaps and phases multiply what planes take.
    const ConvShape& g = conv->geometry();
    for (const Pair& window : {g.stride, g.dilation, g.kernel}) {
      if (std::max(window[0], window[1]) > 16) return false;
    }
    if (*std::max_element(g.padding.begin(), g.padding.end()) > 16) return false;
    if (shapes.at(node.output).shape.elements() * g.reduction() > kMostMacs) return false;
  }
  return package.nodes().size() <= 32;
}

// A schedules file with an entry for every key that a convolution of the package is looked up by.
nlohmann::json schedule_each(const Package& package, const std::map<std::string, TensorShape>& shapes) {
  nlohmann::json document = {{"format", "colonnade-schedules"}, {"version", kSchedulesVersion}, {"target", "none"}, {"stays_dense", nlohmann::json::array()}};
  nlohmann::json& convs = document["convs"] = nlohmann::json::object();
  for (const Node& node : package.nodes()) {
    const Conv2d* conv = as_conv2d(node);
    if (conv == nullptr || !conv->needs_schedule()) continue;
    const ConvShape shape = conv->shape(shapes.at(node.inputs[0]).shape);
    const size_t kept = conv->kept(node, package);
    const auto add = [&](const char* algorithm, const std::string& key) {
      convs[key] = {{"algorithm", algorithm}, {"tile", 14}, {"lmul", 2}, {"panels", 4}, {"kc_splits", 1}};
    };
    for (const char* algorithm : {"direct", "packed"}) add(algorithm, schedule_key(shape, kept, algorithm));
    const bool has_winograd = shape.has_winograd() && kept == shape.reduction();
    add(has_winograd ? "winograd4" : "direct", schedule_key(shape, kept, ""));
  }
  return document;
}

void run(const Package& package, const Implementation& implementation, const Datatype& datatype) {
  std::map<std::string, Shape> inputs;
  size_t size = 5;
  // Inputs of one size, so that sums of what comes of them have a chance.
  for (const GraphInput& input : package.inputs()) inputs[input.name] = {2, input.channels, size, size + 2};
  if (!is_small(package, inputs)) return;
  const ArenaScope scope;
  ArenaMemory memory;
  const Schedules schedules("schedules", schedule_each(package, package.shapes(inputs)));
  const auto network = make_network(package, implementation, &schedules, datatype, nullptr, memory);
  network->build(inputs);
  for (const auto& [name, shape] : inputs) {
    std::vector<float> image(shape.elements());
    for (size_t i = 0; i < image.size(); i++) image[i] = static_cast<float>(i % 17) - 8;
    network->load(name, image.data());
  }
  RegionClock clock;
  network->run(clock);
  for (const auto& [name, shape] : network->outputs()) network->result(name);
}

bool is_taken() {
  try {
    const Package package(fuzz_folder());
    return true;
  } catch (const std::runtime_error&) {
    return false;
  }
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  initialize_xnnpack();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Draft draft = split(data, size);
  put(draft);
  if (!is_taken()) return 0;
  const Package package(fuzz_folder());
  for (const char* name : {"colnm_direct", "colnm_packed", "colnm_unfused", "colnm_tuned"}) {
    const Implementation& implementation = find_implementation(name);
    for (const std::string& dtype : implementation.dtypes()) {
      try {
        run(package, implementation, find_datatype(dtype));
      } catch (const std::runtime_error&) {
        // Refused, with a message.
      }
    }
  }
  std::minstd_rand random(static_cast<unsigned>(size));
  const size_t bit = random() % (8 * draft.weights.size());
  draft.weights[bit / 8] = static_cast<char>(draft.weights[bit / 8] ^ 1 << bit % 8);
  put(draft);
  // The graph may have been given another digest than that of the weights; then nothing is taken.
  if (is_taken()) {
    std::cerr << "a flipped bit was not noticed" << std::endl;
    std::abort();
  }
  return 0;
}
