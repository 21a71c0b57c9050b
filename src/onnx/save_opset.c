/* Which opset an export needs. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "onnx/versions.h"
#include "onnx/writer.h"

static nnc_status lower_graph(nnc_graph *graph, int64_t to, int64_t *needs)
{
    uint32_t count = nnc_graph_node_count(graph);
    for (nnc_node_id i = 0; i < count; i++) {
        const nnc_node *n = nnc_graph_node_const(graph, i);
        if (n->dead) {
            continue;
        }
        for (uint32_t a = 0; a < n->attr_count; a++) {
            const nnc_attr *attr = &n->attrs[a];
            bool graphs = attr->type == NNC_ATTR_GRAPH || attr->type == NNC_ATTR_GRAPHS;
            for (size_t g = 0; graphs && g < attr->count; g++) {
                NNC_TRY(lower_graph(attr->graphs[g], to, needs));
            }
        }
        if (n->domain[0] != '\0') {
            continue;
        }
        char label[200];
        nnc_node_label(label, sizeof label, graph, i);
        nnc_status status = nnc_onnx_downgrade(graph, i, to, needs);
        if (status != NNC_OK) {
            return nnc_error_prepend(status, "%s", label);
        }
    }
    return NNC_OK;
}

nnc_status nnc_onnx_lower_all(nnc_graph **lowered, int64_t *opset, char *why,
                              const nnc_graph *graph, int64_t from)
{
    why[0] = '\0';
    for (int64_t to = from;;) {
        int64_t needs = to;
        NNC_TRY(nnc_graph_clone(lowered, graph));
        nnc_status status = lower_graph(*lowered, to, &needs);
        if (status == NNC_OK) {
            *opset = to;
            return NNC_OK;
        }
        nnc_graph_destroy(*lowered);
        *lowered = NULL;
        if (status != NNC_ERR_UNSUPPORTED || needs <= to || needs > NNC_ONNX_OPSET_MAX) {
            return status;
        }
        snprintf(why, 160, "%s", nnc_error_message());
        to = needs;
    }
}
