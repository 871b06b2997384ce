/* SPDX-FileCopyrightText: 2026 the Colonnade authors
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Runs a package on random images by the C interface, twice with different numbers of them: what a program of yours does.
 *
 *     cc example.c -lcolonnade && ./a.out out/package 224
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "colonnade.h"

/* Prints the outputs of `images` square images, one value a line. */
static int run(colonnade_net* net, size_t images, size_t pixels) {
  const size_t shape[4] = {images, colonnade_input_channels(net, 0), pixels, pixels};
  if (colonnade_reshape(net, shape) != COLONNADE_OK) return 1;
  size_t sizes[4], rank;
  if (colonnade_output_shape(net, 0, sizes, &rank) != COLONNADE_OK) return 1;
  size_t elements = 1;
  for (size_t i = 0; i < rank; i++) elements *= sizes[i];
  const size_t inputs = shape[0] * shape[1] * shape[2] * shape[3];
  float* input = malloc(inputs * sizeof(float));
  float* output = malloc(elements * sizeof(float));
  uint32_t state = 1;
  for (size_t i = 0; input != NULL && i < inputs; i++) {
    state = state * 1664525u + 1013904223u;
    input[i] = (float) (state >> 8) / (float) (1 << 24) - 0.5f;
  }
  const float* given = input;
  const int status = input == NULL || output == NULL ? 1 : colonnade_run(net, &given, &output) != COLONNADE_OK;
  for (size_t i = 0; status == 0 && i < elements; i++) printf("%.9g\n", (double) output[i]);
  free(input);
  free(output);
  return status;
}

int main(int argc, char** argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: %s PACKAGE PIXELS\n", argv[0]);
    return 2;
  }
  const size_t pixels = strtoul(argv[2], NULL, 10);
  colonnade_net* net = NULL;
  int status = colonnade_create(argv[1], NULL, &net) != COLONNADE_OK;
  if (status == 0) status = run(net, 1, pixels) || run(net, 3, pixels);
  if (status != 0) fprintf(stderr, "colonnade %s: %s\n", colonnade_version(), colonnade_error());
  colonnade_destroy(net);
  return status;
}
