/* matmul_q8 through a session, against the definition in 64-bit integers, on every tier.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/q8_case.h"
#include "kernels/rop_case.h"

typedef struct matmul_case {
    uint32_t rank_a, rank_b, rank_y;
    int64_t a[4], b[4], y[4]; /* y: numpy's result of a times b (b's last two dims swapped with trans_b) */
    uint32_t trans_b;
} matmul_case;

static const matmul_case cases[] = {
    {2, 2, 2, {1, 1}, {1, 1}, {1, 1}, 0},
    {2, 2, 2, {5, 7}, {7, 3}, {5, 3}, 0},
    {2, 2, 2, {5, 7}, {3, 7}, {5, 3}, 1},
    {2, 2, 2, {13, 33}, {33, 65}, {13, 65}, 0},
    {2, 2, 2, {13, 34}, {65, 34}, {13, 65}, 1},
    {3, 3, 3, {4, 20, 64}, {4, 64, 20}, {4, 20, 20}, 0},
    {4, 4, 4, {2, 3, 17, 19}, {2, 3, 19, 18}, {2, 3, 17, 18}, 0},
    {4, 3, 4, {2, 3, 9, 16}, {3, 16, 5}, {2, 3, 9, 5}, 0},
    {3, 4, 4, {3, 9, 16}, {2, 1, 16, 5}, {2, 3, 9, 5}, 0},
    {2, 3, 3, {6, 40}, {5, 40, 31}, {5, 6, 31}, 0},
    {3, 2, 3, {5, 6, 40}, {31, 40}, {5, 6, 31}, 1},
    {1, 2, 1, {9}, {9, 4}, {4}, 0},
    {2, 1, 1, {4, 9}, {9}, {4}, 0},
    {1, 1, 0, {50}, {50}, {0}, 0},
    {2, 2, 2, {3, 0}, {0, 4}, {3, 4}, 0},
    {2, 2, 2, {0, 8}, {8, 4}, {0, 4}, 0},
    {3, 3, 3, {2, 3, 5}, {2, 5, 0}, {2, 3, 0}, 0},
    {2, 2, 2, {2, 33025}, {33025, 2}, {2, 2}, 0},
};

/* Matrix of an operand that output `at` (flat, over y's batch dims) reads. */
static size_t matrix_of(const int64_t *dims, uint32_t rank, const int64_t *y, uint32_t y_batch, size_t at)
{
    size_t index = 0, step = 1;
    const uint32_t own = rank > 2 ? rank - 2 : 0;
    for (uint32_t i = 0; i < y_batch; i++) {
        const int64_t d = y[y_batch - 1 - i];
        const size_t here = at % (size_t)d;
        at /= (size_t)d;
        if (i < own) {
            const int64_t mine = dims[own - 1 - i];
            index += mine == 1 ? 0 : here * step;
            step *= (size_t)mine;
        }
    }
    return index;
}

static float finish(int64_t acc, uint8_t residual, const nnrt_matmul_q8_params *p)
{
    const nnrt_q8_epilogue *e = &p->epilogue;
    float t = (float)(int32_t)acc * p->mult;
    if (e->residual == NNRT_Q8_RES_TWICE) {
        t = t < e->hi_mid ? t : e->hi_mid;
        t = rintf(t > e->lo_mid ? t : e->lo_mid) * e->mult_a;
    }
    if (e->residual != NNRT_Q8_RES_NONE) {
        const float r = (float)(residual - e->zr) * e->mult_r;
        t = t + r;
    }
    t = t < e->hi ? t : e->hi;
    t = t > e->lo ? t : e->lo;
    return e->out == NNRT_Q8_OUT_F32 ? t : rintf(t) + (float)e->zy;
}

static void check_case(const matmul_case *c, unsigned epilogue, int32_t zx, int32_t zb, q8_fill fill,
                       nnc_rng *rng)
{
    const nnrt_shape sa = rop_shape(c->rank_a, c->a), sb = rop_shape(c->rank_b, c->b);
    const nnrt_shape sy = rop_shape(c->rank_y, c->y);
    const size_t na = nnrt_shape_count(&sa), nb = nnrt_shape_count(&sb), ny = nnrt_shape_count(&sy);
    uint8_t *a = rop_u8(rng, na), *b = rop_u8(rng, nb), *r = rop_u8(rng, ny);
    if (fill != Q8_RANDOM) {
        memset(a, fill == Q8_HIGH ? 255 : 0, na);
        memset(b, 255, nb);
    }
    const size_t k = (size_t)c->a[c->rank_a - 1], m = c->rank_a > 1 ? (size_t)c->a[c->rank_a - 2] : 1;
    const size_t n = c->rank_b > 1 ? (size_t)c->b[c->rank_b - 1 - c->trans_b] : 1;
    nnrt_matmul_q8_params p = {.trans_b = c->trans_b, .zb = zb, .mult = 0.004f / sqrtf((float)k + 1),
                               .epilogue = q8_epilogue(epilogue, zx)};
    rop_case rop = {.id = NNRT_ROP_ID_MATMUL_Q8, .params = &p, .in_count = 2,
                    .in = {{NNRT_U8, sa, a, false}, {NNRT_U8, sb, b, false}, {NNRT_U8, sy, r, false}},
                    .out_dtype = p.epilogue.out == NNRT_Q8_OUT_F32 ? NNRT_F32 : NNRT_U8,
                    .out_rank = c->rank_y};
    rop.in_count += p.epilogue.residual != NNRT_Q8_RES_NONE;
    nnrt_shape shape;
    void *y = rop_run(&rop, &shape);
    assert_true(nnrt_shape_same(&shape, &sy));
    const uint32_t batch_rank = c->rank_a > c->rank_b ? (c->rank_a > 2 ? c->rank_a - 2 : 0)
                                                      : (c->rank_b > 2 ? c->rank_b - 2 : 0);
    for (size_t i = 0; i < ny; i++) {
        const size_t row = i / n % m, col = i % n, batch = i / (m * n);
        const uint8_t *pa = a + matrix_of(c->a, c->rank_a, c->y, batch_rank, batch) * m * k + row * k;
        const uint8_t *pb = b + matrix_of(c->b, c->rank_b, c->y, batch_rank, batch) * k * n;
        int64_t acc = 0;
        for (size_t j = 0; j < k; j++)
            acc += (int64_t)(pa[j] - zx) * (pb[c->trans_b ? col * k + j : j * n + col] - zb);
        const float want = finish(acc, r[i], &p);
        const float got = rop.out_dtype == NNRT_F32 ? ((float *)y)[i] : (float)((uint8_t *)y)[i];
        if (got != want)
            fail_msg("case %zu epilogue %u zx %d zb %d: element %zu is %g, expected %g",
                     (size_t)(c - cases), epilogue, zx, zb, i, (double)got, (double)want);
    }
    free(y);
    free(a);
    free(b);
    free(r);
}

static void equals_the_definition(void **state)
{
    static const int32_t zeros[][2] = {{0, 128}, {128, 128}, {255, 0}, {77, 255}, {3, 0}};
    (void)state;
    nnc_rng rng;
    nnc_rng_init(&rng, 5, 1);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        for (unsigned e = 0; e < Q8_EPILOGUES; e++) {
            const int32_t *z = zeros[(i + e) % 5];
            check_case(&cases[i], e, z[0], z[1], (q8_fill)((i + e) % Q8_FILL_COUNT), &rng);
        }
}

static void refuses_what_does_not_fit(void **state)
{
    (void)state;
    static const uint8_t bytes[2 * 33026] = {0};
    nnrt_matmul_q8_params p = {.zb = 128, .mult = 1.0f, .epilogue = q8_epilogue(0, 0)};
    rop_case c = {.id = NNRT_ROP_ID_MATMUL_Q8, .params = &p, .in_count = 2,
                  .in = {{NNRT_U8, rop_dims(2, 3, 4, 0, 0), bytes, false},
                         {NNRT_U8, rop_dims(2, 5, 2, 0, 0), bytes, false}},
                  .out_dtype = NNRT_U8, .out_rank = 2};
    rop_refuse(&c, NNRT_ERR_MODEL);
    c.in[0].shape = rop_dims(2, 1, 33026, 0, 0);
    c.in[1].shape = rop_dims(2, 33026, 1, 0, 0);
    rop_refuse(&c, NNRT_ERR_LIMIT);
    p.epilogue = q8_epilogue(3, 0);
    c.in_count = 3;
    c.in[0].shape = rop_dims(2, 2, 4, 0, 0);
    c.in[1].shape = rop_dims(2, 4, 3, 0, 0);
    c.in[2] = (rop_input){NNRT_U8, rop_dims(2, 2, 2, 0, 0), bytes, false};
    rop_refuse(&c, NNRT_ERR_MODEL);
}

/* Parameters of a hostile plan. */
static void checks_its_parameters(void **state)
{
    (void)state;
    const nnrt_matmul_q8_params good = {.zb = 128, .mult = 1.0f, .epilogue = q8_epilogue(0, 0)};
    nnrt_matmul_q8_params bad[6];
    for (size_t i = 0; i < 6; i++)
        bad[i] = good;
    bad[0].trans_b = 2;
    bad[1].zb = 256;
    bad[2].zb = -1;
    bad[3].mult = NAN;
    bad[4].epilogue.zx = 300;
    bad[5].epilogue.residual = NNRT_Q8_RES_DIRECT; /* without a third input */
    nnrt_tensor in[2] = {{.dtype = NNRT_U8, .shape = rop_dims(2, 2, 4, 0, 0)},
                         {.dtype = NNRT_U8, .shape = rop_dims(2, 4, 3, 0, 0)}};
    nnrt_tensor out = {0};
    nnrt_node_ctx ctx = {.name = "op", .params = &good, .in_count = 2, .out_count = 1, .in = in, .out = &out};
    const nnrt_rop *rop = nnrt_rop_find(NNRT_ROP_ID_MATMUL_Q8);
    assert_int_equal(rop->check(&ctx), NNC_OK);
    for (size_t i = 0; i < 6; i++) {
        ctx.params = &bad[i];
        assert_int_equal(rop->check(&ctx), NNC_ERR_MODEL);
    }
    ctx.params = &good;
    in[1].dtype = NNRT_I8;
    assert_int_equal(rop->check(&ctx), NNC_ERR_MODEL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_the_definition),
        cmocka_unit_test(refuses_what_does_not_fit),
        cmocka_unit_test(checks_its_parameters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
