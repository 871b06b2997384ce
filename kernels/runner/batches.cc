// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

#include "batches.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <stdexcept>

namespace colonnade {
namespace {

[[noreturn]] void fail(const std::string& path, const std::string& what) { throw std::runtime_error(path + ": " + what); }

size_t row_elements(const TensorInfo& tensor) {
  size_t product = 1;
  for (size_t i = 1; i < tensor.shape.size(); i++) product *= tensor.shape[i];
  return product;
}

// Images of a batch, of `images` in all: the network computes `size` of them, even where the last one has fewer.
struct Rows {
  size_t first, count, size;
  Rows(const BatchPlan& plan, size_t batch, size_t images)
      : first(batch * plan.size), count(std::min(plan.size, images - first)), size(std::min(plan.size, images)) {}
};

}  // namespace

InputImages::InputImages(const std::string& path, const Package& package) : file_(path) {
  for (const GraphInput& input : package.inputs()) {
    const auto found = file_.tensors().find(input.name);
    if (found == file_.tensors().end()) fail(path, "input tensor '" + input.name + "' is missing");
    const TensorInfo& tensor = found->second;
    if (tensor.dtype != "F32" || tensor.shape.size() != 4 || tensor.shape[1] != input.channels) {
      fail(path, "input tensor '" + input.name + "' is " + tensor.dtype + " " + json_text(tensor.shape) +
                     "; expected F32 [batch, " + std::to_string(input.channels) + ", height, width]");
    }
    inputs_[input.name] = tensor;
  }
}

BatchPlan InputImages::plan(size_t most) const {
  const auto& [first, tensor] = *inputs_.begin();
  size_t images = tensor.shape[0];
  for (const auto& [name, other] : inputs_) {
    if (most != 0 && other.shape[0] != images) {
      fail(file_.path(), "input tensor '" + name + "' has " + std::to_string(other.shape[0]) + " images, '" + first + "' " +
                             std::to_string(images) + "; allowed with --batch: as many of each");
    }
    images = std::max(images, other.shape[0]);
  }
  if (most == 0) return {images, images};
  most = std::min(most, images);
  const size_t batches = (images + most - 1) / most;
  return {images, (images + batches - 1) / batches};
}

std::map<std::string, Shape> InputImages::shapes(const BatchPlan& plan) const {
  std::map<std::string, Shape> shapes;
  for (const auto& [name, tensor] : inputs_) {
    shapes[name] = {Rows(plan, 0, tensor.shape[0]).size, tensor.shape[1], tensor.shape[2], tensor.shape[3]};
  }
  return shapes;
}

void InputImages::load(const BatchPlan& plan, size_t batch, Network& network) {
  for (const auto& [name, tensor] : inputs_) {
    const Rows rows(plan, batch, tensor.shape[0]);
    const size_t row = row_elements(tensor);
    images_.assign(rows.size * row, 0.0f);
    file_.read(tensor, rows.first * row * sizeof(float), rows.count * row * sizeof(float), images_.data());
    const auto wrong = std::find_if_not(images_.begin(), images_.end(), [](float value) { return std::isfinite(value); });
    if (wrong != images_.end()) {
      fail(file_.path(), "input tensor '" + name + "' holds " + std::to_string(*wrong) + " in image " +
                             std::to_string(rows.first + static_cast<size_t>(wrong - images_.begin()) / row) + "; allowed: finite numbers");
    }
    network.load(name, images_.data());
  }
}

OutputFile::OutputFile(const std::string& path, const BatchPlan& plan, const Network& network)
    : path_(path), temporary_(path + "." + std::to_string(getpid()) + ".tmp") {
  size_t offset = 0;
  for (const auto& [name, shape] : network.outputs()) {
    TensorInfo& info = outputs_[name];
    info.dtype = "F32";
    info.shape = shape;
    if (plan.count() != 1) info.shape[0] = plan.images;
    info.begin = offset;
    offset += info.shape[0] * row_elements(info) * sizeof(float);
    info.end = offset;
  }
  file_ = open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file_ < 0) fail(path_, std::string("cannot be written: ") + std::strerror(errno));
  const std::string header = safetensors_header(outputs_);
  data_ = header.size();
  try {
    write_bytes(0, data_, header.data());
  } catch (...) {
    close(file_);
    std::remove(temporary_.c_str());
    throw;
  }
}

OutputFile::~OutputFile() {
  if (file_ < 0) return;
  close(file_);
  std::remove(temporary_.c_str());
}

void OutputFile::store(const BatchPlan& plan, size_t batch, const Network& network) {
  for (const auto& [name, tensor] : outputs_) {
    const Rows rows(plan, batch, tensor.shape[0]);
    const size_t row = row_elements(tensor);
    const std::vector<float> results = network.result(name);
    write_bytes(data_ + tensor.begin + rows.first * row * sizeof(float), rows.count * row * sizeof(float), results.data());
  }
}

void OutputFile::keep() {
  const int status = close(file_);
  file_ = -1;
  if (status == 0 && std::rename(temporary_.c_str(), path_.c_str()) == 0) return;
  const std::string reason = std::strerror(errno);
  std::remove(temporary_.c_str());
  fail(path_, "cannot be written: " + reason);
}

void OutputFile::write_bytes(size_t offset, size_t size, const void* from) const {
  const auto* source = static_cast<const unsigned char*>(from);
  while (size != 0) {
    const ssize_t count = pwrite(file_, source, size, static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(path_, std::string("cannot be written: ") + std::strerror(errno));
    source += count;
    offset += static_cast<size_t>(count);
    size -= static_cast<size_t>(count);
  }
}

}  // namespace colonnade
