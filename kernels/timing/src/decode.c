// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

#include "decode.h"

#include <stdbool.h>
#include <string.h>

#include "classes.h"

void add_source(struct Operation* operation, unsigned reg, enum Span span) {
  if (reg == NO_REGISTER) {
    return;
  }
  for (unsigned i = 0; i < MAX_SOURCES; i++) {
    if (operation->source[i] == NO_REGISTER) {
      operation->source[i] = (uint8_t) reg;
      operation->source_span[i] = (uint8_t) span;
      return;
    }
  }
}

static void decode_integer_register(uint32_t word, bool is_word, struct Operation* operation) {
  const uint32_t funct7 = bits(word, 25, 7);
  const uint32_t funct3 = bits(word, 12, 3);
  operation->destination = (uint8_t) bits(word, 7, 5);
  add_source(operation, bits(word, 15, 5), SPAN_ONE);
  add_source(operation, bits(word, 20, 5), SPAN_ONE);
  if (funct7 == 1) {
    if (funct3 >= 4) {
      operation->class = is_word ? CLASS_DIV_WORD : CLASS_DIV;
    } else {
      operation->class = is_word ? CLASS_MUL_WORD : CLASS_MUL;
    }
  } else if (funct7 == 0x10 || (is_word && funct7 == 0x04)) {
    operation->class = CLASS_ALU_ADDRESS;  // Zba: shNadd, shNadd.uw, add.uw
  }
  const bool is_slt_x0 = (word & 0xfe007fff) == 0x00002033;
  if (is_slt_x0 && operation->source[1] != NO_REGISTER) {
    operation->kind = KIND_HUGE_MARKER;
  } else if (is_slt_x0 && bits(word, 15, 5) == 0 && operation->source[0] != NO_REGISTER) {
    operation->kind = KIND_TEAM_MARKER;
  }
}

static void decode_integer_immediate(uint32_t word, struct Operation* operation) {
  operation->destination = (uint8_t) bits(word, 7, 5);
  add_source(operation, bits(word, 15, 5), SPAN_ONE);
  const bool is_slti_x0_x0 = (word & 0x000fffff) == 0x00002013;
  const uint32_t immediate = word >> 20;
  if (is_slti_x0_x0 && immediate >= MARKER_BEGIN_COLD && immediate <= MARKER_END) {
    operation->kind = KIND_MARKER;
    operation->vtype = (uint16_t) immediate;
  }
}

enum FpFormat { FORMAT_SINGLE, FORMAT_DOUBLE, FORMAT_HALF };

static uint8_t fp_divide_class(enum FpFormat format) {
  switch (format) {
    case FORMAT_HALF: return CLASS_FP_DIV_HALF;
    case FORMAT_DOUBLE: return CLASS_FP_DIV_DOUBLE;
    default: return CLASS_FP_DIV;
  }
}

// OP-FP: funct7 is a 5-bit operation and the 2-bit format.
static void decode_fp(uint32_t word, struct Operation* operation) {
  const uint32_t function = bits(word, 27, 5);
  const enum FpFormat format = bits(word, 25, 2);
  const uint32_t rd = bits(word, 7, 5), rs1 = bits(word, 15, 5), rs2 = bits(word, 20, 5);
  bool two_sources = true, from_integer = false, to_integer = false;
  operation->class = format == FORMAT_DOUBLE ? CLASS_FP_ADD_DOUBLE : CLASS_FP_ADD;
  switch (function) {
    case 0x03:  // fdiv
      operation->class = fp_divide_class(format);
      break;
    case 0x0b:  // fsqrt
      operation->class = fp_divide_class(format);
      two_sources = false;
      break;
    case 0x05:  // fmin, fmax
      operation->class = CLASS_FP_ADD;
      break;
    case 0x08:  // fcvt between formats
      operation->class = CLASS_FP_CONVERT;
      two_sources = false;
      break;
    case 0x14:  // feq, flt, fle
      operation->class = CLASS_FP_COMPARE;
      to_integer = true;
      break;
    case 0x18:  // fcvt.w.s and its kin
    case 0x1c:  // fmv.x.w, fclass
      operation->class = CLASS_FP_TO_INT;
      two_sources = false;
      to_integer = true;
      break;
    case 0x1a:  // fcvt.s.w and its kin
    case 0x1e:  // fmv.w.x
      operation->class = CLASS_INT_TO_FP;
      two_sources = false;
      from_integer = true;
      break;
    default:  // fadd, fsub, fmul, fsgnj
      break;
  }
  operation->destination = (uint8_t) ((to_integer ? FIRST_X : FIRST_F) + rd);
  add_source(operation, (from_integer ? FIRST_X : FIRST_F) + rs1, SPAN_ONE);
  if (two_sources) {
    add_source(operation, FIRST_F + rs2, SPAN_ONE);
  }
}

static void decode_fma(uint32_t word, struct Operation* operation) {
  const bool is_double = bits(word, 25, 2) == FORMAT_DOUBLE;
  operation->class = is_double ? CLASS_FP_FMA_DOUBLE : CLASS_FP_FMA;
  operation->destination = (uint8_t) (FIRST_F + bits(word, 7, 5));
  add_source(operation, FIRST_F + bits(word, 15, 5), SPAN_ONE);
  add_source(operation, FIRST_F + bits(word, 20, 5), SPAN_ONE);
  add_source(operation, FIRST_F + bits(word, 27, 5), SPAN_ONE);
}

static void decode_fp_or_vector_memory(uint32_t word, bool is_store, struct Operation* operation) {
  operation->memory = is_store ? MEMORY_WRITE : MEMORY_READ;
  const uint32_t width = bits(word, 12, 3);
  if (width == 0 || width >= 5) {
    decode_vector_memory(word, operation);
    return;
  }
  add_source(operation, bits(word, 15, 5), SPAN_ONE);
  if (is_store) {
    operation->class = CLASS_FP_STORE;
    add_source(operation, FIRST_F + bits(word, 20, 5), SPAN_ONE);
  } else {
    operation->class = CLASS_FP_LOAD;
    operation->destination = (uint8_t) (FIRST_F + bits(word, 7, 5));
  }
}

// ra and t0 are the link registers of the calling convention.
static bool is_link_register(uint32_t reg) { return reg == 1 || reg == 5; }

static void decode_jump_register(uint32_t word, struct Operation* operation) {
  const uint32_t rd = bits(word, 7, 5), rs1 = bits(word, 15, 5);
  operation->class = CLASS_JUMP_REGISTER;
  operation->flow = rd == 0 && is_link_register(rs1) ? FLOW_RETURN : FLOW_INDIRECT;
  operation->destination = (uint8_t) rd;
  add_source(operation, rs1, SPAN_ONE);
}

static void decode_system(uint32_t word, struct Operation* operation) {
  operation->class = CLASS_CSR;
  operation->destination = (uint8_t) bits(word, 7, 5);
  if (bits(word, 14, 1) == 0 && bits(word, 12, 2) != 0) {
    add_source(operation, bits(word, 15, 5), SPAN_ONE);
  }
}

static void decode_full(uint32_t word, struct Operation* operation) {
  const uint32_t rd = bits(word, 7, 5), rs1 = bits(word, 15, 5), rs2 = bits(word, 20, 5);
  switch (bits(word, 2, 5)) {
    case 0x00:
      operation->class = CLASS_LOAD;
      operation->memory = MEMORY_READ;
      operation->destination = (uint8_t) rd;
      add_source(operation, rs1, SPAN_ONE);
      break;
    case 0x08:
      operation->class = CLASS_STORE;
      operation->memory = MEMORY_WRITE;
      add_source(operation, rs1, SPAN_ONE);
      add_source(operation, rs2, SPAN_ONE);
      break;
    case 0x01: decode_fp_or_vector_memory(word, false, operation); break;
    case 0x09: decode_fp_or_vector_memory(word, true, operation); break;
    case 0x03: operation->class = CLASS_CSR; break;  // fence
    case 0x04:
    case 0x06: decode_integer_immediate(word, operation); break;
    case 0x05:
    case 0x0d: operation->destination = (uint8_t) rd; break;  // auipc, lui
    case 0x0b:
      operation->class = CLASS_ATOMIC;
      operation->memory = MEMORY_WRITE;
      operation->destination = (uint8_t) rd;
      add_source(operation, rs1, SPAN_ONE);
      add_source(operation, rs2, SPAN_ONE);
      break;
    case 0x0c: decode_integer_register(word, false, operation); break;
    case 0x0e: decode_integer_register(word, true, operation); break;
    case 0x10:
    case 0x11:
    case 0x12:
    case 0x13: decode_fma(word, operation); break;
    case 0x14: decode_fp(word, operation); break;
    case 0x15: decode_vector_arithmetic(word, operation); break;
    case 0x18:
      operation->class = CLASS_BRANCH;
      operation->flow = FLOW_CONDITIONAL;
      operation->backward = (uint8_t) bits(word, 31, 1);
      add_source(operation, rs1, SPAN_ONE);
      add_source(operation, rs2, SPAN_ONE);
      break;
    case 0x19: decode_jump_register(word, operation); break;
    case 0x1b:
      operation->class = CLASS_JUMP;
      operation->flow = FLOW_DIRECT;
      operation->destination = (uint8_t) rd;
      break;
    case 0x1c: decode_system(word, operation); break;
    default: break;
  }
}

struct Operation decode(uint32_t word) {
  struct Operation operation = {.class = CLASS_ALU, .fields = 1, .repeat = 1, .length = 4};
  if ((word & 3) != 3) {
    operation.length = 2;
    decode_compressed(word & 0xffff, &operation);
  } else {
    decode_full(word, &operation);
  }
  return operation;
}
