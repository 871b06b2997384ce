// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

#include "operations/binary.h"

#include "operations/elementwise.h"
#include "operations/table.h"

namespace colonnade {
namespace {

// Whether an operand has one number for each plane of the other.
bool is_number(const TensorShape& operand, const TensorShape& other) {
  return !other.features && operand.shape.n == other.shape.n && operand.shape.c == other.shape.c &&
         (operand.features || (operand.shape.h == 1 && operand.shape.w == 1));
}

bool is_alike(const TensorShape& a, const TensorShape& b) { return a.features == b.features && a.shape == b.shape; }

class BinaryOperation : public Operation {
 public:
  explicit BinaryOperation(const Binary& binary) : binary_(binary) {}

  const char* name() const override { return "binary"; }

  TensorShape infer(const InputShapes& inputs) const override {
    const TensorShape &a = inputs.any(0), &b = inputs.any(1);
    if (is_alike(a, b) || is_number(b, a)) return a;
    // As long as sizes are unknown, a map of one element is none that is known.
    if (is_number(a, b)) return b;
    inputs.fail("its inputs are " + inputs.str(0) + " and " + inputs.str(1) + "; needed: two of one shape, or features or a map of one element for the other's planes");
  }

  PlaneNeeds plane_needs(bool, const std::vector<Shape>&) const override { return whole_planes(2); }

  void build(NhwcNetwork& network, const Node& node) const override {
    append_binary(network, node.name, binary_, network.activation(node.inputs[0]), network.activation(node.inputs[1]),
                  network.define_as(node.output, network.shape(node.output)));
  }

  void build(PlanesNetwork& network, const Node& node) const override {
    append_binary(network, node.name, binary_, network.operand(node.inputs[0]), network.operand(node.inputs[1]), node.output);
  }

 private:
  const Binary binary_;
};

constexpr struct {
  xnn_binary_operator nhwc;
  xnn_elementwise_function planes;
} kOperators[] = {
    {xnn_binary_add, xnn_elementwise_add},
    {xnn_binary_subtract, xnn_elementwise_subtract},
    {xnn_binary_multiply, xnn_elementwise_multiply},
    {xnn_binary_maximum, xnn_elementwise_maximum},
    {xnn_binary_minimum, xnn_elementwise_minimum},
};

TensorShape shape_of(const Activation& activation) { return {activation.shape, activation.features}; }

}  // namespace

std::shared_ptr<const Operation> read_binary(const nlohmann::json& entry, Node& node) {
  const Fields fields(entry, "", {"op", "name", "inputs", "output", "function", "activation"});
  node.inputs = read_inputs(fields, 2, 2);
  const auto function = static_cast<BinaryFunction>(fields.choice("function", {"add", "sub", "mul", "max", "min"}));
  return std::make_shared<BinaryOperation>(Binary{function, read_activation(fields)});
}

void append_binary(NhwcNetwork& network, const std::string& layer, const Binary& binary, const Activation& a, const Activation& b,
                   const Activation& output) {
  const xnn_binary_operator type = kOperators[static_cast<size_t>(binary.function)].nhwc;
  const bool number_first = !is_alike(shape_of(a), shape_of(b)) && !is_number(shape_of(b), shape_of(a));
  const Activation &first = number_first ? b : a, &second = number_first ? a : b;
  NhwcSteps steps(network, network.add_layer(layer, "binary"), first.f32(), nhwc_shape(first), output.f32());
  steps.binary(type, second.f32(), nhwc_shape(second), number_first);
  steps.clamp(binary.range);
}

void append_binary(PlanesNetwork& network, const std::string& layer, const Binary& binary, const PlaneOperand& a, const PlaneOperand& b,
                   const std::string& output) {
  const bool is_number_a = !is_alike(a.shape, b.shape) && !is_number(b.shape, a.shape);
  const bool has_number = !is_alike(a.shape, b.shape);
  const PlaneOperand &whole = is_number_a ? b : a, &other = is_number_a ? a : b;
  network.define_as(output, whole.shape);
  xnn_elementwise what = {};
  what.function = kOperators[static_cast<size_t>(binary.function)].planes;
  what.datatype = whole.datatype;
  what.params.min = binary.range.min;
  what.params.max = binary.range.max;
  what.a = whole.tensor;
  what.output = network.tensor(output);
  if (has_number) {
    const xnn_colnm_planes& planes = other.tensor.planes;
    const size_t bytes = xnn_colnm_find_datatype(other.datatype)->bytes;
    what.numbers = {static_cast<const char*>(other.tensor.data) + planes.origin * bytes, other.datatype, planes.channel_stride, planes.image_stride};
    what.number_first = is_number_a;
  } else {
    what.b = other.tensor;
  }
  xnn_operator_t op = nullptr;
  check(xnn_create_elementwise_cnhw(&what, &op), "node '" + layer + "'");
  network.add_layer(layer, "binary").operators.emplace_back(op);
}

}  // namespace colonnade
