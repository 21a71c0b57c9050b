/* Rates of a device, measured with the kernels of kernels_ceiling.def. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/rng.h"
#include "nnrt.h"
#include "runtime_int8/cuda/args.h"
#include "runtime_int8/cuda/device.h"

#define PATTERN (1u << 20)       /* bytes; what is copied repeats it */
#define COPY_MOST (512u << 20)   /* bytes read in one launch */
#define LONG_ENOUGH_NS 1000000u  /* of a launch, to be measured */
#define RATE_S 0.15              /* per rate: clocks rise in the first tenth of a second */
#define WARPS 8                  /* of ceiling_mma's block */
#define MACS_OF_MMA (16.0 * 32 * 8)

typedef struct measuring {
    nnrt_device *device; /* opened for this */
    const nnrt_cuda_plugin *api;
    nnrt_cuda_event *from, *to;
    void *source, *target;
    uint8_t *pattern;
    size_t bytes; /* of source and of target */
} measuring;

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static nnc_status status_of(const measuring *b, int result, const nnrt_cuda_failure *failure)
{
    return nnrt_device_status(b->device, result, failure, "measuring the device", 0);
}

/* Time of one launch. */
static nnc_status timed(uint64_t *ns, const measuring *b, const nnrt_cuda_launch *launch)
{
    nnrt_cuda_failure failure = {0};
    nnrt_cuda_stream *stream = b->device->stream;
    int result = b->api->event_record(b->from, stream, &failure);
    if (result == NNRT_CUDA_OK)
        result = b->api->launch(stream, launch, &failure);
    if (result == NNRT_CUDA_OK)
        result = b->api->event_record(b->to, stream, &failure);
    if (result == NNRT_CUDA_OK)
        result = b->api->stream_wait(stream, &failure);
    if (result == NNRT_CUDA_OK)
        result = b->api->event_elapsed(ns, b->from, b->to, &failure);
    return status_of(b, result, &failure);
}

/* Shortest time of a launch that takes long enough: *amount, an argument of it, is doubled until it does or would
 * exceed `most`. */
static nnc_status shortest(uint64_t *out, const measuring *b, const nnrt_cuda_launch *launch,
                           uint32_t *amount, uint32_t most)
{
    uint64_t ns = 0, best = UINT64_MAX;
    NNC_TRY(timed(&ns, b, launch));
    while (ns < LONG_ENOUGH_NS && *amount <= most / 2) {
        *amount *= 2;
        NNC_TRY(timed(&ns, b, launch));
    }
    const double end = now_s() + RATE_S;
    do {
        NNC_TRY(timed(&ns, b, launch));
        best = ns < best ? ns : best;
    } while (now_s() < end);
    *out = best > 0 ? best : 1;
    return NNC_OK;
}

static nnc_status measure_mma(double *gmacs, const measuring *b)
{
    nnrt_cuda_ceiling_mma_args args = {.sums = b->target, .loops = 1};
    const uint32_t blocks = 2 * b->device->info.sm_count;
    const nnrt_cuda_launch launch = {.kernel = NNRT_CUDA_K_ceiling_mma,
                                     .grid = {blocks, 1, 1},
                                     .args_bytes = sizeof args,
                                     .args = &args};
    uint64_t ns;
    NNC_TRY(shortest(&ns, b, &launch, &args.loops, 1u << 24));
    *gmacs = (double)blocks * WARPS * NNRT_CUDA_CEILING_MMAS * MACS_OF_MMA * args.loops / (double)ns;
    return NNC_OK;
}

/* The end of the target must hold the pattern. */
static nnc_status check_copy(const measuring *b, size_t bytes)
{
    nnrt_cuda_failure failure = {0};
    uint8_t *seen = nnc_calloc(PATTERN, 1);
    if (seen == NULL)
        return NNC_ERR_LIMIT;
    int result = b->api->copy(b->device->stream, seen, (uint8_t *)b->target + bytes - PATTERN, PATTERN,
                              NNRT_CUDA_TO_HOST, &failure);
    if (result == NNRT_CUDA_OK)
        result = b->api->stream_wait(b->device->stream, &failure);
    nnc_status status = status_of(b, result, &failure);
    if (status == NNC_OK && memcmp(seen, b->pattern, PATTERN) != 0)
        status = nnc_error_set(NNC_ERR_DEVICE, "CUDA: measuring the device: a copy came out wrong");
    nnc_free(seen);
    return status;
}

/* most: bytes read in one pass; several passes where one is short. */
static nnc_status measure_copy(double *gbps, const measuring *b, size_t most)
{
    const uint32_t piece = NNRT_CUDA_CEILING_WORDS, all = (uint32_t)(most / 16 / piece * piece);
    nnrt_cuda_ceiling_copy_args args = {
        .to = b->target, .from = b->source, .words4 = PATTERN / 16 < all ? PATTERN / 16 : all, .passes = 1};
    const nnrt_cuda_launch launch = {.kernel = NNRT_CUDA_K_ceiling_copy,
                                     .grid = {8 * b->device->info.sm_count, 1, 1},
                                     .args_bytes = sizeof args,
                                     .args = &args};
    nnrt_cuda_failure failure = {0};
    uint64_t ns;
    NNC_TRY(status_of(b, b->api->zero(b->device->stream, b->target, most, &failure), &failure));
    while (args.words4 <= all / 2) {
        NNC_TRY(timed(&ns, b, &launch));
        if (ns >= LONG_ENOUGH_NS)
            break;
        args.words4 *= 2;
    }
    NNC_TRY(shortest(&ns, b, &launch, &args.passes, 1024));
    *gbps = 2.0 * 16 * args.words4 * args.passes / (double)ns;
    return check_copy(b, (size_t)args.words4 * 16);
}

/* The source gets the pattern again and again. */
static nnc_status fill(measuring *b)
{
    nnrt_cuda_failure failure = {0};
    nnrt_cuda_stream *stream = b->device->stream;
    nnc_rng rng;
    nnc_rng_init(&rng, 1, 0);
    for (size_t i = 0; i < PATTERN; i += 4) {
        const uint32_t word = nnc_rng_u32(&rng);
        memcpy(b->pattern + i, &word, 4);
    }
    int result = b->api->copy(stream, b->source, b->pattern, PATTERN, NNRT_CUDA_TO_DEVICE, &failure);
    for (size_t done = PATTERN; result == NNRT_CUDA_OK && done < b->bytes; done *= 2)
        result = b->api->copy(stream, (uint8_t *)b->source + done, b->source, done, NNRT_CUDA_ON_DEVICE, &failure);
    if (result == NNRT_CUDA_OK)
        result = b->api->stream_wait(stream, &failure);
    return status_of(b, result, &failure);
}

static nnc_status prepare(measuring *b)
{
    nnrt_cuda_failure failure = {0};
    for (b->bytes = COPY_MOST; b->bytes > PATTERN && b->bytes > b->device->info.free_bytes / 8;)
        b->bytes /= 2;
    b->pattern = nnc_calloc(PATTERN, 1);
    if (b->pattern == NULL)
        return NNC_ERR_LIMIT;
    NNC_TRY(status_of(b, b->api->event_create(b->device->handle, &b->from, &failure), &failure));
    NNC_TRY(status_of(b, b->api->event_create(b->device->handle, &b->to, &failure), &failure));
    NNC_TRY(nnrt_device_alloc(b->device, &b->source, b->bytes, "memory to copy"));
    NNC_TRY(nnrt_device_alloc(b->device, &b->target, b->bytes, "memory to copy"));
    return fill(b);
}

static nnc_status measure_rates(nnrt_device_facts *out, measuring *b)
{
    NNC_TRY(prepare(b));
    size_t cached = PATTERN; /* source and target take half of the cache */
    while (cached * 2 <= b->device->info.l2_bytes / 4 && cached * 2 <= b->bytes)
        cached *= 2;
    NNC_TRY(measure_copy(&out->memory_gbps, b, b->bytes));
    NNC_TRY(measure_copy(&out->l2_gbps, b, cached));
    return measure_mma(&out->int8_gmacs, b);
}

static void finish(measuring *b)
{
    nnrt_device *d = b->device;
    if (d == NULL)
        return;
    d->api->event_destroy(b->from);
    d->api->event_destroy(b->to);
    d->api->free(d->handle, b->source);
    d->api->free(d->handle, b->target);
    nnc_free(b->pattern);
    nnrt_device_close(d);
}

static nnc_status measure(nnrt_device_facts *out, measuring *b, uint32_t device_index)
{
    NNC_TRY(nnrt_device_open(&b->device, device_index));
    const nnrt_cuda_info *info = &b->device->info;
    b->api = b->device->api;
    snprintf(out->name, sizeof out->name, "%s", info->name);
    out->major = (uint32_t)info->major;
    out->minor = (uint32_t)info->minor;
    out->multiprocessors = info->sm_count;
    out->memory_bytes = info->memory_bytes;
    out->l2_bytes = info->l2_bytes;
    return measure_rates(out, b);
}

nnrt_status nnrt_device_measure(nnrt_device_facts *out, uint32_t device_index)
{
    measuring b = {0};
    *out = (nnrt_device_facts){0};
    nnc_status status = measure(out, &b, device_index);
    finish(&b);
    return (nnrt_status)status;
}
