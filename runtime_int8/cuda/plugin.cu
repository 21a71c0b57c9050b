/* The plug-in over the CUDA runtime. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/cuda/plugin.h"

#include <cuda_runtime.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime_int8/cuda/kernels.cuh"

struct nnrt_cuda_device {
    int index;
    nnrt_cuda_function functions[NNRT_CUDA_K_COUNT]; /* by kernel */
    uint32_t shared_bytes;
};

struct nnrt_cuda_stream {
    nnrt_cuda_device *device;
    cudaStream_t stream;
};

struct nnrt_cuda_graph {
    cudaGraphExec_t graph;
};

struct nnrt_cuda_event {
    cudaEvent_t event;
};

static int classify(cudaError_t error)
{
    switch (error) {
    case cudaErrorNoDevice:
    case cudaErrorInvalidDevice:
    case cudaErrorDevicesUnavailable:
        return NNRT_CUDA_NO_DEVICE;
    case cudaErrorNoKernelImageForDevice:
    case cudaErrorUnsupportedPtxVersion:
    case cudaErrorInvalidKernelImage:
        return NNRT_CUDA_NO_IMAGE;
    case cudaErrorMemoryAllocation:
        return NNRT_CUDA_NO_MEMORY;
    case cudaErrorIllegalAddress:
    case cudaErrorLaunchFailure:
    case cudaErrorLaunchTimeout:
    case cudaErrorHardwareStackError:
    case cudaErrorIllegalInstruction:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorECCUncorrectable:
    case cudaErrorAssert:
        return NNRT_CUDA_LOST;
    default:
        return NNRT_CUDA_FAILED;
    }
}

/* An insufficient driver is also what the runtime says when there is none. */
static int driver_failure(nnrt_cuda_failure *failure)
{
    int driver = 0, runtime = 0;
    cudaDriverGetVersion(&driver);
    cudaRuntimeGetVersion(&runtime);
    if (driver == 0) {
        snprintf(failure->text, sizeof failure->text, "no NVIDIA driver is installed");
        return NNRT_CUDA_NO_DRIVER;
    }
    snprintf(failure->text, sizeof failure->text, "the NVIDIA driver supports CUDA %d.%d, this build needs %d.%d",
             driver / 1000, driver % 1000 / 10, runtime / 1000, runtime % 1000 / 10);
    return NNRT_CUDA_OLD_DRIVER;
}

static int check(cudaError_t error, nnrt_cuda_failure *failure)
{
    if (error == cudaSuccess)
        return NNRT_CUDA_OK;
    cudaGetLastError(); /* forget it, unless it is one that stays */
    failure->code = error;
    if (error == cudaErrorInsufficientDriver || error == cudaErrorSystemDriverMismatch)
        return driver_failure(failure);
    snprintf(failure->text, sizeof failure->text, "%s (%s)", cudaGetErrorString(error), cudaGetErrorName(error));
    return classify(error);
}

#define TRY(call)                                                                                                      \
    do {                                                                                                               \
        const int try_result = check((call), failure);                                                                 \
        if (try_result != NNRT_CUDA_OK)                                                                                \
            return try_result;                                                                                         \
    } while (0)

/* The table by kernel, and leave to use all shared memory; fails where no code fits the device. */
static int load_kernels(nnrt_cuda_device *device, nnrt_cuda_failure *failure)
{
    const nnrt_cuda_functions subjects[] = {nnrt_cuda_functions_elementwise(), nnrt_cuda_functions_float(),
                                            nnrt_cuda_functions_product(),
                                            nnrt_cuda_functions_window(), nnrt_cuda_functions_ceiling()};
    for (const nnrt_cuda_functions &subject : subjects) {
        for (uint32_t i = 0; i < subject.count; i++) {
            const nnrt_cuda_function &row = subject.rows[i];
            device->functions[row.kernel] = row;
            TRY(cudaFuncSetAttribute(row.function, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                     static_cast<int>(device->shared_bytes)));
            /* Several blocks of a product must fit one multiprocessor; the others live on the first level cache. */
            if (subject.shared)
                TRY(cudaFuncSetAttribute(row.function, cudaFuncAttributePreferredSharedMemoryCarveout,
                                         cudaSharedmemCarveoutMaxShared));
        }
    }
    return NNRT_CUDA_OK;
}

static int open_device(nnrt_cuda_device *device, uint32_t index, nnrt_cuda_failure *failure)
{
    int count = 0, shared = 0;
    TRY(cudaGetDeviceCount(&count));
    if (index >= static_cast<uint32_t>(count)) {
        failure->code = cudaErrorInvalidDevice;
        snprintf(failure->text, sizeof failure->text, "no device %u, there are %d", index, count);
        return NNRT_CUDA_NO_DEVICE;
    }
    device->index = static_cast<int>(index);
    TRY(cudaSetDevice(device->index));
    TRY(cudaDeviceGetAttribute(&shared, cudaDevAttrMaxSharedMemoryPerBlockOptin, device->index));
    device->shared_bytes = static_cast<uint32_t>(shared);
    return load_kernels(device, failure);
}

static int device_open(nnrt_cuda_device **out, uint32_t index, nnrt_cuda_failure *failure)
{
    nnrt_cuda_device *device = static_cast<nnrt_cuda_device *>(calloc(1, sizeof *device));
    if (device == NULL) {
        snprintf(failure->text, sizeof failure->text, "out of memory");
        return NNRT_CUDA_NO_MEMORY;
    }
    const int result = open_device(device, index, failure);
    if (result != NNRT_CUDA_OK) {
        free(device);
        return result;
    }
    *out = device;
    return NNRT_CUDA_OK;
}

static void device_close(nnrt_cuda_device *device)
{
    free(device);
}

static int device_info(nnrt_cuda_device *device, nnrt_cuda_info *info, nnrt_cuda_failure *failure)
{
    cudaDeviceProp p;
    size_t free_bytes = 0, all_bytes = 0;
    memset(info, 0, sizeof *info);
    TRY(cudaSetDevice(device->index));
    TRY(cudaGetDeviceProperties(&p, device->index));
    TRY(cudaDriverGetVersion(&info->driver));
    TRY(cudaRuntimeGetVersion(&info->runtime));
    TRY(cudaMemGetInfo(&free_bytes, &all_bytes));
    snprintf(info->name, sizeof info->name, "%s", p.name);
    info->major = p.major;
    info->minor = p.minor;
    info->sm_count = static_cast<uint32_t>(p.multiProcessorCount);
    info->shared_bytes = device->shared_bytes;
    info->memory_bytes = all_bytes;
    info->free_bytes = free_bytes;
    info->l2_bytes = static_cast<uint64_t>(p.l2CacheSize);
    return NNRT_CUDA_OK;
}

static int alloc(nnrt_cuda_device *device, void **out, size_t bytes, nnrt_cuda_failure *failure)
{
    TRY(cudaSetDevice(device->index));
    TRY(cudaMalloc(out, bytes));
    return NNRT_CUDA_OK;
}

static void free_memory(nnrt_cuda_device *device, void *memory)
{
    cudaSetDevice(device->index);
    cudaFree(memory);
}

static int alloc_host(nnrt_cuda_device *device, void **out, size_t bytes, nnrt_cuda_failure *failure)
{
    TRY(cudaSetDevice(device->index));
    TRY(cudaMallocHost(out, bytes));
    return NNRT_CUDA_OK;
}

static void free_host(nnrt_cuda_device *device, void *memory)
{
    cudaSetDevice(device->index);
    cudaFreeHost(memory);
}

static int stream_create(nnrt_cuda_device *device, nnrt_cuda_stream **out, nnrt_cuda_failure *failure)
{
    cudaStream_t stream;
    TRY(cudaSetDevice(device->index));
    TRY(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    nnrt_cuda_stream *s = static_cast<nnrt_cuda_stream *>(malloc(sizeof *s));
    if (s == NULL) {
        cudaStreamDestroy(stream);
        snprintf(failure->text, sizeof failure->text, "out of memory");
        return NNRT_CUDA_NO_MEMORY;
    }
    s->device = device;
    s->stream = stream;
    *out = s;
    return NNRT_CUDA_OK;
}

static void stream_destroy(nnrt_cuda_stream *s)
{
    cudaStreamSynchronize(s->stream);
    cudaStreamDestroy(s->stream);
    free(s);
}

static int copy(nnrt_cuda_stream *s, void *to, const void *from, size_t bytes, uint32_t kind,
                nnrt_cuda_failure *failure)
{
    const cudaMemcpyKind kinds[] = {cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost, cudaMemcpyDeviceToDevice};
    TRY(cudaSetDevice(s->device->index));
    TRY(cudaMemcpyAsync(to, from, bytes, kinds[kind], s->stream));
    return NNRT_CUDA_OK;
}

static int zero(nnrt_cuda_stream *s, void *to, size_t bytes, nnrt_cuda_failure *failure)
{
    TRY(cudaSetDevice(s->device->index));
    TRY(cudaMemsetAsync(to, 0, bytes, s->stream));
    return NNRT_CUDA_OK;
}

static int launch(nnrt_cuda_stream *s, const nnrt_cuda_launch *l, nnrt_cuda_failure *failure)
{
    const nnrt_cuda_function &row = s->device->functions[l->kernel];
    void *args[] = {const_cast<void *>(l->args)};
    TRY(cudaSetDevice(s->device->index));
    TRY(cudaLaunchKernel(row.function, dim3(l->grid[0], l->grid[1], l->grid[2]), dim3(row.threads), args,
                         l->shared_bytes, s->stream));
    return NNRT_CUDA_OK;
}

static int graph_launch(nnrt_cuda_stream *s, nnrt_cuda_graph *g, nnrt_cuda_failure *failure)
{
    TRY(cudaSetDevice(s->device->index));
    TRY(cudaGraphLaunch(g->graph, s->stream));
    return NNRT_CUDA_OK;
}

static int stream_wait(nnrt_cuda_stream *s, nnrt_cuda_failure *failure)
{
    TRY(cudaSetDevice(s->device->index));
    TRY(cudaStreamSynchronize(s->stream));
    return NNRT_CUDA_OK;
}

static int capture_begin(nnrt_cuda_stream *s, nnrt_cuda_failure *failure)
{
    TRY(cudaSetDevice(s->device->index));
    TRY(cudaStreamBeginCapture(s->stream, cudaStreamCaptureModeThreadLocal));
    return NNRT_CUDA_OK;
}

static int capture_end(nnrt_cuda_stream *s, nnrt_cuda_graph **out, nnrt_cuda_failure *failure)
{
    cudaGraph_t graph = NULL;
    cudaGraphExec_t exec = NULL;
    TRY(cudaSetDevice(s->device->index));
    TRY(cudaStreamEndCapture(s->stream, &graph));
    const cudaError_t error = cudaGraphInstantiate(&exec, graph, 0);
    cudaGraphDestroy(graph);
    TRY(error);
    nnrt_cuda_graph *g = static_cast<nnrt_cuda_graph *>(malloc(sizeof *g));
    if (g == NULL) {
        cudaGraphExecDestroy(exec);
        snprintf(failure->text, sizeof failure->text, "out of memory");
        return NNRT_CUDA_NO_MEMORY;
    }
    g->graph = exec;
    *out = g;
    return NNRT_CUDA_OK;
}

static void graph_destroy(nnrt_cuda_graph *g)
{
    if (g != NULL)
        cudaGraphExecDestroy(g->graph);
    free(g);
}

static int event_create(nnrt_cuda_device *device, nnrt_cuda_event **out, nnrt_cuda_failure *failure)
{
    cudaEvent_t event;
    TRY(cudaSetDevice(device->index));
    TRY(cudaEventCreate(&event));
    nnrt_cuda_event *e = static_cast<nnrt_cuda_event *>(malloc(sizeof *e));
    if (e == NULL) {
        cudaEventDestroy(event);
        snprintf(failure->text, sizeof failure->text, "out of memory");
        return NNRT_CUDA_NO_MEMORY;
    }
    e->event = event;
    *out = e;
    return NNRT_CUDA_OK;
}

static void event_destroy(nnrt_cuda_event *e)
{
    if (e != NULL)
        cudaEventDestroy(e->event);
    free(e);
}

static int event_record(nnrt_cuda_event *e, nnrt_cuda_stream *s, nnrt_cuda_failure *failure)
{
    TRY(cudaEventRecord(e->event, s->stream));
    return NNRT_CUDA_OK;
}

static int event_elapsed(uint64_t *ns, nnrt_cuda_event *from, nnrt_cuda_event *to, nnrt_cuda_failure *failure)
{
    float ms = 0.0f;
    TRY(cudaEventElapsedTime(&ms, from->event, to->event));
    *ns = static_cast<uint64_t>(static_cast<double>(ms) * 1e6);
    return NNRT_CUDA_OK;
}

static const nnrt_cuda_plugin plugin = {
    NNRT_CUDA_ABI, NNRT_CUDA_K_COUNT, "cuda", device_open, device_close, device_info, alloc, free_memory, alloc_host,
    free_host, stream_create, stream_destroy, copy, zero, launch, graph_launch, stream_wait, capture_begin,
    capture_end, graph_destroy, event_create, event_destroy, event_record, event_elapsed,
};

extern "C" __attribute__((visibility("default"))) const nnrt_cuda_plugin *nnrt_cuda_plugin_get(uint32_t abi)
{
    return abi == NNRT_CUDA_ABI ? &plugin : NULL;
}
