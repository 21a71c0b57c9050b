/* Reshape: shapes, host-known values, arena. SPDX-License-Identifier: Apache-2.0
 * Nodes are visited in execution order. A node whose inputs are all known on the host is computed
 * here and skipped at run. */
#include <string.h>

#include "runtime_int8/ops/util.h"
#include "runtime_int8/session.h"
#include "runtime_int8/session_device.h"

#define HOST_ELEMENTS 4096u

static session_node *node_of(nnrt_node_ctx *ctx)
{
    return (session_node *)(void *)((char *)ctx - offsetof(session_node, ctx));
}

nnc_status nnrt_ctx_state(nnrt_node_ctx *ctx, size_t bytes)
{
    session_node *node = node_of(ctx);
    if (bytes > node->state_bytes || node->state == NULL) {
        nnc_free(node->state);
        node->state_bytes = 0;
        node->state = nnc_alloc_aligned(bytes);
        if (node->state == NULL)
            return NNC_ERR_LIMIT;
        node->state_bytes = bytes;
    } else {
        memset(node->state, 0, bytes);
    }
    ctx->state = node->state;
    return NNC_OK;
}

/* Sizes a tensor; dims were set by an operator or by the caller. */
static nnc_status size_tensor(nnrt_tensor *t, const char *name)
{
    const nnrt_node_ctx ctx = {.name = name};
    NNC_TRY(nnrt_check_shape(&ctx, &t->shape, t->dtype));
    t->bytes = nnrt_shape_count(&t->shape) * nnrt_dtype_bytes(t->dtype);
    return NNC_OK;
}

static uint32_t add_block(nnrt_session *s, size_t bytes, uint32_t first, uint32_t last)
{
    s->blocks[s->block_count] = (nnrt_memory_block){.bytes = bytes, .first = first, .last = last};
    return s->block_count++;
}

static nnc_status start_values(nnrt_session *s)
{
    const nnrt_plan *plan = s->plan;
    for (uint32_t id = 0; id < plan->value_count; id++) {
        const nnrt_plan_value *v = &plan->values[id];
        session_value *value = &s->values[id];
        value->tensor = (nnrt_tensor){.dtype = (nnrt_dtype)v->dtype};
        value->block = SESSION_NO_BLOCK;
        value->known = v->kind == NNRT_VALUE_CONST;
        if (v->kind != NNRT_VALUE_CONST && v->kind != NNRT_VALUE_VARIABLE)
            continue;
        value->tensor.shape = nnrt_plan_shape(plan, id);
        value->tensor.bytes = v->bytes;
        value->tensor.data = v->kind == NNRT_VALUE_CONST
                                 ? (void *)(uintptr_t)(plan->constants + v->data)
                                 : s->variables[id];
    }
    const nnrt_plan_block *block = &plan->blocks[0];
    for (uint32_t i = 0; i < block->in_count; i++) {
        session_value *value = &s->values[plan->io[block->io + i]];
        value->tensor.shape = s->shapes[i];
        NNC_TRY(size_tensor(&value->tensor,
                            nnrt_plan_string(plan, plan->values[plan->io[block->io + i]].name)));
        value->block = add_block(s, value->tensor.bytes, 0, SESSION_END);
    }
    return NNC_OK;
}

/* Copies the inputs into the node and calls its reshape; then its outputs must be what the plan
 * declared. */
static nnc_status reshape_node(nnrt_session *s, uint32_t index)
{
    const nnrt_plan_node *plan_node = &s->plan->nodes[index];
    const uint32_t *io = s->plan->io + plan_node->io;
    session_node *node = &s->nodes[index];
    nnrt_node_ctx *ctx = &node->ctx;
    for (uint32_t i = 0; i < ctx->in_count; i++) {
        const session_value *v = &s->values[io[i]];
        ctx->in[i] = v->tensor;
        if (!v->known)
            ctx->in[i].data = NULL;
        if (i < 32 && (node->rop->host_inputs >> i & 1u) && !v->known)
            NNC_FAIL(
                NNC_ERR_UNSUPPORTED,
                "%s '%s': input %u depends on the data, so shapes are not known before the run",
                node->rop->name, ctx->name, i);
    }
    for (uint32_t i = 0; i < ctx->out_count; i++)
        ctx->out[i] = (nnrt_tensor){.dtype = NNRT_F32};
    ctx->scratch_bytes = 0;
    ctx->scratch = NULL;
    ctx->state = NULL;
    ctx->kernel = NULL;
    ctx->impl = NULL;
    ctx->macs = 0;
    ctx->pool = s->pool;
    nnc_status status = node->rop->reshape(ctx);
    if (status != NNC_OK)
        return nnc_error_prepend(status, "%s", node->rop->name);
    for (uint32_t i = 0; i < ctx->out_count; i++) {
        const nnrt_plan_value *v = &s->plan->values[io[ctx->in_count + i]];
        if ((uint32_t)ctx->out[i].dtype != v->dtype || ctx->out[i].shape.rank != v->rank)
            NNC_FAIL(NNC_ERR_MODEL,
                     "%s '%s': output %u is %s of rank %u, the plan says %s of rank %u",
                     node->rop->name, ctx->name, i, nnrt_dtype_name(ctx->out[i].dtype),
                     ctx->out[i].shape.rank, nnrt_dtype_name(v->dtype), v->rank);
        NNC_TRY(size_tensor(&ctx->out[i], ctx->name));
        s->values[io[ctx->in_count + i]].tensor = ctx->out[i];
    }
    return NNC_OK;
}

/* True if the node can be computed now: small results from known inputs. */
static bool host_computable(const nnrt_session *s, uint32_t index)
{
    const session_node *node = &s->nodes[index];
    const nnrt_node_ctx *ctx = &node->ctx;
    const uint32_t *io = s->plan->io + s->plan->nodes[index].io;
    if (!(node->rop->flags & NNRT_ROP_HOST))
        return false;
    for (uint32_t i = 0; i < ctx->in_count; i++) {
        if (!s->values[io[i]].known && s->plan->nodes[index].rop != NNRT_ROP_ID_SHAPE)
            return false;
    }
    const uint32_t set =
        NNRT_SET(NNRT_I64) | NNRT_SET(NNRT_I32) | NNRT_SET(NNRT_BOOL) | NNRT_SET(NNRT_F32);
    for (uint32_t i = 0; i < ctx->out_count; i++) {
        if (!(set >> ctx->out[i].dtype & 1u) ||
            nnrt_shape_count(&ctx->out[i].shape) > HOST_ELEMENTS)
            return false;
    }
    return true;
}

static nnc_status compute_on_host(nnrt_session *s, uint32_t index)
{
    session_node *node = &s->nodes[index];
    nnrt_node_ctx *ctx = &node->ctx;
    const uint32_t *io = s->plan->io + s->plan->nodes[index].io;
    for (uint32_t i = 0; i < ctx->out_count; i++) {
        nnrt_tensor *t = &ctx->out[i];
        if (node->rop->run == NULL) {
            t->data = ctx->in[0].data;
        } else {
            t->data = nnc_arena_alloc(s->host, t->bytes + NNRT_PLAN_TAIL, 1);
            if (t->data == NULL)
                return NNC_ERR_LIMIT;
        }
        s->values[io[ctx->in_count + i]].tensor = *t;
        s->values[io[ctx->in_count + i]].known = true;
    }
    if (node->rop->run == NULL)
        return NNC_OK;
    void *scratch = NULL;
    if (ctx->scratch_bytes != 0 && (scratch = nnc_alloc_aligned(ctx->scratch_bytes)) == NULL)
        return NNC_ERR_LIMIT;
    ctx->scratch = scratch;
    ctx->pool = NULL;
    node->rop->run(ctx);
    ctx->scratch = NULL;
    nnc_free(scratch);
    return NNC_OK;
}

static uint32_t last_step(const session_value *v, uint32_t index)
{
    return v->read ? v->last_use : index;
}

/* Gives an output the bytes of input 0 (alias, or in place when nobody reads input 0 afterwards) or
 * its own block. */
static void place_output(nnrt_session *s, uint32_t index, uint32_t i)
{
    session_node *node = &s->nodes[index];
    const uint32_t *io = s->plan->io + s->plan->nodes[index].io;
    session_value *out = &s->values[io[node->ctx.in_count + i]];
    uint32_t last = last_step(out, index);
    const session_value *in = node->ctx.in_count > 0 ? &s->values[io[0]] : NULL;
    bool share = i == 0 && in != NULL && (node->rop->flags & NNRT_ROP_ALIAS);
    if (i == 0 && in != NULL && (node->rop->flags & NNRT_ROP_INPLACE) &&
        in->block != SESSION_NO_BLOCK && out->tensor.bytes == in->tensor.bytes &&
        s->blocks[in->block].last <= index) {
        share = true;
        for (uint32_t k = 1; k < node->ctx.in_count; k++)
            share = share && s->values[io[k]].block != in->block;
    }
    if (!share) {
        out->block = add_block(s, out->tensor.bytes, index, last);
        return;
    }
    out->block = in->block;
    out->tensor.data = in->tensor.data;
    if (in->block != SESSION_NO_BLOCK && s->blocks[in->block].last < last)
        s->blocks[in->block].last = last;
}

static nnc_status plan_node(nnrt_session *s, uint32_t index, size_t *scratch)
{
    session_node *node = &s->nodes[index];
    nnrt_node_ctx *ctx = &node->ctx;
    NNC_TRY(reshape_node(s, index));
    node->bytes = 0;
    for (uint32_t i = 0; i < ctx->in_count + ctx->out_count; i++)
        node->bytes += ctx->in[i].bytes;
    if (host_computable(s, index)) {
        node->skip = true;
        return compute_on_host(s, index);
    }
    node->skip = node->rop->run == NULL;
    if (ctx->scratch_bytes > *scratch)
        *scratch = ctx->scratch_bytes;
    for (uint32_t i = 0; i < ctx->out_count; i++)
        place_output(s, index, i);
    return NNC_OK;
}

/* Memory for the activations, on the device that runs them. */
static nnc_status take_arena(nnrt_session *s, size_t bytes, uint8_t **out)
{
    if (s->device != NULL) {
        void *arena;
        NNC_TRY(nnrt_session_device_arena(s, bytes, &arena));
        *out = arena;
        return NNC_OK;
    }
    if (bytes > s->arena_cap || s->arena == NULL) {
        nnc_free(s->arena);
        s->arena_cap = 0;
        s->arena = nnc_alloc_aligned(bytes);
        if (s->arena == NULL)
            return NNC_ERR_LIMIT;
        s->arena_cap = bytes;
    }
    *out = s->arena;
    return NNC_OK;
}

static nnc_status place_arena(nnrt_session *s, size_t scratch)
{
    size_t total;
    NNC_TRY(nnrt_memory_plan(s->blocks, s->block_count, &total));
    size_t all = total;
    if (!nnc_size_add(&all, total, scratch) || (s->device == NULL && all > s->arena_limit))
        NNC_FAIL(NNC_ERR_LIMIT, "activations need %zu bytes and scratch %zu, the machine has %zu",
                 total, scratch, s->arena_limit);
    uint8_t *arena;
    NNC_TRY(take_arena(s, all, &arena));
    s->arena_bytes = all;
    for (size_t id = 0; id < s->plan->value_count; id++) {
        session_value *v = &s->values[id];
        if (v->block != SESSION_NO_BLOCK)
            v->tensor.data = arena + s->blocks[v->block].offset;
    }
    for (size_t i = 0; i < s->plan->node_count; i++) {
        nnrt_node_ctx *ctx = &s->nodes[i].ctx;
        const uint32_t *io = s->plan->io + s->plan->nodes[i].io;
        for (uint32_t k = 0; k < ctx->in_count + ctx->out_count; k++)
            ctx->in[k].data = s->values[io[k]].tensor.data;
        ctx->scratch = arena + total;
        ctx->pool = s->pool;
    }
    return NNC_OK;
}

static nnc_status plan(nnrt_session *s)
{
    size_t scratch = 0;
    s->block_count = 0;
    s->last_parallel = SESSION_END;
    nnc_arena_destroy(s->host);
    s->host = nnc_arena_create(0);
    if (s->host == NULL)
        return NNC_ERR_LIMIT;
    NNC_TRY(start_values(s));
    for (uint32_t i = 0; i < s->plan->node_count; i++)
        NNC_TRY(plan_node(s, i, &scratch));
    NNC_TRY(place_arena(s, s->device != NULL ? 0 : scratch));
    return s->device != NULL ? nnrt_session_device_lower(s) : NNC_OK;
}

nnc_status nnrt_session_plan(nnrt_session *s)
{
    nnc_status status = plan(s);
    if (s->device == NULL || !s->device_auto ||
        (status != NNC_ERR_DEVICE && status != NNC_ERR_UNSUPPORTED))
        return status;
    NNC_TRY(nnrt_session_leave_device(s));
    return plan(s);
}
