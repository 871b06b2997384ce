// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

#include "operations/rearranging.h"

namespace colonnade {

void append_plane_copy(PlanesNetwork& network, const Node& node, xnn_plane_copy what) {
  network.define_as(node.output, network.shape(node.output));
  what.datatype = network.datatype().xnnpack;
  what.input = network.tensor(node.inputs[0]);
  what.output = network.tensor(node.output);
  xnn_operator_t op = nullptr;
  check(xnn_create_plane_copy_cnhw(&what, &op), network.described(node));
  network.add_layer(node).operators.emplace_back(op);
}

void append_transpose(Network& network, const Node& node, const std::vector<size_t>& shape, const std::vector<size_t>& order) {
  const Activation in = network.activation(node.inputs[0]);
  const Activation out = network.define_as(node.output, network.shape(node.output));
  xnn_operator_t op = nullptr;
  check(xnn_create_transpose_nd_x32(0, &op), network.described(node));
  network.add_layer(node).operators.emplace_back(op);
  check(xnn_reshape_transpose_nd_x32(op, shape.size(), shape.data(), order.data(), network.pool()), network.described(node));
  check(xnn_setup_transpose_nd_x32(op, in.data, out.data), network.described(node));
}

}  // namespace colonnade
