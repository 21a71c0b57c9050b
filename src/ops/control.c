/* If, Loop, Scan: types. SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "base/mem.h"
#include "ops/control.h"
#include "ops/subgraph.h"

static uint32_t captures_of(const nnc_infer_ctx *ctx)
{
    return (uint32_t)nnc_node_int(nnc_infer_node(ctx), NNC_CAPTURES, 0);
}

/* Type of output i of a subgraph in the outer graph's symbols. */
static nnc_status output_type(nnc_type *out, nnc_infer_ctx *ctx, const nnc_graph *sub, size_t i)
{
    const nnc_type type = nnc_type_of(nnc_graph_value_const(sub, nnc_graph_output(sub, i)));
    return nnc_type_out(out, ctx->graph, sub, &type);
}

/* ---- If ---- */

static const nnc_attr_schema if_attrs[] = {
    {"else_branch", NNC_ATTR_GRAPH, true, NNC_UNCHECKED, NULL},
    NNC_A_INT_ANY(NNC_CAPTURES),
    {"then_branch", NNC_ATTR_GRAPH, true, NNC_UNCHECKED, NULL},
};

/* What holds for both. */
static nnc_status unite(nnc_type *a, nnc_infer_ctx *ctx, uint32_t i, const nnc_type *b)
{
    if (a->dtype != b->dtype && a->dtype != NNC_DTYPE_UNDEFINED &&
        b->dtype != NNC_DTYPE_UNDEFINED) {
        return nnc_infer_fail(ctx, "output %u is %s in one branch, %s in the other", (unsigned)i,
                              nnc_dtype_name((int)a->dtype), nnc_dtype_name((int)b->dtype));
    }
    a->dtype = a->dtype != NNC_DTYPE_UNDEFINED ? a->dtype : b->dtype;
    if (!a->has_shape || !b->has_shape || a->shape.rank != b->shape.rank) {
        a->has_shape = false;
        return NNC_OK;
    }
    for (uint32_t d = 0; d < a->shape.rank; d++) {
        if (a->shape.dims[d] != b->shape.dims[d]) {
            a->shape.dims[d] = nnc_infer_fresh_dim(ctx);
        }
    }
    return NNC_OK;
}

static nnc_status if_infer(nnc_infer_ctx *ctx)
{
    static const char *const branches[] = {"then_branch", "else_branch"};
    const uint32_t outputs = nnc_infer_node(ctx)->output_count;
    nnc_graph *sub[2];
    const int64_t plain = (int64_t)nnc_infer_input_count(ctx) - captures_of(ctx);
    if (plain != 1) {
        return nnc_infer_fail(ctx, "%" PRId64 " inputs, expected a condition", plain);
    }
    for (int b = 0; b < 2; b++) {
        NNC_TRY(nnc_subgraph_of(&sub[b], ctx, branches[b], 0, outputs));
        NNC_TRY(nnc_subgraph_captures(ctx, sub[b]));
        NNC_TRY(nnc_graph_infer(sub[b], NULL));
    }
    for (uint32_t i = 0; i < outputs; i++) {
        nnc_type type, other;
        NNC_TRY(output_type(&type, ctx, sub[0], i));
        NNC_TRY(output_type(&other, ctx, sub[1], i));
        NNC_TRY(unite(&type, ctx, i, &other));
        NNC_TRY(nnc_type_set_output(ctx, i, &type));
    }
    return NNC_OK;
}

const nnc_op nnc_op_If = {
    .domain = "",
    .name = "If",
    .min_in = 1,
    .max_in = NNC_VARIADIC,
    .min_out = 1,
    .max_out = NNC_VARIADIC,
    NNC_ATTRS(if_attrs),
    .infer = if_infer,
    .lower = nnc_if_lower,
    .grad = NNC_NO_GRAD,
    .cost = NNC_NO_COST,
    .dims = NNC_NO_DIMS,
    .layout = NNC_LAYOUT_LOGICAL,
    .quant = NNC_QUANT_FLOAT,
};

/* ---- carried values ---- */

#define ROUNDS_MAX 6

/* A value that goes around: its type inside, and what of it an iteration may change. */
typedef struct carried {
    nnc_type type; /* in the subgraph's symbols */
    bool free[NNC_RANK_MAX];
    bool any_rank;
} carried;

/* Takes the body's output into account. Later rounds are less patient, so that they end. */
static nnc_status widen(carried *c, nnc_graph *sub, const nnc_type *back, int round, bool *changed)
{
    c->type.dtype = c->type.dtype != NNC_DTYPE_UNDEFINED ? c->type.dtype : back->dtype;
    if (c->any_rank) {
        return NNC_OK;
    }
    if (!back->has_shape || back->shape.rank != c->type.shape.rank) {
        c->any_rank = *changed = true;
        c->type.has_shape = false;
        return NNC_OK;
    }
    for (uint32_t d = 0; d < c->type.shape.rank; d++) {
        if (c->free[d] || (back->shape.dims[d] == c->type.shape.dims[d] && round < 3)) {
            continue;
        }
        NNC_TRY(nnc_graph_symbol(&c->type.shape.dims[d], sub, NULL));
        c->free[d] = *changed = true;
    }
    return NNC_OK;
}

/* Infers the body until its outputs from `first` on fit the inputs from `at` on that they become. */
static nnc_status infer_body(nnc_graph *sub, carried *items, size_t count, size_t at, size_t first)
{
    bool changed = true;
    for (int round = 0; changed && round < ROUNDS_MAX; round++) {
        changed = false;
        for (size_t k = 0; k < count; k++) {
            nnc_subgraph_set_input(sub, at + k, &items[k].type);
        }
        NNC_TRY(nnc_graph_infer(sub, NULL));
        for (size_t k = 0; k < count; k++) {
            const nnc_type back =
                nnc_type_of(nnc_graph_value_const(sub, nnc_graph_output(sub, first + k)));
            NNC_TRY(widen(&items[k], sub, &back, round, &changed));
        }
    }
    return NNC_OK;
}

static nnc_status start_carried(carried *c, const nnc_infer_ctx *ctx, nnc_graph *sub, uint32_t i)
{
    const nnc_type type = nnc_type_of(nnc_infer_input(ctx, i));
    NNC_TRY(nnc_type_in(&c->type, sub, ctx->graph, &type));
    c->any_rank = !type.has_shape;
    return NNC_OK;
}

/* The type after the last iteration: as before the first where nothing changes it. */
static nnc_status end_carried(nnc_infer_ctx *ctx, uint32_t i, const carried *c, uint32_t input)
{
    nnc_type type = nnc_type_of(nnc_infer_input(ctx, input));
    type.dtype = c->type.dtype;
    type.has_shape = !c->any_rank;
    for (uint32_t d = 0; type.has_shape && d < type.shape.rank; d++) {
        if (c->free[d]) {
            type.shape.dims[d] = nnc_infer_fresh_dim(ctx);
        }
    }
    return nnc_type_set_output(ctx, i, &type);
}

/* One element of a scan output, with the dim of the iterations at `axis` (negative: from the end). */
static nnc_status scan_output(nnc_infer_ctx *ctx, uint32_t i, const nnc_graph *sub, size_t output,
                              int64_t axis, int64_t steps)
{
    nnc_type type;
    NNC_TRY(output_type(&type, ctx, sub, output));
    if (!type.has_shape) {
        return nnc_type_set_output(ctx, i, &type);
    }
    const int64_t rank = (int64_t)type.shape.rank + 1, at = axis < 0 ? axis + rank : axis;
    if (rank > NNC_RANK_MAX || at < 0 || at >= rank) {
        return nnc_infer_fail(ctx, "scan output %u: axis %" PRId64 " of rank %" PRId64, (unsigned)i,
                              axis, rank);
    }
    for (int64_t d = rank - 1; d > at; d--) {
        type.shape.dims[d] = type.shape.dims[d - 1];
    }
    type.shape.dims[at] = steps;
    type.shape.rank = (uint32_t)rank;
    return nnc_type_set_output(ctx, i, &type);
}

/* ---- Loop ---- */

static const nnc_attr_schema loop_attrs[] = {
    {"body", NNC_ATTR_GRAPH, true, NNC_UNCHECKED, NULL},
    NNC_A_INT_ANY(NNC_CAPTURES),
};

/* Iteration number and condition: scalars unless declared as lists of one. */
static void loop_scalars(nnc_graph *sub)
{
    static const nnc_dtype dtypes[2] = {NNC_DTYPE_INT64, NNC_DTYPE_BOOL};
    for (size_t i = 0; i < 2; i++) {
        const nnc_value *v = nnc_graph_value_const(sub, nnc_graph_input(sub, i));
        nnc_type type = {.dtype = dtypes[i], .has_shape = true};
        if (v->has_shape && v->shape.rank == 1) {
            type.shape = (nnc_shape){.rank = 1, .dims = {1}};
        }
        nnc_subgraph_set_input(sub, i, &type);
    }
}

static bool const_true(const nnc_value *v)
{
    return v && v->kind == NNC_VALUE_CONST && nnc_tensor_count(&v->tensor) == 1 &&
           nnc_tensor_get_int(&v->tensor, 0) != 0;
}

/* The number of iterations where only the trip count decides, or a fresh dim. */
static int64_t loop_trips(nnc_infer_ctx *ctx, const nnc_graph *sub)
{
    const nnc_value *cond = nnc_infer_input(ctx, 1);
    const nnc_value_id again = nnc_graph_output(sub, 0);
    int64_t trips;
    size_t count;
    const bool always = (!cond || const_true(cond)) &&
                        (again == nnc_graph_input(sub, 1) ||
                         const_true(nnc_graph_value_const(sub, again)));
    if (always && nnc_infer_static_ints(ctx, 0, &trips, 1, &count) && count == 1) {
        return trips < 0 ? 0 : trips;
    }
    return nnc_infer_fresh_dim(ctx);
}

static nnc_status loop_types(nnc_infer_ctx *ctx, nnc_graph *sub, carried *items, uint32_t count)
{
    const uint32_t outputs = nnc_infer_node(ctx)->output_count;
    loop_scalars(sub);
    NNC_TRY(nnc_subgraph_captures(ctx, sub));
    for (uint32_t k = 0; k < count; k++) {
        NNC_TRY(start_carried(&items[k], ctx, sub, 2 + k));
    }
    NNC_TRY(infer_body(sub, items, count, 2, 1));
    for (uint32_t k = 0; k < count && k < outputs; k++) {
        NNC_TRY(end_carried(ctx, k, &items[k], 2 + k));
    }
    const int64_t trips = outputs > count ? loop_trips(ctx, sub) : 0;
    for (uint32_t i = count; i < outputs; i++) {
        NNC_TRY(scan_output(ctx, i, sub, 1 + i, 0, trips));
    }
    return NNC_OK;
}

static nnc_status loop_infer(nnc_infer_ctx *ctx)
{
    const nnc_node *node = nnc_infer_node(ctx);
    const uint32_t plain = node->input_count - captures_of(ctx);
    const uint32_t count = plain > 2 ? plain - 2 : 0;
    nnc_graph *sub;
    NNC_TRY(nnc_subgraph_of(&sub, ctx, "body", 2 + (int64_t)count, 1 + (int64_t)node->output_count));
    if (nnc_graph_output_count(sub) < 1 + count) {
        return nnc_infer_fail(ctx, "the body has %zu outputs for %u carried values",
                              nnc_graph_output_count(sub), (unsigned)count);
    }
    carried *items = nnc_calloc(count + 1, sizeof *items);
    nnc_status status = items ? loop_types(ctx, sub, items, count) : NNC_ERR_LIMIT;
    nnc_free(items);
    return status;
}

const nnc_op nnc_op_Loop = {
    .domain = "",
    .name = "Loop",
    .min_in = 0,
    .max_in = NNC_VARIADIC,
    .min_out = 1,
    .max_out = NNC_VARIADIC,
    NNC_ATTRS(loop_attrs),
    .infer = loop_infer,
    .lower = nnc_loop_lower,
    .grad = NNC_NO_GRAD,
    .cost = NNC_NO_COST,
    .dims = NNC_NO_DIMS,
    .layout = NNC_LAYOUT_LOGICAL,
    .quant = NNC_QUANT_FLOAT,
};

/* ---- Scan ---- */

static const nnc_attr_schema scan_attrs[] = {
    {"body", NNC_ATTR_GRAPH, true, NNC_UNCHECKED, NULL},
    NNC_A_INT_ANY(NNC_CAPTURES),
    NNC_A_INT_REQUIRED("num_scan_inputs", 1, 65535),
    NNC_A_INTS("scan_input_axes", -NNC_RANK_MAX, NNC_RANK_MAX),
    NNC_A_INTS("scan_input_directions", 0, 1),
    NNC_A_INTS("scan_output_axes", -NNC_RANK_MAX, NNC_RANK_MAX),
    NNC_A_INTS("scan_output_directions", 0, 1),
};

int64_t nnc_scan_entry(const nnc_node *node, const char *attr, size_t i)
{
    const int64_t *list;
    size_t count;
    return nnc_node_ints(node, attr, &list, &count) && i < count ? list[i] : 0;
}

/* Element type of a scan input; *steps: its number of elements, in the outer graph's symbols. */
static nnc_status scan_input(nnc_infer_ctx *ctx, nnc_graph *sub, uint32_t input, size_t at,
                             size_t j, int64_t *steps)
{
    const nnc_value *x = nnc_infer_input(ctx, input);
    nnc_type type = nnc_type_of(x), inside;
    if (!x) {
        return nnc_infer_fail(ctx, "scan input %zu is missing", j);
    }
    if (type.has_shape) {
        uint32_t axis;
        NNC_TRY(nnc_infer_axis(ctx, &axis, nnc_scan_entry(nnc_infer_node(ctx), "scan_input_axes", j),
                               type.shape.rank));
        if (*steps >= 0 && type.shape.dims[axis] >= 0 && *steps != type.shape.dims[axis]) {
            return nnc_infer_fail(ctx, "scan input %zu has %" PRId64 " steps, another %" PRId64, j,
                                  type.shape.dims[axis], *steps);
        }
        *steps = *steps < 0 ? type.shape.dims[axis] : *steps;
        for (uint32_t d = axis; d + 1 < type.shape.rank; d++) {
            type.shape.dims[d] = type.shape.dims[d + 1];
        }
        type.shape.rank--;
    }
    NNC_TRY(nnc_type_in(&inside, sub, ctx->graph, &type));
    nnc_subgraph_set_input(sub, at, &inside);
    return NNC_OK;
}

static nnc_status scan_types(nnc_infer_ctx *ctx, nnc_graph *sub, carried *items, uint32_t states,
                             uint32_t scans)
{
    const nnc_node *node = nnc_infer_node(ctx);
    const uint32_t outputs = node->output_count;
    int64_t steps = INT64_MIN;
    for (uint32_t j = 0; j < scans; j++) {
        NNC_TRY(scan_input(ctx, sub, states + j, states + j, j, &steps));
    }
    steps = steps == INT64_MIN ? nnc_infer_fresh_dim(ctx) : steps;
    NNC_TRY(nnc_subgraph_captures(ctx, sub));
    for (uint32_t k = 0; k < states; k++) {
        NNC_TRY(start_carried(&items[k], ctx, sub, k));
    }
    NNC_TRY(infer_body(sub, items, states, 0, 0));
    for (uint32_t k = 0; k < states && k < outputs; k++) {
        NNC_TRY(end_carried(ctx, k, &items[k], k));
    }
    for (uint32_t i = states; i < outputs; i++) {
        NNC_TRY(scan_output(ctx, i, sub, i, nnc_scan_entry(node, "scan_output_axes", i - states),
                            steps));
    }
    return NNC_OK;
}

static nnc_status scan_infer(nnc_infer_ctx *ctx)
{
    const nnc_node *node = nnc_infer_node(ctx);
    const int64_t plain = (int64_t)node->input_count - captures_of(ctx),
                  scans = nnc_node_int(node, "num_scan_inputs", 1), states = plain - scans;
    nnc_graph *sub;
    if (states < 0) {
        return nnc_infer_fail(ctx, "%" PRId64 " inputs, %" PRId64 " of them scanned", plain, scans);
    }
    NNC_TRY(nnc_subgraph_of(&sub, ctx, "body", plain, (int64_t)node->output_count));
    if ((int64_t)nnc_graph_output_count(sub) < states) {
        return nnc_infer_fail(ctx, "the body has %zu outputs for %" PRId64 " states",
                              nnc_graph_output_count(sub), states);
    }
    carried *items = nnc_calloc((size_t)states + 1, sizeof *items);
    nnc_status status =
        items ? scan_types(ctx, sub, items, (uint32_t)states, (uint32_t)scans) : NNC_ERR_LIMIT;
    nnc_free(items);
    return status;
}

const nnc_op nnc_op_Scan = {
    .domain = "",
    .name = "Scan",
    .min_in = 1,
    .max_in = NNC_VARIADIC,
    .min_out = 1,
    .max_out = NNC_VARIADIC,
    NNC_ATTRS(scan_attrs),
    .infer = scan_infer,
    .lower = nnc_scan_lower,
    .grad = NNC_NO_GRAD,
    .cost = NNC_NO_COST,
    .dims = NNC_NO_DIMS,
    .layout = NNC_LAYOUT_LOGICAL,
    .quant = NNC_QUANT_FLOAT,
};
