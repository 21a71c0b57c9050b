/* topk: the k greatest or smallest elements along an axis. SPDX-License-Identifier: Apache-2.0
 * A line's k-th key is found digit by digit, by counting; what lies before it is collected in order
 * of index and sorted. Work per line is linear in its length. */
#include <string.h>

#include "base/mem.h"
#include "runtime_int8/ops/order.h"
#include "runtime_int8/ops/util.h"

#define CHUNK 256u
#define DIGIT 11u
#define SORT_ALL 128u /* shorter lines are sorted as a whole */
#define GROUPS 32u    /* most lines in flight, each with scratch of its own */
#define LINE_WORK 8192u
#define FEW 4096u /* fewer of many times more elements are found in one pass */

typedef struct topk_state {
    size_t n, k, inner, lines;
    size_t groups, group_bytes, ties_bytes;
    uint32_t bits;
    bool descending;
} topk_state;

typedef struct line_task {
    const nnrt_tensor *x;
    const topk_state *state;
    size_t first;
    nnrt_order_item *out; /* k; all of a short line; twice k where few are wanted */
    size_t count;
    uint32_t *ties;
} line_task;

static nnc_status check(const nnrt_node_ctx *ctx)
{
    const nnrt_topk_params *p = ctx->params;
    NNC_TRY(nnrt_check_dtype(ctx, 0, NNRT_SET_WIDE));
    NNC_TRY(nnrt_check_dtype(ctx, 1, NNRT_SET(NNRT_I64)));
    if (p->smallest > 1)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': smallest is %u, expected 0 or 1", ctx->name, p->smallest);
    return nnrt_check_axis(ctx, p->axis, ctx->in[0].shape.rank);
}

static bool wants_few(const topk_state *state)
{
    return state->k <= FEW && state->n / 8 >= state->k;
}

static nnc_status plan_scratch(nnrt_node_ctx *ctx, topk_state *state)
{
    size_t items = state->n <= SORT_ALL ? state->n : wants_few(state) ? 2 * state->k : state->k;
    size_t bytes;
    state->ties_bytes = (state->n * sizeof(uint32_t) + 63) / 64 * 64;
    if (!nnc_size_mul(&bytes, items, 2 * sizeof(nnrt_order_item)) ||
        !nnc_size_add(&bytes, bytes, state->ties_bytes))
        NNC_FAIL(NNC_ERR_LIMIT, "'%s': %zu of %zu elements", ctx->name, state->k, state->n);
    state->group_bytes = (bytes + 63) / 64 * 64;
    state->groups = 1 + state->lines * state->n / LINE_WORK;
    if (state->groups > GROUPS)
        state->groups = GROUPS;
    if (state->groups > state->lines)
        state->groups = state->lines == 0 ? 1 : state->lines;
    if (!nnc_size_mul(&ctx->scratch_bytes, state->groups, state->group_bytes))
        NNC_FAIL(NNC_ERR_LIMIT, "'%s': %zu of %zu elements", ctx->name, state->k, state->n);
    return NNC_OK;
}

static nnc_status reshape(nnrt_node_ctx *ctx)
{
    const nnrt_topk_params *p = ctx->params;
    const nnrt_shape *x = &ctx->in[0].shape;
    const int64_t *k;
    size_t count;
    NNC_TRY(nnrt_host_i64(&k, &count, ctx, 1));
    if (count != 1 || k[0] < 0 || k[0] > x->dims[p->axis])
        NNC_FAIL(NNC_ERR_MODEL, "'%s': k is %lld (%zu elements), axis %d has %lld", ctx->name,
                 count == 1 ? (long long)k[0] : 0, count, p->axis, (long long)x->dims[p->axis]);
    nnrt_shape y = *x;
    y.dims[p->axis] = k[0];
    nnrt_set_output(ctx, ctx->in[0].dtype, &y);
    ctx->out[1].dtype = NNRT_I64;
    ctx->out[1].shape = y;
    NNC_TRY(nnrt_ctx_state(ctx, sizeof(topk_state)));
    topk_state *state = ctx->state;
    state->n = (size_t)x->dims[p->axis];
    state->k = (size_t)k[0];
    state->inner = nnrt_shape_span(x, (uint32_t)p->axis + 1, x->rank);
    state->lines = nnrt_shape_span(x, 0, (uint32_t)p->axis) * state->inner;
    state->bits = nnrt_order_bits(ctx->in[0].dtype);
    state->descending = !p->smallest;
    return plan_scratch(ctx, state);
}

static void keys_of(uint64_t *keys, const line_task *t, size_t from, size_t n)
{
    const topk_state *s = t->state;
    nnrt_order_keys(keys, t->x, t->first + from * s->inner, s->inner, n, s->descending);
}

static uint64_t key_of(const line_task *t, size_t i)
{
    uint64_t key;
    nnrt_order_keys(&key, t->x, t->first + i * t->state->inner, t->state->inner, 1,
                    t->state->descending);
    return key;
}

static void take(line_task *t, uint64_t key, size_t index)
{
    t->out[t->count++] = (nnrt_order_item){key, (uint32_t)index, 0};
}

/* The digit in which the `need`-th element lies; *need becomes its number within that digit. */
static size_t digit_of(const size_t *counts, size_t digits, size_t *need)
{
    size_t d = 0;
    while (d + 1 < digits && counts[d] < *need)
        *need -= counts[d++];
    return d;
}

/* First digit: takes what lies before the k-th element's, lists the indices within it. */
static size_t first_digit(line_task *t, uint32_t shift, size_t *need)
{
    size_t n = t->state->n, ties = 0, counts[1u << DIGIT] = {0};
    uint64_t keys[CHUNK];
    for (size_t i = 0; i < n; i += CHUNK) {
        size_t m = n - i < CHUNK ? n - i : CHUNK;
        keys_of(keys, t, i, m);
        for (size_t k = 0; k < m; k++)
            counts[keys[k] >> shift]++;
    }
    size_t digit = digit_of(counts, 1u << DIGIT, need);
    for (size_t i = 0; i < n; i += CHUNK) {
        size_t m = n - i < CHUNK ? n - i : CHUNK;
        keys_of(keys, t, i, m);
        for (size_t k = 0; k < m; k++) {
            if (keys[k] >> shift < digit)
                take(t, keys[k], i + k);
            else if (keys[k] >> shift == digit)
                t->ties[ties++] = (uint32_t)(i + k);
        }
    }
    return ties;
}

static size_t next_digit(line_task *t, uint32_t shift, uint64_t mask, size_t ties, size_t *need)
{
    size_t counts[1u << DIGIT] = {0}, left = 0;
    for (size_t i = 0; i < ties; i++)
        counts[key_of(t, t->ties[i]) >> shift & mask]++;
    size_t digit = digit_of(counts, (size_t)mask + 1, need);
    for (size_t i = 0; i < ties; i++) {
        uint64_t key = key_of(t, t->ties[i]);
        if ((key >> shift & mask) < digit)
            take(t, key, t->ties[i]);
        else if ((key >> shift & mask) == digit)
            t->ties[left++] = t->ties[i];
    }
    return left;
}

static void select_k(line_task *t)
{
    uint32_t bits = t->state->bits, shift = bits > DIGIT ? bits - DIGIT : 0;
    size_t need = t->state->k;
    size_t ties = first_digit(t, shift, &need);
    while (shift > 0 && ties > need) {
        uint32_t next = shift > DIGIT ? shift - DIGIT : 0;
        ties = next_digit(t, next, (UINT64_C(1) << (shift - next)) - 1, ties, &need);
        shift = next;
    }
    for (size_t i = 0; i < need; i++)
        take(t, key_of(t, t->ties[i]), t->ties[i]);
}

/* One pass: what is better than the k-th best so far is collected, and cut back to k when the room
 * is used up. */
static void select_few(line_task *t)
{
    const topk_state *s = t->state;
    nnrt_order_item *tmp = t->out + 2 * s->k;
    uint64_t keys[CHUNK], limit = UINT64_MAX;
    for (size_t i = 0; i < s->n; i += CHUNK) {
        size_t m = s->n - i < CHUNK ? s->n - i : CHUNK;
        keys_of(keys, t, i, m);
        for (size_t k = 0; k < m; k++) {
            if (keys[k] >= limit && t->count >= s->k)
                continue;
            take(t, keys[k], i + k);
            if (t->count == 2 * s->k) {
                nnrt_order_sort(t->out, tmp, t->count, s->bits);
                t->count = s->k;
                limit = t->out[s->k - 1].key;
            }
        }
    }
}

static void take_all(line_task *t)
{
    uint64_t keys[SORT_ALL];
    keys_of(keys, t, 0, t->state->n);
    for (size_t i = 0; i < t->state->n; i++)
        take(t, keys[i], i);
}

static void run_line(const nnrt_node_ctx *ctx, size_t line, uint8_t *scratch)
{
    const topk_state *state = ctx->state;
    size_t size = nnrt_dtype_bytes(ctx->in[0].dtype);
    size_t outer = line / state->inner, lane = line % state->inner;
    line_task t = {&ctx->in[0],
                   state,
                   outer * state->n * state->inner + lane,
                   (nnrt_order_item *)(void *)(scratch + state->ties_bytes),
                   0,
                   (uint32_t *)(void *)scratch};
    if (state->n <= SORT_ALL)
        take_all(&t);
    else if (wants_few(state))
        select_few(&t);
    else
        select_k(&t);
    nnrt_order_sort(t.out, t.out + t.count, t.count, state->bits);
    size_t at = outer * state->k * state->inner + lane;
    for (size_t i = 0; i < state->k; i++, at += state->inner) {
        memcpy((uint8_t *)ctx->out[0].data + at * size,
               (const uint8_t *)ctx->in[0].data + (t.first + t.out[i].index * state->inner) * size,
               size);
        ((int64_t *)ctx->out[1].data)[at] = t.out[i].index;
    }
}

/* Group g takes every groups-th line. */
static void run_group(void *user, size_t g)
{
    const nnrt_node_ctx *ctx = user;
    const topk_state *state = ctx->state;
    for (size_t line = g; line < state->lines; line += state->groups)
        run_line(ctx, line, (uint8_t *)ctx->scratch + g * state->group_bytes);
}

static void run(const nnrt_node_ctx *ctx)
{
    const topk_state *state = ctx->state;
    if (state->k != 0)
        nnrt_parallel(ctx->pool, run_group, (void *)(uintptr_t)ctx, state->groups);
}

const nnrt_rop nnrt_rop_topk = {
    .name = "topk",
    .params_bytes = sizeof(nnrt_topk_params),
    .min_in = 2,
    .max_in = 2,
    .out_count = 2,
    .host_inputs = 0x2,
    .flags = NNRT_ROP_HOST,
    .check = check,
    .reshape = reshape,
    .run = run,
};
