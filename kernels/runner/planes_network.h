// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Our operators on planes, and XNNPACK's sparse operator among them.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "colonnade/plane-operators.h"
#include "layouts.h"
#include "network.h"

namespace colonnade {

// What an operator reads or writes: a tensor, its shape and the datatype of its elements.
struct PlaneOperand {
  TensorShape shape;
  xnn_datatype datatype;
  xnn_plane_tensor tensor;
};

class PlanesNetwork : public Network {
 public:
  PlanesNetwork(const Package& package, const Implementation& implementation, const Schedules* schedules, const Datatype& datatype, pthreadpool_t pool,
                Memory& memory)
      : Network(package, datatype, pool, memory), implementation_(implementation), schedules_(schedules) {}

  void load(const std::string& name, const float* nchw) override;
  void lend(const std::string& name, const float* nchw) override;

  // --- for operations, while they build ---

  const Implementation& implementation() const { return implementation_; }
  const xnn_colnm_planes& planes(const std::string& tensor) const { return layouts_->planes(tensor); }
  // An activation in its planes; features are planes of one element, whose channels follow each other.
  xnn_plane_tensor tensor(const std::string& name) const;
  xnn_plane_tensor tensor(const std::string& name, const Activation& activation) const;
  PlaneOperand operand(const std::string& name) const { return operand(name, activation(name)); }
  PlaneOperand operand(const std::string& name, const Activation& a) const { return {{a.shape, a.features}, datatype_of(a), tensor(name, a)}; }
  // Of the elements of an activation.
  xnn_datatype datatype_of(const Activation& activation) const { return activation.features ? f32().xnnpack : datatype().xnnpack; }
  // Of a convolution that runs one.
  const FoundSchedule& found_schedule(const Node& node) const { return found_.at(node.name); }
  // Whether a convolution reads its input without packing, where its schedule says so.
  bool is_direct(const Node& node) const { return layouts_->is_direct(node.name); }

 protected:
  void plan(const std::map<std::string, TensorShape>& shapes) override;
  size_t buffer_size(const std::string& name, const Shape&) const override { return planes(name).size; }
  Activation place(const std::string& name, const Shape& shape) override;
  void build_input(const std::string& name) override;
  void build_node(const Node& node) override { node.operation->build(*this, node); }
  void store(const std::string& name, float* nchw) const override;

 private:
  const Implementation& implementation_;
  const Schedules* schedules_;
  std::map<std::string, void*> buffers_;         // by the tensor that gives its name to a place
  std::map<std::string, float*> images_;         // NCHW, by input
  std::map<std::string, xnn_operator_t> copies_;  // what reads them
  std::map<std::string, FoundSchedule> found_;  // by convolution
  std::unique_ptr<Layouts> layouts_;
};

}  // namespace colonnade
