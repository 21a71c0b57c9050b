/* Opset versions: every node to the internal form and back. SPDX-License-Identifier: Apache-2.0
 * versions.def is the only place of the project that knows at which opset an op changed. */
#ifndef NNC_ONNX_VERSIONS_H
#define NNC_ONNX_VERSIONS_H

#include "graph/graph.h"

/* Rewrites one node between the form before a version and the form from it on. */
typedef nnc_status nnc_onnx_step(nnc_graph *graph, nnc_node_id node);

typedef struct nnc_onnx_version {
    const char *op;
    int since;           /* first opset of the newer form */
    nnc_onnx_step *up;   /* NULL: every older node means the same in the newer form */
    nnc_onnx_step *down; /* NULL: every newer node means the same in the older form */
    bool fixed;          /* the newer form has no older one */
} nnc_onnx_version;

/* Row i of the table, sorted by op, then version; NULL past the end. */
const nnc_onnx_version *nnc_onnx_version_row(size_t i);

/* Brings a node of the default domain written in opset `from` to the internal form. Fails:
 * NNC_ERR_UNSUPPORTED, NNC_ERR_MODEL. */
nnc_status nnc_onnx_upgrade(nnc_graph *graph, nnc_node_id node, int64_t from);

/* Softmax, LogSoftmax and Hardmax before opset 13 normalise over all dims from `axis` on, which
 * ranks decide how to write. Upgraded nodes carry the attribute "nnc_flatten"; `take` removes it
 * and lists them (caller frees with nnc_free), `settle` rewrites those that need it once shapes are
 * inferred. *changed: nodes were added. */
#define NNC_ONNX_FLATTEN "nnc_flatten"
nnc_status nnc_onnx_take_flatten(nnc_node_id **nodes, size_t *count, nnc_graph *graph);
nnc_status nnc_onnx_settle_softmax(nnc_graph *graph, const nnc_node_id *nodes, size_t count,
                                   bool *changed);

/* Brings a node from the internal form to opset `to`. NNC_ERR_UNSUPPORTED with *needs = the lowest
 * opset known to hold it (the message says why); the node is then in no particular form. */
nnc_status nnc_onnx_downgrade(nnc_graph *graph, nnc_node_id node, int64_t to, int64_t *needs);

#endif
