/* attention: checks and sizes. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/ops/attention.h"

#include <math.h>

#include "base/mem.h"
#include "runtime_int8/ops/util.h"

/* Index of an optional input, -1 for none. */
static int input_at(const nnrt_attention_params *p, uint32_t input)
{
    int at = p->inputs & NNRT_ATTENTION_TOTAL ? 4 : 3;
    if (!(p->inputs & input))
        return -1;
    at += input > NNRT_ATTENTION_MASK && (p->inputs & NNRT_ATTENTION_MASK);
    return at + (input > NNRT_ATTENTION_PAST && (p->inputs & NNRT_ATTENTION_PAST) ? 2 : 0);
}

static nnc_status check_params(const nnrt_node_ctx *ctx)
{
    const nnrt_attention_params *p = ctx->params;
    if (p->inputs >= NNRT_ATTENTION_INPUTS || p->outputs >= NNRT_ATTENTION_OUTPUTS ||
        p->causal > 1 || p->scores > 3 || p->has_scale > 1)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': flags 0x%x 0x%x %u %u %u", ctx->name, p->inputs, p->outputs,
                 p->causal, p->scores, p->has_scale);
    if ((p->q_heads == 0) != (p->kv_heads == 0) || p->q_heads > INT32_MAX ||
        p->kv_heads > INT32_MAX)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': %u heads of queries, %u of keys", ctx->name, p->q_heads,
                 p->kv_heads);
    if (p->left < -1 || p->right < -1)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': window of %d and %d", ctx->name, p->left, p->right);
    if (!(p->softcap >= 0.0f) || p->softcap == INFINITY || (p->has_scale && !isfinite(p->scale)))
        NNC_FAIL(NNC_ERR_MODEL, "'%s': scale %g, soft cap %g", ctx->name, (double)p->scale,
                 (double)p->softcap);
    return NNC_OK;
}

static nnc_status check_inputs(const nnrt_node_ctx *ctx)
{
    const nnrt_attention_params *p = ctx->params;
    NNC_TRY(check_params(ctx));
    const bool cached = (p->inputs & NNRT_ATTENTION_TOTAL) != 0;
    const uint32_t count = (cached ? 4 : 3) + (p->inputs & NNRT_ATTENTION_MASK ? 1 : 0) +
                           (p->inputs & NNRT_ATTENTION_PAST ? 2 : 0) +
                           (p->inputs & NNRT_ATTENTION_LENGTHS ? 1 : 0);
    if (ctx->in_count != count)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': %u inputs, expected %u", ctx->name, ctx->in_count, count);
    const int mask = input_at(p, NNRT_ATTENTION_MASK), past = input_at(p, NNRT_ATTENTION_PAST);
    const int lengths = input_at(p, NNRT_ATTENTION_LENGTHS);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t set = NNRT_SET(NNRT_F32);
        set |= (int)i == mask ? NNRT_SET(NNRT_BOOL) : 0;
        set = cached && i == 3 ? NNRT_SET(NNRT_I32) | NNRT_SET(NNRT_I64) : set;
        NNC_TRY(nnrt_check_dtype(ctx, i, (int)i == lengths ? NNRT_SET(NNRT_I64) : set));
    }
    for (uint32_t i = 0; i < 3; i++)
        NNC_TRY(nnrt_check_rank(ctx, i, p->q_heads ? 3 : 4));
    for (int i = 0; past >= 0 && i < 2; i++)
        NNC_TRY(nnrt_check_rank(ctx, (uint32_t)(past + i), 4));
    if (mask >= 0 && (ctx->in[mask].shape.rank < 1 || ctx->in[mask].shape.rank > 4))
        NNC_FAIL(NNC_ERR_MODEL, "'%s': mask of rank %u", ctx->name, ctx->in[mask].shape.rank);
    return NNC_OK;
}

/* Batch, heads, positions and elements of input i. */
typedef struct dims4 {
    size_t b, h, n, d;
} dims4;

static nnc_status read_dims(dims4 *out, nnrt_heads *steps, const nnrt_node_ctx *ctx, uint32_t i,
                            uint32_t heads)
{
    const nnrt_shape *s = &ctx->in[i].shape;
    char text[NNRT_SHAPE_TEXT];
    if (heads == 0) {
        *out =
            (dims4){(size_t)s->dims[0], (size_t)s->dims[1], (size_t)s->dims[2], (size_t)s->dims[3]};
        *steps = (nnrt_heads){out->h * out->n * out->d, out->n * out->d, out->d};
        return NNC_OK;
    }
    if (s->dims[2] % heads != 0)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': input %u of shape %s in %u heads", ctx->name, i,
                 nnrt_shape_text(text, s), heads);
    *out = (dims4){(size_t)s->dims[0], heads, (size_t)s->dims[1], (size_t)s->dims[2] / heads};
    *steps = (nnrt_heads){out->n * heads * out->d, out->d, heads * out->d};
    return NNC_OK;
}

static nnc_status fail_shapes(const nnrt_node_ctx *ctx)
{
    char q[NNRT_SHAPE_TEXT], k[NNRT_SHAPE_TEXT], v[NNRT_SHAPE_TEXT];
    NNC_FAIL(NNC_ERR_MODEL, "'%s': queries %s, keys %s and values %s do not fit", ctx->name,
             nnrt_shape_text(q, &ctx->in[0].shape), nnrt_shape_text(k, &ctx->in[1].shape),
             nnrt_shape_text(v, &ctx->in[2].shape));
}

/* Keys in all: past and new, or as many as the caller says. */
static nnc_status read_total(nnrt_attention *a, const nnrt_node_ctx *ctx)
{
    const nnrt_attention_params *p = ctx->params;
    a->cached = (p->inputs & NNRT_ATTENTION_TOTAL) != 0;
    a->t = a->p + a->s;
    if (!a->cached)
        return NNC_OK;
    if (nnrt_shape_count(&ctx->in[3].shape) != 1 || !ctx->in[3].data)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': the number of keys is no number", ctx->name);
    const int64_t total = ctx->in[3].dtype == NNRT_I64 ? *(const int64_t *)ctx->in[3].data
                                                       : *(const int32_t *)ctx->in[3].data;
    if (total < 0 || total > INT32_MAX)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': %lld keys", ctx->name, (long long)total);
    a->t = a->p > a->s ? a->p : a->s;
    a->t = (size_t)total > a->t ? (size_t)total : a->t;
    return NNC_OK;
}

static nnc_status read_sizes(nnrt_attention *a, const nnrt_node_ctx *ctx)
{
    const nnrt_attention_params *p = ctx->params;
    dims4 q, k, v;
    char pk[NNRT_SHAPE_TEXT], pv[NNRT_SHAPE_TEXT];
    NNC_TRY(read_dims(&q, &a->q, ctx, 0, p->q_heads));
    NNC_TRY(read_dims(&k, &a->k, ctx, 1, p->kv_heads));
    NNC_TRY(read_dims(&v, &a->v, ctx, 2, p->kv_heads));
    if (q.b != k.b || k.b != v.b || k.h != v.h || k.n != v.n || q.d != k.d || k.h == 0 ||
        q.h % k.h != 0 || q.d == 0)
        return fail_shapes(ctx);
    a->b = q.b;
    a->hq = q.h;
    a->hk = k.h;
    a->l = q.n;
    a->s = k.n;
    a->d = q.d;
    a->dv = v.d;
    a->p = 0;
    a->past = input_at(p, NNRT_ATTENTION_PAST);
    if (a->past >= 0) {
        const nnrt_shape *x = &ctx->in[a->past].shape, *y = &ctx->in[a->past + 1].shape;
        const int64_t b = (int64_t)a->b, h = (int64_t)a->hk, d = (int64_t)a->d, dv = (int64_t)a->dv;
        if (x->dims[0] != b || x->dims[1] != h || x->dims[3] != d || y->dims[0] != b ||
            y->dims[1] != h || y->dims[3] != dv || x->dims[2] != y->dims[2])
            NNC_FAIL(NNC_ERR_MODEL, "'%s': past of %s and %s, expected [%zu,%zu,P,%zu] and %zu",
                     ctx->name, nnrt_shape_text(pk, x), nnrt_shape_text(pv, y), a->b, a->hk, a->d,
                     a->dv);
        a->p = (size_t)x->dims[2];
    }
    NNC_TRY(read_total(a, ctx));
    a->lengths = input_at(p, NNRT_ATTENTION_LENGTHS);
    return a->lengths < 0 ? NNC_OK : nnrt_check_count(ctx, (uint32_t)a->lengths, a->b);
}

static nnc_status read_mask(nnrt_attention *a, const nnrt_node_ctx *ctx)
{
    char text[NNRT_SHAPE_TEXT];
    a->mask = input_at(ctx->params, NNRT_ATTENTION_MASK);
    if (a->mask < 0)
        return NNC_OK;
    const nnrt_shape *m = &ctx->in[a->mask].shape;
    const size_t want[3] = {a->b, a->hq, a->l};
    size_t step = (size_t)m->dims[m->rank - 1];
    bool fits = step <= a->t;
    a->mask_cols = step;
    for (uint32_t i = 3; i-- > 0;) {
        const uint32_t from_end = 4 - i; /* 2 for queries, 3 for heads, 4 for batch */
        const size_t dim = m->rank >= from_end ? (size_t)m->dims[m->rank - from_end] : 1;
        fits = fits && (dim == 1 || dim == want[i]);
        a->mask_step[i] = dim == 1 ? 0 : step;
        step *= dim;
    }
    if (!fits)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': mask of shape %s for [%zu,%zu,%zu,%zu]", ctx->name,
                 nnrt_shape_text(text, m), a->b, a->hq, a->l, a->t);
    return NNC_OK;
}

static void set_outputs(nnrt_node_ctx *ctx, nnrt_attention *a)
{
    const nnrt_attention_params *p = ctx->params;
    const int64_t b = (int64_t)a->b, hq = (int64_t)a->hq, hk = (int64_t)a->hk, l = (int64_t)a->l;
    const int64_t t = (int64_t)a->t, d = (int64_t)a->d, dv = (int64_t)a->dv;
    nnrt_shape y = {.rank = 4, .dims = {b, hq, l, dv}};
    const nnrt_shape none = {.rank = 4};
    a->y = (nnrt_heads){a->hq * a->l * a->dv, a->l * a->dv, a->dv};
    if (p->q_heads) {
        y = (nnrt_shape){.rank = 3, .dims = {b, l, hq * dv}};
        a->y = (nnrt_heads){a->l * a->hq * a->dv, a->dv, a->hq * a->dv};
    }
    nnrt_set_output(ctx, NNRT_F32, &y);
    for (uint32_t i = 1; i < 4; i++) {
        ctx->out[i].dtype = NNRT_F32;
        ctx->out[i].shape = none;
    }
    if (p->outputs & NNRT_ATTENTION_PRESENT) {
        ctx->out[1].shape = (nnrt_shape){.rank = 4, .dims = {b, hk, t, d}};
        ctx->out[2].shape = (nnrt_shape){.rank = 4, .dims = {b, hk, t, dv}};
    }
    if (p->outputs & NNRT_ATTENTION_SCORES)
        ctx->out[3].shape = (nnrt_shape){.rank = 4, .dims = {b, hq, l, t}};
}

/* Room for packed keys and values and for the scores of the tasks that run together. */
static nnc_status plan_scratch(nnrt_node_ctx *ctx, nnrt_attention *a)
{
    size_t heads, k, v, scores, total = 0, tasks;
    a->t_pad = (a->t + 15) / 16 * 16;
    a->dv_pad = (a->dv + 15) / 16 * 16;
    a->blocks = (a->l + NNRT_ATTENTION_ROWS - 1) / NNRT_ATTENTION_ROWS;
    bool fits = nnc_size_mul(&tasks, a->b, a->hq) && nnc_size_mul(&tasks, tasks, a->blocks);
    a->slots = fits && tasks < NNRT_ATTENTION_SLOTS ? tasks : NNRT_ATTENTION_SLOTS;
    fits = fits && nnc_size_mul(&heads, a->b, a->hk) && nnc_size_mul(&k, heads, a->t_pad) &&
           nnc_size_mul(&k, k, a->d) && nnc_size_mul(&v, heads, a->dv_pad) &&
           nnc_size_mul(&v, v, a->t) &&
           nnc_size_mul(&scores, a->slots * NNRT_ATTENTION_ROWS, a->t_pad);
    a->k_pack = 0;
    fits = fits && nnc_size_add(&a->v_pack, 0, k) && nnc_size_add(&a->scores, a->v_pack, v) &&
           nnc_size_add(&total, a->scores, scores) &&
           nnc_size_mul(&ctx->scratch_bytes, total, sizeof(float));
    if (!fits)
        NNC_FAIL(NNC_ERR_LIMIT, "'%s': %zu queries of %zu keys are too large", ctx->name, a->l,
                 a->t);
    return NNC_OK;
}

static nnc_status attention_check(const nnrt_node_ctx *ctx)
{
    const nnrt_attention_params *p = ctx->params;
    if (p->inputs & NNRT_ATTENTION_TOTAL)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': inputs 0x%x", ctx->name, p->inputs);
    return check_inputs(ctx);
}

static nnc_status cached_check(const nnrt_node_ctx *ctx)
{
    const nnrt_attention_params *p = ctx->params;
    const uint32_t need = NNRT_ATTENTION_TOTAL | NNRT_ATTENTION_LENGTHS;
    if ((p->inputs & need) != need || p->causal != 1)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': inputs 0x%x, causal %u", ctx->name, p->inputs, p->causal);
    return check_inputs(ctx);
}

static nnc_status attention_reshape(nnrt_node_ctx *ctx)
{
    const nnrt_attention_params *p = ctx->params;
    NNC_TRY(check_inputs(ctx));
    NNC_TRY(nnrt_ctx_state(ctx, sizeof(nnrt_attention)));
    nnrt_attention *a = ctx->state;
    a->gemm = nnrt_kernel_find(NNRT_K_gemm_f32, ctx->isa);
    a->softmax = (nnrt_k_softmax_f32_fn *)nnrt_kernel_find(NNRT_K_softmax_f32, ctx->isa)->fn;
    a->unary = (nnrt_k_unary_f32_fn *)nnrt_kernel_find(NNRT_K_unary_f32, ctx->isa)->fn;
    NNC_TRY(read_sizes(a, ctx));
    NNC_TRY(read_mask(a, ctx));
    a->scale = p->has_scale ? p->scale : 1.0f / sqrtf((float)a->d);
    set_outputs(ctx, a);
    NNC_TRY(plan_scratch(ctx, a));
    ctx->kernel = a->gemm->name;
    ctx->macs = (uint64_t)a->b * a->hq * a->l * a->t * (a->d + a->dv);
    return NNC_OK;
}

const nnrt_rop nnrt_rop_attention = {
    .name = "attention",
    .params_bytes = sizeof(nnrt_attention_params),
    .min_in = 3,
    .max_in = 7,
    .out_count = 4,
    .check = attention_check,
    .reshape = attention_reshape,
    .run = nnrt_attention_run,
};

const nnrt_rop nnrt_rop_attention_cached = {
    .name = "attention_cached",
    .params_bytes = sizeof(nnrt_attention_params),
    .min_in = 5,
    .max_in = 8,
    .out_count = 4,
    .host_inputs = 0x8,
    .check = cached_check,
    .reshape = attention_reshape,
    .run = nnrt_attention_run,
};
