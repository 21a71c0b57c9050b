/* Sessions on a device: memory, lowering, graphs, profile. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/session_device.h"

#include <string.h>

#include "base/mem.h"
#include "runtime_int8/cuda/lower.h"

#define TABLE_CHUNK (256u << 10)
#define TABLE_ALIGN 16u
#define SLACK 256u /* readable bytes behind the arena */

typedef struct device_launch {
    nnrt_cuda_launch launch; /* args: set when all are there */
    uint32_t node;
    size_t args_at;
    uint32_t scratch_at;
} device_launch;

/* Pinned memory of an input or output. */
typedef struct device_io {
    void *host;
    size_t cap;
} device_io;

struct nnrt_session_device {
    nnrt_device *device; /* the model's */
    const nnrt_cuda_plugin *api;
    nnrt_cuda_stream *stream;
    void *arena, *scratch, *counters;
    size_t arena_cap, scratch_cap, scratch_need;
    nnrt_device_chunk *tables;
    size_t table_count, table_cap;
    device_launch *launches;
    size_t launch_count, launch_cap;
    uint8_t *args;
    size_t args_used, args_cap;
    device_io *io; /* [inputs + outputs] */
    nnrt_cuda_graph *graph[2]; /* with the copies of inputs and outputs, and without */
    bool ran;                  /* at these shapes, so that a graph may be captured */
    nnrt_cuda_event **events;  /* [nodes + 1] */
};

struct nnrt_cuda_lowering {
    nnrt_session *session;
    nnrt_session_device *device;
    uint32_t node;
};

static nnrt_cuda_lower_fn *const lowerings[NNRT_ROP_ID_COUNT] = {
#define NNRT_CUDA_ROP(id, name) [NNRT_ROP_ID_##id] = nnrt_cuda_lower_##name,
#include "runtime_int8/cuda/lower.def"
#undef NNRT_CUDA_ROP
};

static const uint32_t threads_of[NNRT_CUDA_K_COUNT] = {
#define NNRT_CUDA_KERNEL(name, args, body, threads, blocks) [NNRT_CUDA_K_##name] = (threads),
#include "runtime_int8/cuda/kernels.def"
#undef NNRT_CUDA_KERNEL
};

nnrt_cuda_lower_fn *nnrt_cuda_lower_find(uint32_t rop)
{
    return rop < NNRT_ROP_ID_COUNT ? lowerings[rop] : NULL;
}

uint32_t nnrt_cuda_threads(nnrt_cuda_kernel kernel)
{
    return threads_of[kernel];
}

const nnrt_cuda_info *nnrt_session_device_info(const nnrt_session *s)
{
    return &s->device->device->info;
}

const nnrt_cuda_info *nnrt_cuda_target(const nnrt_cuda_lowering *low)
{
    return &low->device->device->info;
}

uint32_t *nnrt_cuda_counters(const nnrt_cuda_lowering *low)
{
    return low->device->counters;
}

static nnc_status status_of(const nnrt_session_device *d, int result,
                            const nnrt_cuda_failure *failure, const char *what)
{
    return nnrt_device_status(d->device, result, failure, what, 0);
}

static nnc_status no_kernel(const session_node *node)
{
    NNC_FAIL(NNC_ERR_UNSUPPORTED,
             "CUDA: %s '%s' has no CUDA kernel (run it on the CPU)",
             node->rop->name, node->ctx.name);
}

/* Ops that neither run on the device nor are done at reshape. */
static nnc_status check_ops(const nnrt_session *s)
{
    for (size_t i = 0; i < s->plan->node_count; i++) {
        const session_node *node = &s->nodes[i];
        if (nnrt_cuda_lower_find(s->plan->nodes[i].rop) == NULL &&
            !(node->rop->flags & (NNRT_ROP_HOST | NNRT_ROP_ALIAS)))
            return no_kernel(node);
    }
    for (size_t id = 0; id < s->plan->value_count; id++) {
        if (s->plan->values[id].kind == NNRT_VALUE_VARIABLE)
            NNC_FAIL(NNC_ERR_UNSUPPORTED, "CUDA: variable '%s' (variables run on the CPU)",
                     nnrt_plan_string(s->plan, s->plan->values[id].name));
    }
    return NNC_OK;
}

static uint32_t io_count(const nnrt_session *s)
{
    return s->plan->blocks[0].in_count + s->plan->blocks[0].out_count;
}

static nnc_status create(nnrt_session *s, nnrt_session_device *d, nnrt_model *model, uint32_t index)
{
    nnrt_cuda_failure failure = {0};
    NNC_TRY(nnrt_model_device(&d->device, model, index));
    d->api = d->device->api;
    NNC_TRY(check_ops(s));
    NNC_TRY(status_of(d, d->api->stream_create(d->device->handle, &d->stream, &failure), &failure,
                      "making a stream"));
    const size_t bytes = NNRT_CUDA_COUNTERS * sizeof(uint32_t);
    NNC_TRY(nnrt_device_alloc(d->device, &d->counters, bytes, "memory for counters"));
    NNC_TRY(status_of(d, d->api->zero(d->stream, d->counters, bytes, &failure), &failure,
                      "clearing memory"));
    d->io = nnc_calloc(io_count(s) + 1, sizeof *d->io);
    d->events = nnc_calloc(s->plan->node_count + 1, sizeof *d->events);
    if (d->io == NULL || d->events == NULL)
        return NNC_ERR_LIMIT;
    for (size_t i = 0; s->profile && i <= s->plan->node_count; i++)
        NNC_TRY(status_of(d, d->api->event_create(d->device->handle, &d->events[i], &failure),
                          &failure, "making an event"));
    return NNC_OK;
}

nnc_status nnrt_session_device_create(nnrt_session *s, nnrt_model *model, uint32_t index)
{
    s->device = nnc_calloc(1, sizeof *s->device);
    if (s->device == NULL)
        return NNC_ERR_LIMIT;
    nnc_status status = create(s, s->device, model, index);
    if (status != NNC_OK)
        nnrt_session_device_destroy(s);
    return status;
}

static void drop_graphs(nnrt_session_device *d)
{
    for (int i = 0; i < 2; i++) {
        if (d->graph[i] != NULL)
            d->api->graph_destroy(d->graph[i]);
        d->graph[i] = NULL;
    }
    d->ran = false;
}

void nnrt_session_device_destroy(nnrt_session *s)
{
    nnrt_session_device *d = s->device;
    s->device = NULL;
    if (d == NULL)
        return;
    nnrt_cuda_device *handle = d->device != NULL ? d->device->handle : NULL;
    if (handle != NULL) {
        drop_graphs(d);
        if (d->stream != NULL)
            d->api->stream_destroy(d->stream);
        for (size_t i = 0; d->events != NULL && i <= s->plan->node_count; i++)
            d->api->event_destroy(d->events[i]);
        for (uint32_t i = 0; d->io != NULL && i < io_count(s); i++)
            d->api->free_host(handle, d->io[i].host);
        for (size_t i = 0; i < d->table_count; i++)
            d->api->free(handle, d->tables[i].memory);
        d->api->free(handle, d->arena);
        d->api->free(handle, d->scratch);
        d->api->free(handle, d->counters);
    }
    nnc_free(d->events);
    nnc_free(d->io);
    nnc_free(d->tables);
    nnc_free(d->launches);
    nnc_free(d->args);
    nnc_free(d);
}

/* Device memory that only grows. */
static nnc_status keep(nnrt_session_device *d, void **memory, size_t *cap, size_t bytes,
                       const char *what)
{
    if (*memory != NULL && bytes <= *cap)
        return NNC_OK;
    d->api->free(d->device->handle, *memory);
    *memory = NULL;
    *cap = 0;
    NNC_TRY(nnrt_device_alloc(d->device, memory, bytes, what));
    *cap = bytes;
    return NNC_OK;
}

nnc_status nnrt_session_device_arena(nnrt_session *s, size_t bytes, void **out)
{
    nnrt_session_device *d = s->device;
    size_t all;
    drop_graphs(d); /* they hold addresses */
    if (!nnc_size_add(&all, bytes, SLACK))
        NNC_FAIL(NNC_ERR_LIMIT, "CUDA: activations of %zu bytes", bytes);
    NNC_TRY(keep(d, &d->arena, &d->arena_cap, all, "memory for activations"));
    *out = d->arena;
    return NNC_OK;
}

/* Array of elements of `size` bytes with room for `more` after `used`. */
static nnc_status room(void **array, size_t *cap, size_t used, size_t more, size_t size)
{
    if (used + more <= *cap)
        return NNC_OK;
    const size_t want = 2 * (used + more);
    void *bigger = nnc_calloc(want, size);
    if (bigger == NULL)
        return NNC_ERR_LIMIT;
    if (used > 0)
        memcpy(bigger, *array, used * size);
    nnc_free(*array);
    *array = bigger;
    *cap = want;
    return NNC_OK;
}

static nnc_status table_room(nnrt_session_device *d, void **out, size_t bytes)
{
    for (size_t i = 0; i < d->table_count; i++) {
        nnrt_device_chunk *chunk = &d->tables[i];
        if (chunk->bytes - chunk->used < bytes)
            continue;
        *out = (uint8_t *)chunk->memory + chunk->used;
        chunk->used += bytes;
        return NNC_OK;
    }
    NNC_TRY(room((void **)&d->tables, &d->table_cap, d->table_count, 1, sizeof *d->tables));
    nnrt_device_chunk *chunk = &d->tables[d->table_count];
    chunk->bytes = bytes > TABLE_CHUNK ? bytes : TABLE_CHUNK;
    NNC_TRY(nnrt_device_alloc(d->device, &chunk->memory, chunk->bytes, "memory for tables"));
    chunk->used = bytes;
    *out = chunk->memory;
    d->table_count++;
    return NNC_OK;
}

nnc_status nnrt_cuda_table(const void **device, nnrt_cuda_lowering *low, const void *host,
                           size_t bytes)
{
    nnrt_session_device *d = low->device;
    nnrt_cuda_failure failure = {0};
    size_t all;
    void *to;
    if (!nnc_size_add(&all, bytes, SLACK + TABLE_ALIGN))
        NNC_FAIL(NNC_ERR_LIMIT, "CUDA: a table of %zu bytes", bytes);
    NNC_TRY(table_room(d, &to, all / TABLE_ALIGN * TABLE_ALIGN));
    int result = NNRT_CUDA_OK;
    if (bytes > 0)
        result = d->api->copy(d->stream, to, host, bytes, NNRT_CUDA_TO_DEVICE, &failure);
    if (result == NNRT_CUDA_OK)
        result = d->api->stream_wait(d->stream, &failure);
    *device = to;
    return status_of(d, result, &failure, "uploading a table");
}

static session_value *input_value(const nnrt_cuda_lowering *low, uint32_t i)
{
    const nnrt_plan *plan = low->session->plan;
    return &low->session->values[plan->io[plan->nodes[low->node].io + i]];
}

static bool is_constant(const nnrt_session *s, const void *data)
{
    const uint8_t *p = data;
    return p >= s->plan->constants && p < s->plan->constants + s->plan->constant_bytes;
}

nnc_status nnrt_cuda_input(const void **device, nnrt_cuda_lowering *low, uint32_t i)
{
    const session_value *v = input_value(low, i);
    if (v->block != SESSION_NO_BLOCK) {
        *device = v->tensor.data;
        return NNC_OK;
    }
    if (is_constant(low->session, v->tensor.data))
        return nnrt_device_constant_get(device, low->device->device, v->tensor.data, 0,
                                        v->tensor.bytes, NULL, NULL);
    return nnrt_cuda_table(device, low, v->tensor.data, v->tensor.bytes);
}

void *nnrt_cuda_output(nnrt_cuda_lowering *low, uint32_t i)
{
    return low->session->nodes[low->node].ctx.out[i].data;
}

typedef struct pack_call {
    nnrt_cuda_pack_fn *pack;
    const nnrt_node_ctx *ctx;
    uint32_t i;
} pack_call;

static void call_pack(void *out, const void *user)
{
    const pack_call *call = user;
    call->pack(out, call->ctx, call->i);
}

nnc_status nnrt_cuda_constant(const void **device, nnrt_cuda_lowering *low, uint32_t i,
                              uint32_t layout, size_t bytes, nnrt_cuda_pack_fn *pack)
{
    const nnrt_node_ctx *ctx = &low->session->nodes[low->node].ctx;
    const session_value *v = input_value(low, i);
    if (v->block != SESSION_NO_BLOCK || !is_constant(low->session, v->tensor.data))
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "CUDA: '%s': input %u is not a constant", ctx->name, i);
    const pack_call call = {pack, ctx, i};
    return nnrt_device_constant_get(device, low->device->device, v->tensor.data, layout, bytes,
                                    call_pack, &call);
}

nnc_status nnrt_cuda_emit_scratch(nnrt_cuda_lowering *low, nnrt_cuda_kernel kernel,
                                  const uint32_t grid[3], size_t shared_bytes, const void *args,
                                  size_t args_bytes, uint32_t scratch_at, size_t scratch_bytes)
{
    nnrt_session_device *d = low->device;
    const size_t stride = (args_bytes + 7) / 8 * 8;
    if (grid[0] == 0 || grid[1] == 0 || grid[2] == 0)
        return NNC_OK;
    if (shared_bytes > d->device->info.shared_bytes || grid[0] > INT32_MAX || grid[1] > 65535 ||
        grid[2] > 65535)
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "CUDA: '%s': a grid of %ux%ux%u with %zu bytes",
                 low->session->nodes[low->node].ctx.name, grid[0], grid[1], grid[2], shared_bytes);
    NNC_TRY(room((void **)&d->launches, &d->launch_cap, d->launch_count, 1, sizeof *d->launches));
    NNC_TRY(room((void **)&d->args, &d->args_cap, d->args_used, stride, 1));
    d->launches[d->launch_count++] = (device_launch){
        .launch = {.kernel = (uint32_t)kernel,
                   .grid = {grid[0], grid[1], grid[2]},
                   .shared_bytes = (uint32_t)shared_bytes,
                   .args_bytes = (uint32_t)args_bytes},
        .node = low->node,
        .args_at = d->args_used,
        .scratch_at = scratch_at,
    };
    memcpy(d->args + d->args_used, args, args_bytes);
    d->args_used += stride;
    if (scratch_at != NNRT_CUDA_NO_SCRATCH && scratch_bytes > d->scratch_need)
        d->scratch_need = scratch_bytes;
    return NNC_OK;
}

nnc_status nnrt_cuda_emit(nnrt_cuda_lowering *low, nnrt_cuda_kernel kernel, const uint32_t grid[3],
                          size_t shared_bytes, const void *args, size_t args_bytes)
{
    return nnrt_cuda_emit_scratch(low, kernel, grid, shared_bytes, args, args_bytes,
                                  NNRT_CUDA_NO_SCRATCH, 0);
}

static nnc_status lower_nodes(nnrt_session *s)
{
    for (uint32_t i = 0; i < s->plan->node_count; i++) {
        session_node *node = &s->nodes[i];
        if (node->skip)
            continue;
        nnrt_cuda_lower_fn *lower = nnrt_cuda_lower_find(s->plan->nodes[i].rop);
        if (lower == NULL)
            return no_kernel(node);
        nnrt_cuda_lowering low = {s, s->device, i};
        nnc_status status = lower(&low, &node->ctx);
        if (status != NNC_OK)
            return status;
    }
    return NNC_OK;
}

/* Scratch and argument addresses, known when everything was emitted. */
static nnc_status finish_launches(nnrt_session_device *d)
{
    NNC_TRY(keep(d, &d->scratch, &d->scratch_cap, d->scratch_need + SLACK, "memory for scratch"));
    for (size_t i = 0; i < d->launch_count; i++) {
        device_launch *l = &d->launches[i];
        l->launch.args = d->args + l->args_at;
        if (l->scratch_at != NNRT_CUDA_NO_SCRATCH)
            memcpy(d->args + l->args_at + l->scratch_at, &d->scratch, sizeof d->scratch);
    }
    return NNC_OK;
}

static session_value *io_value(const nnrt_session *s, uint32_t i)
{
    return &s->values[s->plan->io[s->plan->blocks[0].io + i]];
}

static nnc_status pin_io(nnrt_session *s)
{
    nnrt_session_device *d = s->device;
    nnrt_cuda_failure failure = {0};
    for (uint32_t i = 0; i < io_count(s); i++) {
        const size_t bytes = io_value(s, i)->tensor.bytes + NNRT_PLAN_TAIL;
        if (d->io[i].host != NULL && d->io[i].cap >= bytes)
            continue;
        d->api->free_host(d->device->handle, d->io[i].host);
        d->io[i] = (device_io){0};
        NNC_TRY(nnrt_device_status(
            d->device, d->api->alloc_host(d->device->handle, &d->io[i].host, bytes, &failure),
            &failure, "page-locked host memory", bytes));
        d->io[i].cap = bytes;
    }
    return NNC_OK;
}

nnc_status nnrt_session_device_lower(nnrt_session *s)
{
    nnrt_session_device *d = s->device;
    d->launch_count = 0;
    d->args_used = 0;
    d->scratch_need = 0;
    for (size_t i = 0; i < d->table_count; i++)
        d->tables[i].used = 0;
    NNC_TRY(lower_nodes(s));
    NNC_TRY(finish_launches(d));
    return pin_io(s);
}

void *nnrt_session_device_host(const nnrt_session *s, uint32_t i)
{
    const session_value *v = io_value(s, i);
    return v->block == SESSION_NO_BLOCK ? v->tensor.data : s->device->io[i].host;
}

static nnc_status copy_io(nnrt_session *s, uint32_t first, uint32_t count, nnrt_cuda_copy kind)
{
    nnrt_session_device *d = s->device;
    nnrt_cuda_failure failure = {0};
    for (uint32_t i = first; i < first + count; i++) {
        const session_value *v = io_value(s, i);
        if (v->tensor.bytes == 0 || v->block == SESSION_NO_BLOCK)
            continue;
        void *to = kind == NNRT_CUDA_TO_DEVICE ? v->tensor.data : d->io[i].host;
        const void *from = kind == NNRT_CUDA_TO_DEVICE ? d->io[i].host : v->tensor.data;
        NNC_TRY(status_of(d, d->api->copy(d->stream, to, from, v->tensor.bytes, kind, &failure),
                          &failure, "copying inputs or outputs"));
    }
    return NNC_OK;
}

static nnc_status record(nnrt_session *s, size_t i)
{
    nnrt_session_device *d = s->device;
    nnrt_cuda_failure failure = {0};
    return status_of(d, d->api->event_record(d->events[i], d->stream, &failure), &failure,
                     "recording an event");
}

/* All launches; with profile an event after each node. */
static nnc_status launch_nodes(nnrt_session *s)
{
    nnrt_session_device *d = s->device;
    nnrt_cuda_failure failure = {0};
    if (s->profile)
        NNC_TRY(record(s, 0));
    size_t l = 0;
    for (uint32_t i = 0; i < s->plan->node_count; i++) {
        for (; l < d->launch_count && d->launches[l].node == i; l++) {
            int result = d->api->launch(d->stream, &d->launches[l].launch, &failure);
            NNC_TRY(status_of(d, result, &failure, s->nodes[i].ctx.name));
        }
        if (s->profile)
            NNC_TRY(record(s, (size_t)i + 1));
    }
    return NNC_OK;
}

static nnc_status queue(nnrt_session *s, bool copies)
{
    const nnrt_plan_block *block = &s->plan->blocks[0];
    if (copies)
        NNC_TRY(copy_io(s, 0, block->in_count, NNRT_CUDA_TO_DEVICE));
    NNC_TRY(launch_nodes(s));
    return copies ? copy_io(s, block->in_count, block->out_count, NNRT_CUDA_TO_HOST) : NNC_OK;
}

static nnc_status capture(nnrt_session *s, bool copies)
{
    nnrt_session_device *d = s->device;
    nnrt_cuda_failure failure = {0};
    NNC_TRY(status_of(d, d->api->capture_begin(d->stream, &failure), &failure,
                      "capturing the graph"));
    const nnc_status queued = queue(s, copies);
    const int result = d->api->capture_end(d->stream, &d->graph[!copies], &failure);
    if (queued == NNC_OK)
        return status_of(d, result, &failure, "capturing the graph");
    if (result == NNRT_CUDA_OK)
        d->api->graph_destroy(d->graph[!copies]); /* of a part of the work */
    d->graph[!copies] = NULL;
    return queued;
}

static nnc_status wait_for(nnrt_session_device *d)
{
    nnrt_cuda_failure failure = {0};
    return status_of(d, d->api->stream_wait(d->stream, &failure), &failure, "running the model");
}

static nnc_status add_times(nnrt_session *s)
{
    nnrt_session_device *d = s->device;
    nnrt_cuda_failure failure = {0};
    for (size_t i = 0; i < s->plan->node_count; i++) {
        uint64_t ns = 0;
        NNC_TRY(status_of(d, d->api->event_elapsed(&ns, d->events[i], d->events[i + 1], &failure),
                          &failure, "reading an event"));
        s->nodes[i].ns += s->nodes[i].skip ? 0 : ns;
        s->nodes[i].runs += !s->nodes[i].skip;
    }
    return NNC_OK;
}

nnc_status nnrt_session_device_run(nnrt_session *s, bool copies)
{
    nnrt_session_device *d = s->device;
    nnrt_cuda_failure failure = {0};
    if (s->profile || !d->ran) {
        const nnc_status queued = queue(s, copies);
        if (queued != NNC_OK) {
            d->api->stream_wait(d->stream, &failure); /* what was queued uses the memory */
            return queued;
        }
        NNC_TRY(wait_for(d));
        d->ran = true;
        return s->profile ? add_times(s) : NNC_OK;
    }
    if (d->graph[!copies] == NULL)
        NNC_TRY(capture(s, copies));
    NNC_TRY(status_of(d, d->api->graph_launch(d->stream, d->graph[!copies], &failure), &failure,
                      "launching the graph"));
    return wait_for(d);
}
