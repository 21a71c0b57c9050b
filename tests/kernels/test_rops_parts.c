/* Diagonals, triangles, one-hot, running sums, random numbers, windows, determinants. SPDX-License-Identifier: Apache-2.0 */
#include "kernels/rop_case.h"

#include "runtime_int8/ops/elements.h"

static void expect(const rop_case *c, const void *want, size_t bytes, const int64_t *dims)
{
    nnrt_shape shape;
    void *y = rop_run(c, &shape);
    for (uint32_t i = 0; i < shape.rank; i++)
        assert_int_equal(shape.dims[i], dims[i]);
    assert_memory_equal(y, want, bytes);
    free(y);
}

static void test_eye(void **state)
{
    (void)state;
    const float x[12] = {0};
    nnrt_eye_params p = {NNRT_I32, -1};
    rop_case c = {NNRT_ROP_ID_EYE, &p, 1, {{NNRT_F32, rop_dims(2, 3, 4, 0, 0), x, false}}, NNRT_I32, 2};
    const int32_t want[12] = {0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0};
    expect(&c, want, sizeof want, (const int64_t[]){3, 4});
    p = (nnrt_eye_params){NNRT_F16, 2};
    c.out_dtype = NNRT_F16;
    const uint16_t half[12] = {0, 0, 0x3c00, 0, 0, 0, 0, 0x3c00};
    expect(&c, half, sizeof half, (const int64_t[]){3, 4});
}

static void test_trilu(void **state)
{
    (void)state;
    uint8_t x[24];
    for (int i = 0; i < 24; i++)
        x[i] = (uint8_t)(i + 1);
    for (uint32_t upper = 0; upper < 2; upper++) {
        for (int64_t k = -5; k <= 6; k++) {
            uint8_t want[24];
            for (int i = 0; i < 24; i++) {
                int row = i / 4 % 3, column = i % 4;
                bool kept = upper ? column >= row + k : column <= row + k;
                want[i] = kept ? x[i] : 0;
            }
            nnrt_trilu_params p = {upper, 0};
            rop_case c = {NNRT_ROP_ID_TRILU, &p, 2,
                          {{NNRT_U8, rop_dims(3, 2, 3, 4, 0), x, false}, {NNRT_I64, rop_dims(0, 0, 0, 0, 0), &k, false}},
                          NNRT_U8, 3};
            expect(&c, want, sizeof want, (const int64_t[]){2, 3, 4});
        }
    }
}

static void test_bitcast(void **state)
{
    (void)state;
    const float x[3] = {1.0f, -2.0f, NAN};
    nnrt_cast_params p = {NNRT_U32};
    rop_case c = {NNRT_ROP_ID_BITCAST, &p, 1, {{NNRT_F32, rop_dims(1, 3, 0, 0, 0), x, false}}, NNRT_U32, 1};
    expect(&c, x, sizeof x, (const int64_t[]){3});
    const int8_t nibbles[3] = {-1, 7, -8};
    const uint8_t want[3] = {15, 7, 8};
    p.dtype = NNRT_U4;
    rop_case small = {NNRT_ROP_ID_BITCAST, &p, 1, {{NNRT_I4, rop_dims(1, 3, 0, 0, 0), nibbles, false}}, NNRT_U4, 1};
    expect(&small, want, sizeof want, (const int64_t[]){3});
}

static void test_one_hot(void **state)
{
    (void)state;
    const int32_t x[3] = {1, -1, 7};
    const float depth = 3.0f;
    const int16_t values[2] = {5, 9};
    nnrt_axis_params p = {1};
    rop_case c = {NNRT_ROP_ID_ONE_HOT, &p, 3,
                  {{NNRT_I32, rop_dims(1, 3, 0, 0, 0), x, false},
                   {NNRT_F32, rop_dims(0, 0, 0, 0, 0), &depth, true},
                   {NNRT_I16, rop_dims(1, 2, 0, 0, 0), values, false}},
                  NNRT_I16, 2};
    const int16_t want[9] = {5, 9, 5, 5, 5, 9, 5, 5, 5};
    expect(&c, want, sizeof want, (const int64_t[]){3, 3});
    p.axis = 0;
    const int16_t turned[9] = {5, 5, 5, 9, 5, 5, 5, 9, 5};
    expect(&c, turned, sizeof turned, (const int64_t[]){3, 3});
    const float bad = -1.0f;
    c.in[1].data = &bad;
    rop_refuse(&c, NNRT_ERR_MODEL);
}

static void test_hardmax(void **state)
{
    (void)state;
    const double x[6] = {1, 3, 3, -1, -2, -1};
    const double want[6] = {0, 1, 0, 1, 0, 0};
    nnrt_axis_params p = {1};
    rop_case c = {NNRT_ROP_ID_HARDMAX, &p, 1, {{NNRT_F64, rop_dims(2, 2, 3, 0, 0), x, false}}, NNRT_F64, 2};
    expect(&c, want, sizeof want, (const int64_t[]){2, 3});
}

static void test_cumulative(void **state)
{
    (void)state;
    const int16_t x[6] = {1, 2, 3, 4, 5, 6};
    const struct {
        nnrt_cumulative_params p;
        int64_t axis;
        int16_t want[6];
    } cases[] = {
        {{0, 0, 0, 0}, 1, {1, 3, 6, 4, 9, 15}},   {{0, 1, 0, 0}, -1, {0, 1, 3, 0, 4, 9}},
        {{0, 0, 1, 0}, 1, {6, 5, 3, 15, 11, 6}},  {{1, 1, 1, 0}, 1, {6, 3, 1, 30, 6, 1}},
        {{1, 0, 0, 0}, 0, {1, 2, 3, 4, 10, 18}},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        rop_case c = {NNRT_ROP_ID_CUMULATIVE, &cases[k].p, 2,
                      {{NNRT_I16, rop_dims(2, 2, 3, 0, 0), x, false},
                       {NNRT_I64, rop_dims(0, 0, 0, 0, 0), &cases[k].axis, true}},
                      NNRT_I16, 2};
        expect(&c, cases[k].want, sizeof cases[k].want, (const int64_t[]){2, 3});
    }
    const int64_t bad = 2;
    rop_case c = {NNRT_ROP_ID_CUMULATIVE, &cases[0].p, 2,
                  {{NNRT_I16, rop_dims(2, 2, 3, 0, 0), x, false}, {NNRT_I64, rop_dims(0, 0, 0, 0, 0), &bad, true}},
                  NNRT_I16, 2};
    rop_refuse(&c, NNRT_ERR_MODEL);
}

/* Mean and deviation of many; the same numbers for any number of threads (rop_run). */
static void check_random(bool normal, float a, float b, double mean, double deviation)
{
    const int64_t dims[2] = {300, 401};
    nnrt_random_params p = {12345, NNRT_F32, normal, a, b};
    rop_case c = {NNRT_ROP_ID_RANDOM, &p, 1, {{NNRT_I64, rop_dims(1, 2, 0, 0, 0), dims, true}}, NNRT_F32, 2};
    float *y = rop_run(&c, NULL);
    double sum = 0, squares = 0, n = 300.0 * 401.0;
    for (size_t i = 0; i < 300 * 401; i++) {
        sum += (double)y[i];
        squares += (double)y[i] * (double)y[i];
        assert_true(normal || (y[i] >= a && y[i] <= b));
    }
    rop_close("mean", 0, sum / n, mean, 0, 0.02 * deviation);
    rop_close("deviation", 0, sqrt(squares / n - sum / n * (sum / n)), deviation, 0.02, 0);
    free(y);
}

static void test_random(void **state)
{
    (void)state;
    check_random(false, -1.0f, 3.0f, 1.0, 4.0 / sqrt(12.0));
    check_random(true, 5.0f, 2.0f, 5.0, 2.0);
}

static void test_draws(void **state)
{
    (void)state;
    enum { N = 40000 };
    static float x[N];
    for (int i = 0; i < N; i++)
        x[i] = 0.3f;
    nnrt_random_params p = {7, NNRT_BOOL, 0, 0.0f, 0.0f};
    rop_case c = {NNRT_ROP_ID_BERNOULLI, &p, 1, {{NNRT_F32, rop_dims(1, N, 0, 0, 0), x, false}}, NNRT_BOOL, 1};
    uint8_t *y = rop_run(&c, NULL);
    int ones = 0;
    for (int i = 0; i < N; i++)
        ones += y[i];
    rop_close("bernoulli", 0, ones / (double)N, 0.3, 0, 0.01);
    free(y);
    const float logits[3] = {logf(0.2f) + 100.0f, logf(0.5f) + 100.0f, logf(0.3f) + 100.0f};
    nnrt_multinomial_params m = {7, NNRT_I64, N};
    rop_case d = {NNRT_ROP_ID_MULTINOMIAL, &m, 1, {{NNRT_F32, rop_dims(2, 1, 3, 0, 0), logits, false}}, NNRT_I64, 2};
    int64_t *k = rop_run(&d, NULL);
    int counts[3] = {0};
    for (int i = 0; i < N; i++) {
        assert_true(k[i] >= 0 && k[i] < 3);
        counts[k[i]]++;
    }
    rop_close("multinomial", 1, counts[1] / (double)N, 0.5, 0, 0.01);
    rop_close("multinomial", 2, counts[2] / (double)N, 0.3, 0, 0.01);
    free(k);
}

static void test_windows(void **state)
{
    (void)state;
    const int64_t size = 4;
    nnrt_window_function_params p = {NNRT_F64, 1, {0.5f, 0.5f, 0.0f}, 0};
    rop_case c = {NNRT_ROP_ID_WINDOW_FUNCTION, &p, 1, {{NNRT_I64, rop_dims(0, 0, 0, 0, 0), &size, true}}, NNRT_F64, 1};
    double *y = rop_run(&c, NULL);
    const double hann[4] = {0, 0.5, 1, 0.5};
    for (int i = 0; i < 4; i++)
        rop_close("hann", (size_t)i, y[i], hann[i], 0, 1e-12);
    free(y);
    const int64_t negative = -1;
    c.in[0].data = &negative;
    rop_refuse(&c, NNRT_ERR_MODEL);
}

static void test_det(void **state)
{
    (void)state;
    const float x[12] = {0, 2, 3, 1, 1, 2, 2, 4, 5, 6, 7, 9};
    const float want[3] = {-6, 0, 3};
    rop_case c = {NNRT_ROP_ID_DET, NULL, 1, {{NNRT_F32, rop_dims(3, 3, 2, 2, 0), x, false}}, NNRT_F32, 1};
    expect(&c, want, sizeof want, (const int64_t[]){3});
    c.in[0].shape = rop_dims(3, 2, 2, 3, 0);
    rop_refuse(&c, NNRT_ERR_MODEL);
}

static void test_tfidf(void **state)
{
    (void)state;
    const int32_t x[8] = {1, 1, 3, 3, 3, 7, 8, 6};
    const int64_t pool[10] = {2, 3, 5, 4, 5, 6, 7, 8, 6, 7}, starts[2] = {0, 4}, columns[7] = {0, 1, 2, 3, 4, 5, 6};
    const float weights[7] = {1, 2, 1, 1, 1, 3, 1};
    nnrt_tfidf_params p = {NNRT_TFIDF_TFIDF, 1, 2, 0, 7, 0};
    rop_case c = {NNRT_ROP_ID_TFIDF, &p, 5,
                  {{NNRT_I32, rop_dims(1, 8, 0, 0, 0), x, false},
                   {NNRT_I64, rop_dims(1, 10, 0, 0, 0), pool, true},
                   {NNRT_I64, rop_dims(1, 2, 0, 0, 0), starts, true},
                   {NNRT_I64, rop_dims(1, 7, 0, 0, 0), columns, true},
                   {NNRT_F32, rop_dims(1, 7, 0, 0, 0), weights, true}},
                  NNRT_F32, 1};
    const float want[7] = {0, 6, 0, 0, 0, 3, 0};
    expect(&c, want, sizeof want, (const int64_t[]){7});
    p.mode = NNRT_TFIDF_IDF;
    const float once[7] = {0, 2, 0, 0, 0, 3, 0};
    expect(&c, once, sizeof once, (const int64_t[]){7});
    p.width = 6;
    rop_refuse(&c, NNRT_ERR_MODEL);
    p.width = 7;
    const int64_t beyond[2] = {0, 12};
    c.in[2].data = beyond;
    rop_refuse(&c, NNRT_ERR_MODEL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_eye),     cmocka_unit_test(test_trilu),      cmocka_unit_test(test_bitcast),
        cmocka_unit_test(test_one_hot), cmocka_unit_test(test_hardmax),    cmocka_unit_test(test_cumulative),
        cmocka_unit_test(test_random),  cmocka_unit_test(test_draws),      cmocka_unit_test(test_windows),
        cmocka_unit_test(test_det),     cmocka_unit_test(test_tfidf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
