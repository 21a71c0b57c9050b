/* attention: the run. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/ops/attention.h"

#include <math.h>
#include <string.h>

/* Keys that one packing task takes. */
#define PACK_ROWS 64u

static const float *f32(const nnrt_node_ctx *ctx, int i)
{
    return ctx->in[i].data;
}

static size_t bounded(int64_t at, size_t n)
{
    return at < 0 ? 0 : ((uint64_t)at < n ? (size_t)at : n);
}

size_t nnrt_attention_place(const nnrt_node_ctx *ctx, size_t b)
{
    const nnrt_attention *a = ctx->state;
    if (!a->cached)
        return a->p;
    const size_t length = bounded(((const int64_t *)ctx->in[a->lengths].data)[b], a->t);
    return length > a->s ? length - a->s : 0;
}

/* Row t of the keys (which 0) or values (1) of a head, the first new one at `place`; NULL for a
 * place that nothing has filled. */
static const float *kv_row(const nnrt_node_ctx *ctx, int which, size_t b, size_t h, size_t t,
                           size_t place)
{
    const nnrt_attention *a = ctx->state;
    const size_t d = which ? a->dv : a->d;
    const nnrt_heads *step = which ? &a->v : &a->k;
    if (t >= place && t - place < a->s)
        return f32(ctx, 1 + which) + b * step->batch + h * step->head + (t - place) * step->row;
    return t < a->p && t < place ? f32(ctx, a->past + which) + ((b * a->hk + h) * a->p + t) * d
                                 : NULL;
}

static void copy_row(float *to, const float *from, size_t n)
{
    if (from)
        memcpy(to, from, n * sizeof(float));
    else
        memset(to, 0, n * sizeof(float));
}

/* Packs keys and values [t0, t1) of one head; copies them to the present outputs. */
static void pack_task(void *user, size_t task)
{
    const nnrt_node_ctx *ctx = user;
    const nnrt_attention *a = ctx->state;
    const nnrt_attention_params *p = ctx->params;
    const size_t chunks = (a->t + PACK_ROWS - 1) / PACK_ROWS, head = task / chunks;
    const size_t t0 = task % chunks * PACK_ROWS, t1 = a->t - t0 < PACK_ROWS ? a->t : t0 + PACK_ROWS;
    float *k = (float *)ctx->scratch + a->k_pack + head * a->t_pad * a->d;
    float *v = (float *)ctx->scratch + a->v_pack + head * a->dv_pad * a->t;
    const bool present = (p->outputs & NNRT_ATTENTION_PRESENT) != 0;
    const size_t place = nnrt_attention_place(ctx, head / a->hk);
    for (size_t t = t0; t < t1; t++) {
        const float *from = kv_row(ctx, 0, head / a->hk, head % a->hk, t, place);
        float *to = k + t / 16 * a->d * 16 + t % 16;
        for (size_t i = 0; i < a->d; i++)
            to[i * 16] = from ? from[i] : 0.0f;
        if (present)
            copy_row((float *)ctx->out[1].data + (head * a->t + t) * a->d, from, a->d);
        from = kv_row(ctx, 1, head / a->hk, head % a->hk, t, place);
        for (size_t n = 0; n < a->dv; n += 16) {
            const size_t cols = a->dv - n < 16 ? a->dv - n : 16;
            to = v + (n / 16 * a->t + t) * 16;
            copy_row(to, from ? from + n : NULL, cols);
            memset(to + cols, 0, (16 - cols) * sizeof(float));
        }
        if (present)
            copy_row((float *)ctx->out[2].data + (head * a->t + t) * a->dv, from, a->dv);
    }
    for (size_t t = t1; t1 == a->t && t < a->t_pad; t++)
        for (size_t i = 0; i < a->d; i++)
            k[t / 16 * a->d * 16 + i * 16 + t % 16] = 0.0f;
}

/* A block of queries of one head. */
typedef struct block {
    const nnrt_node_ctx *ctx;
    const nnrt_attention *a;
    size_t b, h, first, rows;
    float *scores;                                               /* [rows][t_pad] */
    size_t begin[NNRT_ATTENTION_ROWS], end[NNRT_ATTENTION_ROWS]; /* keys that may be attended */
    size_t keys;                                                 /* most of the ends */
} block;

static void find_ranges(block *k)
{
    const nnrt_attention *a = k->a;
    const nnrt_attention_params *p = k->ctx->params;
    size_t length = a->t;
    int64_t offset = (int64_t)a->p;
    if (a->cached) {
        offset = (int64_t)nnrt_attention_place(k->ctx, k->b);
    } else if (a->lengths >= 0) {
        const int64_t given = ((const int64_t *)k->ctx->in[a->lengths].data)[k->b];
        length = bounded(given, a->t);
        if (a->past < 0)
            offset = (given < INT32_MIN ? INT32_MIN : (given > INT32_MAX ? INT32_MAX : given)) -
                     (int64_t)a->l;
    }
    k->keys = 0;
    for (size_t i = 0; i < k->rows; i++) {
        const int64_t at = (int64_t)(k->first + i) + offset;
        int64_t last = p->causal ? at : INT64_MAX - 1;
        if (p->right >= 0 && at + p->right < last)
            last = at + p->right;
        k->end[i] = bounded(last + 1, length);
        k->begin[i] = p->left >= 0 ? bounded(at - p->left, k->end[i]) : 0;
        k->keys = k->end[i] > k->keys ? k->end[i] : k->keys;
    }
}

/* y[rows][cols] = alpha * x[rows][k] times panels w (k of depth each, w_panel floats apart). */
typedef struct product {
    float *y;
    size_t y_row;
    const float *x;
    size_t x_row;
    const float *w;
    size_t rows, cols, k, w_panel;
    float alpha;
} product;

static void multiply(const nnrt_kernel *kernel, const product *p)
{
    nnrt_k_gemm_f32_fn *const fn = (nnrt_k_gemm_f32_fn *)kernel->fn;
    const nnrt_k_gemm_f32_params params = {
        .taps = 1,
        .c = p->k,
        .w_panel = p->w_panel,
        .y_row = p->y_row,
        .alpha = p->alpha,
        .lo = -INFINITY,
        .hi = INFINITY,
    };
    const size_t mr = kernel->tile[0], nr = kernel->tile[p->rows == 1 ? 3 : 1];
    const float *rows[16];
    for (size_t n = 0; n < p->cols; n += nr) {
        const size_t cols = p->cols - n < nr ? p->cols - n : nr;
        for (size_t m = 0; m < p->rows; m += mr) {
            const size_t count = p->rows - m < mr ? p->rows - m : mr;
            for (size_t i = 0; i < count; i++)
                rows[i] = p->x + (m + i) * p->x_row;
            fn(p->y + m * p->y_row + n, rows, p->w + n / 16 * p->w_panel, NULL, NULL, count, cols,
               &params);
        }
    }
}

static void keep_scores(const block *k, uint32_t mode, size_t row)
{
    const nnrt_attention_params *p = k->ctx->params;
    const nnrt_attention *a = k->a;
    if ((p->outputs & NNRT_ATTENTION_SCORES) && p->scores == mode)
        memcpy((float *)k->ctx->out[3].data +
                   ((k->b * a->hq + k->h) * a->l + k->first + row) * a->t,
               k->scores + row * a->t_pad, a->t * sizeof(float));
}

/* Adds the mask to a row of n scores; false if it leaves no key of the row's range. */
static bool add_mask(const block *k, size_t row, float *x, size_t n)
{
    const nnrt_attention *a = k->a;
    const size_t at =
        k->b * a->mask_step[0] + k->h * a->mask_step[1] + (k->first + row) * a->mask_step[2];
    const size_t begin = k->begin[row], end = k->end[row];
    bool any = a->mask < 0 && begin < end;
    size_t cols = a->mask < 0 ? n : (a->mask_cols < n ? a->mask_cols : n);
    if (a->mask >= 0 && k->ctx->in[a->mask].dtype == NNRT_BOOL) {
        const uint8_t *m = (const uint8_t *)k->ctx->in[a->mask].data + at;
        for (size_t i = 0; i < cols; i++)
            x[i] = m[i] ? x[i] : -INFINITY;
        for (size_t i = begin; i < end && i < cols; i++)
            any |= m[i] != 0;
    } else if (a->mask >= 0) {
        const float *m = f32(k->ctx, a->mask) + at;
        for (size_t i = 0; i < cols; i++)
            x[i] = x[i] + m[i];
        for (size_t i = begin; i < end && i < cols; i++)
            any |= m[i] != -INFINITY;
    }
    for (size_t i = cols; i < n; i++)
        x[i] = -INFINITY;
    for (size_t i = 0; i < begin && i < n; i++)
        x[i] = -INFINITY;
    for (size_t i = end; i < n; i++)
        x[i] = -INFINITY;
    return any;
}

static void soft_cap(const block *k, float *x, size_t n)
{
    const nnrt_attention_params *p = k->ctx->params;
    const nnrt_unary_params tanh_params = {.op = NNRT_UNARY_TANH};
    if (p->softcap == 0.0f)
        return;
    for (size_t i = 0; i < n; i++)
        x[i] = x[i] / p->softcap;
    k->a->unary(x, x, n, &tanh_params);
    for (size_t i = 0; i < n; i++)
        x[i] = x[i] * p->softcap;
}

/* Scores of n keys become weights. */
static void weigh(const block *k, size_t n)
{
    const nnrt_attention *a = k->a;
    for (size_t i = 0; i < k->rows; i++) {
        float *x = k->scores + i * a->t_pad;
        keep_scores(k, 0, i);
        soft_cap(k, x, n);
        keep_scores(k, 1, i);
        const bool any = add_mask(k, i, x, n);
        keep_scores(k, 2, i);
        if (any)
            a->softmax(x, x, n, 1, 1, 0);
        else
            memset(x, 0, n * sizeof(float));
        keep_scores(k, 3, i);
    }
}

static void run_block(const nnrt_node_ctx *ctx, size_t task, size_t slot)
{
    const nnrt_attention *a = ctx->state;
    const nnrt_attention_params *p = ctx->params;
    block k = {.ctx = ctx, .a = a};
    const size_t head = task / a->blocks;
    k.b = head / a->hq;
    k.h = head % a->hq;
    k.first = task % a->blocks * NNRT_ATTENTION_ROWS;
    k.rows = a->l - k.first < NNRT_ATTENTION_ROWS ? a->l - k.first : NNRT_ATTENTION_ROWS;
    k.scores = (float *)ctx->scratch + a->scores + slot * NNRT_ATTENTION_ROWS * a->t_pad;
    find_ranges(&k);
    const size_t n = p->outputs & NNRT_ATTENTION_SCORES ? a->t : k.keys;
    const size_t kv = k.b * a->hk + k.h / (a->hq / a->hk);
    const product scores = {
        .y = k.scores,
        .y_row = a->t_pad,
        .x = f32(ctx, 0) + k.b * a->q.batch + k.h * a->q.head + k.first * a->q.row,
        .x_row = a->q.row,
        .w = (float *)ctx->scratch + a->k_pack + kv * a->t_pad * a->d,
        .rows = k.rows,
        .cols = n,
        .k = a->d,
        .w_panel = a->d * 16,
        .alpha = a->scale,
    };
    const product sum = {
        .y = (float *)ctx->out[0].data + k.b * a->y.batch + k.h * a->y.head + k.first * a->y.row,
        .y_row = a->y.row,
        .x = k.scores,
        .x_row = a->t_pad,
        .w = (float *)ctx->scratch + a->v_pack + kv * a->dv_pad * a->t,
        .rows = k.rows,
        .cols = a->dv,
        .k = n,
        .w_panel = a->t * 16,
        .alpha = 1.0f,
    };
    if (n > 0) {
        multiply(a->gemm, &scores);
        weigh(&k, n);
        multiply(a->gemm, &sum);
        return;
    }
    for (size_t i = 0; i < k.rows; i++)
        memset(sum.y + i * sum.y_row, 0, a->dv * sizeof(float));
}

typedef struct wave {
    const nnrt_node_ctx *ctx;
    size_t first;
} wave;

static void wave_task(void *user, size_t i)
{
    const wave *w = user;
    run_block(w->ctx, w->first + i, i);
}

void nnrt_attention_run(const nnrt_node_ctx *ctx)
{
    const nnrt_attention *a = ctx->state;
    const size_t tasks = a->b * a->hq * a->blocks;
    const size_t chunks = (a->t + PACK_ROWS - 1) / PACK_ROWS;
    wave w = {.ctx = ctx};
    nnrt_parallel(ctx->pool, pack_task, (void *)(uintptr_t)ctx, a->b * a->hk * chunks);
    for (w.first = 0; w.first < tasks; w.first += a->slots) {
        const size_t left = tasks - w.first;
        nnrt_parallel(ctx->pool, wave_task, &w, left < a->slots ? left : a->slots);
    }
}
