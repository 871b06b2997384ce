#include <string.h>

#include "colonnade/im2col.h"

void xnn_x32_im2col_ukernel__scalar(
    size_t rows,
    const size_t* planes,
    const void* input,
    size_t run_count,
    const struct xnn_im2col_run* runs,
    size_t stride,
    void* output,
    size_t row_stride)
{
  for (size_t r = 0; r < rows; r++) {
    const uint32_t* plane = (const uint32_t*) ((uintptr_t) input + planes[r]);
    uint32_t* out = (uint32_t*) ((uintptr_t) output + r * row_stride);
    for (size_t i = 0; i < run_count; i++) {
      const struct xnn_im2col_run run = runs[i];
      memset(out, 0, run.left * sizeof(uint32_t));
      out += run.left;
      const uint32_t* in = plane + run.source;
      if (stride == 1) {
        memcpy(out, in, run.count * sizeof(uint32_t));
      } else {
        for (size_t j = 0; j < run.count; j++) {
          out[j] = in[j * stride];
        }
      }
      out += run.count;
      memset(out, 0, run.right * sizeof(uint32_t));
      out += run.right;
    }
  }
}
