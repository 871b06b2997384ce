// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

#include "core_file.h"

#include <stdlib.h>

#include "params.h"

void fuzz_core_file(const char* path) {
  struct Params params;
  char error[PARAMS_ERROR_SIZE];
  if (!params_read(path, &params, error) && error[0] == '\0') {
    abort();
  }
}
