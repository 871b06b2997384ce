// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nhwc_network.h"

namespace colonnade {
namespace {

// Calls `visit(index in NCHW, index in NHWC)`.
template <typename Visit>
void for_each_element(const Shape& s, Visit visit) {
  size_t planar = 0;
  for (size_t n = 0; n < s.n; n++)
    for (size_t c = 0; c < s.c; c++)
      for (size_t p = 0; p < s.h * s.w; p++) visit(planar++, (n * s.h * s.w + p) * s.c + c);
}

}  // namespace

void NhwcNetwork::load(const std::string& name, const float* nchw) {
  const Activation& a = activation(name);
  for_each_element(a.shape, [&](size_t planar, size_t interleaved) { a.f32()[interleaved] = nchw[planar]; });
}

void NhwcNetwork::store(const std::string& name, float* nchw) const {
  const Activation& a = activation(name);
  for_each_element(a.shape, [&](size_t planar, size_t interleaved) { nchw[planar] = a.f32()[interleaved]; });
}

}  // namespace colonnade
