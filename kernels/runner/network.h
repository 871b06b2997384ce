// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// A package made runnable: XNNPACK operators created once, with their buffers, in execution order.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "datatype.h"
#include "implementations.h"
#include "memory.h"
#include "package.h"
#include "region_clock.h"
#include "schedules.h"
#include "xnn.h"

namespace colonnade {

struct Activation {
  Shape shape;
  void* data;       // of the network's datatype, but for features
  size_t elements;  // of the buffer
  bool features;    // f32 [N, C], whatever the network's layout
  float* f32() const { return static_cast<float*>(data); }
};

// Where one layer's time goes: one row of the report.
struct Layer {
  std::string name;
  std::string op;
  std::string arithmetic;  // of a colnm convolution
  std::string schedule;    // of a colnm convolution, as it ran, as ConvSchedule::str has it
  FoundSchedule found;     // what that was made of; the source counts where there is a schedule
  // Which of the found schedule's fields ran otherwise; these, and no others:
  //   algorithm  packed where the input cannot be laid out for direct reading
  //   tile       a pruned convolution has the tile of its mask
  //   lmul       halved until there is a kernel with accumulators for the tile's rows
  //   kc_splits  one with a datatype in which sums would be rounded between two of them
  std::vector<std::string> adapted;
  size_t macs = 0;         // of the dense layer
  size_t useful_macs = 0;  // of kept columns
  std::vector<Operator> operators;
  std::vector<Sample> samples;
};

// Runs the layers that operations append to it. Subclasses differ in layout.
class Network {
 public:
  Network(const Package& package, const Datatype& datatype, pthreadpool_t pool, Memory& memory)
      : package_(package), datatype_(datatype), pool_(pool), memory_(memory) {}
  virtual ~Network() = default;

  // Creates every operator for inputs of these shapes, by name. Throws std::runtime_error for inputs that do not fit,
  // or for which there is no operator, and OutOfMemory where there is no memory, naming the node.
  void build(const std::map<std::string, Shape>& inputs);

  // Gives an input its images, NCHW; whatever ran before, the network is as new.
  virtual void load(const std::string& name, const float* nchw) = 0;
  // The same, but that the images may be read in their place while the network runs.
  virtual void lend(const std::string& name, const float* nchw) { load(name, nchw); }

  // Runs every layer once, in order, one region of the clock each.
  void run(RegionClock& clock);
  // The same without a clock, and no sample is kept.
  void run();

  // Shapes of the outputs by name: NCHW, or [N, features].
  std::map<std::string, std::vector<size_t>> outputs() const;
  // An output, in that order; into an array of its elements, or a new one.
  void result(const std::string& name, float* to) const;
  std::vector<float> result(const std::string& name) const;

  std::vector<Layer>& layers() { return layers_; }

  // --- for operations, while they build ---

  const Package& package() const { return package_; }
  const Datatype& datatype() const { return datatype_; }
  pthreadpool_t pool() const { return pool_; }
  // A node, its parameters and its input, for messages.
  std::string described(const Node& node) const;
  const Activation& activation(const std::string& name) const { return activations_.at(name); }
  // Zeroed bytes that stay as long as the network.
  void* allocate(size_t size) const { return memory_.allocate(size); }
  Activation define(const std::string& name, const Shape& shape);
  Activation define_features(const std::string& name, const Shape& shape);
  Activation define_as(const std::string& name, const TensorShape& tensor);
  // The shape of a tensor, which may not be computed yet.
  const TensorShape& shape(const std::string& name) const { return shapes_.at(name); }
  // A buffer of its own that lies as the tensor of that name and shape does.
  Activation allocate_as(const std::string& name, const Shape& shape) const;
  Layer& add_layer(const std::string& name, const std::string& op);
  Layer& add_layer(const Node& node) { return add_layer(node.name, node.operation->name()); }
  // Workspace shared by all layers: they run one after the other. Called with an operator's need;
  // `setup` runs once the final address is known.
  void on_workspace(size_t size, std::function<void(void*)> setup);

 protected:
  // Called first, with the shapes of all tensors.
  virtual void plan(const std::map<std::string, TensorShape>&) {}
  // Elements of an activation's buffer, unless it is features.
  virtual size_t buffer_size(const std::string&, const Shape& shape) const { return shape.elements(); }
  // Where an activation lies that is no features.
  virtual Activation place(const std::string& name, const Shape& shape) { return allocate_as(name, shape); }
  // Prepares an input activation to be loaded, which may take a layer.
  virtual void build_input(const std::string&) {}
  virtual void build_node(const Node& node) = 0;
  virtual void store(const std::string& name, float* nchw) const = 0;

 private:
  const Package& package_;
  const Datatype& datatype_;
  pthreadpool_t pool_;
  Memory& memory_;
  std::map<std::string, TensorShape> shapes_;
  std::map<std::string, Activation> activations_;
  std::vector<Layer> layers_;
  std::vector<std::function<void(void*)>> workspace_users_;
  size_t workspace_size_ = 0;
};

// A network of that implementation, whose buffers lie in `memory`. `schedules` is NULL unless it needs them.
std::unique_ptr<Network> make_network(const Package& package, const Implementation& implementation, const Schedules* schedules,
                                      const Datatype& datatype, pthreadpool_t pool, Memory& memory);

}  // namespace colonnade
