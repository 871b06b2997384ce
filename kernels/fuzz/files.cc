// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

#include "files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

namespace colonnade {
namespace {

struct Folder {
  std::string path = "/dev/shm/colonnade-fuzz-XXXXXX";
  Folder() {
    if (mkdtemp(path.data()) == nullptr) std::abort();
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
};

}  // namespace

const std::string& fuzz_folder() {
  static const Folder folder;
  return folder.path;
}

std::string put_file(const std::string& name, const void* data, size_t size) {
  const std::string path = fuzz_folder() + "/" + name;
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0 || write(file, data, size) != static_cast<ssize_t>(size) || close(file) != 0) std::abort();
  return path;
}

}  // namespace colonnade
