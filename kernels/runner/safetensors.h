// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// The safetensors file format: an 8-byte little-endian header length, a JSON header, the tensors' bytes.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace colonnade {

struct Tensor {
  std::string dtype;  // "F32" or "I32"
  std::vector<size_t> shape;
  std::vector<unsigned char> bytes;

  size_t elements() const;
  const float* f32() const { return reinterpret_cast<const float*>(bytes.data()); }
  const int32_t* i32() const { return reinterpret_cast<const int32_t*>(bytes.data()); }
};

using Tensors = std::map<std::string, Tensor>;

// What the header says of a tensor; its bytes are [begin, end) of those behind the header.
struct TensorInfo {
  std::string dtype;
  std::vector<size_t> shape;
  size_t begin, end;
};

// A file opened for reading, of which only the header is in memory.
class SafetensorsFile {
 public:
  // Throws std::runtime_error as read_safetensors does.
  explicit SafetensorsFile(const std::string& path);
  ~SafetensorsFile();
  SafetensorsFile(const SafetensorsFile&) = delete;
  SafetensorsFile& operator=(const SafetensorsFile&) = delete;

  const std::string& path() const { return path_; }
  const std::map<std::string, TensorInfo>& tensors() const { return tensors_; }
  // Copies `size` bytes that begin `offset` bytes into a tensor. Throws where the file has become shorter.
  void read(const TensorInfo& tensor, size_t offset, size_t size, void* out) const;
  // Of all the file, in hexadecimal digits.
  std::string sha256() const;

 private:
  void read_header();
  void read_bytes(size_t offset, size_t size, void* out) const;

  std::string path_;
  int file_;
  size_t size_;  // of the file, in bytes
  size_t data_;  // where the bytes behind the header begin
  std::map<std::string, TensorInfo> tensors_;
};

// Throws std::runtime_error naming the file and what is wrong with it: unreadable, truncated, of another SHA-256 than
// `sha256`, a header that is not JSON or has unknown keys, sizes beyond size_limits.h, or tensors whose bytes do not match
// their shapes, overlap, or leave a part of the file out.
Tensors read_safetensors(const std::string& path, const std::string& sha256);

// The beginning of a file, up to the bytes of its tensors: all that is not in TensorInfo's bytes.
std::string safetensors_header(const std::map<std::string, TensorInfo>& tensors);

// Writes any text beside `path`, then renames.
void write_file(const std::string& path, const std::string& contents);

// A file of at most `most` bytes. Throws std::runtime_error naming it.
std::string read_file(const std::string& path, size_t most);

}  // namespace colonnade
