#include "report.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

enum { LINE_SIZE = 4096 };

struct Line {
  char text[LINE_SIZE];
  int length;
};

__attribute__((format(printf, 2, 3))) static void append(struct Line* line, const char* format,
                                                         ...) {
  va_list arguments;
  va_start(arguments, format);
  line->length += vsnprintf(line->text + line->length, (size_t) (LINE_SIZE - line->length), format,
                            arguments);
  va_end(arguments);
}

static void append_counts(struct Line* line, const char* key, const char* const* names,
                          const uint64_t* values, int count) {
  append(line, ", \"%s\": {", key);
  for (int i = 0; i < count; i++) {
    append(line, "%s\"%s\": %" PRIu64, i == 0 ? "" : ", ", names[i], values[i]);
  }
  append(line, "}");
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
  report->memory.l1_accesses += memory->l1_accesses;
  report->memory.l1_misses += memory->l1_misses;
  report->memory.l2_misses += memory->l2_misses;
}

bool report_write(int file, const struct RegionReport* report) {
  const struct Counters* counters = &report->counters;
  const struct MemoryCounters* memory = &report->memory;
  uint64_t instructions = 0;
  for (int i = 0; i < GROUP_COUNT; i++) {
    instructions += counters->groups[i];
  }
  struct Line line = {.length = 0};
  append(&line, "{\"region\": %" PRIu64 ", \"cycles\": %" PRIu64 ", \"instructions\": %" PRIu64,
         report->region, report->cycles, instructions);
  append_counts(&line, "classes", group_names, counters->groups, GROUP_COUNT);
  append(&line, ", \"l1_accesses\": %" PRIu64 ", \"l1_misses\": %" PRIu64, memory->l1_accesses,
         memory->l1_misses);
  append(&line, ", \"l2_misses\": %" PRIu64 ", \"mispredictions\": %" PRIu64, memory->l2_misses,
         counters->mispredictions);
  append_counts(&line, "stalls", stall_names, counters->stalls, STALL_COUNT);
  append(&line, ", \"threads\": %u}\n", report->threads);

  for (int written = 0; written < line.length;) {
    const ssize_t count = write(file, line.text + written, (size_t) (line.length - written));
    if (count <= 0) {
      return false;
    }
    written += (int) count;
  }
  return true;
}
