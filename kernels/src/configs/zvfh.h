// Whether this CPU computes with vectors of f16; XNNPACK does not ask.
#pragma once

#include <stdbool.h>

bool colnm_has_zvfh(void);
