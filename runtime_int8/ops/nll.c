/* nll: negative log-likelihood of class labels. SPDX-License-Identifier: Apache-2.0
 * Sums are taken in double over the labels in ascending order. A label that is no class counts as
 * ignored. */
#include <math.h>
#include <string.h>

#include "runtime_int8/ops/util.h"

typedef struct nll_state {
    size_t n, classes, inner;
} nll_state;

static const uint32_t reals = NNRT_SET(NNRT_F32) | NNRT_SET(NNRT_F64);

static nnc_status check(const nnrt_node_ctx *ctx)
{
    const nnrt_nll_params *p = ctx->params;
    if (p->reduction > NNRT_NLL_MEAN || p->has_ignore > 1)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': reduction %u, has_ignore %u", ctx->name, p->reduction,
                 p->has_ignore);
    NNC_TRY(nnrt_check_dtype(ctx, 0, reals));
    NNC_TRY(nnrt_check_dtype(ctx, 1, NNRT_SET(NNRT_I32) | NNRT_SET(NNRT_I64)));
    if (ctx->in_count > 2)
        NNC_TRY(nnrt_check_dtype(ctx, 2, NNRT_SET(ctx->in[0].dtype)));
    if (ctx->in[0].shape.rank < 2)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': rank %u, expected at least 2", ctx->name,
                 ctx->in[0].shape.rank);
    return nnrt_check_rank(ctx, 1, ctx->in[0].shape.rank - 1);
}

static nnc_status reshape(nnrt_node_ctx *ctx)
{
    const nnrt_nll_params *p = ctx->params;
    const nnrt_shape *x = &ctx->in[0].shape;
    nnrt_shape labels = {.rank = x->rank - 1, .dims = {x->dims[0]}};
    for (uint32_t i = 2; i < x->rank; i++)
        labels.dims[i - 1] = x->dims[i];
    if (!nnrt_shape_same(&labels, &ctx->in[1].shape)) {
        char a[NNRT_SHAPE_TEXT], b[NNRT_SHAPE_TEXT];
        NNC_FAIL(NNC_ERR_MODEL, "'%s': scores %s and labels %s", ctx->name, nnrt_shape_text(a, x),
                 nnrt_shape_text(b, &ctx->in[1].shape));
    }
    NNC_TRY(nnrt_ctx_state(ctx, sizeof(nll_state)));
    nll_state *s = ctx->state;
    s->n = (size_t)x->dims[0];
    s->classes = (size_t)x->dims[1];
    s->inner = nnrt_shape_span(x, 2, x->rank);
    if (ctx->in_count > 2)
        NNC_TRY(nnrt_check_count(ctx, 2, s->classes));
    nnrt_shape scalar = {.rank = 0};
    nnrt_set_output(ctx, ctx->in[0].dtype, p->reduction == NNRT_NLL_NONE ? &labels : &scalar);
    return NNC_OK;
}

static double real_at(const nnrt_tensor *t, size_t i)
{
    return t->dtype == NNRT_F32 ? (double)((const float *)t->data)[i]
                                : ((const double *)t->data)[i];
}

static void put(const nnrt_tensor *t, size_t i, double v)
{
    if (t->dtype == NNRT_F32)
        ((float *)t->data)[i] = (float)v;
    else
        ((double *)t->data)[i] = v;
}

/* Loss of label i, and its weight: 0 and 0 when it is ignored. */
static double loss_at(const nnrt_node_ctx *ctx, size_t i, double *weight)
{
    const nnrt_nll_params *p = ctx->params;
    const nll_state *s = ctx->state;
    const int64_t label = ctx->in[1].dtype == NNRT_I64 ? ((const int64_t *)ctx->in[1].data)[i]
                                                       : ((const int32_t *)ctx->in[1].data)[i];
    *weight = 0.0;
    if ((p->has_ignore && label == p->ignore_index) || label < 0 || (size_t)label >= s->classes)
        return 0.0;
    *weight = ctx->in_count > 2 ? real_at(&ctx->in[2], (size_t)label) : 1.0;
    const size_t at = (i / s->inner * s->classes + (size_t)label) * s->inner + i % s->inner;
    return -real_at(&ctx->in[0], at) * *weight;
}

static void run(const nnrt_node_ctx *ctx)
{
    const nnrt_nll_params *p = ctx->params;
    const nll_state *s = ctx->state;
    const size_t count = s->n * s->inner;
    double sum = 0.0, weights = 0.0, weight;
    for (size_t i = 0; i < count; i++) {
        const double loss = loss_at(ctx, i, &weight);
        sum += loss;
        weights += weight;
        if (p->reduction == NNRT_NLL_NONE)
            put(&ctx->out[0], i, loss);
    }
    if (p->reduction != NNRT_NLL_NONE)
        put(&ctx->out[0], 0, p->reduction == NNRT_NLL_SUM ? sum : sum / weights);
}

const nnrt_rop nnrt_rop_nll = {
    .name = "nll",
    .params_bytes = sizeof(nnrt_nll_params),
    .min_in = 2,
    .max_in = 3,
    .out_count = 1,
    .check = check,
    .reshape = reshape,
    .run = run,
};
