/* attention and rotary against float64 oracles; the same bits on all tiers and thread counts.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rop_case.h"

static nnc_rng rng;

typedef struct attention_case {
    size_t b, hq, hk, l, s, p, d, dv;
    uint32_t split; /* 3-D operands */
    nnrt_attention_params params;
    float *q, *k, *v, *past_k, *past_v, *mask;
    uint8_t *flags;
    int64_t lengths[4];
} attention_case;

/* Element of a [B,N,H*D] or [B,H,N,D] operand. */
static double at(const attention_case *c, const float *x, size_t h, size_t n, size_t d, size_t ib,
                 size_t ih, size_t in, size_t id)
{
    return (
        double)x[c->split ? ((ib * n + in) * h + ih) * d + id : ((ib * h + ih) * n + in) * d + id];
}

static double key(const attention_case *c, bool value, size_t b, size_t h, size_t t, size_t i)
{
    const size_t d = value ? c->dv : c->d;
    if (t < c->p)
        return (double)(value ? c->past_v : c->past_k)[((b * c->hk + h) * c->p + t) * d + i];
    return at(c, value ? c->v : c->k, c->hk, c->s, d, b, h, t - c->p, i);
}

/* What is added to the score of query i and key t; -INFINITY where it is not attended. */
static double bias(const attention_case *c, size_t b, size_t h, size_t i, size_t t)
{
    const nnrt_attention_params *p = &c->params;
    const size_t keys = c->p + c->s;
    const bool has_lengths = (p->inputs & NNRT_ATTENTION_LENGTHS) != 0;
    int64_t place =
        (int64_t)i + (has_lengths && c->p == 0 ? c->lengths[b] - (int64_t)c->l : (int64_t)c->p);
    if ((p->causal && (int64_t)t > place) || (has_lengths && (int64_t)t >= c->lengths[b]) ||
        (p->left >= 0 && (int64_t)t < place - p->left) ||
        (p->right >= 0 && (int64_t)t > place + p->right))
        return -INFINITY;
    if (c->flags)
        return c->flags[(b * c->l + i) * keys + t] ? 0 : -INFINITY;
    return c->mask ? (double)c->mask[(h * c->l + i) * keys + t] : 0;
}

static void compare(const attention_case *c, const float *y)
{
    const size_t keys = c->p + c->s;
    double x[128];
    for (size_t j = 0; j < c->b * c->hq * c->l; j++) {
        const size_t b = j / (c->hq * c->l), h = j / c->l % c->hq, i = j % c->l;
        const size_t kv = h / (c->hq / c->hk);
        double most = -INFINITY, sum = 0;
        for (size_t t = 0; t < keys; t++) {
            x[t] = 0;
            for (size_t k = 0; k < c->d; k++)
                x[t] += at(c, c->q, c->hq, c->l, c->d, b, h, i, k) * key(c, false, b, kv, t, k);
            x[t] *= c->params.has_scale ? (double)c->params.scale : 1 / sqrt((double)c->d);
            if (c->params.softcap > 0)
                x[t] = (double)c->params.softcap * tanh(x[t] / (double)c->params.softcap);
            x[t] += bias(c, b, h, i, t);
            most = fmax(most, x[t]);
        }
        for (size_t t = 0; t < keys; t++)
            sum += most == -INFINITY ? 1 : exp(x[t] - most);
        for (size_t k = 0; k < c->dv; k++) {
            double want = 0;
            for (size_t t = 0; t < keys && most > -INFINITY; t++)
                want += exp(x[t] - most) / sum * key(c, true, b, kv, t, k);
            const size_t out = c->split ? ((b * c->l + i) * c->hq + h) * c->dv + k : j * c->dv + k;
            rop_close("attention", out, (double)y[out], want, 1e-5, 1e-5);
        }
    }
}

static void add_input(rop_case *row, nnrt_dtype dtype, nnrt_shape shape, const void *data)
{
    row->in[row->in_count++] = (rop_input){dtype, shape, data, false};
}

static float *operand(rop_case *row, const attention_case *c, size_t h, size_t n, size_t d)
{
    float *x = rop_floats(&rng, c->b * h * n * d, 1.0f);
    const int64_t b = (int64_t)c->b, ih = (int64_t)h, in = (int64_t)n, id = (int64_t)d;
    add_input(row, NNRT_F32, c->split ? rop_dims(3, b, in, ih * id, 0) : rop_dims(4, b, ih, in, id),
              x);
    return x;
}

static void run_case(attention_case *c)
{
    rop_case row = {.id = NNRT_ROP_ID_ATTENTION,
                    .params = &c->params,
                    .out_dtype = NNRT_F32,
                    .out_rank = c->split ? 3 : 4};
    const size_t keys = c->p + c->s;
    const int64_t b = (int64_t)c->b, hk = (int64_t)c->hk, t = (int64_t)keys;
    c->params.q_heads = c->split ? (uint32_t)c->hq : 0;
    c->params.kv_heads = c->split ? (uint32_t)c->hk : 0;
    c->q = operand(&row, c, c->hq, c->l, c->d);
    c->k = operand(&row, c, c->hk, c->s, c->d);
    c->v = operand(&row, c, c->hk, c->s, c->dv);
    if (c->flags) {
        c->flags = rop_u8(&rng, c->b * c->l * keys);
        for (size_t i = 0; i < c->b * c->l * keys; i++)
            c->flags[i] = i / keys % 3 != 0 && c->flags[i] % 3 != 0; /* some rows have no key */
        add_input(&row, NNRT_BOOL, rop_dims(4, b, 1, (int64_t)c->l, t), c->flags);
    } else if (c->params.inputs & NNRT_ATTENTION_MASK) {
        c->mask = rop_floats(&rng, c->hq * c->l * keys, 1.0f);
        add_input(&row, NNRT_F32, rop_dims(3, (int64_t)c->hq, (int64_t)c->l, t, 0), c->mask);
    }
    if (c->p) {
        c->past_k = rop_floats(&rng, c->b * c->hk * c->p * c->d, 1.0f);
        c->past_v = rop_floats(&rng, c->b * c->hk * c->p * c->dv, 1.0f);
        add_input(&row, NNRT_F32, rop_dims(4, b, hk, (int64_t)c->p, (int64_t)c->d), c->past_k);
        add_input(&row, NNRT_F32, rop_dims(4, b, hk, (int64_t)c->p, (int64_t)c->dv), c->past_v);
    }
    if (c->params.inputs & NNRT_ATTENTION_LENGTHS)
        add_input(&row, NNRT_I64, rop_dims(1, b, 0, 0, 0), c->lengths);
    float *y = rop_run(&row, NULL);
    compare(c, y);
    void *all[] = {y, c->q, c->k, c->v, c->past_k, c->past_v, c->mask, c->flags};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        free(all[i]);
}

static void test_attention(void **state)
{
    (void)state;
    enum { MASK = NNRT_ATTENTION_MASK, PAST = NNRT_ATTENTION_PAST, LENS = NNRT_ATTENTION_LENGTHS };
    static uint8_t flags[1]; /* asks for a bool mask */
    attention_case cases[] = {
        {2, 3, 3, 5, 7, 0, 8, 6, 0, .params = {.left = -1, .right = -1}},
        {1, 4, 2, 50, 40, 0, 20, 33, 1,
         .params = {.left = -1, .right = -1, .has_scale = 1, .scale = 0.3f}},
        {2, 4, 1, 9, 9, 0, 16, 16, 0,
         .params = {.causal = 1, .left = -1, .right = -1, .softcap = 2.0f}},
        {2, 2, 2, 4, 4, 13, 5, 3, 1,
         .params = {.causal = 1, .left = -1, .right = -1, .inputs = MASK | PAST}},
        {3, 2, 1, 6, 17, 0, 8, 8, 0, .params = {.left = -1, .right = -1, .inputs = MASK},
         .flags = flags},
        {3, 2, 2, 3, 11, 0, 8, 8, 0,
         .params = {.causal = 1, .left = 4, .right = -1, .inputs = LENS}, .lengths = {11, 2, 5}},
        {1, 2, 2, 30, 30, 3, 4, 5, 0, .params = {.left = 3, .right = 2, .inputs = PAST}},
        {1, 1, 1, 1, 90, 0, 64, 64, 0, .params = {.left = -1, .right = -1}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        run_case(&cases[i]);
}

static void test_attention_refused(void **state)
{
    (void)state;
    const nnrt_attention_params good = {.left = -1, .right = -1};
    nnrt_attention_params bad[7];
    for (size_t i = 0; i < 7; i++)
        bad[i] = good;
    bad[0].inputs = NNRT_ATTENTION_INPUTS;
    bad[1].q_heads = 2;
    bad[2].left = -2;
    bad[3].softcap = NAN;
    bad[4].scores = 4;
    bad[5].inputs = NNRT_ATTENTION_PAST; /* which is not there */
    bad[6].causal = 0;                   /* 3 heads of queries for 2 of keys */
    float zero[48] = {0};
    for (size_t i = 0; i < 7; i++) {
        rop_case c = {NNRT_ROP_ID_ATTENTION,
                      &bad[i],
                      3,
                      {{NNRT_F32, rop_dims(4, 1, 3, 2, 4), zero, false},
                       {NNRT_F32, rop_dims(4, 1, 2, 2, 4), zero, false},
                       {NNRT_F32, rop_dims(4, 1, 2, 2, 4), zero, false}},
                      NNRT_F32,
                      4};
        nnrt_tensor in[3];
        for (uint32_t k = 0; k < 3; k++)
            in[k] = (nnrt_tensor){NULL, 0, NNRT_F32, c.in[k].shape};
        nnrt_node_ctx ctx = {.name = "op", .params = &bad[i], .in_count = 3, .in = in};
        if (i < 6)
            assert_int_equal(nnrt_rop_find(NNRT_ROP_ID_ATTENTION)->check(&ctx), NNC_ERR_MODEL);
        else
            rop_refuse(&c, NNRT_ERR_MODEL);
    }
}

/* The cached form needs its lengths, its total and causal attention; the plain one has no total. */
static void test_cached_refused(void **state)
{
    (void)state;
    const uint32_t total = NNRT_ATTENTION_TOTAL, lengths = NNRT_ATTENTION_LENGTHS;
    const nnrt_attention_params bad[] = {
        {.left = -1, .right = -1, .causal = 1, .inputs = total},
        {.left = -1, .right = -1, .causal = 1, .inputs = lengths},
        {.left = -1, .right = -1, .causal = 0, .inputs = total | lengths},
        {.left = -1, .right = -1, .causal = 1, .inputs = total | lengths},
    };
    nnrt_tensor in[5];
    for (uint32_t k = 0; k < 5; k++)
        in[k] = (nnrt_tensor){NULL, 0, k < 3 ? NNRT_F32 : NNRT_I64, rop_dims(4, 1, 2, 2, 4)};
    in[3].shape = rop_dims(1, 1, 0, 0, 0);
    for (size_t i = 0; i < 4; i++) {
        nnrt_node_ctx ctx = {.name = "op", .params = &bad[i], .in_count = 5, .in = in};
        assert_int_equal(nnrt_rop_find(NNRT_ROP_ID_ATTENTION_CACHED)->check(&ctx),
                         i < 3 ? NNC_ERR_MODEL : NNC_OK);
        assert_int_equal(nnrt_rop_find(NNRT_ROP_ID_ATTENTION)->check(&ctx), NNC_ERR_MODEL);
    }
}

static void test_rotary(void **state)
{
    (void)state;
    enum { B = 2, L = 5, H = 3, D = 8, MAX = 20 };
    int64_t positions[B * L];
    for (uint32_t v = 0; v < 16; v++) {
        const bool split = v & 1, pairs = v & 2, partial = v & 4, given = v & 8;
        const size_t r = partial ? 6 : D, rows = given ? MAX : B * L;
        const nnrt_rotary_params p = {split ? H : 0, partial ? 6 : 0, pairs};
        float *x = rop_floats(&rng, B * L * H * D, 1.0f);
        float *cosine = rop_floats(&rng, rows * r / 2, 1.0f);
        float *sine = rop_floats(&rng, rows * r / 2, 1.0f);
        const nnrt_shape table =
            given ? rop_dims(2, MAX, (int64_t)r / 2, 0, 0) : rop_dims(3, B, L, (int64_t)r / 2, 0);
        for (size_t i = 0; i < B * L; i++)
            positions[i] = (int64_t)(i * 7 % MAX);
        rop_case c = {
            NNRT_ROP_ID_ROTARY,
            &p,
            given ? 4 : 3,
            {{NNRT_F32, split ? rop_dims(3, B, L, H * D, 0) : rop_dims(4, B, H, L, D), x, false},
             {NNRT_F32, table, cosine, true},
             {NNRT_F32, table, sine, true},
             {NNRT_I64, rop_dims(2, B, L, 0, 0), positions, false}},
            NNRT_F32,
            split ? 3 : 4};
        float *y = rop_run(&c, NULL);
        for (size_t i = 0; i < B * L * H * D; i++) {
            const size_t k = i % D, n = split ? i / (H * D) : i / (H * L * D) * L + i / D % L;
            const size_t half = r / 2, pair = pairs ? k / 2 : k % half;
            const bool second = pairs ? k % 2 : k >= half;
            const size_t t = (given ? (size_t)positions[n] : n) * half + pair;
            const size_t other = pairs ? (second ? i - 1 : i + 1) : (second ? i - half : i + half);
            double want = (double)x[i];
            if (k < r)
                want = (double)cosine[t] * (double)x[i] +
                       (second ? 1 : -1) * (double)sine[t] * (double)x[other];
            rop_close("rotary", i, (double)y[i], want, 1e-5, 1e-6);
        }
        free(y);
        free(x);
        free(cosine);
        free(sine);
    }
}

int main(void)
{
    nnc_rng_init(&rng, 11, 153);
    rop_more = (rop_outputs){0, {4, 4, 4, 4}, {NNRT_F32, NNRT_F32, NNRT_F32, NNRT_F32}};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attention),
        cmocka_unit_test(test_attention_refused),
        cmocka_unit_test(test_cached_refused),
        cmocka_unit_test(test_rotary),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
