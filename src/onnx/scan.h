/* Scan of the protobuf wire format before anything is allocated for it. SPDX-License-Identifier:
 * Apache-2.0 protobuf-c neither limits nesting nor the memory it takes, so nothing reaches it
 * unscanned. */
#ifndef NNC_ONNX_SCAN_H
#define NNC_ONNX_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "base/error.h"

enum {
    NNC_ONNX_DEPTH_MAX = 64,
    NNC_ONNX_MESSAGES_MAX = 4000000,
    NNC_ONNX_UNKNOWN_MAX = 65536,
    NNC_ONNX_NAME_MAX = 4096,
    NNC_ONNX_TEXT_MAX = 1 << 20,
    NNC_ONNX_BIG_RAW = 4096 /* raw_data from here on stays in the file */
};

typedef struct nnc_onnx_scan {
    size_t messages;
    size_t unknown;   /* fields this build has no meaning for */
    size_t big_count; /* raw_data fields of at least NNC_ONNX_BIG_RAW bytes */
    size_t big_bytes;
} nnc_onnx_scan;

/* Walks `bytes` at data as a message of type `root` without recursion. Fails: NNC_ERR_MODEL with
 * the offset. */
nnc_status nnc_onnx_scan_run(nnc_onnx_scan *out, const uint8_t *data, size_t bytes,
                             const ProtobufCMessageDescriptor *root);

/* The same message with every large raw_data replaced by map_offset and map_bytes, places in
 * `data`. The input must have passed the scan. *trimmed: caller frees with nnc_free. Fails:
 * NNC_ERR_LIMIT. */
nnc_status nnc_onnx_scan_trim(uint8_t **trimmed, size_t *trimmed_bytes, const uint8_t *data,
                              size_t bytes, const ProtobufCMessageDescriptor *root,
                              const nnc_onnx_scan *scan);

/* Unpacks with a heap budget. *message: release with nnc_onnx_unpack_free. Fails: NNC_ERR_LIMIT
 * over the budget, NNC_ERR_MODEL. */
typedef struct nnc_onnx_heap {
    ProtobufCAllocator allocator;
    uint64_t budget, used;
    bool over;
} nnc_onnx_heap;
nnc_status nnc_onnx_unpack(ProtobufCMessage **message, nnc_onnx_heap *heap, uint64_t budget,
                           const uint8_t *data, size_t bytes,
                           const ProtobufCMessageDescriptor *root);
void nnc_onnx_unpack_free(ProtobufCMessage *message, nnc_onnx_heap *heap);

#endif
