// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// NCHW tensors to and from planes, element by element: for input, output and checks, outside timed regions.
#pragma once

#include "colonnade/planes.h"

namespace colonnade {

// T is float or _Float16.
template <typename T>
void nchw_to_planes(const float* nchw, const xnn_colnm_planes& planes, T* buffer);
template <typename T>
void planes_to_nchw(const xnn_colnm_planes& planes, const T* buffer, float* nchw);

}  // namespace colonnade
