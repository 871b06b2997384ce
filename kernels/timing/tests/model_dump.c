// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Shows what the parts of the timing model do, for the tests to compare with references.
//
//   model-dump decode            hexadecimal instruction words on stdin; for each, a line
//                                "CLASS DESTINATION SOURCE..." (registers as x1, f2, v3)
//   model-dump cache BYTES WAYS LINE   line numbers on stdin; for each, 1 (hit) or 0
//   model-dump pages LOG2 BEGIN END STACK  addresses on stdin; for each, its physical address
//   model-dump params FILE       checks a core description

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache.h"
#include "decode.h"
#include "pages.h"
#include "params.h"

static void print_register(unsigned reg) { printf(" %c%u", "xfv"[reg / 32], reg % 32); }

static int dump_decode(void) {
  uint32_t word;
  while (scanf("%" SCNx32, &word) == 1) {
    const struct Operation operation = decode(word);
    printf("%s", class_names[operation.class]);
    print_register(operation.destination);
    for (unsigned i = 0; i < MAX_SOURCES && operation.source[i] != NO_REGISTER; i++) {
      print_register(operation.source[i]);
    }
    printf("\n");
  }
  return EXIT_SUCCESS;
}

static int dump_cache(char** arguments) {
  struct Cache cache;
  if (!cache_init(&cache, (uint32_t) atoi(arguments[0]), (uint32_t) atoi(arguments[1]),
                  (uint32_t) atoi(arguments[2]))) {
    return EXIT_FAILURE;
  }
  uint64_t line;
  while (scanf("%" SCNu64, &line) == 1) {
    printf("%d\n", cache_access(&cache, line));
  }
  cache_free(&cache);
  return EXIT_SUCCESS;
}

static int dump_pages(char** arguments) {
  struct Pages pages;
  if (!pages_init(&pages, (unsigned) strtoul(arguments[0], NULL, 0))) {
    return EXIT_FAILURE;
  }
  pages_set_huge(&pages, strtoull(arguments[1], NULL, 0), strtoull(arguments[2], NULL, 0));
  pages_clear(&pages, strtoull(arguments[3], NULL, 0));
  uint64_t address;
  while (scanf("%" SCNu64, &address) == 1) {
    printf("%" PRIu64 "\n", pages_translate(&pages, address, 0));
  }
  pages_free(&pages);
  return EXIT_SUCCESS;
}

static int dump_params(const char* path) {
  struct Params params;
  char error[PARAMS_ERROR_SIZE];
  if (!params_read(path, &params, error)) {
    fprintf(stderr, "%s\n", error);
    return EXIT_FAILURE;
  }
  printf("vlen %u\n", params.vlen);
  return EXIT_SUCCESS;
}

int main(int argc, char** argv) {
  const char* command = argc > 1 ? argv[1] : "";
  if (strcmp(command, "decode") == 0) {
    return dump_decode();
  }
  if (strcmp(command, "cache") == 0 && argc == 5) {
    return dump_cache(argv + 2);
  }
  if (strcmp(command, "pages") == 0 && argc == 6) {
    return dump_pages(argv + 2);
  }
  if (strcmp(command, "params") == 0 && argc == 3) {
    return dump_params(argv[2]);
  }
  fprintf(stderr,
          "usage: model-dump decode | cache BYTES WAYS LINE | pages LOG2 BEGIN END STACK | params "
          "FILE\n");
  return EXIT_FAILURE;
}
