// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Functions of elements at the same place, on planes.
#include <math.h>
#include <stdint.h>

#include "colonnade/elementwise.h"
#include "plane-task.h"
#include "xnnpack/math.h"

struct elementwise_context {
  struct xnn_elementwise what;
  xnn_elementwise_ukernel_fn ukernel;
  xnn_clear_ukernel_fn clear;
  size_t element_bytes;
};

static xnn_elementwise_ukernel_fn find_ukernel(const struct xnn_elementwise_config* config, enum xnn_elementwise_function function) {
  switch (function) {
    case xnn_elementwise_affine: return config->affine;
    case xnn_elementwise_hard_swish: return config->hard_swish;
    case xnn_elementwise_leaky_relu: return config->leaky_relu;
    case xnn_elementwise_sigmoid: return config->sigmoid;
    case xnn_elementwise_silu: return config->silu;
    case xnn_elementwise_tanh: return config->tanh;
    case xnn_elementwise_gelu: return config->gelu;
    case xnn_elementwise_gelu_tanh: return config->gelu_tanh;
    case xnn_elementwise_mish: return config->mish;
    case xnn_elementwise_elu: return config->elu;
    case xnn_elementwise_softplus: return config->softplus;
    case xnn_elementwise_erf: return config->erf;
    case xnn_elementwise_exp: return config->exp;
    case xnn_elementwise_abs: return config->abs;
    case xnn_elementwise_add: return config->add;
    case xnn_elementwise_subtract: return config->subtract;
    case xnn_elementwise_multiply: return config->multiply;
    case xnn_elementwise_maximum: return config->maximum;
    case xnn_elementwise_minimum: return config->minimum;
  }
  XNN_UNREACHABLE;
}

static bool is_binary(enum xnn_elementwise_function function) { return function >= xnn_elementwise_add; }

static float number_at(const struct xnn_plane_numbers* numbers, size_t channel, size_t image) {
  const size_t index = image * numbers->image_stride + channel * numbers->channel_stride;
  const struct xnn_colnm_datatype* elements = xnn_colnm_find_datatype(numbers->datatype);
  float number;
  elements->to_float(1, (const char*) numbers->data + index * elements->bytes, &number);
  return number;
}

// An operation with a number is an affine function of the other operand, or another clamp.
static struct xnn_elementwise_params with_number(
    enum xnn_elementwise_function function, struct xnn_elementwise_params params, float number, bool is_first) {
  params.scale = 1;
  params.shift = 0;
  switch (function) {
    case xnn_elementwise_add:
      params.shift = number;
      break;
    case xnn_elementwise_subtract:
      params.scale = is_first ? -1.0f : 1.0f;
      params.shift = is_first ? number : -number;
      break;
    case xnn_elementwise_multiply:
      params.scale = number;
      break;
    case xnn_elementwise_maximum:
      params.min = math_min_f32(math_max_f32(params.min, number), params.max);
      break;
    default:
      params.max = math_max_f32(math_min_f32(params.max, number), params.min);
      break;
  }
  return params;
}

static void compute_plane(const struct elementwise_context* context, size_t channel, size_t image) {
  const struct xnn_elementwise* what = &context->what;
  const size_t bytes = context->element_bytes;
  struct xnn_elementwise_params params = what->params;
  if (what->numbers.data != NULL) {
    params = with_number(what->function, params, number_at(&what->numbers, channel, image), what->number_first);
  }
  params.scale = what->scale == NULL ? params.scale : what->scale[channel];
  params.shift = what->shift == NULL ? params.shift : what->shift[channel];
  params.slope = what->slope == NULL ? params.slope : what->slope[channel];
  const struct xnn_colnm_planes *a = &what->a.planes, *b = &what->b.planes, *output = &what->output.planes;
  const bool has_b = what->b.data != NULL;
  const size_t stride = output->row_stride;
  // Short rows fill no vectors: where all lie alike, a plane is computed as one, and what its gaps got is cleared.
  const bool is_one = a->row_stride == stride && (!has_b || b->row_stride == stride);
  const size_t rows = is_one ? 1 : a->height;
  const size_t columns = is_one ? (a->height - 1) * stride + a->width : a->width;
  const uintptr_t out = colnm_plane_address(&what->output, channel, image, bytes);
  context->ukernel(
      rows, columns, (const void*) colnm_plane_address(&what->a, channel, image, bytes), a->row_stride * bytes,
      has_b ? (const void*) colnm_plane_address(&what->b, channel, image, bytes) : NULL, b->row_stride * bytes, (void*) out,
      stride * bytes, &params);
  if (is_one) {
    context->clear(a->height - 1, stride - a->width, (void*) (out + a->width * bytes), stride);
  }
}

enum xnn_status xnn_create_elementwise_cnhw(const struct xnn_elementwise* elementwise, xnn_operator_t* op_out) {
  const struct xnn_colnm_datatype* elements = xnn_colnm_find_datatype(elementwise->datatype);
  const struct xnn_colnm_planes* a = &elementwise->a.planes;
  const bool has_b = elementwise->b.data != NULL, has_numbers = elementwise->numbers.data != NULL;
  if (elements == NULL || a->phases != 1 || elementwise->output.planes.phases != 1 || (has_b && elementwise->b.planes.phases != 1) ||
      (has_numbers && xnn_colnm_find_datatype(elementwise->numbers.datatype) == NULL)) {
    xnn_log_error("failed to create an elementwise operator: a datatype that is none of " COLNM_DATATYPE_NAMES ", or planes that are split");
    return xnn_status_unsupported_parameter;
  }
  if (!colnm_has_shape(a, &elementwise->output.planes) || (has_b && !colnm_has_shape(a, &elementwise->b.planes)) ||
      is_binary(elementwise->function) != (has_b != has_numbers)) {
    xnn_log_error("failed to create an elementwise operator: operands too few, too many or of another shape");
    return xnn_status_invalid_parameter;
  }
  const struct xnn_elementwise_config* config = xnn_init_elementwise_config(elements);
  const struct elementwise_context context = {
    .what = *elementwise,
    .ukernel = has_numbers ? config->affine : find_ukernel(config, elementwise->function),
    .clear = config->clear,
    .element_bytes = elements->bytes,
  };
  return colnm_create_plane_task((pthreadpool_task_2d_t) compute_plane, &context, sizeof(context), a->channels, a->batch, op_out);
}
