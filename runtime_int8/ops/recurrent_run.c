/* lstm, gru, rnn: the run. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/ops/recurrent.h"

#include <math.h>
#include <string.h>

#include "runtime_int8/ops/product_f32.h"
#include "runtime_int8/pack.h"

static float *scratch(const nnrt_node_ctx *ctx, size_t at)
{
    return (float *)ctx->scratch + at;
}

static const float *input(const nnrt_node_ctx *ctx, int i)
{
    return i < 0 ? NULL : ctx->in[i].data;
}

/* Index of a state's row: [D,B,H], or [B,D,H]. */
static size_t state_row(const nnrt_node_ctx *ctx, size_t direction, size_t sequence)
{
    const nnrt_recurrent *s = ctx->state;
    const nnrt_recurrent_params *p = ctx->params;
    return p->batch_first ? sequence * s->directions + direction : direction * s->batch + sequence;
}

static size_t length_of(const nnrt_node_ctx *ctx, size_t sequence)
{
    const nnrt_recurrent *s = ctx->state;
    if (s->lengths < 0)
        return s->steps;
    int32_t n = ((const int32_t *)ctx->in[s->lengths].data)[sequence];
    return n < 0 ? 0 : ((size_t)n < s->steps ? (size_t)n : s->steps);
}

static float *output_row(const nnrt_node_ctx *ctx, size_t step, size_t direction, size_t sequence)
{
    const nnrt_recurrent *s = ctx->state;
    const nnrt_recurrent_params *p = ctx->params;
    size_t row = p->batch_first ? (sequence * s->steps + step) * s->directions + direction
                                : (step * s->directions + direction) * s->batch + sequence;
    return (float *)ctx->out[0].data + row * s->hidden;
}

/* Copies [gates][H] into [gates][Hp]; b, if given, is added. */
static void pad_gates(float *to, const float *a, const float *b, const nnrt_recurrent *s,
                      size_t gates)
{
    for (size_t g = 0; g < gates; g++) {
        for (size_t i = 0; i < s->padded; i++) {
            float v = i < s->hidden ? a[g * s->hidden + i] : 0.0f;
            to[g * s->padded + i] = b && i < s->hidden ? v + b[g * s->hidden + i] : v;
        }
    }
}

/* Bias of the products over x, and behind the reset gate; peepholes. */
static void prepare(const nnrt_node_ctx *ctx, size_t d)
{
    const nnrt_recurrent *s = ctx->state;
    const nnrt_recurrent_params *p = ctx->params;
    const size_t half = s->gates * s->hidden;
    float *start = scratch(ctx, s->start) + d * s->width;
    float *reset = scratch(ctx, s->reset) + d * s->padded;
    const float *bias = input(ctx, s->bias), *peep = input(ctx, s->peephole);
    memset(start, 0, s->width * sizeof(float));
    memset(reset, 0, s->padded * sizeof(float));
    if (bias) {
        const size_t joined = p->linear_before_reset && s->gates == 3 ? 2 : s->gates;
        bias += d * 2 * half;
        pad_gates(start, bias, bias + half, s, joined);
        if (joined < s->gates) {
            pad_gates(start + 2 * s->padded, bias + 2 * s->hidden, NULL, s, 1);
            pad_gates(reset, bias + half + 2 * s->hidden, NULL, s, 1);
        }
    }
    if (peep)
        pad_gates(scratch(ctx, s->peep) + d * 3 * s->padded, peep + d * 3 * s->hidden, NULL, s, 3);
}

/* Packs a weight matrix of direction d unless it is packed; returns it. */
static const float *weights(const nnrt_node_ctx *ctx, size_t d, uint32_t i, size_t at, size_t k)
{
    const nnrt_recurrent *s = ctx->state;
    const nnrt_recurrent_params *p = ctx->params;
    const float *w = ctx->in[i].data;
    if (p->inputs & NNRT_RECURRENT_PACKED)
        return w + d * s->width * k;
    return scratch(ctx, at) + d * s->width * k;
}

static void pack_weights(void *user, size_t i)
{
    const nnrt_node_ctx *ctx = user;
    const nnrt_recurrent *s = ctx->state;
    const size_t d = i / 2, k = i % 2 ? s->hidden : s->input;
    const float *w = ctx->in[1 + i % 2].data;
    float *to = scratch(ctx, i % 2 ? s->r_pack : s->w_pack) + d * s->width * k;
    memset(to, 0, s->width * k * sizeof(float));
    nnrt_pack_recurrent(to, w + d * s->gates * s->hidden * k, (uint32_t)s->gates,
                        (uint32_t)s->hidden, (uint32_t)k);
}

static void select_direction(nnrt_product_f32 *one, size_t d)
{
    const nnrt_node_ctx *ctx = one->user;
    const nnrt_recurrent *s = ctx->state;
    one->w = weights(ctx, d, 1, s->w_pack, s->input);
    one->bias += d * s->width;
    one->y += d * s->steps * s->batch * s->width;
}

/* What x adds to the gates of every step: one product. */
static void project(const nnrt_node_ctx *ctx)
{
    const nnrt_recurrent *s = ctx->state;
    const nnrt_product_f32 product = {
        .kernel = s->gemm,
        .m = s->steps * s->batch,
        .n = s->width,
        .taps = 1,
        .c = s->input,
        .batch = s->directions,
        .select = select_direction,
        .rows = nnrt_product_rows_dense,
        .x = ctx->in[0].data,
        .x_row = s->input,
        .w = weights(ctx, 0, 1, s->w_pack, s->input),
        .bias = scratch(ctx, s->start),
        .y = scratch(ctx, s->product),
        .y_row = s->width,
        .alpha = 1.0f,
        .lo = -INFINITY,
        .hi = INFINITY,
        .user = ctx,
    };
    nnrt_product_f32_run(&product, ctx->pool);
}

/* Points the task at its rows and puts the initial states there. */
static void start_task(nnrt_recurrent_task *t, const nnrt_node_ctx *ctx, size_t d, size_t first)
{
    const nnrt_recurrent *s = ctx->state;
    const nnrt_recurrent_params *p = ctx->params;
    const uint32_t functions = s->gates == 4 ? 3 : (s->gates == 3 ? 2 : 1);
    const float *h0 = input(ctx, s->h0), *c0 = input(ctx, s->c0);
    t->ctx = ctx;
    t->s = s;
    t->p = p;
    t->function = p->function + d * functions;
    t->direction = d;
    t->rows = s->batch - first < NNRT_RECURRENT_ROWS ? s->batch - first : NNRT_RECURRENT_ROWS;
    t->r = weights(ctx, d, 2, s->r_pack, s->hidden);
    t->reset = scratch(ctx, s->reset) + d * s->padded;
    t->peep = s->peephole < 0 ? NULL : scratch(ctx, s->peep) + d * 3 * s->padded;
    t->gates = scratch(ctx, s->work) + (d * s->batch + first) * (s->width + 3 * s->padded);
    t->h = t->gates + t->rows * s->width;
    t->c = t->h + t->rows * s->padded;
    t->spare = t->c + t->rows * s->padded;
    memset(t->gates, 0, t->rows * (s->width + 3 * s->padded) * sizeof(float));
    for (size_t i = 0; i < t->rows; i++) {
        const size_t row = state_row(ctx, d, first + i) * s->hidden;
        if (h0)
            memcpy(t->h + i * s->padded, h0 + row, s->hidden * sizeof(float));
        if (c0)
            memcpy(t->c + i * s->padded, c0 + row, s->hidden * sizeof(float));
    }
}

static void end_task(const nnrt_recurrent_task *t, size_t first)
{
    const nnrt_node_ctx *ctx = t->ctx;
    const nnrt_recurrent *s = t->s;
    for (size_t i = 0; i < t->rows; i++) {
        const size_t row = state_row(ctx, t->direction, first + i) * s->hidden;
        memcpy((float *)ctx->out[1].data + row, t->h + i * s->padded, s->hidden * sizeof(float));
        if (ctx->out_count > 2)
            memcpy((float *)ctx->out[2].data + row, t->c + i * s->padded,
                   s->hidden * sizeof(float));
        for (size_t k = length_of(ctx, first + i); k < s->steps; k++)
            memset(output_row(ctx, k, t->direction, first + i), 0, s->hidden * sizeof(float));
    }
}

/* One direction of up to NNRT_RECURRENT_ROWS sequences through time. */
static void run_task(void *user, size_t index)
{
    const nnrt_node_ctx *ctx = user;
    const nnrt_recurrent *s = ctx->state;
    const nnrt_recurrent_params *p = ctx->params;
    const size_t d = index % s->directions, first = index / s->directions * NNRT_RECURRENT_ROWS;
    const bool backwards = p->reverse || d == 1;
    nnrt_recurrent_task t;
    size_t at[NNRT_RECURRENT_ROWS];
    start_task(&t, ctx, d, first);
    for (size_t k = 0; k < s->steps; k++) {
        size_t live = 0;
        for (size_t i = 0; i < t.rows; i++) {
            const size_t n = length_of(ctx, first + i);
            const size_t row = p->batch_first ? (first + i) * s->steps : first + i;
            at[i] = backwards ? n - 1 - k : k;
            t.product[i] = NULL;
            if (k >= n)
                continue;
            t.product[i] = scratch(ctx, s->product) + (d * s->steps * s->batch + row +
                                                       at[i] * (p->batch_first ? 1 : s->batch)) *
                                                          s->width;
            live++;
        }
        if (live == 0)
            break;
        s->cell(&t);
        for (size_t i = 0; i < t.rows; i++) {
            if (t.product[i])
                memcpy(output_row(ctx, at[i], d, first + i), t.h + i * s->padded,
                       s->hidden * sizeof(float));
        }
    }
    end_task(&t, first);
}

void nnrt_recurrent_run(const nnrt_node_ctx *ctx)
{
    const nnrt_recurrent *s = ctx->state;
    const nnrt_recurrent_params *p = ctx->params;
    void *user = (void *)(uintptr_t)ctx;
    if (s->batch == 0)
        return;
    for (size_t d = 0; d < s->directions; d++)
        prepare(ctx, d);
    if (!(p->inputs & NNRT_RECURRENT_PACKED))
        nnrt_parallel(ctx->pool, pack_weights, user, 2 * s->directions);
    project(ctx);
    nnrt_parallel(ctx->pool, run_task, user,
                  s->directions * ((s->batch + NNRT_RECURRENT_ROWS - 1) / NNRT_RECURRENT_ROWS));
}
