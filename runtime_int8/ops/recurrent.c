/* lstm, gru, rnn: checks and sizes. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/ops/recurrent.h"

#include <math.h>

#include "base/mem.h"
#include "runtime_int8/ops/util.h"
#include "runtime_int8/pack.h"

/* Largest H and I: keeps products of both far inside 64 bits. */
#define WIDTH_MAX (1u << 24)

typedef struct cell_row {
    uint32_t gates, functions, inputs; /* inputs: those it may have */
} cell_row;

#define COMMON                                                                                     \
    (NNRT_RECURRENT_PACKED | NNRT_RECURRENT_BIAS | NNRT_RECURRENT_LENGTHS | NNRT_RECURRENT_H0)
static const cell_row lstm_row = {4, 3, COMMON | NNRT_RECURRENT_C0 | NNRT_RECURRENT_PEEPHOLE};
static const cell_row gru_row = {3, 2, COMMON};
static const cell_row rnn_row = {1, 1, COMMON};

static nnc_status check_params(const nnrt_node_ctx *ctx, const cell_row *row)
{
    const nnrt_recurrent_params *p = ctx->params;
    uint32_t count = 3;
    if (p->hidden == 0 || p->hidden > WIDTH_MAX || p->input == 0 || p->input > WIDTH_MAX)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': hidden size %u, input size %u, allowed are 1 to %u",
                 ctx->name, p->hidden, p->input, WIDTH_MAX);
    if (p->directions < 1 || p->directions > 2 || p->reverse > 1 ||
        (p->reverse && p->directions == 2))
        NNC_FAIL(NNC_ERR_MODEL, "'%s': %u directions, reverse %u", ctx->name, p->directions,
                 p->reverse);
    if (p->batch_first > 1 || p->linear_before_reset > 1 || p->input_forget > 1 ||
        (p->inputs & ~row->inputs) != 0)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': flags %u %u %u, inputs 0x%x", ctx->name, p->batch_first,
                 p->linear_before_reset, p->input_forget, p->inputs);
    for (uint32_t bit = NNRT_RECURRENT_BIAS; bit < NNRT_RECURRENT_INPUTS; bit <<= 1)
        count += (p->inputs & bit) != 0;
    if (count != ctx->in_count)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': %u inputs, expected %u", ctx->name, ctx->in_count, count);
    if (!(p->clip >= 0.0f))
        NNC_FAIL(NNC_ERR_MODEL, "'%s': clip %g", ctx->name, (double)p->clip);
    for (uint32_t i = 0; i < p->directions * row->functions; i++) {
        if (p->function[i].op >= NNRT_CELL_OP_COUNT)
            NNC_FAIL(NNC_ERR_MODEL, "'%s': function %u of %u", ctx->name, p->function[i].op,
                     NNRT_CELL_OP_COUNT);
    }
    return NNC_OK;
}

/* Index of an optional input, -1 for none. */
static int input_at(const nnrt_recurrent_params *p, uint32_t input)
{
    int at = 3;
    if (!(p->inputs & input))
        return -1;
    for (uint32_t bit = NNRT_RECURRENT_BIAS; bit < input; bit <<= 1)
        at += (p->inputs & bit) != 0;
    return at;
}

static nnc_status check(const nnrt_node_ctx *ctx, const cell_row *row)
{
    const nnrt_recurrent_params *p = ctx->params;
    NNC_TRY(check_params(ctx, row));
    int lengths = input_at(p, NNRT_RECURRENT_LENGTHS);
    for (uint32_t i = 0; i < ctx->in_count; i++)
        NNC_TRY(nnrt_check_dtype(ctx, i, NNRT_SET((int)i == lengths ? NNRT_I32 : NNRT_F32)));
    return nnrt_check_rank(ctx, 0, 3);
}

static nnc_status check_inputs(const nnrt_node_ctx *ctx, const nnrt_recurrent *s)
{
    const nnrt_recurrent_params *p = ctx->params;
    const uint32_t g = (uint32_t)s->gates;
    const size_t d = s->directions, state = d * s->batch * s->hidden;
    const bool packed = (p->inputs & NNRT_RECURRENT_PACKED) != 0;
    size_t w = d * s->gates * s->hidden * s->input, r = d * s->gates * s->hidden * s->hidden;
    if (packed) {
        w = d * nnrt_pack_recurrent_bytes(g, p->hidden, p->input) / sizeof(float);
        r = d * nnrt_pack_recurrent_bytes(g, p->hidden, p->hidden) / sizeof(float);
    }
    NNC_TRY(nnrt_check_count(ctx, 1, w));
    NNC_TRY(nnrt_check_count(ctx, 2, r));
    if (s->bias >= 0)
        NNC_TRY(nnrt_check_count(ctx, (uint32_t)s->bias, d * 2 * s->gates * s->hidden));
    if (s->lengths >= 0)
        NNC_TRY(nnrt_check_count(ctx, (uint32_t)s->lengths, s->batch));
    if (s->h0 >= 0)
        NNC_TRY(nnrt_check_count(ctx, (uint32_t)s->h0, state));
    if (s->c0 >= 0)
        NNC_TRY(nnrt_check_count(ctx, (uint32_t)s->c0, state));
    if (s->peephole >= 0)
        NNC_TRY(nnrt_check_count(ctx, (uint32_t)s->peephole, d * 3 * s->hidden));
    return NNC_OK;
}

static void set_shapes(nnrt_node_ctx *ctx, const nnrt_recurrent *s)
{
    const nnrt_recurrent_params *p = ctx->params;
    const int64_t t = (int64_t)s->steps, b = (int64_t)s->batch, d = p->directions, h = p->hidden;
    nnrt_shape y = {.rank = 4, .dims = {t, d, b, h}}, state = {.rank = 3, .dims = {d, b, h}};
    if (p->batch_first) {
        y = (nnrt_shape){.rank = 4, .dims = {b, t, d, h}};
        state = (nnrt_shape){.rank = 3, .dims = {b, d, h}};
    }
    nnrt_set_output(ctx, NNRT_F32, &y);
    for (uint32_t i = 1; i < ctx->out_count; i++) {
        ctx->out[i].dtype = NNRT_F32;
        ctx->out[i].shape = state;
    }
}

/* Takes n floats of scratch, rounded up to a cache line. */
static bool take(size_t *at, size_t *total, size_t n)
{
    *at = *total;
    return nnc_size_add(total, *total, (n + 15) / 16 * 16);
}

static nnc_status plan_scratch(nnrt_node_ctx *ctx, nnrt_recurrent *s)
{
    const nnrt_recurrent_params *p = ctx->params;
    const bool packed = (p->inputs & NNRT_RECURRENT_PACKED) != 0;
    const size_t d = s->directions;
    size_t total = 0, rows, product, work;
    bool fits = nnc_size_mul(&rows, s->steps, s->batch) && nnc_size_mul(&rows, rows, d) &&
                nnc_size_mul(&product, rows, s->width) &&
                nnc_size_mul(&work, d * s->batch, s->width + 3 * s->padded);
    fits = fits && take(&s->w_pack, &total, packed ? 0 : d * s->width * s->input) &&
           take(&s->r_pack, &total, packed ? 0 : d * s->width * s->hidden) &&
           take(&s->start, &total, d * s->width) && take(&s->reset, &total, d * s->padded) &&
           take(&s->peep, &total, d * 3 * s->padded) && take(&s->product, &total, product) &&
           take(&s->work, &total, work);
    if (!fits || !nnc_size_mul(&ctx->scratch_bytes, total, sizeof(float)))
        NNC_FAIL(NNC_ERR_LIMIT, "'%s': %zu steps of %zu sequences are too large", ctx->name,
                 s->steps, s->batch);
    return NNC_OK;
}

static nnc_status reshape(nnrt_node_ctx *ctx, const cell_row *row, nnrt_cell_fn *cell)
{
    const nnrt_recurrent_params *p = ctx->params;
    const nnrt_shape *x = &ctx->in[0].shape;
    char text[NNRT_SHAPE_TEXT];
    NNC_TRY(check(ctx, row));
    if (x->dims[2] != p->input)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': input %s, expected %u in the last dim", ctx->name,
                 nnrt_shape_text(text, x), p->input);
    NNC_TRY(nnrt_ctx_state(ctx, sizeof(nnrt_recurrent)));
    nnrt_recurrent *s = ctx->state;
    s->gemm = nnrt_kernel_find(NNRT_K_gemm_f32, ctx->isa);
    s->unary = (nnrt_k_unary_f32_fn *)nnrt_kernel_find(NNRT_K_unary_f32, ctx->isa)->fn;
    s->cell = cell;
    s->gates = row->gates;
    s->steps = (size_t)x->dims[p->batch_first];
    s->batch = (size_t)x->dims[!p->batch_first];
    s->input = p->input;
    s->hidden = p->hidden;
    s->padded = ((size_t)p->hidden + 15) / 16 * 16;
    s->width = s->gates * s->padded;
    s->directions = p->directions;
    s->bias = input_at(p, NNRT_RECURRENT_BIAS);
    s->lengths = input_at(p, NNRT_RECURRENT_LENGTHS);
    s->h0 = input_at(p, NNRT_RECURRENT_H0);
    s->c0 = input_at(p, NNRT_RECURRENT_C0);
    s->peephole = input_at(p, NNRT_RECURRENT_PEEPHOLE);
    set_shapes(ctx, s);
    NNC_TRY(check_inputs(ctx, s));
    NNC_TRY(plan_scratch(ctx, s));
    ctx->kernel = s->gemm->name;
    ctx->macs = (uint64_t)s->steps * s->batch * s->directions * s->gates * s->hidden *
                (s->input + s->hidden);
    return NNC_OK;
}

static nnc_status lstm_check(const nnrt_node_ctx *ctx)
{
    return check(ctx, &lstm_row);
}

static nnc_status lstm_reshape(nnrt_node_ctx *ctx)
{
    return reshape(ctx, &lstm_row, nnrt_lstm_cell);
}

static nnc_status gru_check(const nnrt_node_ctx *ctx)
{
    return check(ctx, &gru_row);
}

static nnc_status gru_reshape(nnrt_node_ctx *ctx)
{
    const nnrt_recurrent_params *p = ctx->params;
    return reshape(ctx, &gru_row, p->linear_before_reset ? nnrt_gru_linear_cell : nnrt_gru_cell);
}

static nnc_status rnn_check(const nnrt_node_ctx *ctx)
{
    return check(ctx, &rnn_row);
}

static nnc_status rnn_reshape(nnrt_node_ctx *ctx)
{
    return reshape(ctx, &rnn_row, nnrt_rnn_cell);
}

const nnrt_rop nnrt_rop_lstm = {
    .name = "lstm",
    .params_bytes = sizeof(nnrt_recurrent_params),
    .min_in = 3,
    .max_in = 8,
    .out_count = 3,
    .check = lstm_check,
    .reshape = lstm_reshape,
    .run = nnrt_recurrent_run,
};

const nnrt_rop nnrt_rop_gru = {
    .name = "gru",
    .params_bytes = sizeof(nnrt_recurrent_params),
    .min_in = 3,
    .max_in = 6,
    .out_count = 2,
    .check = gru_check,
    .reshape = gru_reshape,
    .run = nnrt_recurrent_run,
};

const nnrt_rop nnrt_rop_rnn = {
    .name = "rnn",
    .params_bytes = sizeof(nnrt_recurrent_params),
    .min_in = 3,
    .max_in = 6,
    .out_count = 2,
    .check = rnn_check,
    .reshape = rnn_reshape,
    .run = nnrt_recurrent_run,
};
