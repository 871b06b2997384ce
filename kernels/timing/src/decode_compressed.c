// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// The C extension: 16-bit encodings of common instructions.

#include <stdbool.h>

#include "classes.h"
#include "decode.h"

enum { REGISTER_RA = 1, REGISTER_SP = 2, REGISTER_T0 = 5 };

static void set_load(struct Operation* operation, unsigned rd, unsigned base, bool is_fp) {
  operation->class = is_fp ? CLASS_FP_LOAD : CLASS_LOAD;
  operation->memory = MEMORY_READ;
  operation->destination = (uint8_t) (rd + (is_fp ? FIRST_F : FIRST_X));
  add_source(operation, base, SPAN_ONE);
}

static void set_store(struct Operation* operation, unsigned rs, unsigned base, bool is_fp) {
  operation->class = is_fp ? CLASS_FP_STORE : CLASS_STORE;
  operation->memory = MEMORY_WRITE;
  add_source(operation, base, SPAN_ONE);
  add_source(operation, rs + (is_fp ? FIRST_F : FIRST_X), SPAN_ONE);
}

static void decode_quadrant0(uint32_t word, struct Operation* operation) {
  const unsigned data = 8 + bits(word, 2, 3), base = 8 + bits(word, 7, 3);
  switch (bits(word, 13, 3)) {
    case 0:  // c.addi4spn
      operation->destination = (uint8_t) data;
      add_source(operation, REGISTER_SP, SPAN_ONE);
      break;
    case 1: set_load(operation, data, base, true); break;
    case 2:
    case 3: set_load(operation, data, base, false); break;
    case 5: set_store(operation, data, base, true); break;
    case 6:
    case 7: set_store(operation, data, base, false); break;
    default: break;
  }
}

static void decode_quadrant1(uint32_t word, struct Operation* operation) {
  const unsigned rd = bits(word, 7, 5), rd_short = 8 + bits(word, 7, 3);
  switch (bits(word, 13, 3)) {
    case 2:  // c.li
      operation->destination = (uint8_t) rd;
      break;
    case 3:  // c.lui, or c.addi16sp
      operation->destination = (uint8_t) rd;
      add_source(operation, rd == REGISTER_SP ? REGISTER_SP : NO_REGISTER, SPAN_ONE);
      break;
    case 4:
      operation->destination = (uint8_t) rd_short;
      add_source(operation, rd_short, SPAN_ONE);
      if (bits(word, 10, 2) == 3) {
        add_source(operation, 8 + bits(word, 2, 3), SPAN_ONE);
      }
      break;
    case 5:  // c.j
      operation->class = CLASS_JUMP;
      operation->flow = FLOW_DIRECT;
      break;
    case 6:
    case 7:  // c.beqz, c.bnez
      operation->class = CLASS_BRANCH;
      operation->flow = FLOW_CONDITIONAL;
      operation->backward = (uint8_t) bits(word, 12, 1);
      add_source(operation, rd_short, SPAN_ONE);
      break;
    default:  // c.addi, c.addiw
      operation->destination = (uint8_t) rd;
      add_source(operation, rd, SPAN_ONE);
      break;
  }
}

// c.jr, c.jalr, c.mv, c.add, c.ebreak
static void decode_jump_or_move(uint32_t word, struct Operation* operation) {
  const unsigned rd = bits(word, 7, 5), rs2 = bits(word, 2, 5);
  const bool second_half = bits(word, 12, 1);
  if (rs2 != 0) {
    operation->destination = (uint8_t) rd;
    add_source(operation, rs2, SPAN_ONE);
    add_source(operation, second_half ? rd : NO_REGISTER, SPAN_ONE);
  } else if (rd != 0) {
    const bool is_return = !second_half && (rd == REGISTER_RA || rd == REGISTER_T0);
    operation->class = CLASS_JUMP_REGISTER;
    operation->flow = is_return ? FLOW_RETURN : FLOW_INDIRECT;
    operation->destination = second_half ? REGISTER_RA : NO_REGISTER;
    add_source(operation, rd, SPAN_ONE);
  } else {
    operation->class = CLASS_CSR;
  }
}

static void decode_quadrant2(uint32_t word, struct Operation* operation) {
  const unsigned rd = bits(word, 7, 5), rs2 = bits(word, 2, 5);
  switch (bits(word, 13, 3)) {
    case 0:  // c.slli
      operation->destination = (uint8_t) rd;
      add_source(operation, rd, SPAN_ONE);
      break;
    case 1: set_load(operation, rd, REGISTER_SP, true); break;
    case 2:
    case 3: set_load(operation, rd, REGISTER_SP, false); break;
    case 4: decode_jump_or_move(word, operation); break;
    case 5: set_store(operation, rs2, REGISTER_SP, true); break;
    default: set_store(operation, rs2, REGISTER_SP, false); break;
  }
}

void decode_compressed(uint32_t word, struct Operation* operation) {
  switch (word & 3) {
    case 0: decode_quadrant0(word, operation); break;
    case 1: decode_quadrant1(word, operation); break;
    default: decode_quadrant2(word, operation); break;
  }
}
