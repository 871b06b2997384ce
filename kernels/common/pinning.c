// SPDX-FileCopyrightText: 2026 the Colonnade authors
// SPDX-License-Identifier: BSD-3-Clause

#define _GNU_SOURCE
#include "pinning.h"

#include <ctype.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void refuse(const char* list, const char* problem) {
  fprintf(stderr, "error: COLONNADE_CPUS '%s': %s\n", list, problem);
  exit(EXIT_FAILURE);
}

void colonnade_pin(void) {
  const char* list = getenv("COLONNADE_CPUS");
  if (list == NULL) return;
  cpu_set_t wanted, allowed;
  CPU_ZERO(&wanted);
  for (const char* at = list;; at++) {
    char* end;
    const unsigned long cpu = strtoul(at, &end, 10);
    if (!isdigit((unsigned char) *at) || cpu >= CPU_SETSIZE) refuse(list, "allowed: numbers of CPUs, such as 0,2");
    CPU_SET(cpu, &wanted);
    at = end;
    if (*at == '\0') break;
    if (*at != ',') refuse(list, "allowed: numbers of CPUs, such as 0,2");
  }
  if (sched_setaffinity(0, sizeof(wanted), &wanted) != 0) refuse(list, strerror(errno));
  // The kernel takes a set of which only some are there.
  if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) refuse(list, strerror(errno));
  if (!CPU_EQUAL(&wanted, &allowed)) refuse(list, "not all of these CPUs are there");
}
