/* Interface between libnnrt and a device plug-in (libnnrt_cuda, or the simulator of the tests).
 * SPDX-License-Identifier: Apache-2.0
 *
 * The plug-in knows devices, memory, streams, graphs and a numbered list of kernels (kernels.def);
 * everything that depends on a model (geometry, tiles, tables, argument structs) is made by libnnrt
 * on the host. Includable from C11, C++ and CUDA. Functions return NNRT_CUDA_OK or another
 * nnrt_cuda_result and then fill `failure`. Any thread may call; a stream belongs to one at a time. */
#ifndef NNRT_CUDA_PLUGIN_H
#define NNRT_CUDA_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NNRT_CUDA_ABI 1u
#define NNRT_CUDA_ARGS_MAX 512u /* bytes of a kernel's argument struct */

/* What went wrong, by what the caller can do about it. */
typedef enum nnrt_cuda_result {
    NNRT_CUDA_OK = 0,
    NNRT_CUDA_NO_DRIVER,  /* no driver is installed */
    NNRT_CUDA_OLD_DRIVER, /* the driver is older than the plug-in needs */
    NNRT_CUDA_NO_DEVICE,  /* no device, or not this many, or it is in exclusive use */
    NNRT_CUDA_NO_IMAGE,   /* the plug-in has no code for this device */
    NNRT_CUDA_NO_MEMORY,
    NNRT_CUDA_LOST,       /* the device's context is broken: nothing else will work in this process */
    NNRT_CUDA_FAILED      /* anything else */
} nnrt_cuda_result;

typedef struct nnrt_cuda_failure {
    int32_t code;   /* the driver's own number */
    char text[252]; /* one line, without the object's name */
} nnrt_cuda_failure;

typedef struct nnrt_cuda_info {
    char name[128];
    int32_t major, minor;    /* compute capability */
    int32_t driver, runtime; /* 1000 * major + 10 * minor */
    uint32_t sm_count;
    uint32_t shared_bytes; /* that one block may ask for */
    uint64_t memory_bytes, free_bytes, l2_bytes;
} nnrt_cuda_info;

typedef struct nnrt_cuda_device nnrt_cuda_device;
typedef struct nnrt_cuda_stream nnrt_cuda_stream;
typedef struct nnrt_cuda_graph nnrt_cuda_graph;
typedef struct nnrt_cuda_event nnrt_cuda_event;

typedef enum nnrt_cuda_copy {
    NNRT_CUDA_TO_DEVICE,
    NNRT_CUDA_TO_HOST,
    NNRT_CUDA_ON_DEVICE
} nnrt_cuda_copy;

/* Kernels by number: the order of kernels.def. */
typedef enum nnrt_cuda_kernel {
#define NNRT_CUDA_KERNEL(name, args, body, threads, blocks) NNRT_CUDA_K_##name,
#include "runtime_int8/cuda/kernels.def"
#undef NNRT_CUDA_KERNEL
    NNRT_CUDA_K_COUNT
} nnrt_cuda_kernel;

typedef struct nnrt_cuda_launch {
    uint32_t kernel; /* nnrt_cuda_kernel */
    uint32_t grid[3];
    uint32_t shared_bytes; /* dynamic shared memory; no kernel has static */
    uint32_t args_bytes;
    const void *args; /* the kernel's struct; host memory, copied by the call */
} nnrt_cuda_launch;

typedef struct nnrt_cuda_plugin {
    uint32_t abi;          /* NNRT_CUDA_ABI */
    uint32_t kernel_count; /* NNRT_CUDA_K_COUNT */
    const char *name;      /* "cuda" */

    int (*device_open)(nnrt_cuda_device **out, uint32_t index, nnrt_cuda_failure *failure);
    void (*device_close)(nnrt_cuda_device *device); /* after everything made from it; NULL accepted */
    int (*device_info)(nnrt_cuda_device *device, nnrt_cuda_info *info, nnrt_cuda_failure *failure);

    /* Device memory, 256-byte aligned, and page-locked host memory. Never 0 bytes. */
    int (*alloc)(nnrt_cuda_device *device, void **out, size_t bytes, nnrt_cuda_failure *failure);
    void (*free)(nnrt_cuda_device *device, void *memory);
    int (*alloc_host)(nnrt_cuda_device *device, void **out, size_t bytes,
                      nnrt_cuda_failure *failure);
    void (*free_host)(nnrt_cuda_device *device, void *memory);

    int (*stream_create)(nnrt_cuda_device *device, nnrt_cuda_stream **out,
                         nnrt_cuda_failure *failure);
    void (*stream_destroy)(nnrt_cuda_stream *stream);
    /* The next four only queue work on the stream. Host memory stays valid until stream_wait. */
    int (*copy)(nnrt_cuda_stream *stream, void *to, const void *from, size_t bytes, uint32_t kind,
                nnrt_cuda_failure *failure);
    int (*zero)(nnrt_cuda_stream *stream, void *to, size_t bytes, nnrt_cuda_failure *failure);
    int (*launch)(nnrt_cuda_stream *stream, const nnrt_cuda_launch *launch,
                  nnrt_cuda_failure *failure);
    int (*graph_launch)(nnrt_cuda_stream *stream, nnrt_cuda_graph *graph,
                        nnrt_cuda_failure *failure);
    int (*stream_wait)(nnrt_cuda_stream *stream, nnrt_cuda_failure *failure);

    /* What is queued between begin and end is recorded instead of run. */
    int (*capture_begin)(nnrt_cuda_stream *stream, nnrt_cuda_failure *failure);
    int (*capture_end)(nnrt_cuda_stream *stream, nnrt_cuda_graph **out, nnrt_cuda_failure *failure);
    void (*graph_destroy)(nnrt_cuda_graph *graph); /* NULL accepted */

    int (*event_create)(nnrt_cuda_device *device, nnrt_cuda_event **out,
                        nnrt_cuda_failure *failure);
    void (*event_destroy)(nnrt_cuda_event *event); /* NULL accepted */
    int (*event_record)(nnrt_cuda_event *event, nnrt_cuda_stream *stream,
                        nnrt_cuda_failure *failure);
    /* Nanoseconds between two events that have happened. */
    int (*event_elapsed)(uint64_t *ns, nnrt_cuda_event *from, nnrt_cuda_event *to,
                         nnrt_cuda_failure *failure);
} nnrt_cuda_plugin;

/* The one exported symbol of a plug-in; NULL when it does not speak that ABI. */
typedef const nnrt_cuda_plugin *nnrt_cuda_plugin_fn(uint32_t abi);
#define NNRT_CUDA_PLUGIN_SYMBOL "nnrt_cuda_plugin_get"

#ifdef __cplusplus
}
#endif
#endif
