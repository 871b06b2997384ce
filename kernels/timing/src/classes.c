// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

#include "classes.h"

const char* const class_names[CLASS_COUNT] = {
#define CLASS(enumerator, name, group) name,
  COLONNADE_CLASSES(CLASS)
#undef CLASS
};

const unsigned char class_groups[CLASS_COUNT] = {
#define CLASS(enumerator, name, group) GROUP_##group,
  COLONNADE_CLASSES(CLASS)
#undef CLASS
};

const char* const group_names[GROUP_COUNT] = {
#define GROUP(enumerator, name) name,
  COLONNADE_GROUPS(GROUP)
#undef GROUP
};
