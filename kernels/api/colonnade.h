/* SPDX-FileCopyrightText: 2026 the Colonnade authors
 * SPDX-License-Identifier: BSD-3-Clause
 *
 * Runs a package of `colonnade optimize` in the caller's process: libcolonnade, its whole interface.
 *
 *     colonnade_net* net = NULL;
 *     size_t shape[4] = {1, 3, 224, 224};
 *     if (colonnade_create("out/package", NULL, &net) != COLONNADE_OK || colonnade_reshape(net, shape) != COLONNADE_OK ||
 *         colonnade_run(net, &image, &logits) != COLONNADE_OK) {
 *       fprintf(stderr, "%s\n", colonnade_error());
 *     }
 *     colonnade_destroy(net);
 *
 * Every tensor is an array of float32 without gaps: [images, channels, height, width], or [images, channels] where it is
 * no map. Nothing is computed that is not named here, nothing printed, and no exception leaves a function.
 *
 * Several threads may use the library at once, and may call colonnade_run on one net: these calls take turns. A net that
 * one thread reshapes or destroys must be left alone by the others meanwhile.
 */
#ifndef COLONNADE_COLONNADE_H_
#define COLONNADE_COLONNADE_H_

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define COLONNADE_VERSION "0.1.0"
/* Grows when a program that was compiled with an older header would no longer work. */
#define COLONNADE_ABI 1

/* What a function answers. colonnade_error has the rest. */
enum {
  COLONNADE_OK = 0,
  COLONNADE_BAD_ARGUMENT = 1, /* an argument, or shapes that the network does not fit */
  COLONNADE_BAD_PACKAGE = 2,  /* a file is missing, damaged or of another version */
  COLONNADE_OUT_OF_MEMORY = 3,
  COLONNADE_FAILED = 4 /* anything else, such as a CPU without what is needed */
};

/* A network that is ready to run, or to be reshaped. */
typedef struct colonnade_net colonnade_net;

typedef struct colonnade_options {
  size_t size;            /* sizeof(colonnade_options), by which later versions know what is there */
  const char* dtype;      /* of activations and weights inside, "f32" or "f16"; NULL: "f32" */
  const char* schedules;  /* a schedules file; NULL: schedules.json of the package, or else one schedule for all */
  unsigned threads;       /* that work on one run, 1 to 256; 0: one */
} colonnade_options;

/* Of the library that is loaded: COLONNADE_VERSION and COLONNADE_ABI of its header. */
const char* colonnade_version(void);
int colonnade_abi(void);

/* What was wrong with the last call of this thread that was not answered by COLONNADE_OK: one line with the file, the node
 * and what is allowed. Valid until the next such call; never NULL. */
const char* colonnade_error(void);

/* Reads the package of a folder and checks all of it; `options` may be NULL. On success *net belongs to the caller. */
int colonnade_create(const char* package, const colonnade_options* options, colonnade_net** net);
/* Gives all of it back. NULL is allowed. */
void colonnade_destroy(colonnade_net* net);

/* The tensors that the network reads and writes, by their position. Names are valid as long as the net; NULL, and 0
 * channels, where there is no such position. */
size_t colonnade_input_count(const colonnade_net* net);
const char* colonnade_input_name(const colonnade_net* net, size_t input);
size_t colonnade_input_channels(const colonnade_net* net, size_t input);
size_t colonnade_output_count(const colonnade_net* net);
const char* colonnade_output_name(const colonnade_net* net, size_t output);

/* Prepares for inputs of these shapes: four sizes for each input, one after the other. The first call is needed before a
 * run; another one with the same shapes costs nothing, one with others packs the weights again. A net that was refused a
 * shape has none. */
int colonnade_reshape(colonnade_net* net, const size_t* shapes);
/* The shape of an output: `rank` sizes, 4 or 2. Needs colonnade_reshape before. */
int colonnade_output_shape(const colonnade_net* net, size_t output, size_t shape[4], size_t* rank);

/* Runs the network: `inputs` and `outputs` have an array for each of its inputs and outputs, of the shapes above. Inputs are
 * read where they lie. */
int colonnade_run(colonnade_net* net, const float* const* inputs, float* const* outputs);

#ifdef __cplusplus
}
#endif

#endif
