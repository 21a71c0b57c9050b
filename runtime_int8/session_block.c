/* Blocks that nodes run: If, Loop. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "runtime_int8/ops/util.h"
#include "runtime_int8/session.h"

nnc_status nnrt_ctx_buffer(void **out, nnrt_node_ctx *ctx, uint32_t k, size_t bytes)
{
    session_node *node = nnrt_node_of(ctx);
    size_t count = node->buffer_count;
    if (k >= count) {
        NNC_TRY(nnc_grow(&node->buffers, &node->buffer_cap, (size_t)k + 1, sizeof *node->buffers));
        memset(node->buffers + count, 0, (k + 1 - count) * sizeof *node->buffers);
        node->buffer_count = k + 1;
    }
    session_buffer *buffer = &node->buffers[k];
    if (buffer->data == NULL || bytes > buffer->bytes) {
        const size_t want = bytes / 2 > buffer->bytes ? bytes : bytes + bytes / 2;
        if (want < bytes || want > ((nnrt_session *)ctx->session)->arena_limit)
            NNC_FAIL(NNC_ERR_LIMIT, "'%s': %zu bytes of results, the machine has %zu", ctx->name,
                     bytes, ((nnrt_session *)ctx->session)->arena_limit);
        void *data = nnc_alloc_aligned(want);
        if (data == NULL)
            return NNC_ERR_LIMIT;
        if (buffer->bytes > 0)
            memcpy(data, buffer->data, buffer->bytes);
        nnc_free(buffer->data);
        *buffer = (session_buffer){data, want};
    }
    *out = buffer->data;
    return NNC_OK;
}

static uint32_t value_of(const nnrt_session *s, uint32_t block, uint32_t io)
{
    return s->plan->io[s->plan->blocks[block].io + io];
}

/* Puts addresses into the block's inputs. */
static void bind_inputs(nnrt_session *s, session_frame *f, const nnrt_tensor *in, uint32_t count)
{
    bool moved = false;
    for (uint32_t i = 0; i < count; i++) {
        session_value *v = &s->values[s->plan->io[f->block->io + i]];
        moved = moved || v->tensor.data != in[i].data;
        v->tensor.data = in[i].data;
    }
    if (moved && f->region_count > 0)
        nnrt_frame_move(s, f);
}

nnc_status nnrt_ctx_run_block(nnrt_node_ctx *ctx, uint32_t block, const nnrt_tensor *in,
                              uint32_t count)
{
    nnrt_session *s = ctx->session;
    session_frame *f = &s->frames[block];
    bool same = f->planned;
    for (uint32_t i = 0; i < count && same; i++)
        same = nnrt_shape_same(&in[i].shape, &f->shapes[i]);
    if (!same) {
        f->planned = false;
        for (uint32_t i = 0; i < count; i++)
            f->shapes[i] = in[i].shape;
        NNC_TRY(nnrt_frame_check(s, f));
    }
    bind_inputs(s, f, in, count);
    if (!same)
        NNC_TRY(nnrt_frame_plan(s, f));
    return nnrt_frame_run(s, f);
}

static nnrt_tensor declared(const nnrt_session *s, uint32_t id)
{
    return (nnrt_tensor){.dtype = (nnrt_dtype)s->plan->values[id].dtype,
                         .shape = nnrt_plan_shape(s->plan, id)};
}

nnrt_tensor nnrt_ctx_block_input(const nnrt_node_ctx *ctx, uint32_t block, uint32_t i)
{
    const nnrt_session *s = ctx->session;
    return declared(s, value_of(s, block, i));
}

nnrt_tensor nnrt_ctx_block_declared(const nnrt_node_ctx *ctx, uint32_t block, uint32_t i)
{
    const nnrt_session *s = ctx->session;
    return declared(s, value_of(s, block, s->plan->blocks[block].in_count + i));
}

nnrt_tensor nnrt_ctx_block_output(const nnrt_node_ctx *ctx, uint32_t block, uint32_t i)
{
    const nnrt_session *s = ctx->session;
    return s->values[value_of(s, block, s->plan->blocks[block].in_count + i)].tensor;
}

bool nnrt_ctx_block_owns(const nnrt_node_ctx *ctx, uint32_t block, uint32_t i)
{
    const nnrt_session *s = ctx->session;
    const session_value *v =
        &s->values[value_of(s, block, s->plan->blocks[block].in_count + i)];
    return v->block != SESSION_NO_BLOCK;
}

nnc_status nnrt_ctx_count_iteration(nnrt_node_ctx *ctx)
{
    nnrt_session *s = ctx->session;
    if (s->iterations >= NNRT_ITERATIONS_MAX)
        NNC_FAIL(NNC_ERR_LIMIT, "'%s': more than %u iterations of loops in a run", ctx->name,
                 NNRT_ITERATIONS_MAX);
    s->iterations++;
    return NNC_OK;
}
