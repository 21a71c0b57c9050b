/* The shared model collection, where it lies beside the project. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_TESTS_GOLDEN_SHARED_H
#define NNC_TESTS_GOLDEN_SHARED_H

#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "exec/exec.h"
#include "onnx/onnx.h"
#include "passes/pass.h"

#define SHARED_MODELS NNC_TEST_SHARED_DIR "/models"

/* Ends the program as skipped when the collection is absent. */
static inline void need_shared(void)
{
    if (!nnc_file_is_dir(SHARED_MODELS)) {
        printf("skipped: no model collection at %s\n", SHARED_MODELS);
        exit(77);
    }
}

/* A prepared graph of a shared model; fails loudly. */
static inline nnc_graph *load_shared(const char *name)
{
    char path[512];
    nnc_graph *graph = NULL;
    nnc_onnx_load_options options = {.keep_unsupported = true};
    nnc_pass_ctx ctx = {.isa_max = NNRT_ISA_BEST};
    snprintf(path, sizeof(path), "%s/%s/model.onnx", SHARED_MODELS, name);
    nnc_status status = nnc_onnx_load(&graph, path, &options, NULL, NULL);
    status = status == NNC_OK ? nnc_passes_prepare(graph, &ctx) : status;
    if (status != NNC_OK) {
        printf("%s: %s\n", name, nnc_error_message());
        nnc_graph_destroy(graph);
        return NULL;
    }
    return graph;
}

#endif
