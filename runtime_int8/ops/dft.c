/* dft, stft: Fourier transforms along one dim, computed in double. SPDX-License-Identifier:
 * Apache-2.0 A task transforms some lines, with a line and scratch of its own. */
#include <string.h>

#include "base/mem.h"
#include "runtime_int8/ops/fft.h"
#include "runtime_int8/ops/util.h"

#define TASKS 16u /* each has its own memory */

/* What both ops need: lines of `length` numbers, transformed, of which `bins` are kept. */
typedef struct dft_state {
    nnrt_fft fft;
    size_t lines, length, bins, in; /* in: elements of a line that the input has */
    size_t inner; /* dft: elements between neighbours of a line, without the last dim */
    size_t step, frames, signal; /* stft */
    size_t line_tile;
    uint32_t in_parts, out_parts; /* 1: real, 2: complex */
    bool inverse, mirror;         /* mirror: the other half of a spectrum follows from this one */
    size_t per_task;              /* numbers of scratch */
    nnrt_complex table[];
} dft_state;

static const uint32_t reals = NNRT_SET(NNRT_F32) | NNRT_SET(NNRT_F64);

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

static nnrt_complex number_at(const dft_state *s, const nnrt_tensor *x, size_t i)
{
    const size_t at = i * s->in_parts;
    return (nnrt_complex){real_at(x, at), s->in_parts == 2 ? real_at(x, at + 1) : 0.0};
}

/* One known integer of input i. */
static nnc_status host_number(int64_t *out, const nnrt_node_ctx *ctx, uint32_t i, const char *what)
{
    const int64_t *data;
    size_t count;
    NNC_TRY(nnrt_host_i64(&data, &count, ctx, i));
    if (count != 1)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': %s has %zu elements, expected 1", ctx->name, what, count);
    *out = data[0];
    return NNC_OK;
}

/* Allocates the state with the plan of a length. */
static nnc_status make_state(nnrt_node_ctx *ctx, int64_t length, size_t lines)
{
    size_t table = length >= 1 && length <= INT32_MAX ? nnrt_fft_table((size_t)length) : 0, bytes;
    if (table == 0)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': transform of length %lld", ctx->name, (long long)length);
    const size_t scratch = nnrt_fft_scratch((size_t)length), per_task = scratch + (size_t)length;
    if (!nnc_size_mul(&bytes, table + scratch, sizeof(nnrt_complex)) ||
        !nnc_size_mul(&ctx->scratch_bytes, per_task, TASKS * sizeof(nnrt_complex)) ||
        bytes > PTRDIFF_MAX / 2)
        NNC_FAIL(NNC_ERR_LIMIT, "'%s': transform of length %lld is too large", ctx->name,
                 (long long)length);
    NNC_TRY(nnrt_ctx_state(ctx, sizeof(dft_state) + bytes));
    dft_state *s = ctx->state;
    nnrt_fft_init(&s->fft, (size_t)length, s->table, s->table + table);
    s->length = (size_t)length;
    s->per_task = per_task;
    s->lines = lines;
    s->line_tile = (lines + TASKS - 1) / TASKS;
    ctx->macs = (uint64_t)lines * scratch * s->fft.stages * 4;
    return NNC_OK;
}

/* ---- dft ---- */

static nnc_status dft_check(const nnrt_node_ctx *ctx)
{
    const nnrt_dft_params *p = ctx->params;
    if (p->inverse > 1 || p->onesided > 1)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': inverse %u, onesided %u", ctx->name, p->inverse,
                 p->onesided);
    NNC_TRY(nnrt_check_dtype(ctx, 0, reals));
    NNC_TRY(nnrt_check_dtype(ctx, 1, NNRT_SET(NNRT_I64)));
    NNC_TRY(nnrt_check_dtype(ctx, 2, NNRT_SET(NNRT_I64)));
    if (ctx->in[0].shape.rank < 2)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': rank %u, expected at least 2", ctx->name,
                 ctx->in[0].shape.rank);
    return NNC_OK;
}

static nnc_status dft_reshape(nnrt_node_ctx *ctx)
{
    const nnrt_dft_params *p = ctx->params;
    const nnrt_shape *x = &ctx->in[0].shape;
    const int64_t rank = x->rank, parts = x->dims[rank - 1];
    const bool half_in = p->inverse && p->onesided, half_out = !p->inverse && p->onesided;
    int64_t length, axis;
    NNC_TRY(host_number(&length, ctx, 1, "dft_length"));
    NNC_TRY(host_number(&axis, ctx, 2, "axis"));
    if (axis < -rank || axis >= rank || (axis < 0 ? axis + rank : axis) == rank - 1)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': axis %lld of rank %lld", ctx->name, (long long)axis,
                 (long long)rank);
    axis = axis < 0 ? axis + rank : axis;
    if ((parts != 1 && parts != 2) || (half_out && parts != 1) || (half_in && parts != 2))
        NNC_FAIL(NNC_ERR_MODEL, "'%s': last dim %lld with onesided %u and inverse %u", ctx->name,
                 (long long)parts, p->onesided, p->inverse);
    if (length == 0)
        length = half_in ? 2 * (x->dims[axis] - 1) : x->dims[axis];
    nnrt_shape y = *x;
    y.dims[axis] = half_out ? length / 2 + 1 : length;
    y.dims[rank - 1] = half_in ? 1 : 2;
    const size_t inner = nnrt_shape_span(x, (uint32_t)axis + 1, x->rank - 1);
    NNC_TRY(make_state(ctx, length, nnrt_shape_span(x, 0, (uint32_t)axis) * inner));
    NNC_TRY(nnrt_check_shape(ctx, &y, ctx->in[0].dtype));
    nnrt_set_output(ctx, ctx->in[0].dtype, &y);
    dft_state *s = ctx->state;
    const int64_t wanted = half_in ? length / 2 + 1 : length;
    s->in = (size_t)(x->dims[axis] < wanted ? x->dims[axis] : wanted);
    s->signal = (size_t)x->dims[axis];
    s->inner = inner;
    s->bins = (size_t)y.dims[axis];
    s->in_parts = (uint32_t)parts;
    s->out_parts = half_in ? 1 : 2;
    s->inverse = p->inverse != 0;
    s->mirror = half_in;
    return NNC_OK;
}

static void dft_line(const nnrt_node_ctx *ctx, size_t line, nnrt_complex *v, nnrt_complex *scratch)
{
    const dft_state *s = ctx->state;
    const size_t outer = line / s->inner, k = line % s->inner;
    const double scale = s->inverse ? 1.0 / (double)s->length : 1.0;
    for (size_t i = 0; i < s->in; i++)
        v[i] = number_at(s, &ctx->in[0], (outer * s->signal + i) * s->inner + k);
    memset(v + s->in, 0, (s->length - s->in) * sizeof *v);
    for (size_t i = s->length / 2 + 1; s->mirror && i < s->length; i++)
        v[i] = (nnrt_complex){v[s->length - i].re, -v[s->length - i].im};
    nnrt_fft_run(&s->fft, v, s->inverse, scratch);
    for (size_t i = 0; i < s->bins; i++) {
        const size_t at = ((outer * s->bins + i) * s->inner + k) * s->out_parts;
        put(&ctx->out[0], at, v[i].re * scale);
        if (s->out_parts == 2)
            put(&ctx->out[0], at + 1, v[i].im * scale);
    }
}

static void dft_tile(void *user, size_t begin, size_t count)
{
    const nnrt_node_ctx *ctx = user;
    const dft_state *s = ctx->state;
    nnrt_complex *v = (nnrt_complex *)ctx->scratch + begin / s->line_tile * s->per_task;
    for (size_t line = begin; line < begin + count; line++)
        dft_line(ctx, line, v, v + s->length);
}

static void dft_run(const nnrt_node_ctx *ctx)
{
    const dft_state *s = ctx->state;
    if (s->lines != 0)
        nnrt_parallel_tiles(ctx->pool, dft_tile, (void *)(uintptr_t)ctx, s->lines, s->line_tile);
}

const nnrt_rop nnrt_rop_dft = {
    .name = "dft",
    .params_bytes = sizeof(nnrt_dft_params),
    .min_in = 3,
    .max_in = 3,
    .out_count = 1,
    .host_inputs = 0x6,
    .check = dft_check,
    .reshape = dft_reshape,
    .run = dft_run,
};

/* ---- stft ---- */

static nnc_status stft_check(const nnrt_node_ctx *ctx)
{
    const nnrt_stft_params *p = ctx->params;
    if (p->onesided > 1)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': onesided %u", ctx->name, p->onesided);
    NNC_TRY(nnrt_check_dtype(ctx, 0, reals));
    NNC_TRY(nnrt_check_dtype(ctx, 1, NNRT_SET(NNRT_I64)));
    NNC_TRY(nnrt_check_dtype(ctx, 2, NNRT_SET(NNRT_I64)));
    if (ctx->in_count > 3)
        NNC_TRY(nnrt_check_dtype(ctx, 3, NNRT_SET(ctx->in[0].dtype)));
    return nnrt_check_rank(ctx, 0, 3);
}

static nnc_status stft_reshape(nnrt_node_ctx *ctx)
{
    const nnrt_stft_params *p = ctx->params;
    const nnrt_shape *x = &ctx->in[0].shape;
    int64_t step, length;
    NNC_TRY(host_number(&step, ctx, 1, "frame_step"));
    NNC_TRY(host_number(&length, ctx, 2, "frame_length"));
    if (length == 0)
        length = ctx->in_count > 3 ? (int64_t)nnrt_shape_count(&ctx->in[3].shape) : x->dims[1];
    if (ctx->in_count > 3)
        NNC_TRY(nnrt_check_count(ctx, 3, (size_t)length));
    if (step < 1 || length < 1 || length > x->dims[1] || (x->dims[2] != 1 && x->dims[2] != 2) ||
        (p->onesided && x->dims[2] == 2)) {
        char text[NNRT_SHAPE_TEXT];
        NNC_FAIL(NNC_ERR_MODEL, "'%s': frames of %lld every %lld of %s, onesided %u", ctx->name,
                 (long long)length, (long long)step, nnrt_shape_text(text, x), p->onesided);
    }
    const int64_t frames = (x->dims[1] - length) / step + 1;
    nnrt_shape y = {.rank = 4,
                    .dims = {x->dims[0], frames, p->onesided ? length / 2 + 1 : length, 2}};
    NNC_TRY(make_state(ctx, length, (size_t)(x->dims[0] * frames)));
    NNC_TRY(nnrt_check_shape(ctx, &y, ctx->in[0].dtype));
    nnrt_set_output(ctx, ctx->in[0].dtype, &y);
    dft_state *s = ctx->state;
    s->bins = (size_t)y.dims[2];
    s->step = (size_t)step;
    s->frames = (size_t)frames;
    s->signal = (size_t)x->dims[1];
    s->in_parts = (uint32_t)x->dims[2];
    return NNC_OK;
}

static void stft_tile(void *user, size_t begin, size_t count)
{
    const nnrt_node_ctx *ctx = user;
    const dft_state *s = ctx->state;
    nnrt_complex *v = (nnrt_complex *)ctx->scratch + begin / s->line_tile * s->per_task;
    for (size_t line = begin; line < begin + count; line++) {
        const size_t first = line / s->frames * s->signal + line % s->frames * s->step;
        for (size_t i = 0; i < s->length; i++) {
            const double w = ctx->in_count > 3 ? real_at(&ctx->in[3], i) : 1.0;
            v[i] = number_at(s, &ctx->in[0], first + i);
            v[i].re *= w;
            v[i].im *= w;
        }
        nnrt_fft_run(&s->fft, v, 0, v + s->length);
        for (size_t i = 0; i < s->bins; i++) {
            put(&ctx->out[0], (line * s->bins + i) * 2, v[i].re);
            put(&ctx->out[0], (line * s->bins + i) * 2 + 1, v[i].im);
        }
    }
}

static void stft_run(const nnrt_node_ctx *ctx)
{
    const dft_state *s = ctx->state;
    if (s->lines != 0)
        nnrt_parallel_tiles(ctx->pool, stft_tile, (void *)(uintptr_t)ctx, s->lines, s->line_tile);
}

const nnrt_rop nnrt_rop_stft = {
    .name = "stft",
    .params_bytes = sizeof(nnrt_stft_params),
    .min_in = 3,
    .max_in = 4,
    .out_count = 1,
    .host_inputs = 0x6,
    .check = stft_check,
    .reshape = stft_reshape,
    .run = stft_run,
};
