/* Inference of dtypes and shapes over a graph, with small integer contents followed through shape
 * arithmetic. SPDX-License-Identifier: Apache-2.0 */
#include "ops/infer.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "ops/op_util.h"

typedef struct known {
    int64_t *data; /* NULL: unknown */
    bool *symbolic;
    uint32_t count;
    bool scalar, any_symbol;
} known;

typedef struct infer_state {
    known *items; /* [values] */
    nnc_arena *arena;
    size_t contradictions;
} infer_state;

const nnc_node *nnc_infer_node(const nnc_infer_ctx *ctx)
{
    return nnc_graph_node_const(ctx->graph, ctx->node);
}

uint32_t nnc_infer_input_count(const nnc_infer_ctx *ctx)
{
    return nnc_infer_node(ctx)->input_count;
}

static nnc_value_id input_id(const nnc_infer_ctx *ctx, uint32_t i)
{
    const nnc_node *node = nnc_infer_node(ctx);
    return i < node->input_count ? node->inputs[i] : NNC_ID_NONE;
}

const nnc_value *nnc_infer_input(const nnc_infer_ctx *ctx, uint32_t i)
{
    nnc_value_id id = input_id(ctx, i);
    return id == NNC_ID_NONE ? NULL : nnc_graph_value_const(ctx->graph, id);
}

const nnc_value *nnc_infer_shaped(const nnc_infer_ctx *ctx, uint32_t i)
{
    const nnc_value *v = nnc_infer_input(ctx, i);
    return v && v->has_shape ? v : NULL;
}

nnc_dtype nnc_infer_dtype(const nnc_infer_ctx *ctx, uint32_t i)
{
    const nnc_value *v = nnc_infer_input(ctx, i);
    return v ? v->dtype : NNC_DTYPE_UNDEFINED;
}

static bool tensor_is_int_list(const nnc_tensor *t, size_t max)
{
    nnc_dtype_class cls = nnc_dtype_class_of((int)t->dtype);
    return t->buffer && t->shape.rank <= 1 && nnc_tensor_count(t) <= max &&
           (cls == NNC_DTYPE_CLASS_SINT || cls == NNC_DTYPE_CLASS_UINT ||
            cls == NNC_DTYPE_CLASS_BOOL);
}

bool nnc_infer_ints(const nnc_infer_ctx *ctx, uint32_t i, int64_t *data, bool *symbolic, size_t max,
                    size_t *count)
{
    const infer_state *state = ctx->known;
    nnc_value_id id = input_id(ctx, i);
    if (id == NNC_ID_NONE) {
        return false;
    }
    const nnc_value *v = nnc_graph_value_const(ctx->graph, id);
    if (v->kind == NNC_VALUE_CONST && !v->qparams && tensor_is_int_list(&v->tensor, max)) {
        *count = nnc_tensor_count(&v->tensor);
        for (size_t k = 0; k < *count; k++) {
            data[k] = nnc_tensor_get_int(&v->tensor, k);
            symbolic[k] = false;
        }
        return true;
    }
    const known *item = state ? &state->items[id] : NULL;
    if (!item || !item->data || item->count > max) {
        return false;
    }
    memcpy(data, item->data, item->count * sizeof *data);
    memcpy(symbolic, item->symbolic, item->count * sizeof *symbolic);
    *count = item->count;
    return true;
}

bool nnc_infer_known(const nnc_infer_ctx *ctx, uint32_t i, nnc_ints *out)
{
    return nnc_infer_ints(ctx, i, out->data, out->symbolic, NNC_KNOWN_MAX, &out->count);
}

bool nnc_infer_static_ints(const nnc_infer_ctx *ctx, uint32_t i, int64_t *data, size_t max,
                           size_t *count)
{
    nnc_ints ints;
    if (!nnc_infer_known(ctx, i, &ints) || ints.count > max) {
        return false;
    }
    for (size_t k = 0; k < ints.count; k++) {
        if (ints.symbolic[k]) {
            return false;
        }
        data[k] = ints.data[k];
    }
    *count = ints.count;
    return true;
}

/* Recorded and inferred information that cannot both be true. Symbols agree with anything. */
static bool contradicts(const nnc_value *v, nnc_dtype dtype, const nnc_shape *shape)
{
    if (v->dtype != NNC_DTYPE_UNDEFINED && dtype != NNC_DTYPE_UNDEFINED && v->dtype != dtype) {
        return true;
    }
    if (!v->has_shape || !shape) {
        return false;
    }
    bool differs = v->shape.rank != shape->rank;
    for (uint32_t d = 0; !differs && d < shape->rank; d++) {
        differs =
            v->shape.dims[d] >= 0 && shape->dims[d] >= 0 && v->shape.dims[d] != shape->dims[d];
    }
    return differs;
}

static nnc_value *output_value(const nnc_infer_ctx *ctx, uint32_t i)
{
    const nnc_node *node = nnc_infer_node(ctx);
    return i < node->output_count && node->outputs[i] != NNC_ID_NONE
               ? nnc_graph_value(ctx->graph, node->outputs[i])
               : NULL;
}

nnc_status nnc_infer_output(nnc_infer_ctx *ctx, uint32_t i, nnc_dtype dtype, const nnc_shape *shape)
{
    nnc_value *v = output_value(ctx, i);
    infer_state *state = ctx->known;
    if (!v) {
        return NNC_OK;
    }
    size_t count = 1;
    for (uint32_t d = 0; d < shape->rank; d++) {
        if (shape->dims[d] > 0 && !nnc_size_mul(&count, count, (size_t)shape->dims[d])) {
            char text[256];
            return nnc_infer_fail(ctx, "output %u of shape %s has too many elements", (unsigned)i,
                                  nnc_shape_format(text, sizeof text, shape));
        }
    }
    nnc_shape merged = *shape;
    if (contradicts(v, dtype, shape)) {
        state->contradictions++;
    } else if (v->has_shape) {
        /* A recorded name for a dim that inference only knows as "some number" is kept, and so is
         * an older anonymous symbol: repeated inference changes nothing. A recorded number is not:
         * stale value_info would become a wrong constant. */
        for (uint32_t d = 0; d < merged.rank; d++) {
            if (merged.dims[d] < 0 && v->shape.dims[d] < 0 &&
                nnc_graph_symbol_name(ctx->graph, merged.dims[d])[0] == '\0') {
                merged.dims[d] = v->shape.dims[d];
            }
        }
    }
    v->dtype = dtype != NNC_DTYPE_UNDEFINED ? dtype : v->dtype;
    v->has_shape = true;
    v->shape = merged;
    return NNC_OK;
}

nnc_status nnc_infer_output_unknown(nnc_infer_ctx *ctx, uint32_t i, nnc_dtype dtype, int rank)
{
    nnc_value *v = output_value(ctx, i);
    infer_state *state = ctx->known;
    if (!v) {
        return NNC_OK;
    }
    if (rank < 0 && !v->has_shape) {
        state->contradictions += contradicts(v, dtype, NULL);
        v->dtype = dtype != NNC_DTYPE_UNDEFINED ? dtype : v->dtype;
        return NNC_OK;
    }
    /* A recorded rank is taken where inference has none; recorded symbols are kept by
     * nnc_infer_output, numbers are not. */
    nnc_shape shape = {.rank = rank < 0 ? v->shape.rank : (uint32_t)rank};
    for (uint32_t d = 0; d < shape.rank; d++) {
        bool symbol = v->has_shape && v->shape.rank == shape.rank && v->shape.dims[d] < 0;
        shape.dims[d] = symbol ? v->shape.dims[d] : nnc_infer_fresh_dim(ctx);
    }
    return nnc_infer_output(ctx, i, dtype, &shape);
}

nnc_status nnc_infer_set_known(nnc_infer_ctx *ctx, uint32_t i, const nnc_ints *ints)
{
    infer_state *state = ctx->known;
    const nnc_node *node = nnc_infer_node(ctx);
    if (i >= node->output_count || node->outputs[i] == NNC_ID_NONE) {
        return NNC_OK;
    }
    const nnc_value *v = nnc_graph_value_const(ctx->graph, node->outputs[i]);
    if (!v->has_shape || v->shape.rank > 1 || ints->count > NNC_KNOWN_MAX) {
        return NNC_OK;
    }
    known *item = &state->items[node->outputs[i]];
    item->data = nnc_arena_alloc(state->arena, ints->count, sizeof *item->data);
    item->symbolic = nnc_arena_alloc(state->arena, ints->count, sizeof *item->symbolic);
    if (!item->data || !item->symbolic) {
        return NNC_ERR_LIMIT;
    }
    item->any_symbol = false;
    for (size_t k = 0; k < ints->count; k++) {
        item->data[k] = ints->data[k];
        item->symbolic[k] = ints->symbolic[k];
        item->any_symbol |= ints->symbolic[k];
    }
    item->count = (uint32_t)ints->count;
    item->scalar = v->shape.rank == 0;
    return NNC_OK;
}

nnc_status nnc_infer_output_ints(nnc_infer_ctx *ctx, uint32_t i, const int64_t *data,
                                 const bool *symbolic, size_t count, bool scalar)
{
    nnc_shape shape = {.rank = scalar ? 0 : 1, .dims = {(int64_t)count}};
    NNC_TRY(nnc_infer_output(ctx, i, NNC_DTYPE_INT64, &shape));
    if (count > NNC_KNOWN_MAX) {
        return NNC_OK;
    }
    nnc_ints ints = {.count = count};
    for (size_t k = 0; k < count; k++) {
        ints.data[k] = data[k];
        ints.symbolic[k] = symbolic && symbolic[k];
    }
    return nnc_infer_set_known(ctx, i, &ints);
}

nnc_status nnc_infer_fail(const nnc_infer_ctx *ctx, const char *fmt, ...)
{
    char label[200], text[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return nnc_error_set(NNC_ERR_MODEL, "%s: %s",
                         nnc_node_label(label, sizeof label, ctx->graph, ctx->node), text);
}

int64_t nnc_infer_fresh_dim(nnc_infer_ctx *ctx)
{
    int64_t dim = -1;
    /* The table grows by one pointer; without memory the first symbol stands in, and the next
     * allocation reports the failure. */
    (void)nnc_graph_symbol(&dim, ctx->graph, NULL);
    return dim;
}

static nnc_status infer_nodes(nnc_graph *graph, infer_state *state)
{
    nnc_node_id *order;
    size_t count;
    NNC_TRY(nnc_graph_topo_order(&order, &count, graph));
    nnc_status status = NNC_OK;
    for (size_t i = 0; status == NNC_OK && i < count; i++) {
        nnc_infer_ctx ctx = {graph, order[i], state};
        const nnc_op *op = nnc_graph_node_const(graph, order[i])->op;
        status = op ? op->infer(&ctx) : NNC_OK;
    }
    nnc_free(order);
    return status;
}

static nnc_status report_known(const nnc_graph *graph, const infer_state *state, nnc_known_fn *fn,
                               void *user)
{
    uint32_t count = nnc_graph_value_count(graph);
    for (nnc_value_id v = 0; v < count; v++) {
        const known *item = &state->items[v];
        if (item->data && !item->any_symbol) {
            NNC_TRY(fn(user, v, item->data, item->count, item->scalar));
        }
    }
    return NNC_OK;
}

nnc_status nnc_graph_infer_known(nnc_graph *graph, size_t *contradictions, nnc_known_fn *fn,
                                 void *user)
{
    infer_state state = {0};
    state.items = nnc_calloc(nnc_graph_value_count(graph), sizeof *state.items);
    state.arena = nnc_arena_create(0);
    nnc_status status = state.items && state.arena ? infer_nodes(graph, &state) : NNC_ERR_LIMIT;
    if (status == NNC_OK && fn) {
        status = report_known(graph, &state, fn, user);
    }
    if (contradictions) {
        *contradictions = state.contradictions;
    }
    nnc_arena_destroy(state.arena);
    nnc_free(state.items);
    return status;
}

nnc_status nnc_graph_infer(nnc_graph *graph, size_t *contradictions)
{
    return nnc_graph_infer_known(graph, contradictions, NULL, NULL);
}
