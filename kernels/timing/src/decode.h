// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Decodes RV64GC, Zba, Zfh and V instructions into what the timing model needs:
// the class, the registers read and written, and how many registers a vector operand spans.
//
// Encodings follow the RISC-V Unprivileged ISA manual; the decoder accepts every word,
// since QEMU reports only instructions that it could translate itself.

#ifndef COLONNADE_TIMING_DECODE_H_
#define COLONNADE_TIMING_DECODE_H_

#include <stdint.h>

// Register numbers: x0..x31, f0..f31, v0..v31. Number 0 (x0) also means "no register".
enum { FIRST_X = 0, FIRST_F = 32, FIRST_V = 64, REGISTER_COUNT = 96, NO_REGISTER = 0 };

enum { MAX_SOURCES = 4 };

// How many registers a vector operand spans, given vtype.
enum Span {
  SPAN_ONE,      // a mask, the scalar operand of a reduction, or a scalar register
  SPAN_LMUL,     // LMUL
  SPAN_WIDE,     // 2 * LMUL
  SPAN_HALF,     // LMUL / 2
  SPAN_QUARTER,  // LMUL / 4
  SPAN_EIGHTH,   // LMUL / 8
  SPAN_EEW,      // LMUL * EEW / SEW, the operand of a load or store (or its index)
  SPAN_FIXED,    // `fields` registers, whatever vtype says
};

enum OperandSize {
  SIZE_SEW,    // costs follow vtype
  SIZE_EEW,    // costs follow the instruction's own element width
  SIZE_FIXED,  // costs follow the `fields` registers moved
};

enum OperationKind {
  KIND_SCALAR,
  KIND_VECTOR,
  KIND_VTYPE_IMMEDIATE,  // vsetvli, vsetivli: vtype is in `vtype`
  KIND_VTYPE_REGISTER,   // vsetvl: vtype is in register source[1] at run time
  KIND_MARKER,           // region marker, its immediate is in `vtype`
  KIND_TEAM_MARKER,      // team marker, its value is in register source[0] at run time
  KIND_HUGE_MARKER,      // huge pages marker, begin and end are in source[0] and source[1]
};

// Control flow of a branch or jump; a return is predicted by the return-address stack.
enum Flow { FLOW_NEXT, FLOW_CONDITIONAL, FLOW_DIRECT, FLOW_INDIRECT, FLOW_RETURN };

enum Memory { MEMORY_NONE, MEMORY_READ, MEMORY_WRITE };

struct Operation {
  uint8_t class;   // enum InstructionClass
  uint8_t kind;    // enum OperationKind
  uint8_t flow;    // enum Flow
  uint8_t memory;  // enum Memory
  uint8_t destination;
  uint8_t destination_span;
  uint8_t source[MAX_SOURCES];
  uint8_t source_span[MAX_SOURCES];
  uint8_t size;      // enum OperandSize
  uint8_t eew_log2;  // log2 of the element width in bytes, for SIZE_EEW
  uint8_t fields;    // fields of a segment, or registers of a whole-register move; else 1
  uint8_t repeat;    // how many times the cost of the class is paid
  uint8_t length;    // bytes: 2 or 4
  uint16_t vtype;
  uint8_t backward;   // a branch with a negative offset
  uint8_t is_masked;  // a vector operation with a mask operand
  uint32_t branch_id;  // set by the block table: identifies the branch to the predictor
};

// Immediates of the region markers, `slti x0, x0, imm`.
enum { MARKER_BEGIN_COLD = 0x511, MARKER_BEGIN = 0x512, MARKER_END = 0x513 };

// Values of the team marker, `slt x0, x0, rs2`; the first two carry a number in their low byte.
enum { TEAM_BEGIN = 0x100, TEAM_MEMBER = 0x200, TEAM_END = 0x300, TEAM_NUMBER = 0xff };

// Decodes `word` (its low 16 bits for a compressed instruction).
struct Operation decode(uint32_t word);

// Parts of the decoder, one file each; `operation` comes with defaults filled in.
void decode_compressed(uint32_t word, struct Operation* operation);
void decode_vector_arithmetic(uint32_t word, struct Operation* operation);
void decode_vector_memory(uint32_t word, struct Operation* operation);

// Appends a source register; x0 is skipped.
void add_source(struct Operation* operation, unsigned reg, enum Span span);

static inline uint32_t bits(uint32_t word, unsigned low, unsigned count) {
  return (word >> low) & ((1u << count) - 1);
}

#endif  // COLONNADE_TIMING_DECODE_H_
