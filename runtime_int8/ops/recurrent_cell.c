/* lstm, gru, rnn: one step of a group of sequences. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/ops/recurrent.h"

#include <math.h>
#include <string.h>

static void scale(float *x, size_t n, float a, float b)
{
    for (size_t i = 0; i < n; i++)
        x[i] = a * x[i] + b;
}

static void clip(float *x, size_t n, float bound)
{
    for (size_t i = 0; i < n; i++)
        x[i] = nnrt_clamp_f32(x[i], -bound, bound);
}

/* x = function(x). */
static void apply_plain(const nnrt_recurrent_task *task, uint32_t which, float *x, size_t n)
{
    static const uint8_t unary[NNRT_CELL_OP_COUNT] = {
        [NNRT_CELL_RELU] = NNRT_UNARY_RELU,
        [NNRT_CELL_TANH] = NNRT_UNARY_TANH,
        [NNRT_CELL_SIGMOID] = NNRT_UNARY_SIGMOID,
        [NNRT_CELL_LEAKY_RELU] = NNRT_UNARY_LEAKY_RELU,
        [NNRT_CELL_THRESHOLDED_RELU] = NNRT_UNARY_THRESHOLDED_RELU,
        [NNRT_CELL_SCALED_TANH] = NNRT_UNARY_TANH,
        [NNRT_CELL_HARD_SIGMOID] = NNRT_UNARY_HARD_SIGMOID,
        [NNRT_CELL_ELU] = NNRT_UNARY_ELU,
        [NNRT_CELL_SOFTSIGN] = NNRT_UNARY_SOFTSIGN,
        [NNRT_CELL_SOFTPLUS] = NNRT_UNARY_SOFTPLUS,
    };
    const nnrt_cell_function *f = &task->function[which];
    const nnrt_unary_params params = {.op = unary[f->op], .a = f->a, .b = f->b};
    if (f->op == NNRT_CELL_AFFINE) {
        scale(x, n, f->a, f->b);
        return;
    }
    if (f->op == NNRT_CELL_SCALED_TANH)
        scale(x, n, f->b, 0.0f);
    task->s->unary(x, x, n, &params);
    if (f->op == NNRT_CELL_SCALED_TANH)
        scale(x, n, f->a, 0.0f);
}

/* x = function(clip(x)): what goes into a gate. */
static void apply(const nnrt_recurrent_task *task, uint32_t which, float *x, size_t n)
{
    if (task->p->clip < INFINITY)
        clip(x, n, task->p->clip);
    apply_plain(task, which, x, n);
}

void nnrt_recurrent_product(const nnrt_recurrent_task *task, float *y, size_t y_row, const float *x,
                            const float *w, size_t cols)
{
    const nnrt_recurrent *s = task->s;
    nnrt_k_gemm_f32_fn *const fn = (nnrt_k_gemm_f32_fn *)s->gemm->fn;
    const size_t step = s->gemm->tile[task->rows == 1 ? 3 : 1];
    const nnrt_k_gemm_f32_params params = {
        .taps = 1,
        .c = s->hidden,
        .w_panel = s->hidden * 16,
        .y_row = y_row,
        .start_row = y_row,
        .alpha = 1.0f,
        .lo = -INFINITY,
        .hi = INFINITY,
    };
    const float *a[NNRT_RECURRENT_ROWS];
    for (size_t row = 0; row < task->rows; row += s->gemm->tile[0]) {
        const size_t left = task->rows - row,
                     rows = left < s->gemm->tile[0] ? left : s->gemm->tile[0];
        for (size_t i = 0; i < rows; i++)
            a[i] = x + (row + i) * s->padded;
        for (size_t n = 0; n < cols; n += step) {
            float *to = y + row * y_row + n;
            fn(to, a, w + n * s->hidden, to, NULL, rows, cols - n < step ? cols - n : step,
               &params);
        }
    }
}

/* Copies what x adds to `n` gates of width Hp from gate `first` on, for the sequences that go on.
 */
static void start_gates(const nnrt_recurrent_task *task, size_t first, size_t n)
{
    const nnrt_recurrent *s = task->s;
    for (size_t i = 0; i < task->rows; i++) {
        if (task->product[i])
            memcpy(task->gates + i * s->width + first * s->padded,
                   task->product[i] + first * s->padded, n * s->padded * sizeof(float));
    }
}

static void add_product(float *y, const float *a, const float *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = y[i] + a[i] * b[i];
}

static void lstm_row(const nnrt_recurrent_task *task, float *gates, float *h, float *c,
                     float *spare)
{
    const size_t n = task->s->padded;
    float *in = gates, *out = in + n, *forget = out + n, *cell = forget + n;
    if (task->peep) {
        add_product(in, task->peep, c, n);
        add_product(forget, task->peep + 2 * n, c, n);
        apply(task, 0, in, n);
        apply(task, 0, forget, n);
    } else {
        apply(task, 0, in, 3 * n);
    }
    apply(task, 1, cell, n);
    for (size_t i = 0; task->p->input_forget && i < n; i++)
        forget[i] = 1.0f - in[i];
    for (size_t i = 0; i < n; i++) {
        c[i] = forget[i] * c[i] + in[i] * cell[i];
        spare[i] = c[i];
    }
    if (task->peep) {
        add_product(out, task->peep + n, c, n);
        apply(task, 0, out, n);
    }
    apply_plain(task, 2, spare, n);
    for (size_t i = 0; i < n; i++)
        h[i] = out[i] * spare[i];
}

void nnrt_lstm_cell(const nnrt_recurrent_task *task)
{
    const nnrt_recurrent *s = task->s;
    start_gates(task, 0, 4);
    nnrt_recurrent_product(task, task->gates, s->width, task->h, task->r, s->width);
    for (size_t i = 0; i < task->rows; i++) {
        if (task->product[i])
            lstm_row(task, task->gates + i * s->width, task->h + i * s->padded,
                     task->c + i * s->padded, task->spare + i * s->padded);
    }
}

/* h = (1 - z) * g + z * h. */
static void mix(float *h, const float *z, const float *g, size_t n)
{
    for (size_t i = 0; i < n; i++)
        h[i] = (1.0f - z[i]) * g[i] + z[i] * h[i];
}

void nnrt_gru_linear_cell(const nnrt_recurrent_task *task)
{
    const nnrt_recurrent *s = task->s;
    const size_t n = s->padded;
    start_gates(task, 0, 2);
    for (size_t i = 0; i < task->rows; i++)
        memcpy(task->gates + i * s->width + 2 * n, task->reset, n * sizeof(float));
    nnrt_recurrent_product(task, task->gates, s->width, task->h, task->r, s->width);
    for (size_t i = 0; i < task->rows; i++) {
        float *z = task->gates + i * s->width, *r = z + n, *g = r + n;
        if (!task->product[i])
            continue;
        apply(task, 0, z, 2 * n);
        const float *x = task->product[i] + 2 * n;
        for (size_t k = 0; k < n; k++)
            g[k] = x[k] + r[k] * g[k];
        apply(task, 1, g, n);
        mix(task->h + i * n, z, g, n);
    }
}

void nnrt_gru_cell(const nnrt_recurrent_task *task)
{
    const nnrt_recurrent *s = task->s;
    const size_t n = s->padded;
    start_gates(task, 0, 3);
    nnrt_recurrent_product(task, task->gates, s->width, task->h, task->r, 2 * n);
    for (size_t i = 0; i < task->rows; i++) {
        float *z = task->gates + i * s->width, *spare = task->spare + i * n;
        const float *h = task->h + i * n;
        apply(task, 0, z, 2 * n);
        for (size_t k = 0; k < n; k++)
            spare[k] = z[n + k] * h[k];
    }
    nnrt_recurrent_product(task, task->gates + 2 * n, s->width, task->spare,
                           task->r + 2 * n * s->hidden, n);
    for (size_t i = 0; i < task->rows; i++) {
        float *z = task->gates + i * s->width, *g = z + 2 * n;
        if (!task->product[i])
            continue;
        apply(task, 1, g, n);
        mix(task->h + i * n, z, g, n);
    }
}

void nnrt_rnn_cell(const nnrt_recurrent_task *task)
{
    const nnrt_recurrent *s = task->s;
    start_gates(task, 0, 1);
    nnrt_recurrent_product(task, task->gates, s->width, task->h, task->r, s->width);
    for (size_t i = 0; i < task->rows; i++) {
        if (!task->product[i])
            continue;
        apply(task, 0, task->gates + i * s->width, s->padded);
        memcpy(task->h + i * s->padded, task->gates + i * s->width, s->padded * sizeof(float));
    }
}
