// The rows are the innermost loop: a run's vector length, mask and addresses are the same for all of them,
// so a row costs one load, one store and two additions.
#include <riscv_vector.h>

#include "colonnade/im2col.h"

static void fill_zeros(size_t rows, uint32_t* output, size_t row_stride, size_t count) {
  while (count != 0) {
    const size_t vl = __riscv_vsetvl_e32m8(count);
    const vuint32m8_t zeros = __riscv_vmv_v_x_u32m8(0, vl);
    uint32_t* out = output;
    for (size_t r = rows; r != 0; r--) {
      __riscv_vse32_v_u32m8(out, zeros, vl);
      out = (uint32_t*) ((uintptr_t) out + row_stride);
    }
    output += vl;
    count -= vl;
  }
}

static inline vuint32m8_t load(const uint32_t* input, ptrdiff_t byte_stride, size_t vl) {
  return byte_stride == sizeof(uint32_t) ? __riscv_vle32_v_u32m8(input, vl)
                                         : __riscv_vlse32_v_u32m8(input, byte_stride, vl);
}

static inline const uint32_t* advance(const uint32_t* input, size_t bytes) {
  return (const uint32_t*) ((uintptr_t) input + bytes);
}

// Loads run one row ahead of the stores, because an in-order core waits at the first use of a load.
static inline void copy_rows(
    size_t rows, const size_t* planes, const uint32_t* input, ptrdiff_t byte_stride, uint32_t* output,
    size_t row_stride, size_t vl)
{
  vuint32m8_t row0 = load(advance(input, planes[0]), byte_stride, vl);
  for (; rows >= 3; rows -= 2) {
    const vuint32m8_t row1 = load(advance(input, planes[1]), byte_stride, vl);
    __riscv_vse32_v_u32m8(output, row0, vl);
    output = (uint32_t*) ((uintptr_t) output + row_stride);
    row0 = load(advance(input, planes[2]), byte_stride, vl);
    __riscv_vse32_v_u32m8(output, row1, vl);
    output = (uint32_t*) ((uintptr_t) output + row_stride);
    planes += 2;
  }
  if (rows == 2) {
    const vuint32m8_t row1 = load(advance(input, planes[1]), byte_stride, vl);
    __riscv_vse32_v_u32m8((uint32_t*) ((uintptr_t) output + row_stride), row1, vl);
  }
  __riscv_vse32_v_u32m8(output, row0, vl);
}

void xnn_x32_im2col_ukernel__rvv(
    size_t rows,
    const size_t* planes,
    const void* input,
    size_t run_count,
    const struct xnn_im2col_run* runs,
    size_t stride,
    void* output,
    size_t row_stride)
{
  uint32_t* out = output;
  for (size_t i = 0; i < run_count; i++) {
    fill_zeros(rows, out, row_stride, runs[i].left);
    out += runs[i].left;
    const uint32_t* in = (const uint32_t*) input + runs[i].source;
    size_t count = runs[i].count;
    while (count != 0) {
      const size_t vl = __riscv_vsetvl_e32m8(count);
      if (stride == 1) {
        copy_rows(rows, planes, in, sizeof(uint32_t), out, row_stride, vl);
      } else {
        copy_rows(rows, planes, in, (ptrdiff_t) (stride * sizeof(uint32_t)), out, row_stride, vl);
      }
      in += vl * stride;
      out += vl;
      count -= vl;
    }
    fill_zeros(rows, out, row_stride, runs[i].right);
    out += runs[i].right;
  }
}
