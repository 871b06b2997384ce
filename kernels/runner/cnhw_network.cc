// colnm_*: our operators on channel-major activations. A residual add is fused into the convolution that
// makes its first operand, when nothing else reads that.
#include <algorithm>
#include <cmath>
#include <map>
#include <stdexcept>

#include "colonnade/operators.h"
#include "network.h"

namespace colonnade {
namespace {

class CnhwNetwork : public Network {
 public:
  CnhwNetwork(const Package& package, const Schedules& schedules, pthreadpool_t pool)
      : Network(package, pool), schedules_(schedules) {
    std::map<std::string, size_t> uses;
    for (const auto& output : package.graph().at("outputs")) uses[output.get<std::string>()]++;
    for (const Node& node : package.nodes())
      for (const std::string& input : node.inputs) uses[input]++;
    for (const Node& node : package.nodes()) {
      if (node.op == "conv2d" && !node.conv.relu && uses[node.output] == 1) fusible_[node.output] = &node;
    }
    // Of an add's operands only one conv can absorb it; the other is computed before.
    for (const Node& node : package.nodes()) {
      if (node.op == "add" && fusible_.count(node.inputs[0]) != 0) deferred_[node.inputs[0]] = fusible_[node.inputs[0]];
    }
  }

 protected:
  void load(float* activation, const Tensor& nchw, const Shape& s) const override {
    swap(nchw.f32(), activation, s.n, s.c, s.h * s.w);
  }

  void store(const float* activation, const Shape& s, float* nchw) const override {
    swap(activation, nchw, s.c, s.n, s.h * s.w);
  }

  void build_conv(const Node& node) override {
    if (deferred_.count(node.output) == 0) append_conv(node, node.output, nullptr, node.conv.relu);
  }

  void build_add(const Node& node) override {
    const auto conv = deferred_.find(node.inputs[0]);
    if (conv == deferred_.end()) {
      Network::build_add(node);
      return;
    }
    const Activation residual = activation(node.inputs[1]);
    append_conv(*conv->second, node.output, &residual, node.relu);
  }

  void build_max_pool(const Node& node) override {
    const Activation in = activation(node.inputs[0]);
    xnn_operator_t op = nullptr;
    check(xnn_create_max_pooling2d_cnhw_f32(node.padding[0], node.padding[1], node.kernel[0], node.kernel[1],
                                            node.stride[0], node.stride[1], &op), node.name);
    add_layer(node).operators.emplace_back(op);
    size_t workspace, alignment, height, width;
    check(xnn_reshape_max_pooling2d_cnhw_f32(op, in.shape.n, in.shape.c, in.shape.h, in.shape.w, &workspace, &alignment, &height, &width, pool_), node.name);
    const Activation out = define(node.output, {in.shape.n, in.shape.c, height, width});
    on_workspace(workspace, [=, name = node.name](void* space) {
      check(xnn_setup_max_pooling2d_cnhw_f32(op, space, in.data, out.data), name);
    });
  }

  void build_global_average(const Node& node) override {
    const Activation in = activation(node.inputs[0]);
    xnn_operator_t op = nullptr;
    check(xnn_create_global_average_pooling_cnhw_f32(&op), node.name);
    add_layer(node).operators.emplace_back(op);
    check(xnn_reshape_global_average_pooling_cnhw_f32(op, in.shape.n, in.shape.c, in.shape.h * in.shape.w), node.name);
    check(xnn_setup_global_average_pooling_cnhw_f32(op, in.data, define(node.output, {in.shape.n, in.shape.c, 1, 1}, /*features=*/true).data), node.name);
  }

 private:
  static void swap(const float* in, float* out, size_t first, size_t second, size_t plane) {
    for (size_t i = 0; i < first; i++)
      for (size_t j = 0; j < second; j++) std::copy_n(in + (i * second + j) * plane, plane, out + (j * first + i) * plane);
  }

  static std::string shape_string(const Conv& conv, const Shape& in) {
    const auto s = [](size_t v) { return std::to_string(v); };
    return "n" + s(in.n) + "c" + s(in.c) + "h" + s(in.h) + "w" + s(in.w) + "-o" + s(conv.out_channels) + "-k" +
           s(conv.kernel[0]) + "x" + s(conv.kernel[1]) + "-s" + s(conv.stride[0]) + "-p" + s(conv.padding[0]) + "-d" +
           s(conv.dilation[0]);
  }

  // Dense [out, K] weights, tile after tile, column after column.
  static std::vector<float> interleave(const std::vector<float>& dense, const Conv& conv, size_t tile) {
    std::vector<float> values;
    values.reserve(dense.size());
    for (size_t channel = 0; channel < conv.out_channels; channel += tile)
      for (size_t k = 0; k < conv.reduction(); k++)
        for (size_t row = channel; row < std::min(channel + tile, conv.out_channels); row++)
          values.push_back(dense[row * conv.reduction() + k]);
    return values;
  }

  void append_conv(const Node& node, const std::string& output, const Activation* residual, bool relu) {
    const Conv& conv = node.conv;
    const Activation in = activation(node.inputs[0]);
    if (in.shape.c != conv.in_channels) throw std::runtime_error("node '" + node.name + "': its input has not " + std::to_string(conv.in_channels) + " channels");
    ConvSchedule schedule = schedules_.find(shape_string(conv, in.shape), conv.sparsity);
    xnn_colnm_convolution2d d = {};
    d.padding_height = conv.padding[0];
    d.padding_width = conv.padding[1];
    d.kernel_height = conv.kernel[0];
    d.kernel_width = conv.kernel[1];
    d.stride_height = conv.stride[0];
    d.stride_width = conv.stride[1];
    d.dilation_height = conv.dilation[0];
    d.dilation_width = conv.dilation[1];
    d.in_channels = conv.in_channels;
    d.out_channels = conv.out_channels;
    d.output_min = relu ? 0.0f : -INFINITY;
    d.output_max = INFINITY;
    d.bias = package_.weights(node.name + ".bias", "F32", {conv.out_channels}).f32();
    std::vector<float> values;
    if (conv.tile == 0) {
      d.tile = schedule.tile;
      d.kept = conv.reduction();
      values = interleave(package_.dense_weights(node), conv, d.tile);
      d.values = values.data();
    } else {
      d.tile = conv.tile;
      d.kept = package_.kept(node);
      const size_t tiles = (conv.out_channels + conv.tile - 1) / conv.tile;
      d.values = package_.weights(node.name + ".values", "F32", {conv.out_channels * d.kept}).f32();
      d.columns = reinterpret_cast<const uint32_t*>(package_.weights(node.name + ".columns", "I32", {tiles, d.kept}).i32());
      // A mask made for another target may have a tile this schedule's LMUL has no registers for.
      while (schedule.schedule.lmul > 1 && (d.tile + 1) * schedule.schedule.lmul > 32) schedule.schedule.lmul /= 2;
    }
    xnn_operator_t op = nullptr;
    check(xnn_create_colnm_convolution2d_cnhw_f32(&d, &schedule.schedule, &op), "node '" + node.name + "'");
    Layer& layer = add_layer(node);
    layer.operators.emplace_back(op);
    size_t workspace, alignment, height, width;
    check(xnn_reshape_colnm_convolution2d_cnhw_f32(op, in.shape.n, in.shape.h, in.shape.w, &workspace, &alignment, &height, &width, pool_), node.name);
    const Activation out = define(output, {in.shape.n, conv.out_channels, height, width});
    layer.macs = out.shape.elements() * conv.reduction();
    layer.useful_macs = out.shape.elements() * d.kept;
    const float* residual_data = residual == nullptr ? nullptr : residual->data;
    on_workspace(workspace, [=, name = node.name](void* space) {
      check(xnn_setup_colnm_convolution2d_cnhw_f32(op, space, in.data, residual_data, out.data), name);
    });
  }

  const Schedules& schedules_;
  std::map<std::string, const Node*> fusible_;
  std::map<std::string, const Node*> deferred_;
};

}  // namespace

std::unique_ptr<Network> make_cnhw_network(const Package& package, const Schedules& schedules, pthreadpool_t pool) {
  return std::make_unique<CnhwNetwork>(package, schedules, pool);
}

}  // namespace colonnade
