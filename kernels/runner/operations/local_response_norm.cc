// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// local_response_norm: every element by a power of the squares in the channels around it.
#include <limits>
#include <stdexcept>

#include "nhwc_network.h"
#include "operations/elementwise.h"
#include "operations/table.h"
#include "size_limits.h"

namespace colonnade {
namespace {

class LocalResponseNorm : public Operation {
 public:
  LocalResponseNorm(size_t size, float alpha, float beta, float k) : size_(size), alpha_(alpha), beta_(beta), k_(k) {}

  const char* name() const override { return "local_response_norm"; }

  TensorShape infer(const InputShapes& inputs) const override { return {inputs.map(0), /*features=*/false}; }

  PlaneNeeds plane_needs(bool, const std::vector<Shape>&) const override { return whole_planes(1); }

  void build(NhwcNetwork&, const Node& node) const override {
    throw std::runtime_error("node '" + node.name + "': local_response_norm; allowed in xnnpack_nhwc_dense: what this XNNPACK has an operator for");
  }

  void build(PlanesNetwork& network, const Node& node) const override {
    network.define(node.output, network.shape(node.output).shape);
    const xnn_plane_normalization what = {network.datatype().xnnpack, network.tensor(node.inputs[0]), network.tensor(node.output), size_, alpha_, beta_, k_};
    xnn_operator_t op = nullptr;
    check(xnn_create_local_response_normalization_cnhw(&what, &op), network.described(node));
    network.add_layer(node).operators.emplace_back(op);
  }

 private:
  const size_t size_;
  const float alpha_, beta_, k_;
};

}  // namespace

std::shared_ptr<const Operation> read_local_response_norm(const nlohmann::json& entry, Node& node) {
  const Fields fields(entry, "", {"op", "name", "input", "output", "size", "alpha", "beta", "k"});
  node.inputs = {fields.text("input")};
  const size_t size = fields.size("size", 1, kMaxWindow);
  // What is raised to a power is then a positive normal number, which the kernels' logarithm needs.
  const auto alpha = static_cast<float>(fields.number("alpha", 0));
  const auto k = static_cast<float>(fields.number("k", std::numeric_limits<float>::min()));
  return std::make_shared<LocalResponseNorm>(size, alpha, static_cast<float>(fields.number("beta")), k);
}

}  // namespace colonnade
