// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

#include "planes.h"

namespace colonnade {
namespace {

// Calls `visit(index in planes, index in NCHW)` for every element.
template <typename Visit>
void for_each_element(const xnn_colnm_planes& p, Visit visit) {
  size_t nchw = 0;
  for (size_t n = 0; n < p.batch; n++) {
    for (size_t c = 0; c < p.channels; c++) {
      for (size_t y = 0; y < p.height; y++) {
        for (size_t x = 0; x < p.width; x++) visit(c * p.channel_stride + xnn_colnm_planes_index(&p, n, y, x), nchw++);
      }
    }
  }
}

}  // namespace

template <typename T>
void nchw_to_planes(const float* nchw, const xnn_colnm_planes& planes, T* buffer) {
  for_each_element(planes, [&](size_t to, size_t from) { buffer[to] = static_cast<T>(nchw[from]); });
}

template <typename T>
void planes_to_nchw(const xnn_colnm_planes& planes, const T* buffer, float* nchw) {
  for_each_element(planes, [&](size_t from, size_t to) { nchw[to] = static_cast<float>(buffer[from]); });
}

template void nchw_to_planes(const float*, const xnn_colnm_planes&, float*);
template void nchw_to_planes(const float*, const xnn_colnm_planes&, _Float16*);
template void planes_to_nchw(const xnn_colnm_planes&, const float*, float*);
template void planes_to_nchw(const xnn_colnm_planes&, const _Float16*, float*);

}  // namespace colonnade
