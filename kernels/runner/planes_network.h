// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Our operators on planes, and XNNPACK's sparse operator among them.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "layouts.h"
#include "network.h"

namespace colonnade {

class PlanesNetwork : public Network {
 public:
  PlanesNetwork(const Package& package, const Implementation& implementation, const Schedules* schedules, const Datatype& datatype, pthreadpool_t pool)
      : Network(package, datatype, pool), implementation_(implementation), schedules_(schedules) {}

  void load(const std::string& name, const float* nchw) override;

  // --- for operations, while they build ---

  const Implementation& implementation() const { return implementation_; }
  const xnn_colnm_planes& planes(const std::string& tensor) const { return layouts_->planes(tensor); }
  // Of a convolution that runs one.
  const FoundSchedule& found_schedule(const Node& node) const { return found_.at(node.name); }
  // Whether a convolution reads its input without packing, where its schedule says so.
  bool is_direct(const Node& node) const { return layouts_->is_direct(node.name); }

 protected:
  void plan(const std::map<std::string, TensorShape>& shapes) override;
  size_t buffer_size(const std::string& name, const Shape&) const override { return planes(name).size; }
  void build_input(const std::string& name) override;
  void build_node(const Node& node) override { node.operation->build(*this, node); }
  void store(const std::string& name, float* nchw) const override;

 private:
  const Implementation& implementation_;
  const Schedules* schedules_;
  std::map<std::string, float*> images_;         // NCHW, by input
  std::map<std::string, FoundSchedule> found_;  // by convolution
  std::unique_ptr<Layouts> layouts_;
};

}  // namespace colonnade
