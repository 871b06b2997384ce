// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// NCHW tensors to and from planes, element by element: for input, output and checks, outside timed regions.
#pragma once

#include "colonnade/planes.h"

namespace colonnade {

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

// T is an element of the planes.
template <typename T>
void nchw_to_planes(const float* nchw, const xnn_colnm_planes& planes, T* buffer) {
  for_each_element(planes, [&](size_t to, size_t from) { buffer[to] = static_cast<T>(nchw[from]); });
}

template <typename T>
void planes_to_nchw(const xnn_colnm_planes& planes, const T* buffer, float* nchw) {
  for_each_element(planes, [&](size_t from, size_t to) { nchw[to] = static_cast<float>(buffer[from]); });
}

}  // namespace colonnade
