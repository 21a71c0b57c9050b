/* resize_nd: copies, passes, extrapolation. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "runtime_int8/ops/number.h"
#include "runtime_int8/ops/resize_nd.h"
#include "runtime_int8/ops/util.h"

#define TASK_WORK 16384u
#define LANES 256u

/* ---- nearest ---- */

static void copy_row(uint8_t *y, const uint8_t *x, const int32_t *at, size_t n, size_t size)
{
    size_t i = 0;
    if (size == 1)
        for (; i < n; i++)
            y[i] = x[at[i]];
    else if (size == 2)
        for (; i < n; i++)
            ((uint16_t *)(void *)y)[i] = ((const uint16_t *)(const void *)x)[at[i]];
    else if (size == 4)
        for (; i < n; i++)
            ((uint32_t *)(void *)y)[i] = ((const uint32_t *)(const void *)x)[at[i]];
    else
        for (; i < n; i++)
            ((uint64_t *)(void *)y)[i] = ((const uint64_t *)(const void *)x)[at[i]];
}

static void copy_rows(void *user, size_t begin, size_t count)
{
    const nnrt_node_ctx *ctx = user;
    const nnrt_resize_nd_state *s = ctx->state;
    const nnrt_resize_table *last = &s->table[s->rank - 1];
    size_t size = nnrt_dtype_bytes(ctx->in[0].dtype), previous = SIZE_MAX;
    for (size_t row = begin; row < begin + count; row++) {
        size_t rest = row, from = 0, step = 1;
        for (uint32_t d = s->rank - 1; d-- > 0;) {
            from += (size_t)s->table[d].at[rest % s->table[d].out] * step;
            rest /= s->table[d].out;
            step *= s->table[d].in;
        }
        uint8_t *y = (uint8_t *)ctx->out[0].data + row * last->out * size;
        const uint8_t *x = (const uint8_t *)ctx->in[0].data + from * last->in * size;
        if (from == previous)
            memcpy(y, y - last->out * size, last->out * size);
        else if (last->identity)
            memcpy(y, x, last->out * size);
        else
            copy_row(y, x, last->at, last->out, size);
        previous = from;
    }
}

void nnrt_resize_nd_copy(const nnrt_node_ctx *ctx)
{
    const nnrt_resize_nd_state *s = ctx->state;
    if (s->rank == 0) {
        memcpy(ctx->out[0].data, ctx->in[0].data, ctx->out[0].bytes);
        return;
    }
    size_t row = s->table[s->rank - 1].out;
    nnrt_parallel_tiles(ctx->pool, copy_rows, (void *)(uintptr_t)ctx,
                        nnrt_shape_count(&ctx->out[0].shape) / row, 1 + TASK_WORK / row);
}

/* ---- linear and cubic ---- */

/* x [outer, in, inner] -> y [outer, out, inner]. */
typedef struct pass {
    const nnrt_resize_table *table;
    const void *x;
    void *y;
    size_t inner;
} pass;

/* Rows (outer, output index) of a pass: y[lane] = w0*x0[lane] + w1*x1[lane] + .. */
#define PASS(TYPE, NAME)                                                                           \
    static void NAME(void *user, size_t begin, size_t count)                                       \
    {                                                                                              \
        const pass *p = user;                                                                      \
        const nnrt_resize_table *t = p->table;                                                     \
        for (size_t row = begin; row < begin + count; row++) {                                     \
            size_t i = row % t->out;                                                               \
            const TYPE *restrict x = (const TYPE *)p->x + row / t->out * t->in * p->inner;         \
            TYPE *restrict y = (TYPE *)p->y + row * p->inner;                                      \
            const int32_t *at = t->at + i * t->taps;                                               \
            const double *weight = t->weight + i * t->taps;                                        \
            if (p->inner == 1) {                                                                   \
                TYPE sum = (TYPE)weight[0] * x[at[0]];                                             \
                for (uint32_t tap = 1; tap < t->taps; tap++)                                       \
                    sum += (TYPE)weight[tap] * x[at[tap]];                                         \
                y[0] = sum;                                                                        \
                continue;                                                                          \
            }                                                                                      \
            for (size_t lane = 0; lane < p->inner; lane += LANES) {                                \
                size_t n = p->inner - lane < LANES ? p->inner - lane : LANES;                      \
                TYPE w0 = (TYPE)weight[0];                                                         \
                const TYPE *x0 = x + (size_t)at[0] * p->inner + lane;                              \
                for (size_t k = 0; k < n; k++)                                                     \
                    y[lane + k] = w0 * x0[k];                                                      \
                for (uint32_t tap = 1; tap < t->taps; tap++) {                                     \
                    TYPE w = (TYPE)weight[tap];                                                    \
                    const TYPE *xt = x + (size_t)at[tap] * p->inner + lane;                        \
                    for (size_t k = 0; k < n; k++)                                                 \
                        y[lane + k] += w * xt[k];                                                  \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
    }
PASS(float, pass_f32)
PASS(double, pass_f64)

static size_t number_bytes(const nnrt_resize_nd_state *s)
{
    return s->wide ? sizeof(double) : sizeof(float);
}

nnc_status nnrt_resize_nd_plan(nnrt_node_ctx *ctx)
{
    nnrt_resize_nd_state *s = ctx->state;
    const uint32_t narrow = NNRT_SET(NNRT_F32) | NNRT_SET(NNRT_F16) | NNRT_SET(NNRT_BF16) |
                            NNRT_SET(NNRT_U8) | NNRT_SET(NNRT_I8) | NNRT_SET(NNRT_U16) |
                            NNRT_SET(NNRT_I16) | NNRT_SET(NNRT_BOOL);
    s->wide = !(narrow >> ctx->in[0].dtype & 1u);
    /* The largest of the tensors between two passes. */
    nnrt_shape shape = ctx->in[0].shape;
    size_t most = 0;
    for (uint32_t d = s->rank + 1; d-- > 0;) {
        if (d < s->rank)
            shape.dims[d] = (int64_t)s->table[d].out;
        NNC_TRY(nnrt_check_shape(ctx, &shape, NNRT_F64));
        size_t n = nnrt_shape_count(&shape);
        most = n > most ? n : most;
    }
    s->buffer = (most * number_bytes(s) + 63) / 64 * 64;
    if (!nnc_size_mul(&ctx->scratch_bytes, s->buffer, 3))
        NNC_FAIL(NNC_ERR_LIMIT, "'%s': the output is too large", ctx->name);
    return NNC_OK;
}

static void run_pass(const nnrt_node_ctx *ctx, pass *p, size_t outer)
{
    const nnrt_resize_nd_state *s = ctx->state;
    size_t work = p->inner * p->table->taps;
    nnrt_parallel_tiles(ctx->pool, s->wide ? pass_f64 : pass_f32, p, outer * p->table->out,
                        1 + TASK_WORK / work);
}

void nnrt_resize_nd_blend(const nnrt_node_ctx *ctx)
{
    const nnrt_resize_nd_state *s = ctx->state;
    nnrt_dtype number = s->wide ? NNRT_F64 : NNRT_F32;
    const void *x = ctx->in[0].data;
    uint8_t *scratch = ctx->scratch;
    uint32_t turn = 0, left = 0;
    for (uint32_t d = 0; d < s->rank; d++)
        left += !s->table[d].identity;
    if (ctx->in[0].dtype != number) {
        nnrt_numbers_load(ctx->pool, scratch + 2 * s->buffer, number, &ctx->in[0]);
        x = scratch + 2 * s->buffer;
    }
    size_t inner = 1;
    for (uint32_t d = s->rank; d-- > 0;) {
        const nnrt_resize_table *t = &s->table[d];
        if (!t->identity) {
            bool direct = --left == 0 && ctx->out[0].dtype == number;
            pass p = {t, x, direct ? ctx->out[0].data : scratch + turn * s->buffer, inner};
            run_pass(ctx, &p, nnrt_shape_span(&ctx->in[0].shape, 0, d));
            x = p.y;
            turn ^= 1u;
        }
        inner *= t->out;
    }
    if (x != ctx->out[0].data)
        nnrt_numbers_store(ctx->pool, &ctx->out[0], x, number);
}

/* ---- extrapolation ---- */

void nnrt_resize_nd_extrapolate(const nnrt_node_ctx *ctx)
{
    const nnrt_resize_nd_params *p = ctx->params;
    const nnrt_resize_nd_state *s = ctx->state;
    size_t size = nnrt_dtype_bytes(ctx->out[0].dtype), n = nnrt_shape_count(&ctx->out[0].shape);
    bool any = false;
    uint64_t value;
    double number = (double)p->extrapolation;
    for (uint32_t d = 0; d < s->rank; d++)
        any = any || s->table[d].any_outside;
    if (!any)
        return;
    nnrt_tensor one = {.data = &value, .bytes = size, .dtype = ctx->out[0].dtype};
    nnrt_numbers_store(NULL, &one, &number, NNRT_F64);
    for (size_t i = 0; i < n; i++) {
        size_t rest = i;
        bool outside = false;
        for (uint32_t d = s->rank; d-- > 0;) {
            outside = outside || s->table[d].outside[rest % s->table[d].out];
            rest /= s->table[d].out;
        }
        if (outside)
            memcpy((uint8_t *)ctx->out[0].data + i * size, &value, size);
    }
}
