// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

// Whether this CPU computes with vectors of f16; XNNPACK does not ask.
#pragma once

#include <stdbool.h>

bool colnm_has_zvfh(void);
