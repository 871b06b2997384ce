// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

#include "planes_network.h"

#include <cstring>

#include "colonnade/operators.h"
#include "operations/conv2d.h"

namespace colonnade {

void PlanesNetwork::plan(const std::map<std::string, TensorShape>& shapes) {
  for (const Node& node : package().nodes()) {
    const Conv2d* conv = as_conv2d(node);
    if (conv != nullptr && conv->needs_schedule() && !conv->runs_as_spmm(implementation_)) {
      found_[node.name] = conv->find_schedule(node, shapes.at(node.inputs[0]).shape, package(), implementation_, datatype(), schedules_);
    }
  }
  const auto is_direct = [this](const Node& node) {
    const auto found = found_.find(node.name);
    return found != found_.end() && found->second.schedule.schedule.algorithm == xnn_colnm_direct && as_conv2d(node)->can_be_direct();
  };
  layouts_ = std::make_unique<Layouts>(package(), shapes, is_direct);
  if (implementation_.layout == Layout::nchw) layouts_->make_dense();
}

void PlanesNetwork::load(const std::string& name, const float* nchw) {
  std::memcpy(images_.at(name), nchw, activation(name).shape.elements() * f32().element_bytes);
}

void PlanesNetwork::lend(const std::string& name, const float* nchw) {
  check(xnn_setup_copy_to_planes(copies_.at(name), nchw, activation(name).data), name);
}

Activation PlanesNetwork::place(const std::string& name, const Shape& shape) {
  const Place& place = layouts_->place(name);
  auto [buffer, is_new] = buffers_.emplace(place.tensor, nullptr);
  if (is_new) buffer->second = allocate_as(place.tensor, shape).data;
  const size_t offset = place.channel * planes(name).channel_stride * datatype().element_bytes;
  return {shape, static_cast<char*>(buffer->second) + offset, planes(name).size, /*features=*/false};
}

xnn_plane_tensor PlanesNetwork::tensor(const std::string& name) const { return tensor(name, activation(name)); }

xnn_plane_tensor PlanesNetwork::tensor(const std::string& name, const Activation& activation) const {
  if (!activation.features) return {planes(name), activation.data};
  return {dense_planes({activation.shape.n, activation.shape.c, 1, 1}), activation.data};
}

void PlanesNetwork::build_input(const std::string& name) {
  xnn_operator_t op = nullptr;
  check(xnn_create_copy_to_planes(datatype().xnnpack, &op), name);
  add_layer(name, "copy_to_planes").operators.emplace_back(op);
  check(xnn_reshape_copy_to_planes(op, &planes(name), xnn_colnm_nchw), name);
  const Activation& input = activation(name);
  auto* images = static_cast<float*>(allocate(input.shape.elements() * f32().element_bytes));
  images_[name] = images;
  copies_[name] = op;
  check(xnn_setup_copy_to_planes(op, images, input.data), name);
}

void PlanesNetwork::store(const std::string& name, float* nchw) const { datatype().from_planes(planes(name), activation(name).data, nchw); }

}  // namespace colonnade
