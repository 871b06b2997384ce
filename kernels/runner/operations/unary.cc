// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// unary: a function of every element.
#include <cmath>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include "operations/elementwise.h"
#include "operations/table.h"
#include "size_limits.h"

namespace colonnade {
namespace {

enum class Function { relu,
                      relu6,
                      clip,
                      hard_swish,
                      hard_sigmoid,
                      sigmoid,
                      silu,
                      leaky_relu,
                      prelu,
                      tanh,
                      gelu,
                      gelu_tanh,
                      mish,
                      elu,
                      softplus,
                      erf,
                      exp,
                      abs };
const std::vector<const char*> kFunctions = {"relu", "relu6", "clip", "hard_swish", "hard_sigmoid", "sigmoid", "silu", "leaky_relu", "prelu", "tanh",
                                             "gelu", "gelu_tanh", "mish", "elu", "softplus", "erf", "exp", "abs"};

struct Unary {
  Function function;
  OutputRange range = {-INFINITY, INFINITY};  // of relu, relu6, clip, hard_sigmoid
  float scale = 1, shift = 0;                 // of hard_sigmoid, hard_swish
  float slope = 0;                            // of leaky_relu, and elu's alpha
  size_t channels = 0;                        // of prelu
};

class UnaryOperation : public Operation {
 public:
  explicit UnaryOperation(const Unary& unary) : unary_(unary) {}

  const char* name() const override { return "unary"; }

  TensorShape infer(const InputShapes& inputs) const override {
    if (unary_.channels == 0) return inputs.any(0);
    return {inputs.any(0).features ? inputs.features(0, unary_.channels) : inputs.map(0, unary_.channels), inputs.any(0).features};
  }

  void check_weights(const Node& node, WeightsCheck& weights) const override {
    if (unary_.channels != 0) weights.take(node.name + ".slope", "F32", {unary_.channels});
  }

  Parameters parameters() const override { return {{"function", json_text(kFunctions[static_cast<size_t>(unary_.function)])}}; }

  PlaneNeeds plane_needs(bool, const std::vector<Shape>&) const override { return whole_planes(1); }

  void build(NhwcNetwork& network, const Node& node) const override;
  void build(PlanesNetwork& network, const Node& node) const override;

 private:
  const Unary unary_;
};

void UnaryOperation::build(NhwcNetwork& network, const Node& node) const {
  const Activation in = network.activation(node.inputs[0]);
  const Activation out = network.define_as(node.output, network.shape(node.output));
  const std::string where = network.described(node);
  const std::vector<size_t> shape = nhwc_shape(in);
  Layer& layer = network.add_layer(node);
  NhwcSteps steps(network, layer, in.f32(), shape, out.f32());
  switch (unary_.function) {
    case Function::relu:
    case Function::relu6:
    case Function::clip: return steps.clamp(unary_.range);
    case Function::hard_swish: return steps.unary(xnn_unary_hardswish, nullptr, where);
    case Function::sigmoid: return steps.unary(xnn_unary_sigmoid, nullptr, where);
    case Function::tanh: return steps.unary(xnn_unary_tanh, nullptr, where);
    case Function::gelu: return steps.unary(xnn_unary_gelu, nullptr, where);
    case Function::exp: return steps.unary(xnn_unary_exp, nullptr, where);
    case Function::abs: return steps.unary(xnn_unary_abs, nullptr, where);
    case Function::elu: {
      xnn_unary_params params = {};
      params.elu.alpha = unary_.slope;
      return steps.unary(xnn_unary_elu, &params, where);
    }
    case Function::gelu_tanh:
    case Function::mish:
    case Function::softplus:
    case Function::erf:
      throw std::runtime_error("node '" + node.name + "': unary, function \"" + kFunctions[static_cast<size_t>(unary_.function)] +
                               "\"; allowed in xnnpack_nhwc_dense: any but erf, gelu_tanh, mish and softplus");
    case Function::hard_sigmoid:
      steps.binary(xnn_binary_multiply, unary_.scale);
      steps.binary(xnn_binary_add, unary_.shift);
      return steps.clamp(unary_.range);
    case Function::silu:
      steps.unary(xnn_unary_sigmoid, nullptr, where);
      return steps.binary(xnn_binary_multiply, in.f32(), shape);
    case Function::leaky_relu: {
      xnn_unary_params params = {};
      params.leaky_relu.negative_slope = unary_.slope;
      return steps.unary(xnn_unary_leaky_relu, &params, where);
    }
    case Function::prelu: {
      // x below 0 times the slope, and x above it.
      const Activation above = network.allocate_as(node.output, in.shape);
      NhwcSteps(network, layer, in.f32(), shape, above.f32()).binary(xnn_binary_maximum, 0.0f);
      steps.binary(xnn_binary_minimum, 0.0f);
      steps.binary(xnn_binary_multiply, network.package().weights(node.name + ".slope").f32(), {unary_.channels});
      return steps.binary(xnn_binary_add, above.f32(), shape);
    }
  }
}

void UnaryOperation::build(PlanesNetwork& network, const Node& node) const {
  xnn_elementwise what = {};
  what.params = {unary_.scale, unary_.shift, unary_.slope, unary_.range.min, unary_.range.max};
  switch (unary_.function) {
    case Function::hard_swish: what.function = xnn_elementwise_hard_swish; break;
    case Function::sigmoid: what.function = xnn_elementwise_sigmoid; break;
    case Function::silu: what.function = xnn_elementwise_silu; break;
    case Function::tanh: what.function = xnn_elementwise_tanh; break;
    case Function::gelu: what.function = xnn_elementwise_gelu; break;
    case Function::gelu_tanh: what.function = xnn_elementwise_gelu_tanh; break;
    case Function::mish: what.function = xnn_elementwise_mish; break;
    case Function::elu: what.function = xnn_elementwise_elu; break;
    case Function::softplus: what.function = xnn_elementwise_softplus; break;
    case Function::erf: what.function = xnn_elementwise_erf; break;
    case Function::exp: what.function = xnn_elementwise_exp; break;
    case Function::abs: what.function = xnn_elementwise_abs; break;
    case Function::prelu: what.slope = network.package().weights(node.name + ".slope").f32(); [[fallthrough]];
    case Function::leaky_relu: what.function = xnn_elementwise_leaky_relu; break;
    default: what.function = xnn_elementwise_affine; break;
  }
  append_elementwise(network, node, what);
}

std::vector<const char*> keys_of(Function function) {
  std::vector<const char*> keys = {"op", "name", "input", "output", "function"};
  if (function == Function::clip) keys.insert(keys.end(), {"min", "max"});
  if (function == Function::hard_sigmoid) keys.insert(keys.end(), {"alpha", "beta"});
  if (function == Function::leaky_relu) keys.push_back("slope");
  if (function == Function::elu) keys.push_back("alpha");
  if (function == Function::prelu) keys.push_back("channels");
  return keys;
}

OutputRange read_clip(const Fields& fields) {
  OutputRange range = {-INFINITY, INFINITY};
  if (fields.is_null("min") && fields.is_null("max")) throw std::invalid_argument("min: null; allowed: a number where max is null");
  if (!fields.is_null("min")) range.min = static_cast<float>(fields.number("min"));
  if (!fields.is_null("max")) range.max = static_cast<float>(fields.number("max"));
  if (range.min > range.max) throw std::invalid_argument("min: " + fields.shown_at("min") + "; allowed: at most max, " + fields.shown_at("max"));
  return range;
}

}  // namespace

std::shared_ptr<const Operation> read_unary(const nlohmann::json& entry, Node& node) {
  if (!entry.contains("function")) throw std::invalid_argument("function: missing");
  // Which keys there are depends on the function.
  const auto function = static_cast<Function>(read_choice(entry.at("function"), "function", kFunctions));
  const Fields fields(entry, "", keys_of(function));
  node.inputs = {fields.text("input")};
  Unary unary = {function};
  switch (function) {
    case Function::relu: unary.range = {0, INFINITY}; break;
    case Function::relu6: unary.range = {0, 6}; break;
    case Function::clip: unary.range = read_clip(fields); break;
    case Function::hard_swish: unary.scale = 1.0f / 6, unary.shift = 0.5f; break;
    case Function::hard_sigmoid:
      unary.range = {0, 1};
      unary.scale = static_cast<float>(fields.number("alpha"));
      unary.shift = static_cast<float>(fields.number("beta"));
      break;
    case Function::leaky_relu: unary.slope = static_cast<float>(fields.number("slope")); break;
    case Function::elu: unary.slope = static_cast<float>(fields.number("alpha")); break;
    case Function::prelu: unary.channels = fields.size("channels", 1, kMaxDimension); break;
    default: break;
  }
  return std::make_shared<UnaryOperation>(unary);
}

}  // namespace colonnade
