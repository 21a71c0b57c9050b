/* Driver of all FP32 matrix products; see product_f32.h. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/ops/product_f32.h"

#include <math.h>

/* k per pass: 64 columns x 1024 x 4 bytes of weights stay in half of a small (512 KB) L2 cache. */
#define K_BLOCK 1024u
/* Row pointers of a pass, on the stack of a task. */
#define POINTERS 512u
/* Weights that one task keeps: half of the same L2 cache less the rows. */
#define WEIGHT_FLOATS 32768u
/* Multiply-accumulates: below ONE_TASK (about 20 us) waking threads does not pay; a task is
 * MIN_TASK..MAX_TASK. */
#define ONE_TASK 2500000.0
#define MIN_TASK 1000000.0
#define MAX_TASK 4000000.0
/* Reading one weight from memory costs about as much as this many multiply-accumulates. */
#define WEIGHT_COST 8.0
/* Fewer rows per task would read each weight too often. */
#define MIN_ROWS 64u

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t ceil_div(size_t a, size_t b)
{
    return (a + b - 1) / b;
}

void nnrt_product_rows_dense(const nnrt_product_f32 *p, const float **a, size_t row, size_t rows,
                             size_t tap, size_t taps)
{
    (void)tap;
    (void)taps;
    for (size_t i = 0; i < rows; i++)
        a[i] = p->x + (row + i) * p->x_row;
}

/* One pass over rows [m0, m1): columns [n, n + cols), taps [tap, tap + taps), k [c0, c0 + c) of
 * each tap. */
typedef struct pass {
    size_t m0, m1, n, cols, tap, taps, c0, c;
} pass;

static void run_pass(const nnrt_product_f32 *p, const pass *s)
{
    nnrt_k_gemm_f32_fn *const fn = (nnrt_k_gemm_f32_fn *)p->kernel->fn;
    const uint16_t *tile = p->kernel->tile;
    const int first = s->tap == 0 && s->c0 == 0;
    const int last = s->tap + s->taps == p->taps && s->c0 + s->c == p->c;
    const size_t k = p->taps * p->c, count = s->m1 - s->m0;
    const nnrt_k_gemm_f32_params params = {
        .taps = s->taps,
        .c = s->c,
        .w_panel = k * 16,
        .y_row = p->y_row,
        .start_row = first ? 0 : p->y_row,
        .alpha = last ? p->alpha : 1.0f,
        .lo = last ? p->lo : -INFINITY,
        .hi = last ? p->hi : INFINITY,
    };
    const float *w = p->w + s->n / 16 * params.w_panel + (s->tap * p->c + s->c0) * 16;
    const float *a[POINTERS];
    /* Equal tiles: a remainder tile of one row would run at the latency of its few chains. */
    const size_t tiles = ceil_div(count, s->cols <= 16 ? tile[2] : tile[0]);
    for (size_t i = 0, m = s->m0; i < tiles; i++) {
        const size_t rows = count / tiles + (i < count % tiles);
        float *y = p->y + m * p->y_row + s->n;
        p->rows(p, a, m, rows, s->tap, s->taps);
        for (size_t q = 0; s->c0 > 0 && q < rows * s->taps; q++)
            a[q] += s->c0;
        fn(y, a, w, first ? (p->bias ? p->bias + s->n : NULL) : y,
           last && p->residual ? p->residual + m * p->y_row + s->n : NULL, rows, s->cols, &params);
        m += rows;
    }
}

/* Rows [m0, m1) x columns [n0, n1). */
static void run_block(const nnrt_product_f32 *p, size_t m0, size_t m1, size_t n0, size_t n1)
{
    const size_t nr = p->kernel->tile[m1 - m0 == 1 ? 3 : 1];
    const size_t mr =
        p->kernel->tile[2] > p->kernel->tile[0] ? p->kernel->tile[2] : p->kernel->tile[0];
    const size_t c_step = min_size(p->c, K_BLOCK);
    const size_t tap_step = c_step < p->c ? 1 : min_size(K_BLOCK / p->c, POINTERS / mr);
    pass s = {.m0 = m0, .m1 = m1};
    for (s.n = n0; s.n < n1; s.n += nr) {
        s.cols = min_size(nr, n1 - s.n);
        for (s.tap = 0; s.tap < p->taps; s.tap += tap_step) {
            s.taps = min_size(tap_step, p->taps - s.tap);
            for (s.c0 = 0; s.c0 < p->c; s.c0 += c_step) {
                s.c = min_size(c_step, p->c - s.c0);
                run_pass(p, &s);
            }
        }
    }
}

typedef struct grid {
    const nnrt_product_f32 *p;
    size_t m_step, n_step, m_blocks, n_blocks;
} grid;

static void run_task(void *ctx, size_t i)
{
    const grid *g = ctx;
    const size_t m = i % g->m_blocks * g->m_step;
    const size_t n = i / g->m_blocks % g->n_blocks * g->n_step;
    nnrt_product_f32 one = *g->p;
    if (one.select)
        one.select(&one, i / g->m_blocks / g->n_blocks);
    run_block(&one, m, min_size(m + g->m_step, one.m), n, min_size(n + g->n_step, one.n));
}

static void make_grid(grid *g, const nnrt_product_f32 *p)
{
    const size_t k = p->taps * p->c, nr = p->kernel->tile[1], mr = p->kernel->tile[0];
    const double rows = (double)p->m + WEIGHT_COST;
    const double cost = (double)p->batch * rows * (double)p->n * (double)k;
    g->p = p;
    g->m_step = p->m;
    g->n_step = p->n;
    if (cost > ONE_TASK) {
        const double target = fmin(fmax(cost / 16.0, MIN_TASK), MAX_TASK);
        if (p->n > nr && k * p->n > WEIGHT_FLOATS)
            g->n_step = nr * (WEIGHT_FLOATS / (k * nr) > 1 ? WEIGHT_FLOATS / (k * nr) : 1);
        const double fit = target / ((double)k * (double)g->n_step);
        if (fit < (double)p->m) {
            const size_t least = fit > MIN_ROWS ? (size_t)fit : MIN_ROWS;
            const size_t blocks = ceil_div(p->m, least);
            g->m_step = ceil_div(ceil_div(p->m, blocks), mr) * mr;
        }
    }
    g->m_blocks = ceil_div(p->m, g->m_step);
    g->n_blocks = ceil_div(p->n, g->n_step);
    if (cost <= ONE_TASK)
        g->n_blocks = g->m_blocks = 1;
}

void nnrt_product_f32_run(const nnrt_product_f32 *p, nnrt_pool *pool)
{
    grid g;
    if (p->m == 0 || p->n == 0 || p->batch == 0)
        return;
    make_grid(&g, p);
    const size_t tasks = g.m_blocks * g.n_blocks * p->batch;
    const double work = (double)p->batch * ((double)p->m + WEIGHT_COST) * (double)p->n;
    nnrt_parallel(work * (double)(p->taps * p->c) <= ONE_TASK ? NULL : pool, run_task, &g, tasks);
}
