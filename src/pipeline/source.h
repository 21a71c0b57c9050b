/* A model as the verbs see it: a graph from an ONNX file, or a runtime plan. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_PIPELINE_SOURCE_H
#define NNC_PIPELINE_SOURCE_H

#include "base/log.h"
#include "exec/exec.h"
#include "graph/graph.h"
#include "onnx/onnx.h"
#include "pipeline/options.h"

typedef struct nnc_source {
    char *path;
    char sha256[65];
    uint64_t bytes;     /* model file and external data */
    bool plan;          /* a .nncp file: graph is NULL */
    nnc_graph *graph;   /* prepared: folded, shapes inferred, Q/DQ as annotations; NULL for plans */
    nnc_onnx_info info;
} nnc_source;

/* Loads and prepares. keep_structure: only import, no passes (inspect). Fails with the loader's status; the message starts with the path. */
nnc_status nnc_source_load(nnc_source *out, const char *path, const nnc_run_flags *flags,
                           bool keep_structure, const nnc_log *log);
void nnc_source_deinit(nnc_source *source);
/* An exec over the source, by the flags. With --device auto, a warning says why it is on the CPU. */
nnc_status nnc_source_exec(nnc_exec **out, const nnc_source *source, const nnc_run_flags *flags,
                           bool profile, const nnc_log *log);
/* After a run: a warning when --device auto left the device for the samples' shapes; started: where it was before. */
void nnc_source_say_left(const nnc_exec *exec, nnrt_device_kind started, const char *path, const nnc_log *log);
/* True if the graph holds quantized values or integer weights. */
bool nnc_graph_is_quantized(const nnc_graph *graph);

/* Finds the model when none is named: the only .onnx in the working folder or in `data` (a folder, may be NULL). The string is the caller's
 * (nnc_free). Fails: NNC_ERR_USAGE (none, or several). */
nnc_status nnc_source_find(char **path, const char *data);

/* Opens a data set for a model's inputs with the flags and the model's own preprocessing metadata. use_labels: also labels and class count. */
nnc_status nnc_source_data(nnc_dataset **out, const char *spec, const nnc_source *source,
                           const nnc_exec *plan_exec, const nnc_data_flags *flags, uint32_t threads,
                           bool use_labels, size_t max_samples, uint64_t seed, const nnc_log *log);

#endif
