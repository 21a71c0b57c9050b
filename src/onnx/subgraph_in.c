/* GRAPH attributes of If, Loop and Scan. SPDX-License-Identifier: Apache-2.0
 * What a subgraph takes from outside becomes inputs of the node and of every subgraph of it, in one
 * order, so that rewriting the outer graph sees those uses. */
#include <string.h>

#include "base/mem.h"
#include "onnx/reader.h"
#include "onnx/versions.h"


typedef struct branch {
    nnc_graph *graph;
    nnc_onnx_frame frame;
} branch;

bool nnc_onnx_has_subgraphs(const Onnx__NodeProto *p)
{
    for (size_t i = 0; i < p->n_attribute; i++) {
        if (p->attribute[i]->g || p->attribute[i]->n_graphs > 0) {
            return true;
        }
    }
    return false;
}

static nnc_status branch_in(branch *b, nnc_onnx_reader *r, nnc_onnx_frame *f,
                            const Onnx__GraphProto *g)
{
    if (f->subgraph_depth + 1 > NNC_ONNX_SUBGRAPHS_MAX) {
        NNC_FAIL(NNC_ERR_MODEL, "subgraphs are nested deeper than %d", NNC_ONNX_SUBGRAPHS_MAX);
    }
    NNC_TRY(nnc_graph_create(&b->graph));
    NNC_TRY(nnc_onnx_frame_init(&b->frame, r, b->graph));
    b->frame.outer = f;
    b->frame.imports = f->imports;
    b->frame.import_count = f->import_count;
    b->frame.subgraph_depth = f->subgraph_depth + 1;
    b->frame.call_depth = f->call_depth;
    nnc_graph_get_meta(b->graph)->name =
        nnc_arena_strdup(nnc_graph_arena(b->graph), g->name ? g->name : "");
    NNC_TRY(nnc_onnx_graph_in(r, &b->frame, g));
    if (g->n_output == 0) {
        NNC_FAIL(NNC_ERR_MODEL, "subgraph '%s' has no outputs", g->name ? g->name : "");
    }
    nnc_node_id *nodes;
    size_t count;
    bool changed;
    nnc_status status = nnc_onnx_take_flatten(&nodes, &count, b->graph);
    if (status == NNC_OK) {
        status = nnc_onnx_contrib(r, b->graph);
    }
    if (status == NNC_OK) {
        status = nnc_onnx_settle_softmax(b->graph, nodes, count, &changed);
    }
    nnc_free(nodes);
    NNC_TRY(status);
    NNC_TRY(nnc_onnx_check_produced(r, b->graph));
    status = nnc_graph_topo_order(&nodes, &count, b->graph);
    nnc_free(nodes);
    return status;
}

/* Every branch gets all captures, in the order of their first use by any branch. */
static nnc_status unite_captures(nnc_value_id **all, size_t *count, branch *branches, size_t n)
{
    size_t cap = 0, total = 0;
    *all = NULL;
    *count = 0;
    for (size_t b = 0; b < n; b++) {
        total += branches[b].frame.capture_count;
    }
    if (total > NNC_ONNX_CAPTURES_MAX) {
        NNC_FAIL(NNC_ERR_LIMIT, "its subgraphs take %zu values from outside, the limit is %d",
                 total, NNC_ONNX_CAPTURES_MAX);
    }
    for (size_t b = 0; b < n; b++) {
        for (size_t i = 0; i < branches[b].frame.capture_count; i++) {
            nnc_value_id v = branches[b].frame.captured_outside[i];
            size_t k = 0;
            while (k < *count && (*all)[k] != v) {
                k++;
            }
            if (k == *count) {
                NNC_TRY(nnc_grow(all, &cap, *count + 1, sizeof **all));
                (*all)[(*count)++] = v;
            }
        }
    }
    return NNC_OK;
}

static nnc_status add_captures(branch *b, const nnc_graph *outer, const nnc_value_id *all,
                               size_t count)
{
    for (size_t k = 0; k < count; k++) {
        nnc_value_id here = NNC_ID_NONE;
        for (size_t i = 0; i < b->frame.capture_count; i++) {
            if (b->frame.captured_outside[i] == all[k]) {
                here = b->frame.captured_here[i];
                break;
            }
        }
        if (here == NNC_ID_NONE) {
            const nnc_value *v = nnc_graph_value_const(outer, all[k]);
            NNC_TRY(nnc_graph_add_value(&here, b->graph, v->name, NNC_VALUE_INPUT, v->dtype, NULL));
        }
        NNC_TRY(nnc_graph_add_input(b->graph, here));
    }
    return NNC_OK;
}

static nnc_status append_inputs(nnc_onnx_frame *f, nnc_node_id node, const nnc_value_id *all,
                                size_t count)
{
    const nnc_node *n = nnc_graph_node_const(f->graph, node);
    nnc_value_id *inputs = nnc_calloc(n->input_count + count, sizeof *inputs);
    if (!inputs) {
        return NNC_ERR_LIMIT;
    }
    if (n->input_count > 0) {
        memcpy(inputs, n->inputs, n->input_count * sizeof *inputs);
    }
    if (count > 0) {
        memcpy(inputs + n->input_count, all, count * sizeof *inputs);
    }
    nnc_status status =
        nnc_node_set_inputs(f->graph, node, inputs, n->input_count + (uint32_t)count);
    nnc_free(inputs);
    NNC_TRY(status);
    return nnc_node_set_int(f->graph, node, NNC_ONNX_CAPTURES, (int64_t)count);
}

/* Number of inputs and outputs that the op demands of its subgraph; -1: not fixed here. */
static nnc_status check_signature(const nnc_onnx_frame *f, nnc_node_id node, const char *attr,
                                  const nnc_graph *g)
{
    const nnc_node *n = nnc_graph_node_const(f->graph, node);
    int64_t inputs = -1, outputs = -1;
    if (nnc_node_is(n, "If")) {
        inputs = 0;
        outputs = n->output_count;
    } else if (nnc_node_is(n, "Loop")) {
        int64_t carried = n->input_count > 2 ? (int64_t)n->input_count - 2 : 0;
        inputs = 2 + carried;
        outputs = 1 + (int64_t)n->output_count;
    } else if (nnc_node_is(n, "Scan")) {
        inputs = n->input_count;
        outputs = n->output_count;
    }
    int64_t have_in = (int64_t)nnc_graph_input_count(g),
            have_out = (int64_t)nnc_graph_output_count(g);
    /* Trailing outputs of the node may be left out. */
    if ((inputs >= 0 && have_in != inputs) || (outputs >= 0 && have_out < outputs)) {
        NNC_FAIL(NNC_ERR_MODEL,
                 "subgraph '%s' has %lld inputs and %lld outputs, expected %lld and %lld", attr,
                 (long long)have_in, (long long)have_out, (long long)inputs, (long long)outputs);
    }
    return NNC_OK;
}

static size_t graphs_of(const Onnx__AttributeProto *a)
{
    return a->g ? 1 : a->n_graphs;
}

static nnc_status convert_all(branch *branches, nnc_onnx_reader *r, nnc_onnx_frame *f,
                              nnc_node_id node, const Onnx__NodeProto *p)
{
    size_t b = 0;
    for (size_t i = 0; i < p->n_attribute; i++) {
        const Onnx__AttributeProto *a = p->attribute[i];
        for (size_t k = 0; k < graphs_of(a); k++, b++) {
            nnc_status status = branch_in(&branches[b], r, f, a->g ? a->g : a->graphs[k]);
            if (status == NNC_OK && r->errors == 0) {
                status = check_signature(f, node, a->name, branches[b].graph);
            }
            if (status != NNC_OK) {
                return nnc_error_prepend(status, "attribute '%s'", a->name);
            }
        }
    }
    return NNC_OK;
}

static nnc_status set_attrs(branch *branches, nnc_onnx_frame *f, nnc_node_id node,
                            const Onnx__NodeProto *p)
{
    size_t b = 0;
    for (size_t i = 0; i < p->n_attribute; i++) {
        const Onnx__AttributeProto *a = p->attribute[i];
        size_t n = graphs_of(a);
        if (n == 0) {
            continue;
        }
        nnc_graph **graphs = nnc_calloc(n, sizeof(nnc_graph *));
        if (!graphs) {
            return NNC_ERR_LIMIT;
        }
        for (size_t k = 0; k < n; k++) {
            graphs[k] = branches[b++].graph;
        }
        nnc_attr attr = {.name = a->name,
                         .type = a->g ? NNC_ATTR_GRAPH : NNC_ATTR_GRAPHS,
                         .count = n,
                         .graphs = graphs};
        nnc_status status = nnc_node_set_attr(f->graph, node, &attr);
        nnc_free(graphs);
        NNC_TRY(status);
    }
    return NNC_OK;
}

nnc_status nnc_onnx_subgraphs_in(nnc_onnx_reader *r, nnc_onnx_frame *f, nnc_node_id node,
                                 const Onnx__NodeProto *p)
{
    size_t n = 0, count = 0;
    nnc_value_id *all = NULL;
    for (size_t i = 0; i < p->n_attribute; i++) {
        n += graphs_of(p->attribute[i]);
    }
    branch *branches = nnc_calloc(n, sizeof *branches);
    if (!branches) {
        return NNC_ERR_LIMIT;
    }
    nnc_status status = convert_all(branches, r, f, node, p);
    if (status == NNC_OK) {
        status = unite_captures(&all, &count, branches, n);
    }
    for (size_t b = 0; b < n && status == NNC_OK; b++) {
        status = add_captures(&branches[b], f->graph, all, count);
    }
    if (status == NNC_OK) {
        status = set_attrs(branches, f, node, p);
    }
    if (status == NNC_OK) {
        status = append_inputs(f, node, all, count);
    }
    nnc_free(all);
    for (size_t b = 0; b < n; b++) {
        if (branches[b].frame.names) {
            nnc_onnx_frame_deinit(&branches[b].frame);
        }
        nnc_graph_destroy(branches[b].graph);
    }
    nnc_free(branches);
    return status;
}
