// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

#include "package.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include "size_limits.h"

namespace colonnade {
namespace {

// Of graph.json; colonnade.package.graph writes it.
constexpr size_t kVersion = 3;

const OperationType& find_type(const std::string& op) {
  std::string allowed;
  for (const OperationType& type : operation_types()) {
    if (op == type.name) return type;
    allowed += std::string(allowed.empty() ? "" : ", ") + type.name;
  }
  throw std::invalid_argument("op: '" + op + "'; allowed: " + allowed);
}

Node read_node(const nlohmann::json& entry, size_t index) {
  Node node = {};
  std::string where = "node " + std::to_string(index);
  try {
    if (!entry.is_object()) throw std::invalid_argument(shown(entry) + "; allowed: an object");
    for (const char* key : {"op", "name", "output"}) {
      if (!entry.contains(key)) throw std::invalid_argument(std::string(key) + ": missing");
    }
    node.name = read_text(entry.at("name"), "name");
    where = "node '" + node.name + "'";
    node.output = read_text(entry.at("output"), "output");
    node.operation = find_type(read_text(entry.at("op"), "op")).read(entry, node);
  } catch (const std::invalid_argument& error) {
    throw std::invalid_argument(where + ": " + error.what());
  }
  return node;
}

// What images are made of, for those who read them from files.
void check_preprocessing(const nlohmann::json& entry) {
  const Fields fields(entry, "preprocessing", {"image_px", "mean", "std"});
  fields.size("image_px", 1, kMaxDimension);
  for (const char* key : {"mean", "std"}) {
    const bool is_divisor = key == std::string("std");
    for (const auto& number : read_list(fields.at(key), key, 3, 3)) {
      if (number.is_number() && std::isfinite(number.get<double>()) && (!is_divisor || number.get<double>() > 0)) continue;
      throw std::invalid_argument(std::string("preprocessing: ") + key + ": " + shown(number) + "; allowed: a " +
                                  (is_divisor ? "number above 0" : "finite number"));
    }
  }
}

}  // namespace

Package::Package(const std::string& directory) : directory_(directory) {
  const std::string path = directory + "/graph.json";
  try {
    read_graph(parse_json(read_file(path, kMaxJsonBytes)));
  } catch (const std::invalid_argument& error) {
    throw std::runtime_error(path + ": " + error.what());
  }
  tensors_ = read_safetensors(directory + "/weights.safetensors", weights_sha256_);
  WeightsCheck weights(directory + "/weights.safetensors", tensors_);
  for (const Node& node : nodes_) node.operation->check_weights(node, weights);
  weights.finish();
}

void Package::read_graph(const nlohmann::json& graph) {
  const std::string supported = std::to_string(kVersion);
  if (!graph.is_object() || graph.value("format", nlohmann::json()) != "colonnade-package") throw std::invalid_argument("not a colonnade-package of version " + supported);
  const nlohmann::json version = graph.value("version", nlohmann::json());
  if (version != kVersion) {
    throw std::invalid_argument("a colonnade-package of version " + shown(version) + "; allowed: " + supported + ", which an export of its checkpoint has");
  }
  const Fields fields(graph, "", {"format", "version", "weights_sha256", "inputs", "outputs", "nodes"}, {"model", "dtype", "checkpoint_sha256", "preprocessing"});
  fields.size("version", kVersion, kVersion);
  if (fields.has("dtype")) fields.choice("dtype", {"f32"});
  for (const char* key : {"model", "checkpoint_sha256"}) {
    if (fields.has(key)) fields.text(key);
  }
  if (fields.has("preprocessing")) check_preprocessing(fields.at("preprocessing"));
  weights_sha256_ = fields.text("weights_sha256");
  std::map<std::string, Shape> shapes;
  for (const auto& entry : read_list(fields.at("inputs"), "inputs", 1, kMaxNodes)) {
    const Fields input(entry, "inputs", {"name", "channels"}, {"size"});
    inputs_.push_back({input.text("name"), input.size("channels", 1, kMaxDimension), std::nullopt});
    if (input.has("size") && !input.is_null("size")) inputs_.back().size = input.pair("size", 1, kMaxDimension);
    if (!shapes.emplace(inputs_.back().name, Shape{0, inputs_.back().channels, 0, 0}).second) {
      throw std::invalid_argument("inputs: '" + inputs_.back().name + "' exists already");
    }
  }
  std::set<std::string> names;
  for (const auto& entry : read_list(fields.at("nodes"), "nodes", 1, kMaxNodes)) {
    nodes_.push_back(read_node(entry, nodes_.size()));
    if (!names.insert(nodes_.back().name).second) throw std::invalid_argument("node '" + nodes_.back().name + "': name: exists already");
  }
  const auto known = infer_shapes(nodes_, shapes);
  for (const auto& entry : read_list(fields.at("outputs"), "outputs", 1, kMaxNodes)) {
    const std::string output = read_text(entry, "outputs");
    if (known.count(output) == 0) throw std::invalid_argument("outputs: '" + output + "' does not exist");
    if (std::find(outputs_.begin(), outputs_.end(), output) != outputs_.end()) throw std::invalid_argument("outputs: '" + output + "' is given twice");
    outputs_.push_back(output);
  }
}

std::map<std::string, TensorShape> Package::shapes(const std::map<std::string, Shape>& inputs) const {
  const auto by = [](size_t height, size_t width) { return std::to_string(height) + " by " + std::to_string(width); };
  try {
    for (const GraphInput& input : inputs_) {
      const Shape& shape = inputs.at(input.name);
      if (!input.size.has_value()) continue;
      const auto [height, width] = *input.size;
      if (shape.h == height && shape.w == width) continue;
      throw std::invalid_argument("input '" + input.name + "' is " + by(shape.h, shape.w) + "; needed: " + by(height, width) +
                                  ": the network has numbers of that size");
    }
    return infer_shapes(nodes_, inputs);
  } catch (const std::invalid_argument& error) {
    throw std::runtime_error(directory_ + "/graph.json: " + error.what());
  }
}

}  // namespace colonnade
