/* linear_attention: recurrent attention with a matrix as state, one step per token.
 * SPDX-License-Identifier: Apache-2.0 A task is one key/value head of one sequence; its state
 * [d_k][d_v] lives in the second output. */
#include <math.h>
#include <string.h>

#include "runtime_int8/kernels/float_math.h"
#include "runtime_int8/ops/util.h"

typedef struct linear_state {
    size_t batch, length, q_heads, kv_heads, dk, dv;
    size_t decay, beta;                  /* numbers per token of these inputs; 0: not there */
    uint32_t past_at, decay_at, beta_at; /* inputs, 0: none */
    float scale;
} linear_state;

static nnc_status check(const nnrt_node_ctx *ctx)
{
    const nnrt_linear_attention_params *p = ctx->params;
    if (p->rule > NNRT_LINEAR_GATED_DELTA || p->has_past > 1 || p->has_decay > 1 ||
        p->has_beta > 1 || ctx->in_count != 3 + p->has_past + p->has_decay + p->has_beta)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': rule %u, %u inputs with past %u, decay %u, beta %u",
                 ctx->name, p->rule, ctx->in_count, p->has_past, p->has_decay, p->has_beta);
    const bool gated = p->rule == NNRT_LINEAR_GATED || p->rule == NNRT_LINEAR_GATED_DELTA;
    const bool delta = p->rule == NNRT_LINEAR_DELTA || p->rule == NNRT_LINEAR_GATED_DELTA;
    if (gated != (p->has_decay != 0) || delta != (p->has_beta != 0))
        NNC_FAIL(NNC_ERR_MODEL, "'%s': rule %u with decay %u and beta %u", ctx->name, p->rule,
                 p->has_decay, p->has_beta);
    if (p->q_heads < 1 || p->kv_heads < 1 || p->q_heads % p->kv_heads != 0 || !isfinite(p->scale))
        NNC_FAIL(NNC_ERR_MODEL, "'%s': %u query heads, %u key and value heads, scale %g", ctx->name,
                 p->q_heads, p->kv_heads, (double)p->scale);
    for (uint32_t i = 0; i < ctx->in_count; i++) {
        NNC_TRY(nnrt_check_dtype(ctx, i, NNRT_SET(NNRT_F32)));
        NNC_TRY(nnrt_check_rank(ctx, i, i == 3 && p->has_past ? 4 : 3));
    }
    return NNC_OK;
}

/* Input i is [batch, length, last]. */
static nnc_status check_input(const nnrt_node_ctx *ctx, uint32_t i, size_t last)
{
    const linear_state *s = ctx->state;
    const nnrt_shape want = {.rank = 3,
                             .dims = {(int64_t)s->batch, (int64_t)s->length, (int64_t)last}};
    if (!nnrt_shape_same(&ctx->in[i].shape, &want)) {
        char a[NNRT_SHAPE_TEXT], b[NNRT_SHAPE_TEXT];
        NNC_FAIL(NNC_ERR_MODEL, "'%s': input %u is %s, expected %s", ctx->name, i,
                 nnrt_shape_text(a, &ctx->in[i].shape), nnrt_shape_text(b, &want));
    }
    return NNC_OK;
}

/* Numbers per token of an input that has one of two sizes. */
static nnc_status take_size(size_t *out, const nnrt_node_ctx *ctx, uint32_t i, size_t a, size_t b)
{
    const size_t last = (size_t)ctx->in[i].shape.dims[2];
    *out = last == a ? a : b;
    return check_input(ctx, i, *out);
}

static nnc_status reshape(nnrt_node_ctx *ctx)
{
    const nnrt_linear_attention_params *p = ctx->params;
    const nnrt_shape *q = &ctx->in[0].shape, *v = &ctx->in[2].shape;
    NNC_TRY(nnrt_ctx_state(ctx, sizeof(linear_state)));
    linear_state *s = ctx->state;
    *s = (linear_state){.batch = (size_t)q->dims[0],
                        .length = (size_t)q->dims[1],
                        .q_heads = p->q_heads,
                        .kv_heads = p->kv_heads,
                        .dk = (size_t)q->dims[2] / p->q_heads,
                        .dv = (size_t)v->dims[2] / p->kv_heads};
    NNC_TRY(check_input(ctx, 0, s->q_heads * s->dk));
    NNC_TRY(check_input(ctx, 1, s->kv_heads * s->dk));
    NNC_TRY(check_input(ctx, 2, s->kv_heads * s->dv));
    const nnrt_shape state = {.rank = 4,
                              .dims = {q->dims[0], p->kv_heads, (int64_t)s->dk, (int64_t)s->dv}};
    if (p->has_past && !nnrt_shape_same(&ctx->in[3].shape, &state)) {
        char a[NNRT_SHAPE_TEXT], b[NNRT_SHAPE_TEXT];
        NNC_FAIL(NNC_ERR_MODEL, "'%s': past state %s, expected %s", ctx->name,
                 nnrt_shape_text(a, &ctx->in[3].shape), nnrt_shape_text(b, &state));
    }
    s->past_at = p->has_past ? 3 : 0;
    s->decay_at = p->has_decay ? 3 + p->has_past : 0;
    s->beta_at = p->has_beta ? 3 + p->has_past + p->has_decay : 0;
    if (s->decay_at)
        NNC_TRY(take_size(&s->decay, ctx, s->decay_at, s->kv_heads, s->kv_heads * s->dk));
    if (s->beta_at)
        NNC_TRY(take_size(&s->beta, ctx, s->beta_at, s->kv_heads, 1));
    s->scale = p->scale != 0.0f ? p->scale : s->dk == 0 ? 1.0f : 1.0f / sqrtf((float)s->dk);
    nnrt_shape y = *q;
    y.dims[2] = (int64_t)(s->q_heads * s->dv);
    NNC_TRY(nnrt_check_shape(ctx, &y, NNRT_F32));
    NNC_TRY(nnrt_check_shape(ctx, &state, NNRT_F32));
    nnrt_set_output(ctx, NNRT_F32, &y);
    ctx->out[1].dtype = NNRT_F32;
    ctx->out[1].shape = state;
    ctx->scratch_bytes = s->batch * s->kv_heads * s->dv * sizeof(float);
    ctx->macs = (uint64_t)s->batch * s->length * s->dk * s->dv * (s->kv_heads + s->q_heads);
    return NNC_OK;
}

static void add_scaled(float *y, const float *x, float a, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] += a * x[i];
}

/* S *= exp(decay), a number for the head or one per row. */
static void decay_state(float *state, const linear_state *s, const float *decay, size_t head)
{
    const bool rows = s->decay != s->kv_heads;
    for (size_t d = 0; d < s->dk; d++) {
        const float f = nnrt_exp(decay[rows ? head * s->dk + d : head]);
        for (size_t i = 0; i < s->dv; i++)
            state[d * s->dv + i] *= f;
    }
}

/* One token of one head; delta: [dv] scratch. */
static void step(const nnrt_node_ctx *ctx, float *state, float *delta, size_t token, size_t head)
{
    const linear_state *s = ctx->state;
    const float *k = (const float *)ctx->in[1].data + (token * s->kv_heads + head) * s->dk;
    const float *v = (const float *)ctx->in[2].data + (token * s->kv_heads + head) * s->dv;
    const size_t group = s->q_heads / s->kv_heads;
    if (s->decay_at)
        decay_state(state, s, (const float *)ctx->in[s->decay_at].data + token * s->decay, head);
    memcpy(delta, v, s->dv * sizeof *delta);
    if (s->beta_at) {
        const float *beta = (const float *)ctx->in[s->beta_at].data + token * s->beta;
        memset(delta, 0, s->dv * sizeof *delta);
        for (size_t d = 0; d < s->dk; d++)
            add_scaled(delta, state + d * s->dv, k[d], s->dv);
        for (size_t i = 0; i < s->dv; i++)
            delta[i] = beta[s->beta == 1 ? 0 : head] * (v[i] - delta[i]);
    }
    for (size_t d = 0; d < s->dk; d++)
        add_scaled(state + d * s->dv, delta, k[d], s->dv);
    for (size_t g = head * group; g < (head + 1) * group; g++) {
        const float *q = (const float *)ctx->in[0].data + (token * s->q_heads + g) * s->dk;
        float *y = (float *)ctx->out[0].data + (token * s->q_heads + g) * s->dv;
        memset(y, 0, s->dv * sizeof *y);
        for (size_t d = 0; d < s->dk; d++)
            add_scaled(y, state + d * s->dv, q[d], s->dv);
        for (size_t i = 0; i < s->dv; i++)
            y[i] *= s->scale;
    }
}

static void run_head(void *user, size_t task)
{
    const nnrt_node_ctx *ctx = user;
    const linear_state *s = ctx->state;
    const size_t size = s->dk * s->dv;
    float *state = (float *)ctx->out[1].data + task * size;
    float *delta = (float *)ctx->scratch + task * s->dv;
    if (s->past_at)
        memcpy(state, (const float *)ctx->in[s->past_at].data + task * size, size * sizeof *state);
    else
        memset(state, 0, size * sizeof *state);
    for (size_t t = 0; t < s->length; t++)
        step(ctx, state, delta, task / s->kv_heads * s->length + t, task % s->kv_heads);
}

static void run(const nnrt_node_ctx *ctx)
{
    const linear_state *s = ctx->state;
    nnrt_parallel(ctx->pool, run_head, (void *)(uintptr_t)ctx, s->batch * s->kv_heads);
}

const nnrt_rop nnrt_rop_linear_attention = {
    .name = "linear_attention",
    .params_bytes = sizeof(nnrt_linear_attention_params),
    .min_in = 3,
    .max_in = 6,
    .out_count = 2,
    .check = check,
    .reshape = reshape,
    .run = run,
};
