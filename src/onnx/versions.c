/* The version table at work. SPDX-License-Identifier: Apache-2.0 */
#include "onnx/versions.h"

#include <string.h>

#include "onnx/onnx.h"
#include "onnx/steps.h"

#define nnc_NONE NULL
#define nnc_FIXED NULL
#define STEP(op, since, up, down)                                                                  \
    {#op, since, nnc_##up, nnc_##down, sizeof(#down) == sizeof("FIXED") && #down[0] == 'F'},
#define NEW(op, since) {#op, since, NULL, NULL, true},
static const nnc_onnx_version versions[] = {
#include "onnx/versions.def"
};
#undef STEP
#undef NEW

enum { ROWS = sizeof versions / sizeof *versions };

const nnc_onnx_version *nnc_onnx_version_row(size_t i)
{
    return i < ROWS ? &versions[i] : NULL;
}

/* First row of an op; ROWS if it has none. */
static size_t first_row(const char *op)
{
    size_t lo = 0, hi = ROWS;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (strcmp(versions[mid].op, op) < 0) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo < ROWS && strcmp(versions[lo].op, op) == 0 ? lo : ROWS;
}

static bool is_row_of(size_t i, const char *op)
{
    return i < ROWS && strcmp(versions[i].op, op) == 0;
}

/* Next row of the node's op above version `at`. An upgrade may rename the op (Upsample, Scatter).
 */
static const nnc_onnx_version *next_above(const nnc_node *node, int64_t at)
{
    for (size_t i = first_row(node->op_type); is_row_of(i, node->op_type); i++) {
        if (versions[i].since > at) {
            return &versions[i];
        }
    }
    return NULL;
}

/* Optional inputs may also be given as empty constants: one form is enough. */
static nnc_status drop_empty_inputs(nnc_graph *graph, nnc_node_id node)
{
    if (!nnc_node_is(nnc_graph_node_const(graph, node), "Resize")) {
        return NNC_OK;
    }
    for (uint32_t i = 1; i < 4; i++) {
        const nnc_tensor *t = nnc_step_const(graph, node, i);
        if (t && nnc_tensor_count(t) == 0) {
            NNC_TRY(nnc_step_set_input(graph, node, i, NNC_ID_NONE));
        }
    }
    return nnc_step_cut_inputs(graph, node, 4);
}

nnc_status nnc_onnx_upgrade(nnc_graph *graph, nnc_node_id node, int64_t from)
{
    int64_t at = from;
    const nnc_onnx_version *row;
    if (from < 6) {
        nnc_node_remove_attr(graph, node, "consumed_inputs"); /* what may be overwritten */
    }
    while ((row = next_above(nnc_graph_node_const(graph, node), at)) != NULL) {
        if (!row->up && row->fixed && !row->down && at == from && row->since > from) {
            /* A NEW row above the file's opset: the op did not exist yet. */
            NNC_FAIL(NNC_ERR_MODEL, "%s exists from opset %d on, the model uses opset %lld",
                     row->op, row->since, (long long)from);
        }
        if (row->up) {
            NNC_TRY(row->up(graph, node));
        }
        at = row->since;
    }
    return drop_empty_inputs(graph, node);
}

nnc_status nnc_onnx_downgrade(nnc_graph *graph, nnc_node_id node, int64_t to, int64_t *needs)
{
    const char *op = nnc_graph_node_const(graph, node)->op_type;
    size_t first = first_row(op), last = first;
    while (is_row_of(last, op)) {
        last++;
    }
    *needs = to;
    for (size_t i = last; i > first && versions[i - 1].since > to; i--) {
        const nnc_onnx_version *row = &versions[i - 1];
        *needs = row->since;
        if (row->fixed) {
            NNC_FAIL(NNC_ERR_UNSUPPORTED, "%s has no form before opset %d", op, row->since);
        }
        if (row->down) {
            NNC_TRY(row->down(graph, node));
        }
    }
    return NNC_OK;
}
