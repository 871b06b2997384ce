// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

#include "params.h"

#include <cjson/cJSON.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pages.h"

enum { LMUL_COUNT = 7, SEW_COUNT = 4, MAX_COST = 4096, MAX_CYCLES = UINT16_MAX };

static const char* const lmul_names[LMUL_COUNT] = {"mf8", "mf4", "mf2", "m1", "m2", "m4", "m8"};
static const char* const sew_names[SEW_COUNT] = {"e8", "e16", "e32", "e64"};
static const int log2_of_mf8 = -3;

struct Reader {
  const char* path;
  char* error;  // PARAMS_ERROR_SIZE bytes, empty while all is well
  const char* units[MAX_UNITS];
  uint32_t unit_count;
  uint32_t vlen;
};

// Keeps the first problem only; the callers go on with zeros.
__attribute__((format(printf, 2, 3))) static void fail(struct Reader* reader, const char* format,
                                                       ...) {
  if (reader->error[0] != '\0') {
    return;
  }
  const int length = snprintf(reader->error, PARAMS_ERROR_SIZE, "%s: ", reader->path);
  if (length < 0 || length >= PARAMS_ERROR_SIZE) {
    return;
  }
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(reader->error + length, PARAMS_ERROR_SIZE - (size_t) length, format, arguments);
  va_end(arguments);
}

static void check_keys(struct Reader* reader, const cJSON* object, const char* where,
                       const char* const* known) {
  // Elements of an array have no names.
  if (!cJSON_IsObject(object)) {
    fail(reader, "%s: an object is needed", where);
    return;
  }
  const cJSON* item;
  cJSON_ArrayForEach(item, object) {
    bool found = false;
    for (size_t i = 0; known[i] != NULL; i++) {
      found = found || strcmp(item->string, known[i]) == 0;
    }
    if (!found) {
      fail(reader, "%s: unknown key '%s'", where, item->string);
    } else if (cJSON_GetObjectItemCaseSensitive(object, item->string) != item) {
      fail(reader, "%s: key '%s' twice", where, item->string);
    }
  }
}

static const cJSON* get_object(struct Reader* reader, const cJSON* parent, const char* key,
                               const char* const* known) {
  const cJSON* object = cJSON_GetObjectItemCaseSensitive(parent, key);
  if (!cJSON_IsObject(object)) {
    fail(reader, "%s: an object is needed", key);
    return NULL;
  }
  if (known != NULL) {
    check_keys(reader, object, key, known);
  }
  return object;
}

static uint32_t get_count(struct Reader* reader, const cJSON* object, const char* where,
                          const char* key, uint32_t low, uint32_t high) {
  const cJSON* item = cJSON_GetObjectItemCaseSensitive(object, key);
  if (!cJSON_IsNumber(item) || item->valuedouble < low || item->valuedouble > high ||
      item->valuedouble != (uint32_t) item->valuedouble) {
    fail(reader, "%s: %s: a whole number from %u to %u is needed", where, key, low, high);
    return low;
  }
  return (uint32_t) item->valuedouble;
}

static bool is_power_of_two(uint32_t value) { return value != 0 && (value & (value - 1)) == 0; }

static struct CacheGeometry read_cache(struct Reader* reader, const cJSON* root, const char* name) {
  static const char* const keys[] = {"about", "bytes", "ways", "line", NULL};
  const cJSON* object = get_object(reader, root, name, keys);
  const struct CacheGeometry cache = {
    .bytes = get_count(reader, object, name, "bytes", 1, 1u << 30),
    .ways = get_count(reader, object, name, "ways", 1, 64),
    .line = get_count(reader, object, name, "line", 8, 4096),
  };
  const uint32_t set_bytes = cache.ways * cache.line;
  if (!is_power_of_two(cache.line) || cache.bytes % set_bytes != 0 ||
      !is_power_of_two(cache.bytes / set_bytes)) {
    fail(reader, "%s: line and bytes / (ways * line) must be powers of two", name);
  }
  return cache;
}

static struct MissCost read_miss(struct Reader* reader, const cJSON* parent, const char* name) {
  static const char* const keys[] = {"stream_read", "stream_write", "latency",
                                     "interval",    "transfer",     NULL};
  const cJSON* object = get_object(reader, parent, name, keys);
  return (struct MissCost) {
    .stream_read = get_count(reader, object, name, "stream_read", 0, MAX_COST),
    .stream_write = get_count(reader, object, name, "stream_write", 0, MAX_COST),
    .latency = get_count(reader, object, name, "latency", 0, MAX_COST),
    .interval = get_count(reader, object, name, "interval", 0, MAX_COST),
    .transfer = get_count(reader, object, name, "transfer", 0, MAX_COST),
  };
}

static uint32_t elements(const struct Reader* reader, unsigned sew, unsigned lmul) {
  const uint32_t at_m1 = reader->vlen / 8 >> sew;
  const uint32_t count = lmul >= 3 ? at_m1 << (lmul - 3) : at_m1 >> (3 - lmul);
  return count == 0 ? 1 : count;
}

static bool is_cost(const cJSON* item) {
  return cJSON_IsNumber(item) && item->valuedouble >= 0 && item->valuedouble <= MAX_COST;
}

// One cost value: a number for all shapes, {"base", "per_element"}, a list over LMUL from mf8
// to m8, or an object with one such list per element width.
static double cost_value(struct Reader* reader, const cJSON* item, const char* where, unsigned sew,
                         unsigned lmul) {
  const cJSON* each = cJSON_GetObjectItemCaseSensitive(item, "per_element");
  if (each != NULL) {
    static const char* const keys[] = {"base", "per_element", NULL};
    check_keys(reader, item, where, keys);
    const cJSON* base = cJSON_GetObjectItemCaseSensitive(item, "base");
    if (!is_cost(each) || (base != NULL && !is_cost(base))) {
      fail(reader, "%s: base and per_element: numbers from 0 to %d are needed", where, MAX_COST);
      return 0;
    }
    const double cycles =
        (base == NULL ? 0 : base->valuedouble) + each->valuedouble * elements(reader, sew, lmul);
    if (cycles > MAX_CYCLES) {
      fail(reader, "%s: %.0f cycles for %s %s; at most %d are allowed", where, cycles,
           sew_names[sew], lmul_names[lmul], MAX_CYCLES);
      return 0;
    }
    return cycles;
  }
  if (cJSON_IsObject(item)) {
    item = cJSON_GetObjectItemCaseSensitive(item, sew_names[sew]);
  }
  if (cJSON_IsArray(item)) {
    if (cJSON_GetArraySize(item) != LMUL_COUNT) {
      fail(reader, "%s: a list needs %d values, from mf8 to m8", where, LMUL_COUNT);
      return 0;
    }
    item = cJSON_GetArrayItem(item, (int) lmul);
  }
  if (!is_cost(item)) {
    fail(reader, "%s: no valid number for %s %s; 0 to %d is allowed", where, sew_names[sew],
         lmul_names[lmul], MAX_COST);
    return 0;
  }
  return item->valuedouble;
}

static uint8_t find_unit(struct Reader* reader, const cJSON* item, const char* where) {
  if (cJSON_IsNull(item)) {
    return NO_UNIT;
  }
  if (cJSON_IsString(item)) {
    for (uint32_t i = 0; i < reader->unit_count; i++) {
      if (strcmp(item->valuestring, reader->units[i]) == 0) {
        return (uint8_t) i;
      }
    }
  }
  fail(reader, "%s: unit: null or one of the names in `units` is needed", where);
  return NO_UNIT;
}

static uint16_t whole(double cycles) { return (uint16_t) (cycles + 0.5); }

static uint32_t sixteenths(double cycles) { return (uint32_t) (cycles * OCCUPANCY_ONE + 0.5); }

static void read_cost(struct Reader* reader, const cJSON* classes, unsigned class,
                      struct Cost* cost) {
  static const char* const keys[] = {"about",     "unit",   "latency", "late_latency",
                                     "occupancy", "masked", NULL};
  const char* name = class_names[class];
  const cJSON* object = get_object(reader, classes, name, keys);
  if (object == NULL) {
    return;
  }
  const cJSON* latency = cJSON_GetObjectItemCaseSensitive(object, "latency");
  const cJSON* late = cJSON_GetObjectItemCaseSensitive(object, "late_latency");
  const cJSON* occupancy = cJSON_GetObjectItemCaseSensitive(object, "occupancy");
  const cJSON* masked = cJSON_GetObjectItemCaseSensitive(object, "masked");
  cost->unit = find_unit(reader, cJSON_GetObjectItemCaseSensitive(object, "unit"), name);
  if (cost->unit == NO_UNIT && class_groups[class] >= GROUP_VLOAD) {
    fail(reader, "%s: unit: null; a vector instruction needs one of the names in `units`", name);
    return;
  }
  for (unsigned sew = 0; sew < SEW_COUNT; sew++) {
    for (unsigned lmul = 0; lmul < LMUL_COUNT; lmul++) {
      const unsigned shape = shape_index(sew, (int) lmul + log2_of_mf8);
      cost->latency[shape] = whole(cost_value(reader, latency, name, sew, lmul));
      cost->late_latency[shape] =
          late == NULL ? cost->latency[shape] : whole(cost_value(reader, late, name, sew, lmul));
      if (cost->late_latency[shape] < cost->latency[shape]) {
        fail(reader, "%s: late_latency: less than `latency`", name);
      }
      if (cost->unit != NO_UNIT) {
        cost->occupancy[shape] = sixteenths(cost_value(reader, occupancy, name, sew, lmul));
        cost->masked[shape] = masked == NULL
                                  ? cost->occupancy[shape]
                                  : sixteenths(cost_value(reader, masked, name, sew, lmul));
      }
    }
  }
}

static void read_units(struct Reader* reader, const cJSON* root) {
  const cJSON* units = cJSON_GetObjectItemCaseSensitive(root, "units");
  const cJSON* unit;
  if (!cJSON_IsArray(units)) {
    fail(reader, "units: a list of at most %d names is needed", MAX_UNITS);
    return;
  }
  cJSON_ArrayForEach(unit, units) {
    if (!cJSON_IsString(unit) || reader->unit_count == MAX_UNITS) {
      fail(reader, "units: a list of at most %d names is needed", MAX_UNITS);
      return;
    }
    reader->units[reader->unit_count++] = unit->valuestring;
  }
}

static void read_late_units(struct Reader* reader, const cJSON* issue, struct Params* params) {
  const cJSON* units = cJSON_GetObjectItemCaseSensitive(issue, "late_units");
  const cJSON* unit;
  if (!cJSON_IsArray(units)) {
    fail(reader, "issue: late_units: a list of names in `units` is needed");
  }
  cJSON_ArrayForEach(unit, units) {
    params->is_late[find_unit(reader, unit, "issue: late_units")] = true;
  }
  params->is_late[NO_UNIT] = false;
}

static void read_classes(struct Reader* reader, const cJSON* root, struct Params* params) {
  const cJSON* classes = get_object(reader, root, "classes", NULL);
  for (unsigned class = 0; class < CLASS_COUNT; class++) {
    read_cost(reader, classes, class, &params->costs[class]);
  }
  const char* known[CLASS_COUNT + 1] = {NULL};
  memcpy(known, class_names, sizeof(class_names));
  check_keys(reader, classes, "classes", known);
}

// The log2 of the bytes in a huge page.
static uint32_t read_huge_page(struct Reader* reader, const cJSON* root) {
  static const char* const keys[] = {"about", "bytes", NULL};
  const cJSON* object = get_object(reader, root, "huge_page", keys);
  const uint32_t bytes =
      get_count(reader, object, "huge_page", "bytes", 1u << SMALL_PAGE_LOG2, 1u << 30);
  if (!is_power_of_two(bytes)) {
    fail(reader, "huge_page: bytes: must be a power of two");
  }
  return (uint32_t) __builtin_ctz(bytes);
}

static void read_memory(struct Reader* reader, const cJSON* root, struct Params* params) {
  static const char* const keys[] = {"about",       "l2",      "memory",   "streams",
                                     "reach",       "confirm", "distance", "degree",
                                     "outstanding", "fill",    NULL};
  params->l1 = read_cache(reader, root, "l1");
  params->l2 = read_cache(reader, root, "l2");
  if (params->l1.line != params->l2.line) {
    fail(reader, "l2: line: must equal that of l1");
  }
  params->line_log2 = (uint32_t) __builtin_ctz(params->l1.line);
  params->huge_page_log2 = read_huge_page(reader, root);
  const cJSON* miss = get_object(reader, root, "miss", keys);
  params->l2_hit = read_miss(reader, miss, "l2");
  params->memory = read_miss(reader, miss, "memory");
  params->streams = get_count(reader, miss, "miss", "streams", 0, MAX_STREAMS);
  params->reach = get_count(reader, miss, "miss", "reach", 1, MAX_COST);
  params->confirm = get_count(reader, miss, "miss", "confirm", 2, MAX_COST);
  params->distance = get_count(reader, miss, "miss", "distance", 1, MAX_DISTANCE);
  params->degree = get_count(reader, miss, "miss", "degree", 1, MAX_DISTANCE);
  params->outstanding = get_count(reader, miss, "miss", "outstanding", 1, MAX_OUTSTANDING);
  params->fill = get_count(reader, miss, "miss", "fill", 0, MAX_COST);
  if (params->fill > params->l2_hit.latency || params->fill > params->memory.latency) {
    fail(reader, "miss: fill: more than a latency");
  }
}

static void read_cores(struct Reader* reader, const cJSON* root, struct Params* params) {
  static const char* const keys[] = {"about", "count", "cluster", "fork_join", NULL};
  const cJSON* cores = get_object(reader, root, "cores", keys);
  params->core_count = get_count(reader, cores, "cores", "count", 1, MAX_CORES);
  params->cores_per_cluster = get_count(reader, cores, "cores", "cluster", 1, MAX_CORES);
  params->fork_join = get_count(reader, cores, "cores", "fork_join", 0, 1000000);
}

static void read_root(struct Reader* reader, const cJSON* root, struct Params* params) {
  static const char* const keys[] = {"about",  "name",  "clock_mhz", "vlen",      "issue",
                                     "branch", "l1",    "l2",        "huge_page", "miss",
                                     "cores",  "units", "classes",   NULL};
  static const char* const issue_keys[] = {
    "about", "width", "vector_width", "vtype_latency", "store_queue", "late_units", NULL};
  static const char* const branch_keys[] = {"about", "mispredict", "taken", NULL};
  check_keys(reader, root, "core", keys);
  reader->vlen = params->vlen = get_count(reader, root, "core", "vlen", 64, 65536);

  const cJSON* issue = get_object(reader, root, "issue", issue_keys);
  params->issue_width = get_count(reader, issue, "issue", "width", 1, 8);
  params->vector_issue_width = get_count(reader, issue, "issue", "vector_width", 1, 8);
  params->vtype_latency = get_count(reader, issue, "issue", "vtype_latency", 0, MAX_COST);
  params->store_queue = get_count(reader, issue, "issue", "store_queue", 1, MAX_STORE_QUEUE);
  const cJSON* branch = get_object(reader, root, "branch", branch_keys);
  params->mispredict = get_count(reader, branch, "branch", "mispredict", 0, MAX_COST);
  params->taken_branch = get_count(reader, branch, "branch", "taken", 0, MAX_COST);
  read_memory(reader, root, params);
  read_cores(reader, root, params);

  read_units(reader, root);
  params->unit_count = reader->unit_count;
  read_late_units(reader, issue, params);
  read_classes(reader, root, params);
}

// The file's bytes with a final NUL, to be freed by the caller; NULL if it cannot be read.
static char* read_file(const char* path) {
  FILE* file = fopen(path, "rb");
  if (file == NULL) {
    return NULL;
  }
  char* text = NULL;
  if (fseek(file, 0, SEEK_END) == 0) {
    const long size = ftell(file);
    if (size >= 0 && fseek(file, 0, SEEK_SET) == 0) {
      text = calloc((size_t) size + 1, 1);
      if (text != NULL && fread(text, 1, (size_t) size, file) != (size_t) size) {
        free(text);
        text = NULL;
      }
    }
  }
  fclose(file);
  return text;
}

bool params_read(const char* path, struct Params* params, char error[PARAMS_ERROR_SIZE]) {
  memset(params, 0, sizeof(*params));
  error[0] = '\0';
  struct Reader reader = {.path = path, .error = error};
  char* text = read_file(path);
  if (text == NULL) {
    fail(&reader, "cannot be read");
    return false;
  }
  cJSON* root = cJSON_ParseWithOpts(text, NULL, /*require_null_terminated=*/true);
  if (root == NULL) {
    fail(&reader, "not valid JSON");
  } else {
    read_root(&reader, root, params);
  }
  cJSON_Delete(root);
  free(text);
  return error[0] == '\0';
}
