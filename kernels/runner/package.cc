// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

#include "package.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <stdexcept>

#include "size_limits.h"

namespace colonnade {
namespace {

std::string shape_string(const std::vector<size_t>& shape) { return nlohmann::json(shape).dump(); }

// Which columns are kept is told by the tensors; the pattern tells a reader why.
void check_pattern(const nlohmann::json& value) {
  if (value.is_object() && value.contains("sparsity")) {
    const Fields pattern(value, "pattern", {"sparsity", "m"});
    pattern.choice("m", {"full"});
    const nlohmann::json& sparsity = pattern.at("sparsity");
    if (!sparsity.is_number() || !(sparsity.get<double>() > 0 && sparsity.get<double>() < 1)) {
      throw std::invalid_argument("pattern: sparsity: " + shown(sparsity) + "; allowed: a number between 0 and 1");
    }
  } else {
    const Fields pattern(value, "pattern", {"n", "m"});
    pattern.size("n", 1, pattern.size("m", 1, kMaxWeights));
  }
}

bool read_relu(const Fields& fields) { return fields.choice("activation", {"none", "relu"}) == 1; }

Conv read_conv(const Fields& fields) {
  Conv conv = {};
  conv.in_channels = fields.size("in_channels", 1, kMaxDimension);
  conv.out_channels = fields.size("out_channels", 1, kMaxDimension);
  conv.kernel = fields.pair("kernel", 1, kMaxWindow);
  conv.stride = fields.pair("stride", 1, kMaxWindow);
  conv.padding = fields.pair("padding", 0, kMaxWindow);
  conv.dilation = fields.pair("dilation", 1, kMaxWindow);
  conv.relu = read_relu(fields);
  if (!product_within(kMaxWeights, {conv.out_channels, conv.reduction()})) {
    throw std::invalid_argument("out_channels: " + std::to_string(conv.out_channels) + " by " + std::to_string(conv.reduction()) +
                                " weights; allowed: at most " + std::to_string(kMaxWeights) + " in all");
  }
  if (fields.at("pattern").is_null()) {
    if (!fields.at("tile").is_null()) throw std::invalid_argument("tile: " + shown(fields.at("tile")) + "; allowed: null where pattern is null");
  } else {
    check_pattern(fields.at("pattern"));
    conv.tile = fields.size("tile", 1, kMaxTile);
  }
  return conv;
}

void read_parameters(const nlohmann::json& entry, Node& node) {
  if (node.op == "conv2d") {
    const Fields fields(entry, "", {"op", "name", "input", "output", "in_channels", "out_channels", "kernel", "stride",
                                        "padding", "dilation", "activation", "pattern", "tile"});
    node.inputs = {fields.text("input")};
    node.conv = read_conv(fields);
  } else if (node.op == "max_pool2d") {
    const Fields fields(entry, "", {"op", "name", "input", "output", "kernel", "stride", "padding"});
    node.inputs = {fields.text("input")};
    node.kernel = fields.pair("kernel", 1, kMaxWindow);
    node.stride = fields.pair("stride", 1, kMaxWindow);
    node.padding = fields.pair("padding", 0, kMaxWindow);
  } else if (node.op == "fully_connected") {
    const Fields fields(entry, "", {"op", "name", "input", "output", "in_features", "out_features"});
    node.inputs = {fields.text("input")};
    node.in_features = fields.size("in_features", 1, kMaxDimension);
    node.out_features = fields.size("out_features", 1, kMaxDimension);
    if (!product_within(kMaxWeights, {node.in_features, node.out_features})) {
      throw std::invalid_argument("out_features: " + std::to_string(node.out_features) + " by " + std::to_string(node.in_features) +
                                  " weights; allowed: at most " + std::to_string(kMaxWeights) + " in all");
    }
  } else if (node.op == "global_avg_pool") {
    node.inputs = {Fields(entry, "", {"op", "name", "input", "output"}).text("input")};
  } else {
    const Fields fields(entry, "", {"op", "name", "inputs", "output", "activation"});
    for (const auto& input : read_list(fields.at("inputs"), "inputs", 2, 2)) node.inputs.push_back(read_text(input, "inputs"));
    node.relu = read_relu(fields);
  }
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
    static constexpr std::initializer_list<const char*> kOperations = {"conv2d", "max_pool2d", "add", "global_avg_pool", "fully_connected"};
    node.op = read_text(entry.at("op"), "op");
    if (std::find(kOperations.begin(), kOperations.end(), node.op) == kOperations.end()) {
      throw std::invalid_argument("op: '" + node.op + "'; allowed: conv2d, max_pool2d, add, global_avg_pool, fully_connected");
    }
    read_parameters(entry, node);
  } catch (const std::invalid_argument& error) {
    throw std::invalid_argument(where + ": " + error.what());
  }
  return node;
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
  check_weights();
}

void Package::read_graph(const nlohmann::json& graph) {
  if (!graph.is_object() || graph.value("format", nlohmann::json()) != "colonnade-package" || graph.value("version", nlohmann::json()) != 1) {
    throw std::invalid_argument("not a colonnade-package of version 1");
  }
  const Fields fields(graph, "", {"format", "version", "weights_sha256", "inputs", "outputs", "nodes"}, {"model", "dtype", "checkpoint_sha256"});
  fields.size("version", 1, 1);
  if (fields.has("dtype")) fields.choice("dtype", {"f32"});
  for (const char* key : {"model", "checkpoint_sha256"}) {
    if (fields.has(key)) fields.text(key);
  }
  weights_sha256_ = fields.text("weights_sha256");
  std::map<std::string, Shape> shapes;
  for (const auto& entry : read_list(fields.at("inputs"), "inputs", 1, kMaxNodes)) {
    const Fields input(entry, "inputs", {"name", "channels"});
    inputs_.push_back({input.text("name"), input.size("channels", 1, kMaxDimension)});
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
  try {
    return infer_shapes(nodes_, inputs);
  } catch (const std::invalid_argument& error) {
    throw std::runtime_error(directory_ + "/graph.json: " + error.what());
  }
}

void Package::check_weights() const {
  std::set<std::string> known;
  const auto check = [&](const std::string& name, const std::string& dtype, const std::vector<size_t>& shape) {
    known.insert(name);
    check_tensor(name, dtype, shape);
  };
  for (const Node& node : nodes_) {
    const Conv& conv = node.conv;
    if (node.op == "fully_connected") {
      check(node.name + ".weight", "F32", {node.out_features, node.in_features});
      check(node.name + ".bias", "F32", {node.out_features});
    } else if (node.op == "conv2d") {
      check(node.name + ".bias", "F32", {conv.out_channels});
      if (conv.tile == 0) {
        check(node.name + ".weight", "F32", {conv.out_channels, conv.kernel[0], conv.kernel[1], conv.in_channels});
      } else {
        check_columns(node);
        known.insert(node.name + ".columns");
        check(node.name + ".values", "F32", {conv.out_channels * kept(node)});
      }
    }
  }
  for (const auto& [name, tensor] : tensors_) {
    if (known.count(name) == 0) throw std::runtime_error(directory_ + "/weights.safetensors: tensor '" + name + "' belongs to no node");
  }
}

void Package::check_tensor(const std::string& name, const std::string& dtype, const std::vector<size_t>& shape) const {
  const std::string where = directory_ + "/weights.safetensors: tensor '" + name + "'";
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) throw std::runtime_error(where + " is missing");
  const Tensor& tensor = found->second;
  if (tensor.dtype != dtype || tensor.shape != shape) {
    throw std::runtime_error(where + " is " + tensor.dtype + " " + shape_string(tensor.shape) + "; expected " + dtype + " " + shape_string(shape));
  }
  if (dtype != "F32") return;
  const float* begin = tensor.f32();
  const float* wrong = std::find_if_not(begin, begin + tensor.elements(), [](float value) { return std::isfinite(value); });
  if (wrong != begin + tensor.elements()) {
    throw std::runtime_error(where + " holds " + std::to_string(*wrong) + " at " + std::to_string(wrong - begin) + "; allowed: finite numbers");
  }
}

void Package::check_columns(const Node& node) const {
  const std::string name = node.name + ".columns";
  const size_t tiles = node.conv.tiles(), reduction = node.conv.reduction();
  const std::string where = directory_ + "/weights.safetensors: tensor '" + name + "'";
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) throw std::runtime_error(where + " is missing");
  const std::vector<size_t>& shape = found->second.shape;
  if (shape.size() != 2 || shape[1] == 0 || shape[1] > reduction) {
    throw std::runtime_error(where + " is " + shape_string(shape) + "; expected [" + std::to_string(tiles) + ", kept], of 1 to " + std::to_string(reduction) + " kept columns");
  }
  check_tensor(name, "I32", {tiles, shape[1]});
  const int32_t* column = found->second.i32();
  for (size_t i = 0; i < tiles * shape[1]; i++) {
    if (column[i] < 0 || static_cast<size_t>(column[i]) >= reduction) {
      throw std::runtime_error(where + " holds " + std::to_string(column[i]) + "; allowed: 0 to " + std::to_string(reduction - 1));
    }
    if (i % shape[1] != 0 && column[i] <= column[i - 1]) {
      throw std::runtime_error(where + " has " + std::to_string(column[i]) + " after " + std::to_string(column[i - 1]) + "; allowed: ascending columns of each tile");
    }
  }
}

std::vector<float> Package::dense_weights(const Node& node) const {
  const Conv& conv = node.conv;
  if (conv.tile == 0) {
    const Tensor& weight = weights(node.name + ".weight");
    return std::vector<float>(weight.f32(), weight.f32() + weight.elements());
  }
  const size_t kept_columns = kept(node);
  const int32_t* column = weights(node.name + ".columns").i32();
  const float* value = weights(node.name + ".values").f32();
  std::vector<float> dense(conv.out_channels * conv.reduction());
  for (size_t channel = 0; channel < conv.out_channels; channel += conv.tile) {
    const size_t rows = std::min(conv.tile, conv.out_channels - channel);
    for (size_t k = 0; k < kept_columns; k++, column++) {
      for (size_t row = 0; row < rows; row++) dense[(channel + row) * conv.reduction() + static_cast<size_t>(*column)] = *value++;
    }
  }
  return dense;
}

}  // namespace colonnade
