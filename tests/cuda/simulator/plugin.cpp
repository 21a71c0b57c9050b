/* The plug-in interface over the block simulator. SPDX-License-Identifier: Apache-2.0
 * A device whose memory is the host's. Work on a stream happens when the stream is waited for, as late as it may.
 * NNRT_SIM_FAIL="function:result[:n]" makes that function fail with that nnrt_cuda_result from its n-th call on (1: the
 * first; counted anew when the variable changes); NNRT_SIM_MEMORY limits device memory to that many bytes; NNRT_SIM_SMS sets the number of multiprocessors. NNRT_SIM_COVERAGE names a folder where the
 * kernels that a program ran are listed in a file of the program's name. */
#include "runtime_int8/cuda/plugin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "block.h"
#include "runtime_int8/cuda/args.h"
#include "runtime_int8/cuda/kernels/all.cuh"

namespace {

struct kernel_row {
    const char *name;
    simulator_body *body;
    uint32_t threads;
    size_t args_bytes;
};

const kernel_row kernels[] = {
#define NNRT_CUDA_KERNEL(name, args, body, threads, blocks)                                                            \
    {#name, [](const void *a) { body(*static_cast<const args *>(a)); }, threads, sizeof(args)},
#include "runtime_int8/cuda/kernels.def"
#undef NNRT_CUDA_KERNEL
};

std::mutex simulator_lock; /* one block runs at a time */
std::mutex injection_lock;
std::string injection; /* NNRT_SIM_FAIL as it was last seen, and the calls since then */
std::map<std::string, uint32_t> calls;
uint32_t launches;
bool covered[NNRT_CUDA_K_COUNT]; /* kernels that ran in this process */

/* Adds a kernel to this program's list, which the first one starts anew. */
void note_coverage(uint32_t kernel)
{
    const char *folder = getenv("NNRT_SIM_COVERAGE");
    if (folder == nullptr || covered[kernel])
        return;
    bool first = true;
    for (bool done : covered)
        first = first && !done;
    covered[kernel] = true;
    const std::string path = std::string(folder) + "/" + program_invocation_short_name;
    FILE *file = fopen(path.c_str(), first ? "w" : "a");
    if (file == nullptr)
        return;
    fprintf(file, "%s\n", kernels[kernel].name);
    fclose(file);
}

int fail(nnrt_cuda_failure *failure, int result, const char *text)
{
    failure->code = 1000 + result;
    snprintf(failure->text, sizeof failure->text, "%s", text);
    return result;
}

/* What NNRT_SIM_FAIL asks of this call. */
int injected(const char *function, nnrt_cuda_failure *failure)
{
    const std::lock_guard<std::mutex> guard(injection_lock);
    const char *text = getenv("NNRT_SIM_FAIL");
    const size_t length = strlen(function);
    if (injection != (text != nullptr ? text : "")) {
        injection = text != nullptr ? text : "";
        calls.clear();
    }
    const char *spec = injection.c_str();
    if (strncmp(spec, function, length) != 0 || spec[length] != ':')
        return NNRT_CUDA_OK;
    char *end;
    const long result = strtol(spec + length + 1, &end, 10);
    const long from = *end == ':' ? strtol(end + 1, nullptr, 10) : 1;
    if (static_cast<long>(++calls[function]) < from)
        return NNRT_CUDA_OK;
    return fail(failure, static_cast<int>(result), "asked for by NNRT_SIM_FAIL");
}

uint64_t setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text != nullptr ? strtoull(text, nullptr, 10) : otherwise;
}

uint64_t shared_limit()
{
    return setting("NNRT_SIM_SHARED", 99 << 10);
}

} /* namespace */

struct nnrt_cuda_device {
    std::mutex lock;
    std::map<void *, size_t> memory;
    uint64_t used;
};

typedef std::function<void()> stream_work;

struct nnrt_cuda_graph {
    std::vector<stream_work> work;
};

struct nnrt_cuda_stream {
    std::vector<stream_work> queue;
    nnrt_cuda_graph *capture;
};

struct nnrt_cuda_event {
    bool happened;
    uint64_t at;
};

namespace {

const uint64_t default_memory = UINT64_C(8) << 30;

int device_open(nnrt_cuda_device **out, uint32_t index, nnrt_cuda_failure *failure)
{
    if (int result = injected("device_open", failure))
        return result;
    if (index != 0)
        return fail(failure, NNRT_CUDA_NO_DEVICE, "one device is simulated");
    *out = new nnrt_cuda_device();
    return NNRT_CUDA_OK;
}

void device_close(nnrt_cuda_device *device)
{
    if (device != nullptr && !device->memory.empty()) {
        fprintf(stderr, "simulator: %zu pieces of device memory were not freed\n", device->memory.size());
        abort();
    }
    delete device;
}

int device_info(nnrt_cuda_device *device, nnrt_cuda_info *info, nnrt_cuda_failure *failure)
{
    if (int result = injected("device_info", failure))
        return result;
    memset(info, 0, sizeof *info);
    snprintf(info->name, sizeof info->name, "simulated device");
    info->major = 8;
    info->driver = info->runtime = 13000;
    info->sm_count = static_cast<uint32_t>(setting("NNRT_SIM_SMS", 132));
    info->shared_bytes = static_cast<uint32_t>(shared_limit());
    info->memory_bytes = setting("NNRT_SIM_MEMORY", default_memory);
    info->l2_bytes = 50 << 20;
    const std::lock_guard<std::mutex> guard(device->lock);
    info->free_bytes = info->memory_bytes - device->used;
    return NNRT_CUDA_OK;
}

int take(nnrt_cuda_device *device, void **out, size_t bytes, nnrt_cuda_failure *failure)
{
    const std::lock_guard<std::mutex> guard(device->lock);
    if (bytes == 0)
        return fail(failure, NNRT_CUDA_FAILED, "0 bytes of memory were asked for");
    if (device->used + bytes > setting("NNRT_SIM_MEMORY", default_memory) ||
        posix_memalign(out, 256, bytes) != 0)
        return fail(failure, NNRT_CUDA_NO_MEMORY, "out of memory");
    memset(*out, 0xa5, bytes);
    device->memory[*out] = bytes;
    device->used += bytes;
    return NNRT_CUDA_OK;
}

void give(nnrt_cuda_device *device, void *memory)
{
    const std::lock_guard<std::mutex> guard(device->lock);
    if (memory == nullptr)
        return;
    const auto found = device->memory.find(memory);
    if (found == device->memory.end()) {
        fprintf(stderr, "simulator: memory that is not the device's was freed\n");
        abort();
    }
    device->used -= found->second;
    device->memory.erase(found);
    free(memory);
}

int alloc(nnrt_cuda_device *device, void **out, size_t bytes, nnrt_cuda_failure *failure)
{
    const int result = injected("alloc", failure);
    return result ? result : take(device, out, bytes, failure);
}

int alloc_host(nnrt_cuda_device *device, void **out, size_t bytes, nnrt_cuda_failure *failure)
{
    const int result = injected("alloc_host", failure);
    return result ? result : take(device, out, bytes, failure);
}

int stream_create(nnrt_cuda_device *, nnrt_cuda_stream **out, nnrt_cuda_failure *failure)
{
    if (int result = injected("stream_create", failure))
        return result;
    *out = new nnrt_cuda_stream();
    return NNRT_CUDA_OK;
}

void drain(nnrt_cuda_stream *stream)
{
    for (const stream_work &work : stream->queue)
        work();
    stream->queue.clear();
}

void stream_destroy(nnrt_cuda_stream *stream)
{
    delete stream;
}

void enqueue(nnrt_cuda_stream *stream, const stream_work &work)
{
    (stream->capture != nullptr ? stream->capture->work : stream->queue).push_back(work);
}

int copy(nnrt_cuda_stream *stream, void *to, const void *from, size_t bytes, uint32_t,
         nnrt_cuda_failure *failure)
{
    if (int result = injected("copy", failure))
        return result;
    enqueue(stream, [=] { memcpy(to, from, bytes); });
    return NNRT_CUDA_OK;
}

int zero(nnrt_cuda_stream *stream, void *to, size_t bytes, nnrt_cuda_failure *failure)
{
    if (int result = injected("zero", failure))
        return result;
    enqueue(stream, [=] { memset(to, 0, bytes); });
    return NNRT_CUDA_OK;
}

int launch(nnrt_cuda_stream *stream, const nnrt_cuda_launch *l, nnrt_cuda_failure *failure)
{
    if (int result = injected("launch", failure))
        return result;
    if (l->kernel >= NNRT_CUDA_K_COUNT || l->args_bytes != kernels[l->kernel].args_bytes)
        return fail(failure, NNRT_CUDA_FAILED, "no such kernel, or arguments of another size");
    if (l->grid[0] == 0 || l->grid[1] == 0 || l->grid[2] == 0 || l->grid[0] > INT32_MAX ||
        l->grid[1] > 65535 || l->grid[2] > 65535 || l->shared_bytes > shared_limit())
        return fail(failure, NNRT_CUDA_FAILED, "invalid grid or shared memory");
    std::vector<uint64_t> args((l->args_bytes + 7) / 8);
    memcpy(args.data(), l->args, l->args_bytes);
    const nnrt_cuda_launch shape = *l;
    enqueue(stream, [args, shape] {
        const std::lock_guard<std::mutex> guard(simulator_lock);
        const kernel_row &row = kernels[shape.kernel];
        note_coverage(shape.kernel);
        simulator_run(simulator_grid{row.name, row.body, args.data(),
                                     {shape.grid[0], shape.grid[1], shape.grid[2]},
                                     row.threads, shape.shared_bytes, launches++});
    });
    return NNRT_CUDA_OK;
}

int graph_launch(nnrt_cuda_stream *stream, nnrt_cuda_graph *graph, nnrt_cuda_failure *failure)
{
    if (int result = injected("graph_launch", failure))
        return result;
    for (const stream_work &work : graph->work)
        enqueue(stream, work);
    return NNRT_CUDA_OK;
}

int stream_wait(nnrt_cuda_stream *stream, nnrt_cuda_failure *failure)
{
    if (int result = injected("stream_wait", failure))
        return result;
    if (stream->capture != nullptr)
        return fail(failure, NNRT_CUDA_FAILED, "waiting while capturing");
    drain(stream);
    return NNRT_CUDA_OK;
}

int capture_begin(nnrt_cuda_stream *stream, nnrt_cuda_failure *failure)
{
    if (int result = injected("capture_begin", failure))
        return result;
    if (stream->capture != nullptr)
        return fail(failure, NNRT_CUDA_FAILED, "capturing already");
    stream->capture = new nnrt_cuda_graph();
    return NNRT_CUDA_OK;
}

int capture_end(nnrt_cuda_stream *stream, nnrt_cuda_graph **out, nnrt_cuda_failure *failure)
{
    if (stream->capture == nullptr)
        return fail(failure, NNRT_CUDA_FAILED, "not capturing");
    *out = stream->capture;
    stream->capture = nullptr;
    if (int result = injected("capture_end", failure)) {
        delete *out;
        *out = nullptr;
        return result;
    }
    return NNRT_CUDA_OK;
}

void graph_destroy(nnrt_cuda_graph *graph)
{
    delete graph;
}

int event_create(nnrt_cuda_device *, nnrt_cuda_event **out, nnrt_cuda_failure *failure)
{
    if (int result = injected("event_create", failure))
        return result;
    *out = new nnrt_cuda_event();
    return NNRT_CUDA_OK;
}

void event_destroy(nnrt_cuda_event *event)
{
    delete event;
}

int event_record(nnrt_cuda_event *event, nnrt_cuda_stream *stream, nnrt_cuda_failure *failure)
{
    if (int result = injected("event_record", failure))
        return result;
    enqueue(stream, [event] {
        timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        event->at = static_cast<uint64_t>(now.tv_sec) * 1000000000u + static_cast<uint64_t>(now.tv_nsec);
        event->happened = true;
    });
    return NNRT_CUDA_OK;
}

int event_elapsed(uint64_t *ns, nnrt_cuda_event *from, nnrt_cuda_event *to, nnrt_cuda_failure *failure)
{
    if (int result = injected("event_elapsed", failure))
        return result;
    if (!from->happened || !to->happened)
        return fail(failure, NNRT_CUDA_FAILED, "an event has not happened");
    *ns = to->at - from->at;
    return NNRT_CUDA_OK;
}

const nnrt_cuda_plugin plugin = {
    NNRT_CUDA_ABI, NNRT_CUDA_K_COUNT, "simulator", device_open, device_close, device_info, alloc, give, alloc_host,
    give, stream_create, stream_destroy, copy, zero, launch, graph_launch, stream_wait, capture_begin, capture_end,
    graph_destroy, event_create, event_destroy, event_record, event_elapsed,
};

} /* namespace */

extern "C" __attribute__((visibility("default"))) const nnrt_cuda_plugin *nnrt_cuda_plugin_get(uint32_t abi)
{
    return abi == NNRT_CUDA_ABI ? &plugin : nullptr;
}
