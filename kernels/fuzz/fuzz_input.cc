// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// A safetensors file with the images of a run: opened, planned, and loaded batch by batch into a network with two
// inputs. An input of the fuzzer is the header's text, a line of two dashes, and the bytes of the tensors.
#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "arena.h"
#include "batches.h"
#include "files.h"
#include "sha256.h"

namespace {

using namespace colonnade;

// No weights, and no convolution that would need a schedule.
constexpr char kGraph[] = R"({"format": "colonnade-package", "version": 3, "weights_sha256": "DIGEST",
 "inputs": [{"name": "image", "channels": 2}, {"name": "mask", "channels": 1}], "outputs": ["a", "b"],
 "nodes": [{"op": "unary", "name": "first", "input": "image", "output": "a", "function": "relu"},
           {"op": "unary", "name": "second", "input": "mask", "output": "b", "function": "relu"}]})";
constexpr char kDigest[] = "DIGEST";
constexpr char kHeader[] = "{}      ";

// Written once, and read as any other.
const Package& sound_package() {
  static const Package package = [] {
    const uint64_t length = std::strlen(kHeader);
    const std::string weights = std::string(reinterpret_cast<const char*>(&length), sizeof(length)) + kHeader;
    Sha256 sum;
    sum.update(weights.data(), weights.size());
    std::string graph = kGraph;
    graph.replace(graph.find(kDigest), std::strlen(kDigest), sum.hex_digest());
    put_file("graph.json", graph.data(), graph.size());
    put_file("weights.safetensors", weights.data(), weights.size());
    return Package(fuzz_folder());
  }();
  return package;
}

// Reads every tensor of a file; their bytes are the `size` behind its header. Throws std::runtime_error for a damaged one.
void read_all(const std::string& path, size_t size) {
  const SafetensorsFile tensors(path);
  size_t covered = 0;
  for (const auto& [name, info] : tensors.tensors()) {
    std::vector<unsigned char> bytes(info.end - info.begin);
    tensors.read(info, 0, bytes.size(), bytes.data());
    covered += bytes.size();
  }
  if (covered != size) __builtin_trap();
}

// Batches of at most `most` images, or a single one.
void load_all(InputImages& images, size_t most) {
  const BatchPlan plan = images.plan(most);
  const ArenaScope scope;
  ArenaMemory memory;
  const auto network = make_network(sound_package(), find_implementation("colnm_untuned"), nullptr, find_datatype("f32"), nullptr, memory);
  network->build(images.shapes(plan));
  for (size_t batch = 0; batch < plan.count(); batch++) images.load(plan, batch, *network);
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  initialize_xnnpack();
  sound_package();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const char rule[] = {'\n', '-', '-', '\n'};
  const uint8_t* end = std::search(data, data + size, rule, rule + sizeof(rule));
  const uint64_t length = static_cast<uint64_t>(end - data);
  std::string file(reinterpret_cast<const char*>(&length), sizeof(length));
  file.append(data, end);
  if (end != data + size) file.append(end + sizeof(rule), data + size);
  const std::string path = put_file("input.safetensors", file.data(), file.size());
  try {
    read_all(path, file.size() - sizeof(length) - length);
    InputImages images(path, sound_package());
    for (const size_t most : {size_t{0}, size_t{1}, size_t{3}}) load_all(images, most);
  } catch (const std::runtime_error&) {
    // Refused, with a message.
  }
  return 0;
}
