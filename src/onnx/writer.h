/* State of one export. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_ONNX_WRITER_H
#define NNC_ONNX_WRITER_H

#include "base/map.h"
#include "onnx.pb-c.h"
#include "onnx/onnx.h"

/* Names of the values of one graph in the file; subgraphs see those of the graphs around them. */
typedef struct nnc_onnx_scope {
    const struct nnc_onnx_scope *outer;
    const char **names; /* [values], NULL for those not written */
    nnc_map *used;
} nnc_onnx_scope;

/* One tensor that goes to the external file. */
typedef struct nnc_onnx_blob {
    const void *data;
    size_t bytes;
    uint64_t offset;
} nnc_onnx_blob;

typedef struct nnc_onnx_writer {
    nnc_arena *arena;
    bool external; /* weights go to `location` */
    const char *location;
    nnc_onnx_blob *blobs;
    size_t blob_count, blob_cap;
    uint64_t blob_bytes;
    nnc_map *domains;  /* other domains in use */
    int64_t ir_needed; /* by element types */
    bool strip;
} nnc_onnx_writer;

/* save_names.c: chooses the names of a graph; outputs get theirs, captures those of the values
 * outside (capture_names, the last `captures` inputs). May add Identity nodes for outputs that
 * share a value. Release with nnc_onnx_scope_deinit. */
nnc_status nnc_onnx_scope_init(nnc_onnx_scope *scope, nnc_onnx_writer *w, nnc_graph *graph,
                               const nnc_onnx_scope *outer, const char *const *capture_names,
                               size_t captures);
void nnc_onnx_scope_deinit(nnc_onnx_scope *scope);

/* save_graph.c: the message of a graph; everything is in the writer's arena or points into the
 * graph. */
nnc_status nnc_onnx_graph_out(Onnx__GraphProto **out, nnc_onnx_writer *w, nnc_graph *graph,
                              const nnc_onnx_scope *outer, const char *const *capture_names,
                              size_t captures);
/* save_tensor.c */
nnc_status nnc_onnx_tensor_out(Onnx__TensorProto **out, nnc_onnx_writer *w, const char *name,
                               const nnc_tensor *tensor);
nnc_status nnc_onnx_type_out(Onnx__ValueInfoProto **out, nnc_onnx_writer *w, const nnc_graph *graph,
                             const nnc_value *value, const char *name);
/* save_opset.c: brings all nodes of a clone to the lowest opset >= `from` that holds them.
 * *lowered: caller destroys. why: 160 bytes,
 * "" when nothing raised it. */
nnc_status nnc_onnx_lower_all(nnc_graph **lowered, int64_t *opset, char *why,
                              const nnc_graph *graph, int64_t from);

#endif
