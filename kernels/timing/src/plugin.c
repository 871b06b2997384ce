// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// QEMU plugin: feeds the instructions and memory accesses of marked regions to the core model.
//
//   qemu-riscv64 -plugin libcolonnade-timing.so,core=x60.json,out=regions.jsonl PROGRAM
//
// With several cores, each followed by its output, the program runs once and is simulated on each of them as
// if it were alone.
//
// A translation block is simulated once its successor is known, that is when the next block
// starts or a marker ends the region. Outside regions a block costs one inline comparison.

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <qemu-plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "blocks.h"
#include "machine.h"
#include "report.h"

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

enum { MAX_CPUS = 64, MAX_BLOCK = 4096, MAX_MODELS = 64, STACK_POINTER = 2 };

// The integer registers as QEMU names them, in order.
static const char* const x_names[32] = {
  "zero", "ra", "sp", "gp", "tp",  "t0",  "t1", "t2", "fp", "s1", "a0",
  "a1",   "a2", "a3", "a4", "a5",  "a6",  "a7", "s2", "s3", "s4", "s5",
  "s6",   "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
};

// A core description, and where what it makes of the program goes.
struct Model {
  struct Params params;
  const char* core_path;
  int output;
};

// What the plugin knows of one virtual CPU.
struct Cpu {
  struct Machine* machines;  // one for each model
  bool in_region;
  const struct Block* pending;
  uint32_t pending_first;  // operations before this one are outside the region
  struct qemu_plugin_register* x[32];
  struct qemu_plugin_register* vtype;
  struct qemu_plugin_register* vlenb;
};

static struct Model models[MAX_MODELS];
static unsigned model_count;
static struct Blocks blocks;
static pthread_mutex_t blocks_lock = PTHREAD_MUTEX_INITIALIZER;
static struct Cpu* cpus[MAX_CPUS];
static struct qemu_plugin_scoreboard* region_flags;  // one uint64_t for each CPU: in a region?
static uint64_t region_count;

static void* checked(void* memory) {
  if (memory == NULL) {
    fprintf(stderr, "colonnade-timing: out of memory\n");
    abort();
  }
  return memory;
}

static uint64_t read_register(struct qemu_plugin_register* handle) {
  GByteArray* bytes = g_byte_array_new();
  uint64_t value = 0;
  if (handle != NULL && qemu_plugin_read_register(handle, bytes) == (int) sizeof(value)) {
    memcpy(&value, bytes->data, sizeof(value));
  }
  g_byte_array_free(bytes, TRUE);
  return value;
}

static void simulate_pending(struct Cpu* cpu, uint32_t end, uint64_t next) {
  for (unsigned i = 0; i < model_count; i++) {
    machine_add_piece(&cpu->machines[i], cpu->pending, cpu->pending_first, end, next);
  }
}

static void on_block(unsigned cpu_index, void* data) {
  struct Cpu* cpu = cpus[cpu_index];
  const struct Block* block = data;
  simulate_pending(cpu, cpu->pending->count, block->address);
  cpu->pending = block;
  cpu->pending_first = 0;
}

static void on_access(unsigned cpu_index, qemu_plugin_meminfo_t info, uint64_t address,
                      void* data) {
  (void) info;
  struct Cpu* cpu = cpus[cpu_index];
  for (unsigned i = 0; cpu->in_region && i < model_count; i++) {
    machine_add_access(&cpu->machines[i], (uint32_t) (uintptr_t) data, address);
  }
}

// Runs before a vsetvl whose vtype operand is the integer register of number `data`.
static void on_vsetvl(unsigned cpu_index, void* data) {
  struct Cpu* cpu = cpus[cpu_index];
  if (!cpu->in_region) {
    return;
  }
  const uint64_t vtype = read_register(cpu->x[(uintptr_t) data]);
  for (unsigned i = 0; i < model_count; i++) {
    machine_add_vtype(&cpu->machines[i], vtype);
  }
}

struct Marker {
  const struct Block* block;
  uint32_t index;
};

// Vectors of another length run other code, and their costs are others. A guest without vectors has none to compare.
static void check_vlen(const struct Cpu* cpu) {
  const uint64_t vlen = 8 * read_register(cpu->vlenb);
  for (unsigned i = 0; vlen != 0 && i < model_count; i++) {
    if (vlen != models[i].params.vlen) {
      fprintf(stderr,
              "colonnade-timing: %s: vlen: %u; that of the program's CPU is %" PRIu64
              ", -cpu vlen=%u is allowed\n",
              models[i].core_path, models[i].params.vlen, vlen, models[i].params.vlen);
      exit(EXIT_FAILURE);
    }
  }
}

static void begin_region(struct Cpu* cpu, unsigned cpu_index, const struct Marker* marker,
                         bool is_cold) {
  check_vlen(cpu);
  if (cpu->in_region) {
    simulate_pending(cpu, marker->index, 0);
  }
  const uint64_t stack_pointer = read_register(cpu->x[STACK_POINTER]);
  const uint64_t vtype = read_register(cpu->vtype);
  for (unsigned i = 0; i < model_count; i++) {
    if (is_cold) {
      machine_reset(&cpu->machines[i], stack_pointer);
    }
    machine_begin_region(&cpu->machines[i], vtype);
  }
  cpu->pending = marker->block;
  cpu->pending_first = marker->index + 1;
  cpu->in_region = true;
  qemu_plugin_u64_set(qemu_plugin_scoreboard_u64(region_flags), cpu_index, 1);
}

static void end_region(struct Cpu* cpu, unsigned cpu_index, const struct Marker* marker) {
  if (!cpu->in_region) {
    return;
  }
  simulate_pending(cpu, marker->index, 0);
  cpu->in_region = false;
  qemu_plugin_u64_set(qemu_plugin_scoreboard_u64(region_flags), cpu_index, 0);
  const uint64_t region = region_count++;
  for (unsigned i = 0; i < model_count; i++) {
    struct RegionReport report = {.region = region};
    machine_end_region(&cpu->machines[i], &report);
    pthread_mutex_lock(&blocks_lock);
    const bool written = report_write(models[i].output, &report, &blocks.functions);
    pthread_mutex_unlock(&blocks_lock);
    if (!written) {
      fprintf(stderr, "colonnade-timing: out: cannot be written: %s\n", strerror(errno));
      exit(EXIT_FAILURE);
    }
  }
}

static void on_marker(unsigned cpu_index, void* data) {
  const struct Marker* marker = data;
  struct Cpu* cpu = cpus[cpu_index];
  const uint16_t kind = marker->block->operations[marker->index].vtype;
  if (kind == MARKER_END) {
    end_region(cpu, cpu_index, marker);
  } else {
    begin_region(cpu, cpu_index, marker, kind == MARKER_BEGIN_COLD);
  }
}

static void on_team_marker(unsigned cpu_index, void* data) {
  const struct Marker* marker = data;
  struct Cpu* cpu = cpus[cpu_index];
  if (!cpu->in_region) {
    return;
  }
  simulate_pending(cpu, marker->index, 0);
  cpu->pending = marker->block;
  cpu->pending_first = marker->index + 1;
  const uint64_t value = read_register(cpu->x[marker->block->operations[marker->index].source[0]]);
  const unsigned number = (unsigned) value & TEAM_NUMBER;
  const uint64_t stack_pointer = read_register(cpu->x[STACK_POINTER]);
  const uint64_t vtype = read_register(cpu->vtype);
  for (unsigned i = 0; i < model_count; i++) {
    struct Machine* machine = &cpu->machines[i];
    switch (value & ~(uint64_t) TEAM_NUMBER) {
      case TEAM_BEGIN: machine_begin_team(machine, number, stack_pointer); break;
      case TEAM_MEMBER: machine_switch(machine, number, vtype); break;
      default: machine_end_team(machine, vtype); break;
    }
  }
}

static void on_huge_marker(unsigned cpu_index, void* data) {
  const struct Operation* operation = data;
  struct Cpu* cpu = cpus[cpu_index];
  const uint64_t begin = read_register(cpu->x[operation->source[0]]);
  const uint64_t end = read_register(cpu->x[operation->source[1]]);
  for (unsigned i = 0; i < model_count; i++) {
    pages_set_huge(&cpu->machines[i].memory.pages, begin, end);
  }
}

static struct Marker* make_marker(const struct Block* block, uint32_t index) {
  struct Marker* marker = checked(malloc(sizeof(*marker)));
  *marker = (struct Marker) {block, index};
  return marker;
}

static void instrument(struct qemu_plugin_insn* instruction, const struct Block* block,
                       uint32_t index) {
  const struct Operation* operation = &block->operations[index];
  if (operation->memory != MEMORY_NONE) {
    qemu_plugin_register_vcpu_mem_cb(instruction, on_access, QEMU_PLUGIN_CB_NO_REGS,
                                     QEMU_PLUGIN_MEM_RW, (void*) (uintptr_t) index);
  } else if (operation->kind == KIND_VTYPE_REGISTER) {
    qemu_plugin_register_vcpu_insn_exec_cb(instruction, on_vsetvl, QEMU_PLUGIN_CB_R_REGS,
                                           (void*) (uintptr_t) operation->source[1]);
  } else if (operation->kind == KIND_MARKER) {
    qemu_plugin_register_vcpu_insn_exec_cb(instruction, on_marker, QEMU_PLUGIN_CB_R_REGS,
                                           make_marker(block, index));
  } else if (operation->kind == KIND_TEAM_MARKER) {
    qemu_plugin_register_vcpu_insn_exec_cb(instruction, on_team_marker, QEMU_PLUGIN_CB_R_REGS,
                                           make_marker(block, index));
  } else if (operation->kind == KIND_HUGE_MARKER) {
    qemu_plugin_register_vcpu_insn_exec_cb(instruction, on_huge_marker, QEMU_PLUGIN_CB_R_REGS,
                                           (void*) operation);
  }
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb* tb) {
  (void) id;
  uint32_t words[MAX_BLOCK];
  const size_t count = qemu_plugin_tb_n_insns(tb);
  if (count > MAX_BLOCK) {
    fprintf(stderr, "colonnade-timing: a block of %zu instructions is too long\n", count);
    abort();
  }
  for (size_t i = 0; i < count; i++) {
    words[i] = 0;
    qemu_plugin_insn_data(qemu_plugin_tb_get_insn(tb, i), &words[i], sizeof(words[i]));
  }
  pthread_mutex_lock(&blocks_lock);
  struct Block* block = blocks_find(&blocks, qemu_plugin_tb_vaddr(tb), words, (uint32_t) count,
                                    qemu_plugin_insn_symbol(qemu_plugin_tb_get_insn(tb, 0)));
  pthread_mutex_unlock(&blocks_lock);
  qemu_plugin_register_vcpu_tb_exec_cond_cb(tb, on_block, QEMU_PLUGIN_CB_NO_REGS,
                                            QEMU_PLUGIN_COND_NE,
                                            qemu_plugin_scoreboard_u64(region_flags), 0, block);
  for (uint32_t i = 0; i < count; i++) {
    instrument(qemu_plugin_tb_get_insn(tb, i), block, i);
  }
}

static void on_cpu(qemu_plugin_id_t id, unsigned cpu_index) {
  (void) id;
  if (cpu_index >= MAX_CPUS) {
    fprintf(stderr, "colonnade-timing: more than %d threads\n", MAX_CPUS);
    exit(EXIT_FAILURE);
  }
  if (cpus[cpu_index] != NULL) {
    return;
  }
  struct Cpu* cpu = checked(calloc(1, sizeof(*cpu)));
  cpu->machines = checked(calloc(model_count, sizeof(*cpu->machines)));
  for (unsigned i = 0; i < model_count; i++) {
    if (!machine_init(&cpu->machines[i], &models[i].params)) {
      checked(NULL);
    }
  }
  GArray* registers = qemu_plugin_get_registers();
  for (guint i = 0; i < registers->len; i++) {
    const qemu_plugin_reg_descriptor* entry =
        &g_array_index(registers, qemu_plugin_reg_descriptor, i);
    if (strcmp(entry->name, "vtype") == 0) {
      cpu->vtype = entry->handle;
    } else if (strcmp(entry->name, "vlenb") == 0) {
      cpu->vlenb = entry->handle;
    }
    for (unsigned x = 0; x < 32; x++) {
      if (strcmp(entry->name, x_names[x]) == 0) {
        cpu->x[x] = entry->handle;
      }
    }
  }
  g_array_free(registers, TRUE);
  cpus[cpu_index] = cpu;
}

// The value of an argument `key=value` with this key, or NULL.
static const char* value_of(const char* argument, const char* key) {
  const size_t length = strlen(key);
  return strncmp(argument, key, length) == 0 && argument[length] == '=' ? argument + length + 1
                                                                        : NULL;
}

// Reads a core description and opens its output; says what is wrong.
static bool model_init(struct Model* model, const char* core_path, const char* output_path) {
  char error[PARAMS_ERROR_SIZE];
  model->core_path = core_path;
  if (!params_read(core_path, &model->params, error)) {
    fprintf(stderr, "colonnade-timing: %s\n", error);
    return false;
  }
  model->output = open(output_path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
  if (model->output < 0) {
    fprintf(stderr, "colonnade-timing: out: %s: %s\n", output_path, strerror(errno));
  }
  return model->output >= 0;
}

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t* info, int argc,
                                           char** argv) {
  bool understood = strcmp(info->target_name, "riscv64") == 0 && argc > 0 && argc % 2 == 0 &&
                    argc / 2 <= MAX_MODELS;
  for (int i = 0; i < argc; i++) {
    understood = understood && value_of(argv[i], i % 2 == 0 ? "core" : "out") != NULL;
  }
  if (!understood) {
    fprintf(stderr, "colonnade-timing: needs qemu-riscv64 and core=FILE,out=FILE, up to %d times\n",
            MAX_MODELS);
    return -1;
  }
  for (; model_count < (unsigned) argc / 2; model_count++) {
    char** pair = &argv[2 * model_count];
    if (!model_init(&models[model_count], value_of(pair[0], "core"), value_of(pair[1], "out"))) {
      return -1;
    }
  }
  if (!blocks_init(&blocks)) {
    checked(NULL);
  }
  region_flags = qemu_plugin_scoreboard_new(sizeof(uint64_t));
  qemu_plugin_register_vcpu_init_cb(id, on_cpu);
  qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
  return 0;
}
