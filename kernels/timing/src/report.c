// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

#include "report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void append_counts(FILE* line, const char* key, const char* const* names,
                          const uint64_t* values, int count) {
  fprintf(line, ", \"%s\": {", key);
  for (int i = 0; i < count; i++) {
    fprintf(line, "%s\"%s\": %" PRIu64, i == 0 ? "" : ", ", names[i], values[i]);
  }
  fputc('}', line);
}

static void append_functions(FILE* line, const struct Functions* functions, const uint64_t* cycles,
                             uint64_t total) {
  const char* separator = "";
  fputs(", \"functions\": {", line);
  for (uint32_t i = 1; i <= functions->count; i++) {
    if (cycles[i] != 0 && cycles[i] >= total / 1000) {
      fprintf(line, "%s\"%s\": %" PRIu64, separator, functions->names[i], cycles[i]);
      separator = ", ";
    }
  }
  fputc('}', line);
}

static void add(uint64_t* sums, const uint64_t* values, int count) {
  for (int i = 0; i < count; i++) {
    sums[i] += values[i];
  }
}

void report_add(struct RegionReport* report, const struct Counters* counters,
                const struct MemoryCounters* memory) {
  add(report->counters.groups, counters->groups, GROUP_COUNT);
  add(report->counters.stalls, counters->stalls, STALL_COUNT);
  report->counters.mispredictions += counters->mispredictions;
  add(report->counters.functions, counters->functions, MAX_FUNCTIONS);
  report->memory.l1_accesses += memory->l1_accesses;
  report->memory.l1_misses += memory->l1_misses;
  report->memory.l2_misses += memory->l2_misses;
}

static bool write_all(int file, const char* text, size_t length) {
  for (size_t written = 0; written < length;) {
    const ssize_t count = write(file, text + written, length - written);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count <= 0) {
      return false;
    }
    written += (size_t) count;
  }
  return true;
}

bool report_write(int file, const struct RegionReport* report, const struct Functions* functions) {
  const struct Counters* counters = &report->counters;
  const struct MemoryCounters* memory = &report->memory;
  uint64_t instructions = 0;
  for (int i = 0; i < GROUP_COUNT; i++) {
    instructions += counters->groups[i];
  }
  char* text = NULL;
  size_t length = 0;
  FILE* line = open_memstream(&text, &length);
  if (line == NULL) {
    return false;
  }
  fprintf(line, "{\"region\": %" PRIu64 ", \"cycles\": %" PRIu64 ", \"instructions\": %" PRIu64,
          report->region, report->cycles, instructions);
  append_counts(line, "classes", group_names, counters->groups, GROUP_COUNT);
  fprintf(line, ", \"l1_accesses\": %" PRIu64 ", \"l1_misses\": %" PRIu64, memory->l1_accesses,
          memory->l1_misses);
  fprintf(line, ", \"l2_misses\": %" PRIu64 ", \"mispredictions\": %" PRIu64, memory->l2_misses,
          counters->mispredictions);
  append_counts(line, "stalls", stall_names, counters->stalls, STALL_COUNT);
  append_functions(line, functions, counters->functions, report->cycles * report->threads);
  fprintf(line, ", \"threads\": %u}\n", report->threads);
  const bool written = fclose(line) == 0 && write_all(file, text, length);
  free(text);
  return written;
}
