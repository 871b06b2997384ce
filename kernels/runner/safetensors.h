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

// Throws std::runtime_error naming the file and what is wrong with it: unreadable, truncated, a header
// that is not JSON, a tensor outside the file, or one whose bytes do not match its shape.
Tensors read_safetensors(const std::string& path);

// Writes beside `path`, then renames.
void write_safetensors(const std::string& path, const Tensors& tensors);

// The same for any text.
void write_file(const std::string& path, const std::string& contents);

std::string read_file(const std::string& path);

}  // namespace colonnade
