/* Device, device memory and uploaded constants of a model. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/cuda/device.h"

#include <string.h>

#include "base/mem.h"

#define CHUNK (8u << 20)
#define ALIGN 256u
#define SLACK 64u /* readable bytes behind a constant */

nnc_status nnrt_device_status(nnrt_device *device, int result, const nnrt_cuda_failure *failure,
                              const char *what, size_t bytes)
{
    if (result == NNRT_CUDA_OK)
        return NNC_OK;
    nnrt_cuda_info info;
    nnrt_cuda_failure ignored;
    switch (result) {
    case NNRT_CUDA_NO_MEMORY:
        if (bytes > 0 && device != NULL && device->handle != NULL &&
            device->api->device_info(device->handle, &info, &ignored) == NNRT_CUDA_OK)
            NNC_FAIL(NNC_ERR_DEVICE, "CUDA: %s: out of device memory: %zu bytes needed, %llu free",
                     what, bytes, (unsigned long long)info.free_bytes);
        NNC_FAIL(NNC_ERR_DEVICE, "CUDA: %s: out of memory (%zu bytes needed)", what, bytes);
    case NNRT_CUDA_NO_IMAGE:
        NNC_FAIL(NNC_ERR_DEVICE, "CUDA: %s: this build has no code for the device: %s", what,
                 failure->text);
    case NNRT_CUDA_LOST:
        NNC_FAIL(NNC_ERR_DEVICE,
                 "CUDA: %s: the device's context is lost, restart the program: %s", what,
                 failure->text);
    default:
        NNC_FAIL(NNC_ERR_DEVICE, "CUDA: %s: %s", what, failure->text);
    }
}

nnc_status nnrt_device_open(nnrt_device **out, uint32_t index)
{
    nnrt_cuda_failure failure = {0};
    nnrt_device *d = nnc_calloc(1, sizeof *d);
    if (d == NULL)
        return NNC_ERR_LIMIT;
    pthread_mutex_init(&d->lock, NULL);
    d->index = index;
    nnc_status status = nnrt_device_plugin(&d->api);
    if (status == NNC_OK)
        status = nnrt_device_status(NULL, d->api->device_open(&d->handle, index, &failure), &failure,
                                    "opening the device", 0);
    if (status == NNC_OK)
        status = nnrt_device_status(d, d->api->device_info(d->handle, &d->info, &failure), &failure,
                                    "asking the device", 0);
    if (status == NNC_OK)
        status = nnrt_device_status(d, d->api->stream_create(d->handle, &d->stream, &failure),
                                    &failure, "making a stream", 0);
    if (status != NNC_OK) {
        nnrt_device_close(d);
        return status;
    }
    *out = d;
    return NNC_OK;
}

void nnrt_device_close(nnrt_device *d)
{
    if (d == NULL)
        return;
    for (size_t i = 0; i < d->chunk_count; i++)
        d->api->free(d->handle, d->chunks[i].memory);
    if (d->stream != NULL)
        d->api->stream_destroy(d->stream);
    if (d->handle != NULL)
        d->api->device_close(d->handle);
    nnc_free(d->chunks);
    nnc_free(d->constants);
    pthread_mutex_destroy(&d->lock);
    nnc_free(d);
}

nnc_status nnrt_device_alloc(nnrt_device *d, void **out, size_t bytes, const char *what)
{
    nnrt_cuda_failure failure = {0};
    if (bytes == 0)
        bytes = 1;
    return nnrt_device_status(d, d->api->alloc(d->handle, out, bytes, &failure), &failure, what,
                              bytes);
}

/* Grows an array for one more element. */
static nnc_status grow(void **array, size_t *cap, size_t count, size_t size)
{
    if (count < *cap)
        return NNC_OK;
    const size_t want = *cap == 0 ? 32 : 2 * *cap;
    void *more = nnc_calloc(want, size);
    if (more == NULL)
        return NNC_ERR_LIMIT;
    if (count > 0)
        memcpy(more, *array, count * size);
    nnc_free(*array);
    *array = more;
    *cap = want;
    return NNC_OK;
}

/* Room in a chunk; large constants get one of their own. */
static nnc_status place(nnrt_device *d, void **out, size_t bytes)
{
    size_t need;
    if (!nnc_size_add(&need, bytes, SLACK + ALIGN))
        NNC_FAIL(NNC_ERR_LIMIT, "CUDA: a constant of %zu bytes", bytes);
    need = need / ALIGN * ALIGN;
    for (size_t i = 0; i < d->chunk_count; i++) {
        nnrt_device_chunk *chunk = &d->chunks[i];
        if (chunk->bytes - chunk->used < need)
            continue;
        *out = (uint8_t *)chunk->memory + chunk->used;
        chunk->used += need;
        return NNC_OK;
    }
    NNC_TRY(grow((void **)&d->chunks, &d->chunk_cap, d->chunk_count, sizeof *d->chunks));
    nnrt_device_chunk *chunk = &d->chunks[d->chunk_count];
    chunk->bytes = need > CHUNK ? need : CHUNK;
    NNC_TRY(nnrt_device_alloc(d, &chunk->memory, chunk->bytes, "memory for weights"));
    chunk->used = need;
    *out = chunk->memory;
    d->chunk_count++;
    return NNC_OK;
}

static nnc_status upload(nnrt_device *d, void *to, const void *from, size_t bytes)
{
    nnrt_cuda_failure failure = {0};
    if (bytes == 0)
        return NNC_OK;
    int result = d->api->copy(d->stream, to, from, bytes, NNRT_CUDA_TO_DEVICE, &failure);
    if (result == NNRT_CUDA_OK)
        result = d->api->stream_wait(d->stream, &failure);
    return nnrt_device_status(d, result, &failure, "uploading weights", bytes);
}

static nnc_status make_constant(nnrt_device *d, const void *host, uint32_t layout, size_t bytes,
                                nnrt_device_pack_fn *pack, const void *user, void **out)
{
    NNC_TRY(grow((void **)&d->constants, &d->constant_cap, d->constant_count,
                 sizeof *d->constants));
    NNC_TRY(place(d, out, bytes));
    if (pack == NULL) {
        NNC_TRY(upload(d, *out, host, bytes));
    } else {
        void *packed = nnc_calloc(bytes + 1, 1);
        if (packed == NULL)
            return NNC_ERR_LIMIT;
        pack(packed, user);
        nnc_status status = upload(d, *out, packed, bytes);
        nnc_free(packed);
        NNC_TRY(status);
    }
    d->constants[d->constant_count++] = (nnrt_device_constant){host, layout, bytes, *out};
    return NNC_OK;
}

nnc_status nnrt_device_constant_get(const void **out, nnrt_device *d, const void *host,
                                    uint32_t layout, size_t bytes, nnrt_device_pack_fn *pack,
                                    const void *user)
{
    void *found = NULL;
    nnc_status status = NNC_OK;
    pthread_mutex_lock(&d->lock);
    for (size_t i = 0; i < d->constant_count && found == NULL; i++) {
        const nnrt_device_constant *c = &d->constants[i];
        if (c->host == host && c->layout == layout && c->bytes == bytes)
            found = c->device;
    }
    if (found == NULL)
        status = make_constant(d, host, layout, bytes, pack, user, &found);
    pthread_mutex_unlock(&d->lock);
    *out = found;
    return status;
}
