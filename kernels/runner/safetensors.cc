#include "safetensors.h"

#include <fcntl.h>
#include <sys/stat.h>
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

size_t elements_of(const std::vector<size_t>& shape) {
  size_t product = 1;
  for (const size_t size : shape) product *= size;
  return product;
}

[[noreturn]] void fail(const std::string& path, const std::string& what) { throw std::runtime_error(path + ": " + what); }

// `size`: of the bytes behind the header.
TensorInfo read_info(const std::string& path, const std::string& name, const nlohmann::json& entry, size_t size) {
  TensorInfo info;
  info.dtype = entry.at("dtype").get<std::string>();
  info.shape = entry.at("shape").get<std::vector<size_t>>();
  const auto offsets = entry.at("data_offsets").get<std::vector<size_t>>();
  if (info.dtype != "F32" && info.dtype != "I32") {
    fail(path, "tensor '" + name + "' has type " + info.dtype + "; allowed: F32, I32");
  }
  if (offsets.size() != 2 || offsets[0] > offsets[1] || offsets[1] > size) {
    fail(path, "truncated: tensor '" + name + "' lies outside the file");
  }
  if (offsets[1] - offsets[0] != elements_of(info.shape) * 4) fail(path, "tensor '" + name + "' does not match its shape");
  info.begin = offsets[0];
  info.end = offsets[1];
  return info;
}

}  // namespace

size_t Tensor::elements() const { return elements_of(shape); }

std::string read_file(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) fail(path, std::string("cannot be read: ") + std::strerror(errno));
  std::ostringstream contents;
  contents << stream.rdbuf();
  if (stream.bad()) fail(path, "cannot be read");
  return std::move(contents).str();
}

SafetensorsFile::SafetensorsFile(const std::string& path) : path_(path), file_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
  if (file_ < 0) fail(path, std::string("cannot be read: ") + std::strerror(errno));
  try {
    read_header();
  } catch (...) {
    close(file_);
    throw;
  }
}

SafetensorsFile::~SafetensorsFile() { close(file_); }

void SafetensorsFile::read_header() {
  struct stat status;
  if (fstat(file_, &status) != 0) fail(path_, std::string("cannot be read: ") + std::strerror(errno));
  const size_t size = static_cast<size_t>(status.st_size);
  uint64_t header_size = 0;
  if (size < kLengthBytes) fail(path_, "not a safetensors file: too short");
  read_bytes(0, kLengthBytes, &header_size);
  if (header_size > size - kLengthBytes) fail(path_, "not a safetensors file, or truncated: header outside the file");
  data_ = kLengthBytes + header_size;
  std::string text(header_size, '\0');
  read_bytes(kLengthBytes, header_size, text.data());
  try {
    const auto header = nlohmann::json::parse(text);
    for (const auto& [name, entry] : header.items()) {
      if (name != "__metadata__") tensors_[name] = read_info(path_, name, entry, size - data_);
    }
  } catch (const nlohmann::json::exception& error) {
    fail(path_, std::string("damaged safetensors header: ") + error.what());
  }
}

void SafetensorsFile::read_bytes(size_t offset, size_t size, void* out) const {
  auto* target = static_cast<unsigned char*>(out);
  while (size != 0) {
    const ssize_t count = pread(file_, target, size, static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(path_, std::string("cannot be read: ") + std::strerror(errno));
    if (count == 0) fail(path_, "truncated while it was read");
    target += count;
    offset += static_cast<size_t>(count);
    size -= static_cast<size_t>(count);
  }
}

void SafetensorsFile::read(const TensorInfo& tensor, size_t offset, size_t size, void* out) const {
  read_bytes(data_ + tensor.begin + offset, size, out);
}

Tensors read_safetensors(const std::string& path) {
  const SafetensorsFile file(path);
  Tensors tensors;
  for (const auto& [name, info] : file.tensors()) {
    Tensor& tensor = tensors[name];
    tensor.dtype = info.dtype;
    tensor.shape = info.shape;
    tensor.bytes.resize(info.end - info.begin);
    file.read(info, 0, tensor.bytes.size(), tensor.bytes.data());
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

std::string safetensors_header(const std::map<std::string, TensorInfo>& tensors) {
  nlohmann::json header = nlohmann::json::object();
  for (const auto& [name, tensor] : tensors) {
    header[name] = {{"dtype", tensor.dtype}, {"shape", tensor.shape}, {"data_offsets", {tensor.begin, tensor.end}}};
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const uint64_t size = text.size();
  return std::string(reinterpret_cast<const char*>(&size), kLengthBytes) + text;
}

}  // namespace colonnade
