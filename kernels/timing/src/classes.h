// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// The instruction classes: every class has one cost in the core description.
//
// CLASS(enumerator, name in the core description, group in the report)

#ifndef COLONNADE_TIMING_CLASSES_H_
#define COLONNADE_TIMING_CLASSES_H_

#define COLONNADE_CLASSES(CLASS)                         \
  CLASS(ALU, "alu", SCALAR)                              \
  CLASS(ALU_ADDRESS, "alu_address", SCALAR)              \
  CLASS(MUL, "mul", SCALAR)                              \
  CLASS(MUL_WORD, "mul_word", SCALAR)                    \
  CLASS(DIV, "div", SCALAR)                              \
  CLASS(DIV_WORD, "div_word", SCALAR)                    \
  CLASS(CSR, "csr", SCALAR)                              \
  CLASS(LOAD, "load", SCALAR_LOAD)                       \
  CLASS(STORE, "store", SCALAR_STORE)                    \
  CLASS(ATOMIC, "atomic", SCALAR_STORE)                  \
  CLASS(FP_LOAD, "fp_load", SCALAR_LOAD)                 \
  CLASS(FP_STORE, "fp_store", SCALAR_STORE)              \
  CLASS(BRANCH, "branch", BRANCH)                        \
  CLASS(JUMP, "jump", BRANCH)                            \
  CLASS(JUMP_REGISTER, "jump_register", BRANCH)          \
  CLASS(FP_ADD, "fp_add", SCALAR_FP)                     \
  CLASS(FP_ADD_DOUBLE, "fp_add_double", SCALAR_FP)       \
  CLASS(FP_FMA, "fp_fma", SCALAR_FP)                     \
  CLASS(FP_FMA_DOUBLE, "fp_fma_double", SCALAR_FP)       \
  CLASS(FP_DIV_HALF, "fp_div_half", SCALAR_FP)           \
  CLASS(FP_DIV, "fp_div", SCALAR_FP)                     \
  CLASS(FP_DIV_DOUBLE, "fp_div_double", SCALAR_FP)       \
  CLASS(FP_COMPARE, "fp_compare", SCALAR_FP)             \
  CLASS(FP_CONVERT, "fp_convert", SCALAR_FP)             \
  CLASS(FP_TO_INT, "fp_to_int", SCALAR_FP)               \
  CLASS(INT_TO_FP, "int_to_fp", SCALAR_FP)               \
  CLASS(VSET, "vset", VSET)                              \
  CLASS(VLOAD, "vload", VLOAD)                           \
  CLASS(VLOAD_MASK, "vload_mask", VLOAD)                 \
  CLASS(VLOAD_STRIDED, "vload_strided", VLOAD)           \
  CLASS(VLOAD_INDEXED, "vload_indexed", VLOAD)           \
  CLASS(VLOAD_SEGMENT2, "vload_segment2", VLOAD)         \
  CLASS(VLOAD_SEGMENT3, "vload_segment3", VLOAD)         \
  CLASS(VLOAD_SEGMENT4, "vload_segment4", VLOAD)         \
  CLASS(VLOAD_SEGMENT, "vload_segment", VLOAD)           \
  CLASS(VSTORE, "vstore", VSTORE)                        \
  CLASS(VSTORE_MASK, "vstore_mask", VSTORE)              \
  CLASS(VSTORE_STRIDED, "vstore_strided", VSTORE)        \
  CLASS(VSTORE_INDEXED, "vstore_indexed", VSTORE)        \
  CLASS(VSTORE_SEGMENT2, "vstore_segment2", VSTORE)      \
  CLASS(VSTORE_SEGMENT3, "vstore_segment3", VSTORE)      \
  CLASS(VSTORE_SEGMENT4, "vstore_segment4", VSTORE)      \
  CLASS(VSTORE_SEGMENT, "vstore_segment", VSTORE)        \
  CLASS(VF_FMA, "vf_fma", VFMA)                          \
  CLASS(VF_ADD, "vf_add", VFP)                           \
  CLASS(VF_MUL, "vf_mul", VFP)                           \
  CLASS(VF_MINMAX, "vf_minmax", VFP)                     \
  CLASS(VF_SIGN, "vf_sign", VFP)                         \
  CLASS(VF_COMPARE, "vf_compare", VFP)                   \
  CLASS(VF_CONVERT, "vf_convert", VFP)                   \
  CLASS(VF_CONVERT_NARROW, "vf_convert_narrow", VFP)     \
  CLASS(VF_CONVERT_WIDEN, "vf_convert_widen", VFP)       \
  CLASS(VF_WIDEN, "vf_widen", VFP)                       \
  CLASS(VF_WIDEN_FMA, "vf_widen_fma", VFMA)              \
  CLASS(VF_DIV, "vf_div", VFP)                           \
  CLASS(VF_SQRT, "vf_sqrt", VFP)                         \
  CLASS(VF_ESTIMATE, "vf_estimate", VFP)                 \
  CLASS(VF_REDUCE, "vf_reduce", VREDUCE)                 \
  CLASS(VF_REDUCE_ORDERED, "vf_reduce_ordered", VREDUCE) \
  CLASS(VF_MOVE, "vf_move", VMOVE)                       \
  CLASS(V_ADD, "v_add", VINT)                            \
  CLASS(V_LOGIC, "v_logic", VINT)                        \
  CLASS(V_CARRY, "v_carry", VINT)                        \
  CLASS(V_COMPARE, "v_compare", VINT)                    \
  CLASS(V_MUL, "v_mul", VINT)                            \
  CLASS(V_DIV, "v_div", VINT)                            \
  CLASS(V_WIDEN, "v_widen", VINT)                        \
  CLASS(V_EXTEND, "v_extend", VINT)                      \
  CLASS(V_NARROW, "v_narrow", VINT)                      \
  CLASS(V_FIXED, "v_fixed", VINT)                        \
  CLASS(V_REDUCE, "v_reduce", VREDUCE)                   \
  CLASS(V_MASK, "v_mask", VMASK)                         \
  CLASS(V_MASK_COUNT, "v_mask_count", VMASK)             \
  CLASS(V_MASK_SET, "v_mask_set", VMASK)                 \
  CLASS(V_IOTA, "v_iota", VMASK)                         \
  CLASS(V_MOVE, "v_move", VMOVE)                         \
  CLASS(V_MOVE_WHOLE, "v_move_whole", VMOVE)             \
  CLASS(V_MOVE_SCALAR, "v_move_scalar", VMOVE)           \
  CLASS(V_SLIDE, "v_slide", VPERMUTE)                    \
  CLASS(V_GATHER, "v_gather", VPERMUTE)                  \
  CLASS(V_COMPRESS, "v_compress", VPERMUTE)

enum InstructionClass {
#define CLASS(enumerator, name, group) CLASS_##enumerator,
  COLONNADE_CLASSES(CLASS)
#undef CLASS
      CLASS_COUNT
};

// What the report counts: one column each.
#define COLONNADE_GROUPS(GROUP)       \
  GROUP(SCALAR, "scalar")             \
  GROUP(SCALAR_LOAD, "scalar_load")   \
  GROUP(SCALAR_STORE, "scalar_store") \
  GROUP(SCALAR_FP, "scalar_fp")       \
  GROUP(BRANCH, "branch")             \
  GROUP(VSET, "vset")                 \
  GROUP(VLOAD, "vload")               \
  GROUP(VSTORE, "vstore")             \
  GROUP(VFMA, "vfma")                 \
  GROUP(VFP, "vfp")                   \
  GROUP(VINT, "vint")                 \
  GROUP(VREDUCE, "vreduce")           \
  GROUP(VMASK, "vmask")               \
  GROUP(VMOVE, "vmove")               \
  GROUP(VPERMUTE, "vpermute")

enum InstructionGroup {
#define GROUP(enumerator, name) GROUP_##enumerator,
  COLONNADE_GROUPS(GROUP)
#undef GROUP
      GROUP_COUNT
};

extern const char* const class_names[CLASS_COUNT];
extern const unsigned char class_groups[CLASS_COUNT];
extern const char* const group_names[GROUP_COUNT];

#endif  // COLONNADE_TIMING_CLASSES_H_
