#include "safetensors.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include <nlohmann/json.hpp>

namespace colonnade {
namespace {

constexpr size_t kLengthBytes = 8;

[[noreturn]] void fail(const std::string& path, const std::string& what) { throw std::runtime_error(path + ": " + what); }

Tensor read_tensor(const std::string& path, const std::string& name, const nlohmann::json& entry, const char* data, size_t size) {
  Tensor tensor;
  tensor.dtype = entry.at("dtype").get<std::string>();
  tensor.shape = entry.at("shape").get<std::vector<size_t>>();
  const auto offsets = entry.at("data_offsets").get<std::vector<size_t>>();
  if (tensor.dtype != "F32" && tensor.dtype != "I32") {
    fail(path, "tensor '" + name + "' has type " + tensor.dtype + "; allowed: F32, I32");
  }
  if (offsets.size() != 2 || offsets[0] > offsets[1] || offsets[1] > size) {
    fail(path, "truncated: tensor '" + name + "' lies outside the file");
  }
  if (offsets[1] - offsets[0] != tensor.elements() * 4) fail(path, "tensor '" + name + "' does not match its shape");
  tensor.bytes.assign(data + offsets[0], data + offsets[1]);
  return tensor;
}

}  // namespace

size_t Tensor::elements() const {
  size_t product = 1;
  for (const size_t size : shape) product *= size;
  return product;
}

std::string read_file(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) fail(path, std::string("cannot be read: ") + std::strerror(errno));
  std::ostringstream contents;
  contents << stream.rdbuf();
  if (stream.bad()) fail(path, "cannot be read");
  return std::move(contents).str();
}

Tensors read_safetensors(const std::string& path) {
  const std::string file = read_file(path);
  uint64_t header_size = 0;
  if (file.size() < kLengthBytes) fail(path, "not a safetensors file: too short");
  std::memcpy(&header_size, file.data(), kLengthBytes);
  if (header_size > file.size() - kLengthBytes) fail(path, "not a safetensors file, or truncated: header outside the file");
  const char* data = file.data() + kLengthBytes + header_size;
  const size_t data_size = file.size() - kLengthBytes - header_size;
  Tensors tensors;
  try {
    const auto header = nlohmann::json::parse(file.data() + kLengthBytes, data);
    for (const auto& [name, entry] : header.items()) {
      if (name != "__metadata__") tensors[name] = read_tensor(path, name, entry, data, data_size);
    }
  } catch (const nlohmann::json::exception& error) {
    fail(path, std::string("damaged safetensors header: ") + error.what());
  }
  return tensors;
}

void write_file(const std::string& path, const std::string& contents) {
  const std::string temporary = path + "." + std::to_string(getpid()) + ".tmp";
  {
    std::ofstream stream(temporary, std::ios::binary | std::ios::trunc);
    stream.write(contents.data(), static_cast<std::streamsize>(contents.size()));
    stream.close();
    if (!stream) {
      const std::string reason = std::strerror(errno);
      std::remove(temporary.c_str());
      fail(path, "cannot be written: " + reason);
    }
  }
  if (std::rename(temporary.c_str(), path.c_str()) != 0) fail(path, std::string("cannot be written: ") + std::strerror(errno));
}

void write_safetensors(const std::string& path, const Tensors& tensors) {
  nlohmann::json header = nlohmann::json::object();
  size_t offset = 0;
  for (const auto& [name, tensor] : tensors) {
    header[name] = {{"dtype", tensor.dtype}, {"shape", tensor.shape}, {"data_offsets", {offset, offset + tensor.bytes.size()}}};
    offset += tensor.bytes.size();
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const uint64_t size = text.size();
  std::string file(reinterpret_cast<const char*>(&size), kLengthBytes);
  file += text;
  for (const auto& [name, tensor] : tensors) file.append(reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size());
  write_file(path, file);
}

}  // namespace colonnade
