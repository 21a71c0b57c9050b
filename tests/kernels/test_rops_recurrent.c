/* lstm, gru, rnn against a float64 oracle; the same bits on all tiers and thread counts.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rop_case.h"

#include "runtime_int8/pack.h"

static nnc_rng rng;

typedef struct sizes {
    size_t t, b, i, h;
} sizes;

static double cell_function(const nnrt_cell_function *f, double x)
{
    double a = (double)f->a, b = (double)f->b;
    switch (f->op) {
    case NNRT_CELL_RELU:
        return x > 0 ? x : 0;
    case NNRT_CELL_TANH:
        return tanh(x);
    case NNRT_CELL_SIGMOID:
        return 1 / (1 + exp(-x));
    case NNRT_CELL_AFFINE:
        return a * x + b;
    case NNRT_CELL_LEAKY_RELU:
        return x < 0 ? a * x : x;
    case NNRT_CELL_THRESHOLDED_RELU:
        return x > a ? x : 0;
    case NNRT_CELL_SCALED_TANH:
        return a * tanh(b * x);
    case NNRT_CELL_HARD_SIGMOID:
        return fmin(fmax(a * x + b, 0), 1);
    case NNRT_CELL_ELU:
        return x < 0 ? a * expm1(x) : x;
    case NNRT_CELL_SOFTSIGN:
        return x / (1 + fabs(x));
    default:
        return log1p(exp(x));
    }
}

/* A case and everything it reads, in plain layout. */
typedef struct recurrent_case {
    nnrt_rop_id id;
    nnrt_recurrent_params p;
    sizes s;
    float *x, *w, *r, *bias, *h0, *c0, *peep;
    int32_t lengths[16];
} recurrent_case;

static uint32_t gates_of(nnrt_rop_id id)
{
    return id == NNRT_ROP_ID_LSTM ? 4 : (id == NNRT_ROP_ID_GRU ? 3 : 1);
}

static double clipped(const recurrent_case *c, double v)
{
    double bound = (double)c->p.clip;
    return v > bound ? bound : (v < -bound ? -bound : v);
}

/* Gate g of unit u: what x and the vector `h` add, with the chosen halves of the bias. */
static double gate(const recurrent_case *c, size_t d, size_t g, size_t u, const float *x,
                   const double *h, bool with_x, bool with_h)
{
    size_t n = c->s.h, count = gates_of(c->id), row = (d * count + g) * n + u;
    double v = 0;
    if (with_x) {
        for (size_t k = 0; k < c->s.i; k++)
            v += (double)x[k] * (double)c->w[row * c->s.i + k];
        v += c->bias ? (double)c->bias[d * 2 * count * n + g * n + u] : 0;
    }
    if (with_h) {
        for (size_t k = 0; k < n; k++)
            v += h[k] * (double)c->r[row * n + k];
        v += c->bias ? (double)c->bias[d * 2 * count * n + (count + g) * n + u] : 0;
    }
    return v;
}

static void lstm_step(const recurrent_case *c, size_t d, const float *x, double *h, double *state)
{
    const nnrt_cell_function *f = c->p.function + 3 * d;
    const float *peep = c->peep ? c->peep + d * 3 * c->s.h : NULL;
    double next[64];
    for (size_t u = 0; u < c->s.h; u++) {
        double pre[4];
        for (size_t g = 0; g < 4; g++)
            pre[g] = gate(c, d, g, u, x, h, true, true);
        if (peep) {
            pre[0] += (double)peep[u] * state[u];
            pre[2] += (double)peep[2 * c->s.h + u] * state[u];
        }
        double in = cell_function(&f[0], clipped(c, pre[0]));
        double forget = c->p.input_forget ? 1 - in : cell_function(&f[0], clipped(c, pre[2]));
        state[u] = forget * state[u] + in * cell_function(&f[1], clipped(c, pre[3]));
        pre[1] += peep ? (double)peep[c->s.h + u] * state[u] : 0;
        next[u] = cell_function(&f[0], clipped(c, pre[1])) * cell_function(&f[2], state[u]);
    }
    memcpy(h, next, c->s.h * sizeof *h);
}

static void gru_step(const recurrent_case *c, size_t d, const float *x, double *h)
{
    const nnrt_cell_function *f = c->p.function + 2 * d;
    size_t n = c->s.h;
    double z[64], r[64], reset[64], next[64];
    for (size_t u = 0; u < n; u++) {
        z[u] = cell_function(&f[0], clipped(c, gate(c, d, 0, u, x, h, true, true)));
        r[u] = cell_function(&f[0], clipped(c, gate(c, d, 1, u, x, h, true, true)));
        reset[u] = r[u] * h[u];
    }
    for (size_t u = 0; u < n; u++) {
        double v = c->p.linear_before_reset ? gate(c, d, 2, u, x, h, true, false) +
                                                  r[u] * gate(c, d, 2, u, x, h, false, true)
                                            : gate(c, d, 2, u, x, reset, true, true);
        next[u] = (1 - z[u]) * cell_function(&f[1], clipped(c, v)) + z[u] * h[u];
    }
    memcpy(h, next, n * sizeof *h);
}

static void step(const recurrent_case *c, size_t d, const float *x, double *h, double *state)
{
    double next[64];
    if (c->id == NNRT_ROP_ID_LSTM) {
        lstm_step(c, d, x, h, state);
    } else if (c->id == NNRT_ROP_ID_GRU) {
        gru_step(c, d, x, h);
    } else {
        for (size_t u = 0; u < c->s.h; u++)
            next[u] =
                cell_function(c->p.function + d, clipped(c, gate(c, d, 0, u, x, h, true, true)));
        memcpy(h, next, c->s.h * sizeof *h);
    }
}

/* y: output 0; y_h, y_c: the last states, or NULL. */
static void compare(const recurrent_case *c, const float *y, const float *y_h, const float *y_c)
{
    const sizes *s = &c->s;
    for (size_t d = 0; d < c->p.directions; d++) {
        for (size_t b = 0; b < s->b; b++) {
            double h[64] = {0}, state[64] = {0};
            size_t first = (c->p.batch_first ? b * c->p.directions + d : d * s->b + b) * s->h;
            for (size_t u = 0; u < s->h; u++) {
                h[u] = c->h0 ? (double)c->h0[first + u] : 0;
                state[u] = c->c0 ? (double)c->c0[first + u] : 0;
            }
            size_t n = c->p.inputs & NNRT_RECURRENT_LENGTHS ? (size_t)c->lengths[b] : s->t;
            bool back = c->p.reverse || d == 1;
            for (size_t k = 0; k < s->t; k++) {
                size_t t = k < n && back ? n - 1 - k : k;
                size_t in = c->p.batch_first ? b * s->t + t : t * s->b + b;
                size_t out = c->p.batch_first ? (b * s->t + t) * c->p.directions + d
                                              : (t * c->p.directions + d) * s->b + b;
                if (k < n)
                    step(c, d, c->x + in * s->i, h, state);
                for (size_t u = 0; u < s->h; u++)
                    rop_close("recurrent", out * s->h + u, (double)y[out * s->h + u],
                              k < n ? h[u] : 0, 1e-4, 2e-5);
            }
            for (size_t u = 0; u < s->h; u++) {
                if (y_h)
                    rop_close("last h", first + u, (double)y_h[first + u], h[u], 1e-4, 2e-5);
                if (y_c)
                    rop_close("last c", first + u, (double)y_c[first + u], state[u], 1e-4, 2e-5);
            }
        }
    }
}

static void add_input(rop_case *row, nnrt_dtype dtype, nnrt_shape shape, const void *data,
                      bool constant)
{
    row->in[row->in_count++] = (rop_input){dtype, shape, data, constant};
}

static float *packed(const float *w, const recurrent_case *c, size_t k, nnrt_shape *shape)
{
    uint32_t g = gates_of(c->id), h = (uint32_t)c->s.h;
    size_t n = nnrt_pack_recurrent_bytes(g, h, (uint32_t)k) / sizeof(float);
    float *to = calloc(c->p.directions * n, sizeof *to);
    assert_non_null(to);
    for (size_t d = 0; d < c->p.directions; d++)
        nnrt_pack_recurrent(to + d * n, w + d * g * h * k, g, h, (uint32_t)k);
    *shape = rop_dims(1, (int64_t)(c->p.directions * n), 0, 0, 0);
    return to;
}

/* last_states: compare the other outputs too. */
static void run_case(recurrent_case *c, bool last_states)
{
    const sizes *s = &c->s;
    const int64_t d = c->p.directions, g = gates_of(c->id), h = (int64_t)s->h, b = (int64_t)s->b;
    const bool first = c->p.batch_first != 0;
    rop_case row = {.id = c->id, .params = &c->p, .out_dtype = NNRT_F32, .out_rank = 4};
    nnrt_shape ws = rop_dims(3, d, g * h, (int64_t)s->i, 0), rs = rop_dims(3, d, g * h, h, 0);
    nnrt_shape state = rop_dims(3, first ? b : d, first ? d : b, h, 0);
    size_t states = (size_t)(d * b * h);
    float *w_packed = NULL, *r_packed = NULL;
    c->p.hidden = (uint32_t)s->h;
    c->p.input = (uint32_t)s->i;
    c->x = rop_floats(&rng, s->t * s->b * s->i, 1.0f);
    c->w = rop_floats(&rng, (size_t)(d * g * h) * s->i, 0.4f);
    c->r = rop_floats(&rng, (size_t)(d * g * h * h), 0.3f);
    add_input(&row, NNRT_F32,
              rop_dims(3, (int64_t)(first ? s->b : s->t), (int64_t)(first ? s->t : s->b),
                       (int64_t)s->i, 0),
              c->x, false);
    const bool pack = (c->p.inputs & NNRT_RECURRENT_PACKED) != 0;
    if (pack) {
        w_packed = packed(c->w, c, s->i, &ws);
        r_packed = packed(c->r, c, s->h, &rs);
    }
    add_input(&row, NNRT_F32, ws, pack ? w_packed : c->w, pack);
    add_input(&row, NNRT_F32, rs, pack ? r_packed : c->r, pack);
    if (c->p.inputs & NNRT_RECURRENT_BIAS) {
        c->bias = rop_floats(&rng, (size_t)(2 * d * g * h), 0.5f);
        add_input(&row, NNRT_F32, rop_dims(2, d, 2 * g * h, 0, 0), c->bias, true);
    }
    if (c->p.inputs & NNRT_RECURRENT_LENGTHS)
        add_input(&row, NNRT_I32, rop_dims(1, b, 0, 0, 0), c->lengths, false);
    if (c->p.inputs & NNRT_RECURRENT_H0) {
        c->h0 = rop_floats(&rng, states, 0.7f);
        add_input(&row, NNRT_F32, state, c->h0, false);
    }
    if (c->p.inputs & NNRT_RECURRENT_C0) {
        c->c0 = rop_floats(&rng, states, 0.7f);
        add_input(&row, NNRT_F32, state, c->c0, false);
    }
    if (c->p.inputs & NNRT_RECURRENT_PEEPHOLE) {
        c->peep = rop_floats(&rng, (size_t)(3 * d * h), 0.4f);
        add_input(&row, NNRT_F32, rop_dims(2, d, 3 * h, 0, 0), c->peep, true);
    }
    float *y = rop_run(&row, NULL), *y_h = NULL, *y_c = NULL;
    row.out_rank = 3;
    rop_more.index = 1;
    if (last_states)
        y_h = rop_run(&row, NULL);
    rop_more.index = 2;
    if (last_states && c->id == NNRT_ROP_ID_LSTM)
        y_c = rop_run(&row, NULL);
    rop_more.index = 0;
    compare(c, y, y_h, y_c);
    float *all[] = {y,       y_h,   y_c,   c->x,    c->w,     c->r,
                    c->bias, c->h0, c->c0, c->peep, w_packed, r_packed};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        free(all[i]);
}

#define SIG                                                                                        \
    {                                                                                              \
        NNRT_CELL_SIGMOID, 0, 0                                                                    \
    }
#define TANH                                                                                       \
    {                                                                                              \
        NNRT_CELL_TANH, 0, 0                                                                       \
    }
enum {
    PACK = NNRT_RECURRENT_PACKED,
    BIAS = NNRT_RECURRENT_BIAS,
    LENS = NNRT_RECURRENT_LENGTHS,
    H0 = NNRT_RECURRENT_H0,
    C0 = NNRT_RECURRENT_C0,
    PEEP = NNRT_RECURRENT_PEEPHOLE
};
typedef struct variant {
    uint32_t directions, reverse, batch_first, inputs, option;
    float clip;
} variant;

static const variant variants[] = {
    {1, 0, 0, PACK, 0, INFINITY},
    {1, 1, 0, PACK | BIAS, 0, INFINITY},
    {2, 0, 0, PACK | BIAS | H0, 1, INFINITY},
    {1, 0, 1, BIAS | LENS | H0, 0, INFINITY},
    {2, 0, 1, PACK | BIAS | LENS | H0, 1, 0.5f},
    {2, 0, 0, LENS, 0, 0.3f},
};
static const sizes shapes[] = {{4, 3, 5, 10}, {6, 1, 16, 16}, {3, 8, 7, 33}, {1, 2, 1, 1}};

static void test_gru(void **state)
{
    (void)state;
    for (size_t i = 0; i < 24; i++) {
        const variant *v = &variants[i % 6];
        recurrent_case c = {.id = NNRT_ROP_ID_GRU, .s = shapes[i / 6]};
        c.p = (nnrt_recurrent_params){.directions = v->directions,
                                      .reverse = v->reverse,
                                      .batch_first = v->batch_first,
                                      .inputs = v->inputs,
                                      .linear_before_reset = v->option,
                                      .clip = v->clip,
                                      .function = {SIG, TANH, SIG, TANH}};
        for (size_t k = 0; k < 16; k++)
            c.lengths[k] = (int32_t)((k * 5 + 2) % (c.s.t + 1));
        run_case(&c, i < 6);
    }
}

static void test_lstm(void **state)
{
    (void)state;
    for (size_t i = 0; i < 24; i++) {
        const variant *v = &variants[i % 6];
        recurrent_case c = {.id = NNRT_ROP_ID_LSTM, .s = shapes[i / 6]};
        c.p = (nnrt_recurrent_params){.directions = v->directions,
                                      .reverse = v->reverse,
                                      .batch_first = v->batch_first,
                                      .inputs = v->inputs,
                                      .input_forget = v->option,
                                      .clip = v->clip,
                                      .function = {SIG, TANH, TANH, SIG, TANH, TANH}};
        c.p.inputs |= i % 2 ? C0 | PEEP : 0;
        for (size_t k = 0; k < 16; k++)
            c.lengths[k] = (int32_t)((k * 5 + 2) % (c.s.t + 1));
        run_case(&c, i < 6);
    }
}

static void test_functions(void **state)
{
    (void)state;
    for (uint32_t op = 0; op < NNRT_CELL_OP_COUNT; op++) {
        nnrt_cell_function f = {op, 0.3f, 0.6f};
        recurrent_case rnn = {.id = NNRT_ROP_ID_RNN, .s = {3, 2, 4, 9}};
        rnn.p = (nnrt_recurrent_params){
            .directions = 1, .inputs = PACK | BIAS, .clip = INFINITY, .function = {f}};
        run_case(&rnn, true);
        recurrent_case lstm = {.id = NNRT_ROP_ID_LSTM, .s = {3, 2, 4, 9}};
        lstm.p = (nnrt_recurrent_params){
            .directions = 1, .inputs = PACK | BIAS, .clip = INFINITY, .function = {SIG, f, f}};
        run_case(&lstm, false);
    }
}

static void test_refused(void **state)
{
    (void)state;
    const nnrt_recurrent_params good = {
        .hidden = 2, .input = 3, .directions = 1, .clip = INFINITY, .function = {TANH}};
    nnrt_recurrent_params bad[9];
    for (size_t i = 0; i < 9; i++)
        bad[i] = good;
    bad[0].hidden = 0;
    bad[1].input = UINT32_MAX;
    bad[2].directions = 3;
    bad[3].reverse = 2;
    bad[4].inputs = NNRT_RECURRENT_BIAS; /* which is not there */
    bad[5].inputs = NNRT_RECURRENT_C0;   /* which an rnn has not */
    bad[6].function[0].op = NNRT_CELL_OP_COUNT;
    bad[7].clip = NAN;
    bad[8].hidden = 4; /* R has 2 */
    float zero[64] = {0};
    for (size_t i = 0; i < 9; i++) {
        rop_case c = {NNRT_ROP_ID_RNN,
                      &bad[i],
                      3,
                      {{NNRT_F32, rop_dims(3, 2, 1, 3, 0), zero, false},
                       {NNRT_F32, rop_dims(3, 1, 2, 3, 0), zero, false},
                       {NNRT_F32, rop_dims(3, 1, 2, 2, 0), zero, false}},
                      NNRT_F32,
                      4};
        nnrt_node_ctx ctx = {.name = "op", .params = &bad[i], .in_count = 3};
        nnrt_tensor in[3];
        for (uint32_t k = 0; k < 3; k++)
            in[k] = (nnrt_tensor){NULL, 0, NNRT_F32, c.in[k].shape};
        ctx.in = in;
        if (i < 8)
            assert_int_equal(nnrt_rop_find(NNRT_ROP_ID_RNN)->check(&ctx), NNC_ERR_MODEL);
        else
            rop_refuse(&c, NNRT_ERR_MODEL);
    }
}

int main(void)
{
    nnc_rng_init(&rng, 11, 150);
    rop_more = (rop_outputs){0, {4, 3, 3}, {NNRT_F32, NNRT_F32, NNRT_F32}};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gru),
        cmocka_unit_test(test_lstm),
        cmocka_unit_test(test_functions),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
