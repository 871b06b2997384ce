// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// The V extension: OP-V arithmetic and vector loads and stores.
//
// The arithmetic encodings are three tables of 64 entries, indexed by funct6: OPI (integer),
// OPM (integer multiply, masks, reductions) and OPF (floating point).

#include <stdbool.h>

#include "classes.h"
#include "decode.h"

struct Form {
  uint8_t class;
  uint8_t vd, vs2, vs1;  // enum Span
  bool valid;
};

#define FORM(name, vd, vs2, vs1) {CLASS_##name, SPAN_##vd, SPAN_##vs2, SPAN_##vs1, true}
#define PLAIN(name) FORM(name, LMUL, LMUL, LMUL)
#define TO_MASK(name) FORM(name, ONE, LMUL, LMUL)
#define WIDENING(name) FORM(name, WIDE, LMUL, LMUL)
#define WIDENING_W(name) FORM(name, WIDE, WIDE, LMUL)
#define NARROWING(name) FORM(name, LMUL, WIDE, LMUL)
#define REDUCTION(name) FORM(name, ONE, LMUL, ONE)
#define OF_MASKS(name) FORM(name, ONE, ONE, ONE)

static const struct Form opi_forms[64] = {
  [0x00] = PLAIN(V_ADD),        [0x01] = PLAIN(V_LOGIC),      [0x02] = PLAIN(V_ADD),
  [0x03] = PLAIN(V_ADD),        [0x04] = PLAIN(V_ADD),        [0x05] = PLAIN(V_ADD),
  [0x06] = PLAIN(V_ADD),        [0x07] = PLAIN(V_ADD),        [0x09] = PLAIN(V_LOGIC),
  [0x0a] = PLAIN(V_LOGIC),      [0x0b] = PLAIN(V_LOGIC),      [0x0c] = PLAIN(V_GATHER),
  [0x0e] = PLAIN(V_SLIDE),      [0x0f] = PLAIN(V_SLIDE),      [0x10] = PLAIN(V_CARRY),
  [0x11] = TO_MASK(V_CARRY),    [0x12] = PLAIN(V_CARRY),      [0x13] = TO_MASK(V_CARRY),
  [0x14] = PLAIN(V_LOGIC),      [0x15] = PLAIN(V_LOGIC),      [0x17] = PLAIN(V_MOVE),
  [0x18] = TO_MASK(V_COMPARE),  [0x19] = TO_MASK(V_COMPARE),  [0x1a] = TO_MASK(V_COMPARE),
  [0x1b] = TO_MASK(V_COMPARE),  [0x1c] = TO_MASK(V_COMPARE),  [0x1d] = TO_MASK(V_COMPARE),
  [0x1e] = TO_MASK(V_COMPARE),  [0x1f] = TO_MASK(V_COMPARE),  [0x20] = PLAIN(V_FIXED),
  [0x21] = PLAIN(V_FIXED),      [0x22] = PLAIN(V_FIXED),      [0x23] = PLAIN(V_FIXED),
  [0x25] = PLAIN(V_LOGIC),      [0x27] = PLAIN(V_FIXED),      [0x28] = PLAIN(V_LOGIC),
  [0x29] = PLAIN(V_LOGIC),      [0x2a] = PLAIN(V_FIXED),      [0x2b] = PLAIN(V_FIXED),
  [0x2c] = NARROWING(V_NARROW), [0x2d] = NARROWING(V_NARROW), [0x2e] = NARROWING(V_NARROW),
  [0x2f] = NARROWING(V_NARROW), [0x30] = REDUCTION(V_REDUCE), [0x31] = REDUCTION(V_REDUCE),
  [0x35] = WIDENING(V_WIDEN),
};

// clang-format off
static const struct Form opm_forms[64] = {
    [0x00] = REDUCTION(V_REDUCE),  [0x01] = REDUCTION(V_REDUCE),  [0x02] = REDUCTION(V_REDUCE),
    [0x03] = REDUCTION(V_REDUCE),  [0x04] = REDUCTION(V_REDUCE),  [0x05] = REDUCTION(V_REDUCE),
    [0x06] = REDUCTION(V_REDUCE),  [0x07] = REDUCTION(V_REDUCE),  [0x08] = PLAIN(V_FIXED),
    [0x09] = PLAIN(V_FIXED),       [0x0a] = PLAIN(V_FIXED),       [0x0b] = PLAIN(V_FIXED),
    [0x0e] = PLAIN(V_SLIDE),       [0x0f] = PLAIN(V_SLIDE),
    [0x17] = FORM(V_COMPRESS, LMUL, LMUL, ONE),
    [0x18] = OF_MASKS(V_MASK),     [0x19] = OF_MASKS(V_MASK),     [0x1a] = OF_MASKS(V_MASK),
    [0x1b] = OF_MASKS(V_MASK),     [0x1c] = OF_MASKS(V_MASK),     [0x1d] = OF_MASKS(V_MASK),
    [0x1e] = OF_MASKS(V_MASK),     [0x1f] = OF_MASKS(V_MASK),     [0x20] = PLAIN(V_DIV),
    [0x21] = PLAIN(V_DIV),         [0x22] = PLAIN(V_DIV),         [0x23] = PLAIN(V_DIV),
    [0x24] = PLAIN(V_MUL),         [0x25] = PLAIN(V_MUL),         [0x26] = PLAIN(V_MUL),
    [0x27] = PLAIN(V_MUL),         [0x29] = PLAIN(V_MUL),         [0x2b] = PLAIN(V_MUL),
    [0x2d] = PLAIN(V_MUL),         [0x2f] = PLAIN(V_MUL),         [0x30] = WIDENING(V_WIDEN),
    [0x31] = WIDENING(V_WIDEN),    [0x32] = WIDENING(V_WIDEN),    [0x33] = WIDENING(V_WIDEN),
    [0x34] = WIDENING_W(V_WIDEN),  [0x35] = WIDENING_W(V_WIDEN),  [0x36] = WIDENING_W(V_WIDEN),
    [0x37] = WIDENING_W(V_WIDEN),  [0x38] = WIDENING(V_WIDEN),    [0x3a] = WIDENING(V_WIDEN),
    [0x3b] = WIDENING(V_WIDEN),    [0x3c] = WIDENING(V_WIDEN),    [0x3d] = WIDENING(V_WIDEN),
    [0x3e] = WIDENING(V_WIDEN),    [0x3f] = WIDENING(V_WIDEN),
};
// clang-format on

static const struct Form opf_forms[64] = {
  [0x00] = PLAIN(VF_ADD),          [0x01] = REDUCTION(VF_REDUCE),
  [0x02] = PLAIN(VF_ADD),          [0x03] = REDUCTION(VF_REDUCE_ORDERED),
  [0x04] = PLAIN(VF_MINMAX),       [0x05] = REDUCTION(VF_REDUCE),
  [0x06] = PLAIN(VF_MINMAX),       [0x07] = REDUCTION(VF_REDUCE),
  [0x08] = PLAIN(VF_SIGN),         [0x09] = PLAIN(VF_SIGN),
  [0x0a] = PLAIN(VF_SIGN),         [0x0e] = PLAIN(V_SLIDE),
  [0x0f] = PLAIN(V_SLIDE),         [0x17] = PLAIN(VF_MOVE),
  [0x18] = TO_MASK(VF_COMPARE),    [0x19] = TO_MASK(VF_COMPARE),
  [0x1b] = TO_MASK(VF_COMPARE),    [0x1c] = TO_MASK(VF_COMPARE),
  [0x1d] = TO_MASK(VF_COMPARE),    [0x1f] = TO_MASK(VF_COMPARE),
  [0x20] = PLAIN(VF_DIV),          [0x21] = PLAIN(VF_DIV),
  [0x24] = PLAIN(VF_MUL),          [0x27] = PLAIN(VF_ADD),
  [0x28] = PLAIN(VF_FMA),          [0x29] = PLAIN(VF_FMA),
  [0x2a] = PLAIN(VF_FMA),          [0x2b] = PLAIN(VF_FMA),
  [0x2c] = PLAIN(VF_FMA),          [0x2d] = PLAIN(VF_FMA),
  [0x2e] = PLAIN(VF_FMA),          [0x2f] = PLAIN(VF_FMA),
  [0x30] = WIDENING(VF_WIDEN),     [0x31] = REDUCTION(VF_REDUCE),
  [0x32] = WIDENING(VF_WIDEN),     [0x33] = REDUCTION(VF_REDUCE_ORDERED),
  [0x34] = WIDENING_W(VF_WIDEN),   [0x36] = WIDENING_W(VF_WIDEN),
  [0x38] = WIDENING(VF_WIDEN),     [0x3c] = WIDENING(VF_WIDEN_FMA),
  [0x3d] = WIDENING(VF_WIDEN_FMA), [0x3e] = WIDENING(VF_WIDEN_FMA),
  [0x3f] = WIDENING(VF_WIDEN_FMA),
};

enum VectorFormat { OPIVV, OPFVV, OPMVV, OPIVI, OPIVX, OPFVF, OPMVX, OPCFG };

static void set_destination(struct Operation* operation, unsigned reg, enum Span span) {
  operation->destination = (uint8_t) reg;
  operation->destination_span = (uint8_t) span;
}

// The destination is also a source: tail and masked-off elements may keep their old value, and
// the X60 waits for it even where the policy is agnostic (bp3-microarch, dependence-on-dest).
static void set_vector_destination(struct Operation* operation, unsigned vd, enum Span span) {
  set_destination(operation, FIRST_V + vd, span);
  add_source(operation, FIRST_V + vd, span);
}

static void add_mask(uint32_t word, struct Operation* operation) {
  if (bits(word, 25, 1) == 0) {
    operation->is_masked = 1;
    add_source(operation, FIRST_V, SPAN_ONE);
  }
}

static void decode_configuration(uint32_t word, struct Operation* operation) {
  operation->class = CLASS_VSET;
  operation->destination = (uint8_t) bits(word, 7, 5);
  const unsigned rs1 = bits(word, 15, 5), rs2 = bits(word, 20, 5);
  if (bits(word, 31, 1) == 0) {
    operation->kind = KIND_VTYPE_IMMEDIATE;
    operation->vtype = (uint16_t) bits(word, 20, 11);
    add_source(operation, rs1, SPAN_ONE);
  } else if (bits(word, 30, 2) == 3) {
    operation->kind = KIND_VTYPE_IMMEDIATE;
    operation->vtype = (uint16_t) bits(word, 20, 10);
  } else {
    operation->kind = KIND_VTYPE_REGISTER;
    operation->source[0] = (uint8_t) rs1;
    operation->source[1] = (uint8_t) rs2;
  }
}

// funct6 0x10: moves between element 0 and a scalar register, and vcpop and vfirst.
static void decode_scalar_move(uint32_t word, enum VectorFormat format,
                               struct Operation* operation) {
  const unsigned rd = bits(word, 7, 5), rs1 = bits(word, 15, 5), vs2 = bits(word, 20, 5);
  operation->class = CLASS_V_MOVE_SCALAR;
  switch (format) {
    case OPMVV:
      operation->class = rs1 == 0 ? CLASS_V_MOVE_SCALAR : CLASS_V_MASK_COUNT;
      set_destination(operation, FIRST_X + rd, SPAN_ONE);
      add_source(operation, FIRST_V + vs2, SPAN_ONE);
      add_mask(word, operation);
      break;
    case OPFVV:
      set_destination(operation, FIRST_F + rd, SPAN_ONE);
      add_source(operation, FIRST_V + vs2, SPAN_ONE);
      break;
    default:
      add_source(operation, (format == OPFVF ? FIRST_F : FIRST_X) + rs1, SPAN_ONE);
      set_vector_destination(operation, rd, SPAN_ONE);
      break;
  }
}

// funct6 0x12 and 0x14 of OPM, 0x12 and 0x13 of OPF: one vector source, rs1 is an opcode.
static void decode_unary(uint32_t word, enum VectorFormat format, struct Operation* operation) {
  const unsigned funct6 = bits(word, 26, 6), function = bits(word, 15, 5);
  enum Span vd = SPAN_LMUL, vs2 = SPAN_LMUL;
  if (format == OPMVV && funct6 == 0x12) {  // vzext, vsext
    static const enum Span sources[4] = {SPAN_LMUL, SPAN_EIGHTH, SPAN_QUARTER, SPAN_HALF};
    operation->class = CLASS_V_EXTEND;
    vs2 = sources[(function >> 1) & 3];
  } else if (format == OPMVV) {
    const bool is_iota = function >= 0x10;  // viota, vid
    operation->class = is_iota ? CLASS_V_IOTA : CLASS_V_MASK_SET;
    vd = is_iota ? SPAN_LMUL : SPAN_ONE;
    vs2 = SPAN_ONE;
  } else if (funct6 == 0x12) {
    const bool widening = (function & 0x18) == 0x08, narrowing = (function & 0x18) == 0x10;
    operation->class = widening    ? CLASS_VF_CONVERT_WIDEN
                       : narrowing ? CLASS_VF_CONVERT_NARROW
                                   : CLASS_VF_CONVERT;
    vd = widening ? SPAN_WIDE : SPAN_LMUL;
    vs2 = narrowing ? SPAN_WIDE : SPAN_LMUL;
  } else {
    operation->class = function == 0                    ? CLASS_VF_SQRT
                       : function == 4 || function == 5 ? CLASS_VF_ESTIMATE
                                                        : CLASS_VF_CONVERT;
  }
  const bool is_vid = format == OPMVV && funct6 == 0x14 && function == 0x11;
  set_vector_destination(operation, bits(word, 7, 5), vd);
  if (!is_vid) {
    add_source(operation, FIRST_V + bits(word, 20, 5), vs2);
  }
  add_mask(word, operation);
}

static void decode_whole_move(uint32_t word, struct Operation* operation) {
  operation->class = CLASS_V_MOVE_WHOLE;
  operation->size = SIZE_FIXED;
  operation->fields = (uint8_t) (bits(word, 15, 3) + 1);
  set_vector_destination(operation, bits(word, 7, 5), SPAN_FIXED);
  add_source(operation, FIRST_V + bits(word, 20, 5), SPAN_FIXED);
}

static void decode_form(uint32_t word, enum VectorFormat format, struct Operation* operation) {
  const unsigned funct6 = bits(word, 26, 6), rs1 = bits(word, 15, 5);
  const bool is_fp = format == OPFVV || format == OPFVF;
  const bool is_multiply = format == OPMVV || format == OPMVX;
  const struct Form* forms = is_fp ? opf_forms : is_multiply ? opm_forms : opi_forms;
  struct Form form = forms[funct6];
  if (!form.valid) {
    form = (struct Form) PLAIN(V_ADD);
  }
  if (format == OPIVV && funct6 == 0x0e) {
    form = (struct Form) PLAIN(V_GATHER);  // vrgatherei16 shares the code of vslideup
  }
  operation->class = form.class;
  set_vector_destination(operation, bits(word, 7, 5), form.vd);
  const bool is_move = form.class == CLASS_V_MOVE || form.class == CLASS_VF_MOVE;
  if (!is_move || bits(word, 25, 1) == 0) {  // a vector move, unlike a merge, has no vs2
    add_source(operation, FIRST_V + bits(word, 20, 5), form.vs2);
  }
  switch (format) {
    case OPIVV:
    case OPFVV:
    case OPMVV: add_source(operation, FIRST_V + rs1, form.vs1); break;
    case OPIVX:
    case OPMVX: add_source(operation, FIRST_X + rs1, SPAN_ONE); break;
    case OPFVF: add_source(operation, FIRST_F + rs1, SPAN_ONE); break;
    default: break;
  }
  add_mask(word, operation);
}

void decode_vector_arithmetic(uint32_t word, struct Operation* operation) {
  const enum VectorFormat format = bits(word, 12, 3);
  const unsigned funct6 = bits(word, 26, 6);
  if (format == OPCFG) {
    decode_configuration(word, operation);
    return;
  }
  operation->kind = KIND_VECTOR;
  const bool is_vv = format == OPMVV || format == OPFVV;
  if (funct6 == 0x10 && format != OPIVV && format != OPIVX && format != OPIVI) {
    decode_scalar_move(word, format, operation);
  } else if (is_vv && (funct6 == 0x12 || (format == OPMVV && funct6 == 0x14) ||
                       (format == OPFVV && funct6 == 0x13))) {
    decode_unary(word, format, operation);
  } else if (format == OPIVI && funct6 == 0x27) {
    decode_whole_move(word, operation);
  } else {
    decode_form(word, format, operation);
  }
}

// Loads and stores. The two lists of classes run in parallel.
enum MemoryForm {
  FORM_UNIT,
  FORM_MASK,
  FORM_STRIDED,
  FORM_INDEXED,
  FORM_SEGMENT2,
  FORM_SEGMENT3,
  FORM_SEGMENT4,
  FORM_SEGMENT,
};

static const uint8_t load_classes[] = {
  CLASS_VLOAD,          CLASS_VLOAD_MASK,     CLASS_VLOAD_STRIDED,  CLASS_VLOAD_INDEXED,
  CLASS_VLOAD_SEGMENT2, CLASS_VLOAD_SEGMENT3, CLASS_VLOAD_SEGMENT4, CLASS_VLOAD_SEGMENT,
};

static const uint8_t store_classes[] = {
  CLASS_VSTORE,          CLASS_VSTORE_MASK,     CLASS_VSTORE_STRIDED,  CLASS_VSTORE_INDEXED,
  CLASS_VSTORE_SEGMENT2, CLASS_VSTORE_SEGMENT3, CLASS_VSTORE_SEGMENT4, CLASS_VSTORE_SEGMENT,
};

enum { MOP_UNIT = 0, MOP_STRIDED = 2, LUMOP_WHOLE = 0x08, LUMOP_MASK = 0x0b };

static enum MemoryForm memory_form(unsigned mop, unsigned fields) {
  if (fields > 4 || (fields > 1 && mop != MOP_UNIT)) {
    return FORM_SEGMENT;
  }
  if (fields > 1) {
    return FORM_SEGMENT2 + (fields - 2);
  }
  if (mop == MOP_UNIT) {
    return FORM_UNIT;
  }
  return mop == MOP_STRIDED ? FORM_STRIDED : FORM_INDEXED;
}

void decode_vector_memory(uint32_t word, struct Operation* operation) {
  static const uint8_t eew_log2[8] = {[0] = 0, [5] = 1, [6] = 2, [7] = 3};
  const bool is_load = operation->memory == MEMORY_READ;
  const unsigned mop = bits(word, 26, 2), rs2 = bits(word, 20, 5), vd = bits(word, 7, 5);
  const bool is_whole = mop == MOP_UNIT && rs2 == LUMOP_WHOLE;
  const bool is_mask = mop == MOP_UNIT && rs2 == LUMOP_MASK;
  const bool is_indexed = (mop & 1) != 0;

  operation->kind = KIND_VECTOR;
  operation->eew_log2 = eew_log2[bits(word, 12, 3)];
  operation->fields = (uint8_t) (bits(word, 29, 3) + 1);
  operation->size = SIZE_EEW;
  enum MemoryForm form = memory_form(mop, operation->fields);
  enum Span span = SPAN_EEW;
  if (is_whole) {
    form = FORM_UNIT;
    operation->size = SIZE_FIXED;
    span = SPAN_FIXED;
  } else if (is_mask) {
    form = FORM_MASK;
    span = SPAN_ONE;
  } else if (is_indexed) {
    operation->size = SIZE_SEW;  // the index has the instruction's width, the data vtype's
    span = SPAN_LMUL;
  }
  operation->class = (is_load ? load_classes : store_classes)[form];
  operation->repeat = form == FORM_SEGMENT ? operation->fields : 1;

  add_source(operation, bits(word, 15, 5), SPAN_ONE);
  if (is_load) {
    set_vector_destination(operation, vd, span);
  } else {
    add_source(operation, FIRST_V + vd, span);
  }
  if (mop == MOP_STRIDED) {
    add_source(operation, rs2, SPAN_ONE);
  } else if (is_indexed) {
    add_source(operation, FIRST_V + rs2, SPAN_EEW);
  }
  if (!is_whole) {
    add_mask(word, operation);
  }
}
