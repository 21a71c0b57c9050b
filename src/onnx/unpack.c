/* protobuf-c with a heap budget, on a stack of known size. SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "onnx/limits.h"
#include "onnx/scan.h"

enum { HEAP_HEADER = 16 };

static void *heap_alloc(void *user, size_t size)
{
    nnc_onnx_heap *heap = user;
    if (size > heap->budget - heap->used || size > SIZE_MAX - HEAP_HEADER) {
        heap->over = true;
        return NULL;
    }
    uint8_t *p = malloc(size + HEAP_HEADER);
    if (!p) {
        heap->over = true;
        return NULL;
    }
    memcpy(p, &size, sizeof size);
    heap->used += size;
    return p + HEAP_HEADER;
}

static void heap_free(void *user, void *pointer)
{
    nnc_onnx_heap *heap = user;
    if (pointer) {
        uint8_t *p = (uint8_t *)pointer - HEAP_HEADER;
        size_t size;
        memcpy(&size, p, sizeof size);
        heap->used -= size;
        free(p);
    }
}

typedef struct unpack_job {
    ProtobufCMessage *message;
    nnc_onnx_heap *heap;
    const uint8_t *data;
    size_t bytes;
    const ProtobufCMessageDescriptor *root;
} unpack_job;

static void *unpack_run(void *argument)
{
    unpack_job *job = argument;
    job->message =
        protobuf_c_message_unpack(job->root, &job->heap->allocator, job->bytes, job->data);
    return NULL;
}

nnc_status nnc_onnx_unpack(ProtobufCMessage **message, nnc_onnx_heap *heap, uint64_t budget,
                           const uint8_t *data, size_t bytes,
                           const ProtobufCMessageDescriptor *root)
{
    *heap = (nnc_onnx_heap){{heap_alloc, heap_free, heap}, budget, 0, false};
    unpack_job job = {NULL, heap, data, bytes, root};
    pthread_attr_t attr;
    pthread_t thread;
    bool started = false;
    if (pthread_attr_init(&attr) == 0) {
        started = pthread_attr_setstacksize(&attr, NNC_ONNX_STACK_BYTES) == 0 &&
                  pthread_create(&thread, &attr, unpack_run, &job) == 0;
        pthread_attr_destroy(&attr);
    }
    if (started) {
        pthread_join(thread, NULL);
    } else {
        /* The scan's depth limit makes any ordinary stack large enough. */
        unpack_run(&job);
    }
    *message = job.message;
    if (!job.message && heap->over) {
        NNC_FAIL(NNC_ERR_LIMIT, "decoding needs more than the budget of %llu bytes",
                 (unsigned long long)budget);
    }
    if (!job.message) {
        NNC_FAIL(NNC_ERR_MODEL, "the file cannot be decoded as an ONNX message");
    }
    return NNC_OK;
}

void nnc_onnx_unpack_free(ProtobufCMessage *message, nnc_onnx_heap *heap)
{
    if (message) {
        protobuf_c_message_free_unpacked(message, &heap->allocator);
    }
}
