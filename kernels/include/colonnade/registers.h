// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// What of a tile fits into the vector registers.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define COLNM_VECTOR_REGISTERS 32
// Largest tile of any microkernel: 31 accumulators and a panel vector fill the registers.
#define COLNM_MAX_TILE (COLNM_VECTOR_REGISTERS - 1)
// LMUL 1, 2, 4, 8.
#define COLNM_LMULS 4

// Whether as many accumulators as a tile has rows and a panel vector, of LMUL registers each, fit. Accumulators that
// are wider than the elements need more: xnn_colnm_has_kernel says which kernels there are.
static inline bool colnm_fits_registers(size_t tile, uint32_t lmul) { return (tile + 1) * lmul <= COLNM_VECTOR_REGISTERS; }

#ifdef __cplusplus
}  // extern "C"
#endif
