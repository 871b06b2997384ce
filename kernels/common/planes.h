// NCHW tensors to and from planes, element by element: for input, output and checks, outside timed regions.
#pragma once

#include "colonnade/planes.h"

namespace colonnade {

void nchw_to_planes(const float* nchw, const xnn_colnm_planes& planes, float* buffer);
void planes_to_nchw(const xnn_colnm_planes& planes, const float* buffer, float* nchw);

}  // namespace colonnade
