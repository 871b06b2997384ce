// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// An operator that calls a function once for each plane.
#pragma once

#include <stdint.h>

#include "colonnade/plane-operators.h"
#include "operator-context.h"

// Creates an operator ready to run `task(context, channel, image)` for all planes; it has a copy of the context.
enum xnn_status colnm_create_plane_task(
    pthreadpool_task_2d_t task,
    const void* context,
    size_t context_bytes,
    size_t channels,
    size_t images,
    xnn_operator_t* op_out);

// Byte address of the first element of a plane.
static inline uintptr_t colnm_plane_address(const struct xnn_plane_tensor* tensor, size_t channel, size_t image, size_t element_bytes) {
  const struct xnn_colnm_planes* planes = &tensor->planes;
  return (uintptr_t) tensor->data +
         (planes->origin + channel * planes->channel_stride + image * planes->image_stride) * element_bytes;
}

static inline bool colnm_has_shape(const struct xnn_colnm_planes* planes, const struct xnn_colnm_planes* other) {
  return planes->batch == other->batch && planes->channels == other->channels && planes->height == other->height &&
         planes->width == other->width;
}
