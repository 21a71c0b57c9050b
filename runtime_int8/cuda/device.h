/* A model on a device: the plug-in, the device and the constants. SPDX-License-Identifier: Apache-2.0
 * Made by the model's first session on that device, shared by all of them, ended with the model. */
#ifndef NNRT_CUDA_DEVICE_H
#define NNRT_CUDA_DEVICE_H

#include <pthread.h>

#include "runtime_int8/cuda/plugin.h"
#include "base/error.h"

/* One uploaded constant. layout 0: the plan's own bytes. */
typedef struct nnrt_device_constant {
    const void *host;
    uint32_t layout;
    size_t bytes; /* of the copy: constants of a plan may overlap */
    void *device;
} nnrt_device_constant;

typedef struct nnrt_device_chunk {
    void *memory;
    size_t bytes, used;
} nnrt_device_chunk;

typedef struct nnrt_device {
    struct nnrt_device *next; /* of the same model */
    pthread_mutex_t lock; /* over constants and chunks */
    uint32_t index;
    const nnrt_cuda_plugin *api;
    nnrt_cuda_device *handle;
    nnrt_cuda_info info;
    nnrt_cuda_stream *stream; /* of uploads */
    nnrt_device_constant *constants;
    size_t constant_count, constant_cap;
    nnrt_device_chunk *chunks;
    size_t chunk_count, chunk_cap;
} nnrt_device;

/* Finds and loads the plug-in: NNRT_CUDA_PLUGIN (a path) if set, else libnnrt_cuda beside this library or where the system
 * looks. Fails: DEVICE (not installed, another version). */
nnc_status nnrt_device_plugin(const nnrt_cuda_plugin **out);

/* Opens device `index`. Fails: DEVICE, with one line that says what is missing. */
nnc_status nnrt_device_open(nnrt_device **out, uint32_t index);
void nnrt_device_close(nnrt_device *device); /* NULL accepted */

/* Turns a plug-in's failure into a status: DEVICE, and "<what>: <text>". For NO_MEMORY `bytes` is what was needed, and what
 * is free is said too. NNC_OK for NNRT_CUDA_OK. */
nnc_status nnrt_device_status(nnrt_device *device, int result, const nnrt_cuda_failure *failure,
                              const char *what, size_t bytes);

/* Device memory of at least `bytes` (1 if 0). */
nnc_status nnrt_device_alloc(nnrt_device *device, void **out, size_t bytes, const char *what);

/* Device copy of a constant in a layout; makes it with `pack` (NULL for the plan's bytes) when it is not there yet. */
typedef void nnrt_device_pack_fn(void *out, const void *user);
nnc_status nnrt_device_constant_get(const void **out, nnrt_device *device, const void *host,
                                    uint32_t layout, size_t bytes, nnrt_device_pack_fn *pack,
                                    const void *user);

#endif
