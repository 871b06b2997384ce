// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Operations: what a node of a graph does. Each has a file in operations/ and a row in the table operations/table.cc, and
// says there all that is to be known of it: its keys, the shape of its output, its weights, how it wants its tensors in
// planes, and the operators that run it in either layout.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "layouts.h"
#include "shapes.h"
#include "strict_json.h"
#include "weights.h"

namespace colonnade {

class NhwcNetwork;
class PlanesNetwork;
class Operation;

// Names and, as JSON, values, for messages.
using Parameters = std::vector<std::pair<const char*, std::string>>;

struct Node {
  std::string name;
  std::vector<std::string> inputs;
  std::string output;
  std::shared_ptr<const Operation> operation;
};

class Operation {
 public:
  virtual ~Operation() = default;

  // As graph.json and reports have it.
  virtual const char* name() const = 0;
  // The shape of the output. Throws std::invalid_argument, as InputShapes does, for inputs that do not fit.
  virtual TensorShape infer(const InputShapes& inputs) const = 0;
  // Takes the node's tensors from the weights. Throws std::runtime_error for what is not as it has to be.
  virtual void check_weights(const Node&, WeightsCheck&) const {}
  // Those that decide whether there is an operator.
  virtual Parameters parameters() const { return {}; }

  // How it wants its tensors in planes; `direct` where it is a convolution that reads them without packing.
  virtual PlaneNeeds plane_needs(bool direct, const std::vector<Shape>& inputs) const = 0;
  // Whether tensors that it reads are to lie in the output's channels, one after the other: then nothing is copied.
  virtual bool joins_inputs() const { return false; }
  // Which of so many channels of its input its output begins with, where it is to lie there: then nothing is copied.
  virtual std::optional<size_t> first_channel(size_t) const { return std::nullopt; }
  // Moves rows apart until those of tensors that it reads or writes together are equally far apart, and says whether
  // that took anything.
  virtual bool align_rows(bool, const std::vector<PlanePlan*>&, PlanePlan&) const { return false; }

  // Appends the layers of a node. Throws std::runtime_error where there is no operator.
  virtual void build(NhwcNetwork& network, const Node& node) const = 0;
  virtual void build(PlanesNetwork& network, const Node& node) const = 0;
};

// One row of the table: reads the keys of an entry of graph.json, those of all operations among them, into the node's
// inputs and the operation. Throws std::invalid_argument naming key and what is allowed.
struct OperationType {
  const char* name;
  std::shared_ptr<const Operation> (*read)(const nlohmann::json& entry, Node& node);
};
const std::vector<OperationType>& operation_types();

// What an operator clamps its output to.
struct OutputRange {
  float min, max;
};
// An activation key: "none", "relu" or "relu6".
OutputRange read_activation(const Fields& fields);
// The names of an inputs key.
std::vector<std::string> read_inputs(const Fields& fields, size_t least, size_t most);
// Throws std::invalid_argument naming `key` for a layer of too many weights, `rows` by `columns`.
void check_weight_count(const char* key, size_t rows, size_t columns);

}  // namespace colonnade
