/* Reshape of one node, and host arithmetic. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "runtime_int8/ops/util.h"
#include "runtime_int8/session.h"

#define HOST_ELEMENTS 4096u /* at most, in each output of host arithmetic */

session_node *nnrt_node_of(nnrt_node_ctx *ctx)
{
    return (session_node *)(void *)((char *)ctx - offsetof(session_node, ctx));
}

nnc_status nnrt_ctx_state(nnrt_node_ctx *ctx, size_t bytes)
{
    session_node *node = nnrt_node_of(ctx);
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

nnc_status nnrt_tensor_size(nnrt_tensor *t, const char *name)
{
    const nnrt_node_ctx ctx = {.name = name};
    NNC_TRY(nnrt_check_shape(&ctx, &t->shape, t->dtype));
    t->bytes = nnrt_shape_count(&t->shape) * nnrt_dtype_bytes(t->dtype);
    return NNC_OK;
}

bool nnrt_node_needs(const session_node *node, uint32_t i)
{
    return (node->rop->flags & NNRT_ROP_CONTROL) || (i < 32 && (node->rop->host_inputs >> i & 1u));
}

/* Outputs must be what the plan declared. */
static nnc_status check_outputs(const nnrt_session *s, uint32_t index)
{
    const session_node *node = &s->nodes[index];
    const nnrt_node_ctx *ctx = &node->ctx;
    const uint32_t *io = s->plan->io + s->plan->nodes[index].io;
    for (uint32_t i = 0; i < ctx->out_count; i++) {
        const nnrt_plan_value *v = &s->plan->values[io[ctx->in_count + i]];
        if ((uint32_t)ctx->out[i].dtype != v->dtype ||
            (ctx->out[i].shape.rank != v->rank && v->rank != NNRT_RANK_ANY))
            NNC_FAIL(NNC_ERR_MODEL,
                     "%s '%s': output %u is %s of rank %u, the plan says %s of rank %u",
                     node->rop->name, ctx->name, i, nnrt_dtype_name(ctx->out[i].dtype),
                     ctx->out[i].shape.rank, nnrt_dtype_name(v->dtype), v->rank);
        NNC_TRY(nnrt_tensor_size(&ctx->out[i], ctx->name));
    }
    return NNC_OK;
}

/* The rop's check where the plan left ranks open: as it is done at load, with what constants hold and no dims else. */
static nnc_status check_late(const nnrt_session *s, uint32_t index)
{
    const session_node *node = &s->nodes[index];
    const uint32_t *io = s->plan->io + s->plan->nodes[index].io;
    nnrt_node_ctx *ctx = &s->nodes[index].ctx;
    for (uint32_t i = 0; i < ctx->in_count; i++) {
        ctx->in[i] = s->values[io[i]].tensor;
        if (s->plan->values[io[i]].kind == NNRT_VALUE_CONST)
            continue;
        ctx->in[i].data = NULL;
        for (uint32_t d = 0; d < ctx->in[i].shape.rank; d++)
            ctx->in[i].shape.dims[d] = -1;
    }
    for (uint32_t i = 0; i < ctx->out_count; i++) {
        const nnrt_plan_value *v = &s->plan->values[io[ctx->in_count + i]];
        ctx->out[i] = (nnrt_tensor){.dtype = (nnrt_dtype)v->dtype};
    }
    nnc_status status = node->rop->check(ctx);
    return status == NNC_OK ? NNC_OK : nnc_error_prepend(status, "%s", node->rop->name);
}

nnc_status nnrt_node_reshape(nnrt_session *s, uint32_t index, bool data)
{
    const uint32_t *io = s->plan->io + s->plan->nodes[index].io;
    session_node *node = &s->nodes[index];
    nnrt_node_ctx *ctx = &node->ctx;
    if (node->late_check)
        NNC_TRY(check_late(s, index));
    for (uint32_t i = 0; i < ctx->in_count; i++) {
        const session_value *v = &s->values[io[i]];
        ctx->in[i] = v->tensor;
        if (!v->known && !(data && nnrt_node_needs(node, i)))
            ctx->in[i].data = NULL;
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
    return check_outputs(s, index);
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

/* Room for `bytes` that the node keeps; what was there is not needed any more. */
static nnc_status host_room(session_node *node, size_t bytes)
{
    if (node->host != NULL && bytes <= node->host_cap)
        return NNC_OK;
    nnc_free(node->host);
    node->host_cap = 0;
    node->host = nnc_alloc_aligned(bytes);
    if (node->host == NULL)
        return NNC_ERR_LIMIT;
    node->host_cap = bytes;
    return NNC_OK;
}

static size_t host_bytes(size_t bytes)
{
    return (bytes + NNRT_PLAN_TAIL + 63) & ~(size_t)63;
}

static nnc_status compute_on_host(nnrt_session *s, uint32_t index)
{
    session_node *node = &s->nodes[index];
    nnrt_node_ctx *ctx = &node->ctx;
    const uint32_t *io = s->plan->io + s->plan->nodes[index].io;
    size_t used = 0;
    for (uint32_t i = 0; i < ctx->out_count; i++)
        used += host_bytes(ctx->out[i].bytes); /* at most HOST_ELEMENTS each */
    if (node->rop->run != NULL)
        NNC_TRY(host_room(node, used + ctx->scratch_bytes));
    ctx->scratch = node->host + used;
    used = 0;
    for (uint32_t i = 0; i < ctx->out_count; i++) {
        nnrt_tensor *t = &ctx->out[i];
        t->data = node->rop->run != NULL ? node->host + used : ctx->in[0].data;
        used += host_bytes(t->bytes);
        s->values[io[ctx->in_count + i]].tensor = *t;
        s->values[io[ctx->in_count + i]].known = true;
    }
    if (node->rop->run == NULL)
        return NNC_OK;
    ctx->pool = NULL;
    node->rop->run(ctx);
    ctx->scratch = NULL;
    return NNC_OK;
}

nnc_status nnrt_node_try_host(bool *done, nnrt_session *s, uint32_t index)
{
    *done = host_computable(s, index);
    return *done ? compute_on_host(s, index) : NNC_OK;
}
