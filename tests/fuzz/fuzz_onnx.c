/* libFuzzer target: any bytes as a model file, imported and cloned. SPDX-License-Identifier:
 * Apache-2.0 It needs no corpus: mutations start from a model written by tests/onnx/rich.h. */
#include <stdio.h>
#include <stdlib.h>

#include "onnx/onnx.h"
#include "onnx/rich.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    nnc_graph *graph, *copy;
    nnc_onnx_load_options options = {.keep_unsupported = size % 2 != 0,
                                     .nan_weights = NNC_ONNX_NAN_ZERO};
    options.limits.decode_bytes = 64 << 20;
    options.limits.dense_bytes = 16 << 20;
    options.limits.nodes = 20000;
    if (nnc_onnx_load_memory(&graph, data, size, "fuzz", &options, NULL, NULL) != NNC_OK) {
        return 0;
    }
    /* What was accepted is a graph in good order. */
    if (nnc_graph_verify(graph) != NNC_OK || nnc_graph_clone(&copy, graph) != NNC_OK) {
        fprintf(stderr, "%s\n", nnc_error_message());
        abort();
    }
    nnc_graph_destroy(copy);
    nnc_graph_destroy(graph);
    return 0;
}

/* Some inputs start over from a whole model, so that deep parts are reached without a corpus. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    if (seed % 64 == 0) {
        wire m = rich_model();
        if (m.len <= max_size) {
            memcpy(data, m.data, m.len);
            size = m.len;
        }
        wire_free(&m);
    }
    return LLVMFuzzerMutate(data, size, max_size);
}
