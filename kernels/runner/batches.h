// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Images in and results out, a batch at a time: memory holds one batch, whatever the files hold.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "network.h"
#include "safetensors.h"

namespace colonnade {

// How `images` images are shared out: batches of `size` images, the last one of what is left.
struct BatchPlan {
  size_t images, size;
  size_t count() const { return (images + size - 1) / size; }
};

// The input of a run: NCHW float32 tensors by name.
class InputImages {
 public:
  // Opens `path` for the package's inputs. Throws std::runtime_error where a tensor is missing or of another type,
  // rank or number of channels.
  InputImages(const std::string& path, const Package& package);

  // As few batches of at most `most` images as possible, and as even as possible; with 0 a single one, in which
  // inputs may differ in their number of images. Throws where they do otherwise.
  BatchPlan plan(size_t most) const;

  // Shapes of the inputs of a batch.
  std::map<std::string, Shape> shapes(const BatchPlan& plan) const;

  // Gives a batch to the network. Images that the last one lacks are zeros: results of the others do not depend on
  // them.
  void load(const BatchPlan& plan, size_t batch, Network& network);

 private:
  SafetensorsFile file_;
  std::map<std::string, TensorInfo> inputs_;
  std::vector<float> images_;  // of one input and batch
};

// The results of a run: NCHW, or [images, features].
class OutputFile {
 public:
  // Begins a file beside `path`; the network says what its outputs are called and look like.
  OutputFile(const std::string& path, const BatchPlan& plan, const Network& network);
  // Removes it, unless it was kept.
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  // Adds the results of a batch, without those of images that the last one lacks.
  void store(const BatchPlan& plan, size_t batch, const Network& network);

  // Gives the whole file its name.
  void keep();

 private:
  void write_bytes(size_t offset, size_t size, const void* from) const;

  std::string path_, temporary_;
  int file_;
  size_t data_;
  std::map<std::string, TensorInfo> outputs_;
};

}  // namespace colonnade
