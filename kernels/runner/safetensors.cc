// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

#include "safetensors.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include "size_limits.h"
#include "sha256.h"
#include "strict_json.h"

namespace colonnade {
namespace {

constexpr size_t kLengthBytes = 8;

size_t elements_of(const std::vector<size_t>& shape) {
  size_t product = 1;
  for (const size_t size : shape) product *= size;
  return product;
}

[[noreturn]] void fail(const std::string& path, const std::string& what) { throw std::runtime_error(path + ": " + what); }

// `size`: of the bytes behind the header. Throws std::invalid_argument.
TensorInfo read_info(const nlohmann::json& entry, size_t size) {
  const Fields fields(entry, "", {"dtype", "shape", "data_offsets"});
  TensorInfo info;
  info.dtype = fields.choice("dtype", {"F32", "I32"}) == 0 ? "F32" : "I32";
  size_t bytes = 4;
  for (const auto& axis : read_list(fields.at("shape"), "shape", 0, kMaxRank)) {
    info.shape.push_back(read_size(axis, "shape", 1, kMaxFileDimension));
    if (__builtin_mul_overflow(bytes, info.shape.back(), &bytes)) throw std::invalid_argument("shape: " + fields.shown_at("shape") + " has more elements than fit a file");
  }
  const auto& offsets = read_list(fields.at("data_offsets"), "data_offsets", 2, 2);
  info.begin = read_size(offsets[0], "data_offsets", 0, size);
  info.end = read_size(offsets[1], "data_offsets", info.begin, size);
  if (info.end - info.begin != bytes) {
    throw std::invalid_argument("data_offsets: " + shown(offsets) + "; " + std::to_string(bytes) + " bytes are needed for the shape " + fields.shown_at("shape"));
  }
  return info;
}

void check_metadata(const nlohmann::json& entry) {
  if (!entry.is_object()) throw std::invalid_argument("__metadata__: " + shown(entry) + "; allowed: an object");
  for (const auto& item : entry.items()) {
    if (!item.value().is_string()) throw std::invalid_argument("__metadata__: " + shown(item.value()) + "; allowed: texts");
  }
}

// Throws std::invalid_argument unless the tensors follow one another from the first byte to the last.
void check_coverage(const std::map<std::string, TensorInfo>& tensors, size_t size) {
  std::vector<std::pair<size_t, const std::string*>> order;
  for (const auto& [name, info] : tensors) order.emplace_back(info.begin, &name);
  std::sort(order.begin(), order.end());
  size_t end = 0;
  for (const auto& [begin, name] : order) {
    if (begin != end) {
      throw std::invalid_argument("tensor '" + *name + "' begins at " + std::to_string(begin) + (begin < end ? ", inside" : ", not at the end of") +
                                  " what lies before it, " + std::to_string(end));
    }
    end = tensors.at(*name).end;
  }
  if (end != size) throw std::invalid_argument(std::to_string(size - end) + " bytes at the end belong to no tensor");
}

}  // namespace

size_t Tensor::elements() const { return elements_of(shape); }

std::string read_file(const std::string& path, size_t most) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) fail(path, std::string("cannot be read: ") + std::strerror(errno));
  std::string contents;
  char block[1 << 16];
  while (stream.read(block, sizeof(block)), stream.gcount() > 0) {
    contents.append(block, static_cast<size_t>(stream.gcount()));
    if (contents.size() > most) fail(path, "is too long; allowed: at most " + std::to_string(most) + " bytes");
  }
  // A folder opens, but has no bytes.
  if (stream.bad() || !stream.eof()) fail(path, "cannot be read");
  return contents;
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
  if (!S_ISREG(status.st_mode)) fail(path_, "is no file");
  size_ = static_cast<size_t>(status.st_size);
  uint64_t header_size = 0;
  if (size_ < kLengthBytes) fail(path_, "not a safetensors file: too short");
  read_bytes(0, kLengthBytes, &header_size);
  if (header_size > size_ - kLengthBytes) fail(path_, "not a safetensors file, or truncated: header outside the file");
  if (header_size > kMaxJsonBytes) fail(path_, "header of " + std::to_string(header_size) + " bytes; allowed: at most " + std::to_string(kMaxJsonBytes));
  data_ = kLengthBytes + header_size;
  std::string text(header_size, '\0');
  read_bytes(kLengthBytes, header_size, text.data());
  try {
    const nlohmann::json header = parse_json(text);
    if (!header.is_object() || header.size() > kMaxTensors) throw std::invalid_argument("allowed: an object of at most " + std::to_string(kMaxTensors) + " tensors");
    for (const auto& [name, entry] : header.items()) {
      if (name == "__metadata__") {
        check_metadata(entry);
        continue;
      }
      try {
        tensors_[read_text(name, "name")] = read_info(entry, size_ - data_);
      } catch (const std::invalid_argument& error) {
        throw std::invalid_argument("tensor '" + name.substr(0, kMaxName) + "': " + error.what());
      }
    }
    check_coverage(tensors_, size_ - data_);
  } catch (const std::invalid_argument& error) {
    fail(path_, std::string("damaged safetensors header: ") + error.what());
  }
}

std::string SafetensorsFile::sha256() const {
  Sha256 sum;
  std::vector<unsigned char> block(1 << 16);
  for (size_t offset = 0; offset < size_; offset += block.size()) {
    const size_t count = std::min(block.size(), size_ - offset);
    read_bytes(offset, count, block.data());
    sum.update(block.data(), count);
  }
  return sum.hex_digest();
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

Tensors read_safetensors(const std::string& path, const std::string& sha256) {
  const SafetensorsFile file(path);
  const std::string seen = file.sha256();
  if (seen != sha256) fail(path, "damaged: SHA-256 " + seen + "; graph.json has weights_sha256 " + sha256);
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
  if (std::rename(temporary.c_str(), path.c_str()) == 0) return;
  const std::string reason = std::strerror(errno);
  std::remove(temporary.c_str());
  fail(path, "cannot be written: " + reason);
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
