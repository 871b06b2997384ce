// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

#include "functions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint32_t functions_find(struct Functions* functions, const char* name) {
  if (name == NULL || *name == '\0') {
    return 0;
  }
  for (uint32_t i = 0; i < functions->count; i++) {
    if (strcmp(functions->names[i + 1], name) == 0) {
      return i + 1;
    }
  }
  if (functions->count + 1 == MAX_FUNCTIONS) {
    return 0;
  }
  char* copy = strdup(name);
  if (copy == NULL) {
    fprintf(stderr, "colonnade-timing: out of memory for the names of functions\n");
    abort();
  }
  functions->names[++functions->count] = copy;
  return functions->count;
}
