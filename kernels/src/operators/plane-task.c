// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

#include "plane-task.h"

#include <string.h>

struct plane_task_operator {
  struct xnn_operator base;
  uint64_t context[];
};

enum xnn_status colnm_create_plane_task(
    pthreadpool_task_2d_t task,
    const void* context,
    size_t context_bytes,
    size_t channels,
    size_t images,
    xnn_operator_t* op_out) {
  if (!colnm_is_initialized()) {
    return xnn_status_uninitialized;
  }
  struct plane_task_operator* op = xnn_allocate_zero_simd_memory(sizeof(struct plane_task_operator) + context_bytes);
  if (op == NULL) {
    return xnn_status_out_of_memory;
  }
  memcpy(op->context, context, context_bytes);
  op->base.type = xnn_operator_type_copy_nc_x32;
  op->base.compute[0] = (struct compute_parameters) {
    .type = xnn_parallelization_type_2d,
    .task_2d = task,
    .context_offset = COLNM_CONTEXT_OFFSET(plane_task_operator),
    .range = {channels, images},
  };
  op->base.state = xnn_run_state_ready;
  *op_out = &op->base;
  return xnn_status_success;
}
