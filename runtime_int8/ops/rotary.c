/* rotary: position by rotation of pairs. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "runtime_int8/ops/util.h"

#define TASK_WORK 16384u /* elements per task */

/* [B,L] rows of H heads of D elements; steps in floats. */
typedef struct rotary_state {
    size_t l, h, d, r, rows, max;
    size_t batch, row, head;
} rotary_state;

static nnc_status rotary_check(const nnrt_node_ctx *ctx)
{
    const nnrt_rotary_params *p = ctx->params;
    for (uint32_t i = 0; i < ctx->in_count; i++)
        NNC_TRY(nnrt_check_dtype(ctx, i, NNRT_SET(i == 3 ? NNRT_I64 : NNRT_F32)));
    if (p->interleaved > 1 || p->dims % 2 != 0)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': %u rotary dims, interleaved %u", ctx->name, p->dims,
                 p->interleaved);
    NNC_TRY(nnrt_check_rank(ctx, 0, p->heads ? 3 : 4));
    for (uint32_t i = 1; i < 3; i++)
        NNC_TRY(nnrt_check_rank(ctx, i, ctx->in_count > 3 ? 2 : 3));
    return ctx->in_count > 3 ? nnrt_check_rank(ctx, 3, 2) : NNC_OK;
}

/* The tables have R/2 columns; without positions one row for each place. */
static nnc_status check_tables(const nnrt_node_ctx *ctx, const rotary_state *s, size_t batch)
{
    char text[NNRT_SHAPE_TEXT];
    for (uint32_t i = 1; i < 3; i++) {
        const nnrt_shape *t = &ctx->in[i].shape;
        bool fits = t->dims[t->rank - 1] == (int64_t)(s->r / 2);
        if (t->rank == 3)
            fits = fits && t->dims[0] == (int64_t)batch && t->dims[1] == (int64_t)s->l;
        else
            fits = fits && t->dims[0] == (int64_t)s->max && (s->max > 0 || s->rows == 0);
        if (!fits)
            NNC_FAIL(NNC_ERR_MODEL, "'%s': table %s for %zu positions of %zu elements", ctx->name,
                     nnrt_shape_text(text, t), s->l, s->r);
    }
    return ctx->in_count > 3 ? nnrt_check_count(ctx, 3, s->rows) : NNC_OK;
}

static nnc_status rotary_reshape(nnrt_node_ctx *ctx)
{
    const nnrt_rotary_params *p = ctx->params;
    const nnrt_shape *x = &ctx->in[0].shape;
    NNC_TRY(rotary_check(ctx));
    if (p->heads && x->dims[2] % p->heads != 0)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': %lld elements in %u heads", ctx->name, (long long)x->dims[2],
                 p->heads);
    nnrt_set_output_like(ctx, 0);
    NNC_TRY(nnrt_ctx_state(ctx, sizeof(rotary_state)));
    rotary_state *s = ctx->state;
    const size_t n1 = (size_t)x->dims[1], n2 = (size_t)x->dims[2];
    s->h = p->heads ? p->heads : n1;
    s->l = p->heads ? n1 : n2;
    s->d = p->heads ? n2 / p->heads : (size_t)x->dims[3];
    s->r = p->dims ? p->dims : s->d;
    s->rows = (size_t)x->dims[0] * s->l;
    s->max = (size_t)ctx->in[1].shape.dims[0];
    s->batch = s->l * s->h * s->d;
    s->row = p->heads ? s->h * s->d : s->d;
    s->head = p->heads ? s->d : s->l * s->d;
    if (s->r % 2 != 0 || s->r > s->d)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': %zu rotary dims of heads of %zu", ctx->name, s->r, s->d);
    return check_tables(ctx, s, (size_t)x->dims[0]);
}

/* A position outside of the table takes its nearest row. */
static size_t table_row(const nnrt_node_ctx *ctx, const rotary_state *s, size_t row)
{
    if (ctx->in_count < 4)
        return row;
    const int64_t at = ((const int64_t *)ctx->in[3].data)[row];
    return at < 0 ? 0 : ((uint64_t)at < s->max ? (size_t)at : s->max - 1);
}

static void rotary_rows(void *user, size_t begin, size_t count)
{
    const nnrt_node_ctx *ctx = user;
    const nnrt_rotary_params *p = ctx->params;
    const rotary_state *s = ctx->state;
    const size_t half = s->r / 2, step = p->interleaved ? 2 : 1, apart = p->interleaved ? 1 : half;
    for (size_t i = begin; i < begin + count; i++) {
        const size_t at = i / s->l * s->batch + i % s->l * s->row, t = table_row(ctx, s, i);
        const float *cosine = (const float *)ctx->in[1].data + t * half;
        const float *sine = (const float *)ctx->in[2].data + t * half;
        for (size_t h = 0; h < s->h; h++) {
            const float *x = (const float *)ctx->in[0].data + at + h * s->head;
            float *y = (float *)ctx->out[0].data + at + h * s->head;
            for (size_t k = 0; k < half; k++) {
                const float a = x[k * step], b = x[k * step + apart];
                y[k * step] = cosine[k] * a - sine[k] * b;
                y[k * step + apart] = sine[k] * a + cosine[k] * b;
            }
            memcpy(y + s->r, x + s->r, (s->d - s->r) * sizeof(float));
        }
    }
}

static void rotary_run(const nnrt_node_ctx *ctx)
{
    const rotary_state *s = ctx->state;
    const size_t row = s->h * s->d;
    if (row != 0)
        nnrt_parallel_tiles(ctx->pool, rotary_rows, (void *)(uintptr_t)ctx, s->rows,
                            row >= TASK_WORK ? 1 : TASK_WORK / row);
}

const nnrt_rop nnrt_rop_rotary = {
    .name = "rotary",
    .params_bytes = sizeof(nnrt_rotary_params),
    .min_in = 3,
    .max_in = 4,
    .out_count = 1,
    .check = rotary_check,
    .reshape = rotary_reshape,
    .run = rotary_run,
};
