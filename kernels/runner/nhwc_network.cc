// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// xnnpack_nhwc_dense: stock XNNPACK operators on NHWC activations, masked weights expanded to dense.
#include <cmath>
#include <stdexcept>

#include "network.h"

namespace colonnade {
namespace {

class NhwcNetwork : public Network {
 public:
  NhwcNetwork(const Package& package, pthreadpool_t pool) : Network(package, xnn_datatype_fp32, pool) {}

  // The image is taken as NHWC: its conversion takes no time here.
  void load(const std::string& name, const float* nchw) override {
    const Activation a = activation(name);
    for_each_element(a.shape, [&](size_t planar, size_t interleaved) { a.f32()[interleaved] = nchw[planar]; });
  }

 protected:
  void store(const std::string& name, float* nchw) const override {
    const Activation a = activation(name);
    for_each_element(a.shape, [&](size_t planar, size_t interleaved) { nchw[planar] = a.f32()[interleaved]; });
  }

  void build_conv(const Node& node) override {
    const Conv& conv = node.conv;
    const Activation in = activation(node.inputs[0]);
    const Tensor& bias = package_.weights(node.name + ".bias");
    const auto [kh, kw] = conv.kernel;
    const auto [ph, pw] = conv.padding;
    xnn_operator_t op = nullptr;
    check(xnn_create_convolution2d_nhwc_f32(ph, pw, ph, pw, kh, kw, conv.stride[0], conv.stride[1], conv.dilation[0],
                                            conv.dilation[1], 1, conv.in_channels, conv.out_channels, conv.in_channels,
                                            conv.out_channels, package_.dense_weights(node).data(), bias.f32(),
                                            conv.relu ? 0.0f : -INFINITY, INFINITY, 0, nullptr, nullptr, &op), described(node));
    Layer& layer = add_layer(node);
    layer.operators.emplace_back(op);
    size_t workspace, alignment, height, width;
    check(xnn_reshape_convolution2d_nhwc_f32(op, in.shape.n, in.shape.h, in.shape.w, &workspace, &alignment, &height, &width, pool_), described(node));
    const Activation out = define(node.output, {in.shape.n, conv.out_channels, height, width});
    layer.macs = layer.useful_macs = out.shape.elements() * conv.reduction();
    on_workspace(workspace, [=, where = described(node)](void* space) {
      check(xnn_setup_convolution2d_nhwc_f32(op, workspace == 0 ? nullptr : space, in.f32(), out.f32()), where);
    });
  }

  void build_max_pool(const Node& node) override {
    const Activation in = activation(node.inputs[0]);
    const auto [ph, pw] = node.padding;
    // This XNNPACK has pools that skip no element only.
    if (node.kernel == Pair{1, 1} || node.stride[0] > node.kernel[0] || node.stride[1] > node.kernel[1]) {
      throw std::runtime_error("node '" + node.name + "': stride: " + shown(node.stride) + " of a kernel " + shown(node.kernel) +
                               "; allowed in xnnpack_nhwc_dense: kernels of more than one element, and strides up to the kernel");
    }
    xnn_operator_t op = nullptr;
    check(xnn_create_max_pooling2d_nhwc_f32(ph, pw, ph, pw, node.kernel[0], node.kernel[1], node.stride[0],
                                            node.stride[1], 1, 1, -INFINITY, INFINITY, 0, &op), described(node));
    add_layer(node).operators.emplace_back(op);
    size_t height, width;
    check(xnn_reshape_max_pooling2d_nhwc_f32(op, in.shape.n, in.shape.h, in.shape.w, in.shape.c, in.shape.c, in.shape.c, &height, &width, pool_), described(node));
    check(xnn_setup_max_pooling2d_nhwc_f32(op, in.f32(), define(node.output, {in.shape.n, in.shape.c, height, width}).f32()), described(node));
  }

  void build_global_average(const Node& node) override {
    const Activation in = activation(node.inputs[0]);
    const Activation out = define(node.output, {in.shape.n, in.shape.c, 1, 1}, /*features=*/true);
    xnn_operator_t op = nullptr;
    check(xnn_create_reduce_nd(xnn_reduce_mean, xnn_datatype_fp32, nullptr, nullptr, 0, &op), described(node));
    add_layer(node).operators.emplace_back(op);
    const int64_t axes[] = {1, 2};
    const size_t shape[] = {in.shape.n, in.shape.h, in.shape.w, in.shape.c};
    size_t workspace, alignment;
    check(xnn_reshape_reduce_nd(op, 2, axes, 4, shape, &workspace, &alignment, pool_), described(node));
    // A mean of float32 accumulates in its output; with a workspace it would look for a conversion, of
    // which there is none.
    check(xnn_setup_reduce_nd(op, nullptr, in.data, out.data), described(node));
  }

 private:
  // Calls `visit(index in NCHW, index in NHWC)`.
  template <typename Visit>
  static void for_each_element(const Shape& s, Visit visit) {
    size_t planar = 0;
    for (size_t n = 0; n < s.n; n++)
      for (size_t c = 0; c < s.c; c++)
        for (size_t p = 0; p < s.h * s.w; p++) visit(planar++, (n * s.h * s.w + p) * s.c + c);
  }
};

}  // namespace

std::unique_ptr<Network> make_nhwc_network(const Package& package, pthreadpool_t pool) {
  return std::make_unique<NhwcNetwork>(package, pool);
}

}  // namespace colonnade
