// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Chooses how every tensor of a network lies in planes, so that convolutions read without packing and
// store without an index wherever they can.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "colonnade/operators.h"
#include "colonnade/planes.h"
#include "shapes.h"

namespace colonnade {

class Package;

// What an operation wants of the planes of its tensors.
struct PlaneNeeds {
  // Phases (space-to-depth) of each input; 0: any number. An input that is wanted in several numbers of them stays whole.
  std::vector<uint32_t> phases;
  // Whether the output is stored in whole planes only.
  bool whole_output = false;
  // Least halo of the first input.
  xnn_colnm_gaps halo = {0, 0};
};

// How a tensor is going to lie in planes.
struct PlanePlan {
  Shape shape;
  uint32_t phases = 1;
  size_t rows = 0, columns = 0;  // of the halo: below each plane, and between rows
  size_t phase_width() const { return (shape.w + phases - 1) / phases; }
  size_t row_stride() const { return phase_width() + columns; }
};

// How a tensor [N, C, H, W] lies without any halo or phase.
xnn_colnm_planes dense_planes(const Shape& shape);
// The first channels of planes.
xnn_colnm_planes of_channels(xnn_colnm_planes planes, size_t channels);
// Lets the rows of two tensors be equally far apart; says whether they were not.
bool align_rows(PlanePlan& a, PlanePlan& b);
// Gives tensors the largest halo that one of them has; says whether that took anything.
bool align_halos(const std::vector<PlanePlan*>& plans);

// Whose buffer a tensor lies in, and which of its channels come first.
struct Place {
  std::string tensor;
  size_t channel = 0;
};

class Layouts {
 public:
  // `is_direct` says whether a node is a convolution that is to read without packing. Throws std::runtime_error for a
  // tensor whose layout would be too large.
  Layouts(const Package& package, const std::map<std::string, TensorShape>& shapes, const std::function<bool(const Node&)>& is_direct);

  const xnn_colnm_planes& planes(const std::string& tensor) const { return planes_.at(tensor); }
  // Where a tensor lies: in a buffer of its own, but for those that are joined.
  const Place& place(const std::string& tensor) const { return places_.at(tensor); }
  // Lays every tensor out as [N, C, H, W] without any halo or phase, for XNNPACK's own operators among packed
  // convolutions.
  void make_dense();
  // What was asked for, but for convolutions whose input another reader needs in other phases: these have to pack.
  bool is_direct(const std::string& node) const { return is_direct_.at(node); }

 private:
  PlaneNeeds needs(const Node& node) const;
  void choose_phases();
  void choose_halos();
  // Lets what a node reads lie in its output's channels, and outputs in the channels of a larger one that begins
  // with them, as far as no tensor has a place already.
  void join(const Node& node);
  // Lets a part of a tensor's channels stay where these lie, as far as it has no place already.
  void share(const Node& node);
  void lay_out();
  bool align_node(const Node& node);

  const Package& package_;
  std::map<std::string, PlanePlan> plans_;
  std::map<std::string, bool> is_direct_;
  std::map<std::string, xnn_colnm_planes> planes_;
  std::map<std::string, Place> places_;
};

}  // namespace colonnade
