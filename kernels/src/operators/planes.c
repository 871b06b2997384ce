#include "colonnade/planes.h"

#include "xnnpack/math.h"

// Elements of a cache line.
#define LINE 16

void xnn_colnm_planes_init(
    struct xnn_colnm_planes* planes,
    size_t batch,
    size_t channels,
    size_t height,
    size_t width,
    uint32_t phases,
    size_t row_gap,
    size_t column_gap)
{
  *planes = (struct xnn_colnm_planes) {
    .batch = batch, .channels = channels, .height = height, .width = width, .phases = phases,
  };
  planes->row_stride = xnn_colnm_phase_width(planes) + column_gap;
  planes->phase_stride = (xnn_colnm_phase_height(planes) + row_gap) * planes->row_stride;
  planes->image_stride = phases * phases * planes->phase_stride;
  // An odd number of cache lines: the planes of different channels fall into different cache sets.
  planes->channel_stride = (divide_round_up(batch * planes->image_stride, LINE) | 1) * LINE;
  const size_t padding = row_gap * planes->row_stride + column_gap;
  planes->origin = round_up(padding, LINE);
  planes->size = planes->origin + channels * planes->channel_stride + padding + COLNM_PLANES_GUARD;
}
