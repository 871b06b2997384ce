#include "package.h"

#include <algorithm>
#include <set>
#include <stdexcept>

namespace colonnade {
namespace {

std::string shape_string(const std::vector<size_t>& shape) { return nlohmann::json(shape).dump(); }

bool read_relu(const nlohmann::json& entry) {
  const std::string activation = entry.at("activation").get<std::string>();
  if (activation != "relu" && activation != "none") {
    throw std::invalid_argument("activation: '" + activation + "'; allowed: relu, none");
  }
  return activation == "relu";
}

size_t read_size(const nlohmann::json& entry, const char* key) {
  const auto size = entry.at(key).get<size_t>();
  if (size == 0) throw std::invalid_argument(std::string(key) + ": 0; allowed: at least 1");
  return size;
}

Pair read_sizes(const nlohmann::json& entry, const char* key) {
  const auto sizes = entry.at(key).get<Pair>();
  if (sizes[0] == 0 || sizes[1] == 0) throw std::invalid_argument(std::string(key) + ": 0; allowed: at least 1 each");
  return sizes;
}

Conv read_conv(const nlohmann::json& entry) {
  Conv conv = {};
  conv.in_channels = read_size(entry, "in_channels");
  conv.out_channels = read_size(entry, "out_channels");
  conv.kernel = read_sizes(entry, "kernel");
  conv.stride = read_sizes(entry, "stride");
  conv.padding = entry.at("padding").get<Pair>();
  conv.dilation = read_sizes(entry, "dilation");
  conv.relu = read_relu(entry);
  if (!entry.at("pattern").is_null()) {
    conv.tile = entry.at("tile").get<size_t>();
    if (conv.tile == 0) throw std::invalid_argument("tile: 0; allowed: 1 to 31");
  }
  return conv;
}

}  // namespace

Package::Package(const std::string& directory) : directory_(directory) {
  const std::string path = directory + "/graph.json";
  try {
    graph_ = nlohmann::json::parse(read_file(path));
    if (graph_.at("format") != "colonnade-package" || graph_.at("version") != 1) {
      throw std::invalid_argument("not a colonnade-package of version 1");
    }
    std::set<std::string> known;
    for (const auto& input : graph_.at("inputs")) known.insert(input.at("name").get<std::string>());
    for (const auto& entry : graph_.at("nodes")) {
      Node node = read_node(entry);
      for (const std::string& input : node.inputs) {
        if (known.count(input) == 0) throw std::invalid_argument("node '" + node.name + "': input '" + input + "' does not exist");
      }
      if (!known.insert(node.output).second) throw std::invalid_argument("node '" + node.name + "': output '" + node.output + "' exists already");
      nodes_.push_back(std::move(node));
    }
    for (const auto& output : graph_.at("outputs")) {
      if (known.count(output.get<std::string>()) == 0) throw std::invalid_argument("outputs: '" + output.get<std::string>() + "' does not exist");
    }
  } catch (const nlohmann::json::exception& error) {
    throw std::runtime_error(path + ": " + error.what());
  } catch (const std::invalid_argument& error) {
    throw std::runtime_error(path + ": " + error.what());
  }
  tensors_ = read_safetensors(directory + "/weights.safetensors");
}

Node Package::read_node(const nlohmann::json& entry) const {
  Node node = {};
  node.op = entry.at("op").get<std::string>();
  node.name = entry.at("name").get<std::string>();
  node.output = entry.at("output").get<std::string>();
  try {
    if (node.op == "add") {
      node.inputs = entry.at("inputs").get<std::vector<std::string>>();
      node.relu = read_relu(entry);
      if (node.inputs.size() != 2) throw std::invalid_argument("inputs: two are needed");
      return node;
    }
    node.inputs = {entry.at("input").get<std::string>()};
    if (node.op == "conv2d") {
      node.conv = read_conv(entry);
    } else if (node.op == "max_pool2d") {
      node.kernel = read_sizes(entry, "kernel");
      node.stride = read_sizes(entry, "stride");
      node.padding = entry.at("padding").get<Pair>();
    } else if (node.op == "fully_connected") {
      node.in_features = read_size(entry, "in_features");
      node.out_features = read_size(entry, "out_features");
    } else if (node.op != "global_avg_pool") {
      throw std::invalid_argument("op: '" + node.op + "'; allowed: conv2d, max_pool2d, add, global_avg_pool, fully_connected");
    }
  } catch (const std::exception& error) {
    throw std::invalid_argument("node '" + node.name + "': " + error.what());
  }
  return node;
}

const Tensor& Package::weights(const std::string& name, const std::string& dtype, const std::vector<size_t>& shape) const {
  const std::string path = directory_ + "/weights.safetensors";
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) throw std::runtime_error(path + ": tensor '" + name + "' is missing");
  const Tensor& tensor = found->second;
  if (tensor.dtype != dtype || tensor.shape != shape) {
    throw std::runtime_error(path + ": tensor '" + name + "' is " + tensor.dtype + " " + shape_string(tensor.shape) +
                             "; expected " + dtype + " " + shape_string(shape));
  }
  return tensor;
}

size_t Package::kept(const Node& node) const {
  if (node.conv.tile == 0) return node.conv.reduction();
  const auto found = tensors_.find(node.name + ".columns");
  const size_t tiles = (node.conv.out_channels + node.conv.tile - 1) / node.conv.tile;
  if (found == tensors_.end() || found->second.shape.size() != 2 || found->second.shape[0] != tiles ||
      found->second.shape[1] == 0 || found->second.shape[1] > node.conv.reduction()) {
    throw std::runtime_error(directory_ + "/weights.safetensors: tensor '" + node.name + ".columns' is missing, or not [" +
                             std::to_string(tiles) + ", kept]");
  }
  return found->second.shape[1];
}

std::vector<float> Package::dense_weights(const Node& node) const {
  const Conv& conv = node.conv;
  if (conv.tile == 0) {
    const Tensor& weight = weights(node.name + ".weight", "F32", {conv.out_channels, conv.kernel[0], conv.kernel[1], conv.in_channels});
    return std::vector<float>(weight.f32(), weight.f32() + weight.elements());
  }
  const size_t kept_columns = kept(node);
  const size_t tiles = (conv.out_channels + conv.tile - 1) / conv.tile;
  const int32_t* column = weights(node.name + ".columns", "I32", {tiles, kept_columns}).i32();
  const float* value = weights(node.name + ".values", "F32", {conv.out_channels * kept_columns}).f32();
  std::vector<float> dense(conv.out_channels * conv.reduction());
  for (size_t channel = 0; channel < conv.out_channels; channel += conv.tile) {
    const size_t rows = std::min(conv.tile, conv.out_channels - channel);
    for (size_t k = 0; k < kept_columns; k++, column++) {
      if (*column < 0 || static_cast<size_t>(*column) >= conv.reduction()) {
        throw std::runtime_error(directory_ + "/weights.safetensors: tensor '" + node.name + ".columns' holds " +
                                 std::to_string(*column) + "; allowed: 0 to " + std::to_string(conv.reduction() - 1));
      }
      for (size_t row = 0; row < rows; row++) dense[(channel + row) * conv.reduction() + static_cast<size_t>(*column)] = *value++;
    }
  }
  return dense;
}

}  // namespace colonnade
