// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// An xnn_operator with a context of our own behind it. xnn_run_operator reads only the state, the flags,
// the compute parameters and the context they point to, so upstream's context union needs no new member.
#pragma once

#include <stddef.h>

#include "xnnpack.h"
#include "xnnpack/allocator.h"
#include "xnnpack/log.h"
#include "xnnpack/operator.h"
#include "xnnpack/params.h"

// Offset of member `context` of `type`, a struct that starts with an xnn_operator, as
// compute_parameters.context_offset counts it.
#define COLNM_CONTEXT_OFFSET(type) (offsetof(struct type, context) - offsetof(struct xnn_operator, context))

// Bytes of an element of activations, 0 for a datatype they cannot have.
static inline size_t colnm_element_bytes(enum xnn_datatype datatype) {
  switch (datatype) {
    case xnn_datatype_fp32: return 4;
    case xnn_datatype_fp16: return 2;
    default: return 0;
  }
}

static inline bool colnm_is_initialized(void) {
  return (xnn_params.init_flags & XNN_INIT_FLAG_XNNPACK) != 0;
}
