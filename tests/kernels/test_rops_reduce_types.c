/* Reductions of every element type, axes at run time, empty sets. SPDX-License-Identifier:
 * Apache-2.0 */
#include "kernels/rop_case.h"

static nnc_rng rng;

static const nnrt_dtype types[] = {NNRT_F64, NNRT_I8,  NNRT_U8,  NNRT_I16, NNRT_U16,
                                   NNRT_I32, NNRT_U32, NNRT_I64, NNRT_U64};

static void put(void *data, nnrt_dtype dtype, size_t i, double v)
{
    switch (dtype) {
    case NNRT_F64:
        ((double *)data)[i] = v;
        break;
    case NNRT_I8:
    case NNRT_U8:
        ((uint8_t *)data)[i] = (uint8_t)(int)v;
        break;
    case NNRT_I16:
    case NNRT_U16:
        ((uint16_t *)data)[i] = (uint16_t)(int)v;
        break;
    case NNRT_I32:
    case NNRT_U32:
        ((uint32_t *)data)[i] = (uint32_t)(int)v;
        break;
    default:
        ((int64_t *)data)[i] = (int64_t)v;
        break;
    }
}

static double get(const void *data, nnrt_dtype dtype, size_t i)
{
    switch (dtype) {
    case NNRT_F64:
        return ((const double *)data)[i];
    case NNRT_I8:
        return ((const int8_t *)data)[i];
    case NNRT_U8:
        return ((const uint8_t *)data)[i];
    case NNRT_I16:
        return ((const int16_t *)data)[i];
    case NNRT_U16:
        return ((const uint16_t *)data)[i];
    case NNRT_I32:
        return ((const int32_t *)data)[i];
    case NNRT_U32:
        return ((const uint32_t *)data)[i];
    default:
        return (double)((const int64_t *)data)[i];
    }
}

static bool is_unsigned(nnrt_dtype dtype)
{
    return dtype == NNRT_U8 || dtype == NNRT_U16 || dtype == NNRT_U32 || dtype == NNRT_U64;
}

/* The reduction of v[0..n) in double, truncated for integers. */
static double oracle(uint32_t op, const double *v, size_t n, bool integer)
{
    double sum = op == NNRT_REDUCE_PROD ? 1.0 : 0.0, most = -INFINITY, least = INFINITY;
    for (size_t i = 0; i < n; i++) {
        most = fmax(most, v[i]);
        least = fmin(least, v[i]);
        if (op == NNRT_REDUCE_PROD)
            sum *= v[i];
        else if (op == NNRT_REDUCE_L1)
            sum += fabs(v[i]);
        else if (op == NNRT_REDUCE_L2 || op == NNRT_REDUCE_SUM_SQUARE)
            sum += v[i] * v[i];
        else
            sum += op == NNRT_REDUCE_LOG_SUM_EXP ? exp(v[i]) : v[i];
    }
    if (op == NNRT_REDUCE_MAX || op == NNRT_REDUCE_MIN)
        return op == NNRT_REDUCE_MAX ? most : least;
    sum = op == NNRT_REDUCE_MEAN ? sum / (double)n : sum;
    sum = op == NNRT_REDUCE_L2 ? sqrt(sum) : sum;
    sum = op == NNRT_REDUCE_LOG_SUM || op == NNRT_REDUCE_LOG_SUM_EXP ? log(sum) : sum;
    return integer ? trunc(sum) : sum;
}

/* [3,5,2,4] over axes 1 and 3: neither neighbours nor at the end alone. */
static void check_type(nnrt_dtype dtype, uint32_t op)
{
    enum { COUNT = 120, KEPT = 6, SUM = 20 };
    const nnrt_shape s = {4, {3, 5, 2, 4}};
    uint64_t x[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        double v = (double)nnc_rng_below(&rng, 4) - 1.0;
        v = op == NNRT_REDUCE_LOG_SUM || is_unsigned(dtype) ? fabs(v) + 0.0 : v;
        v = op == NNRT_REDUCE_PROD ? (v > 1.5 ? 2.0 : 1.0) * (v < -0.5 ? -1.0 : 1.0) : v;
        put(x, dtype, i, dtype == NNRT_F64 ? v * 1.25 : v);
    }
    const int64_t axes[2] = {-1, 1};
    const nnrt_reduce_params fixed = {op, 1u << 1 | 1u << 3, 0};
    const nnrt_reduce_axes_params given = {op, 0, 0};
    rop_case c = {NNRT_ROP_ID_REDUCE, &fixed, 1, {{dtype, s, x, false}}, dtype, 2};
    rop_case d = {NNRT_ROP_ID_REDUCE_AXES,
                  &given,
                  2,
                  {{dtype, s, x, false}, {NNRT_I64, {1, {2}}, axes, true}},
                  dtype,
                  2};
    void *y = rop_run(&c, NULL), *z = rop_run(&d, NULL);
    assert_memory_equal(y, z, KEPT * nnrt_dtype_bytes(dtype));
    for (size_t o = 0; o < KEPT; o++) {
        double v[SUM];
        for (size_t j = 0; j < SUM; j++)
            v[j] = get(x, dtype, o / 2 * 40 + j / 4 * 8 + o % 2 * 4 + j % 4);
        double want = oracle(op, v, SUM, dtype != NNRT_F64);
        double wrap = dtype == NNRT_I8 || dtype == NNRT_U8     ? 256.0
                      : dtype == NNRT_I16 || dtype == NNRT_U16 ? 65536.0
                                                               : 0.0;
        double got = get(y, dtype, o);
        if (wrap != 0.0 && op == NNRT_REDUCE_PROD) /* 2^20 does not fit */
            assert_true(fmod(got - want, wrap) == 0.0);
        else
            rop_close("reduce", o, got, want, 1e-13, 0.0);
    }
    free(y);
    free(z);
}

static void test_types(void **state)
{
    (void)state;
    for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
        for (uint32_t op = 0; op < NNRT_REDUCE_COUNT; op++)
            check_type(types[t], op);
    }
}

static void test_bool(void **state)
{
    const uint8_t x[6] = {0, 1, 0, 0, 1, 1};
    (void)state;
    for (uint32_t op = NNRT_REDUCE_MAX; op <= NNRT_REDUCE_MIN; op++) {
        const nnrt_reduce_params p = {op, 2, 0};
        rop_case c = {NNRT_ROP_ID_REDUCE, &p, 1, {{NNRT_BOOL, {2, {3, 2}}, x, false}},
                      NNRT_BOOL,          1};
        uint8_t *y = rop_run(&c, NULL);
        for (size_t i = 0; i < 3; i++)
            assert_int_equal(y[i], op == NNRT_REDUCE_MAX ? x[2 * i] | x[2 * i + 1]
                                                         : x[2 * i] & x[2 * i + 1]);
        free(y);
    }
}

/* Of no elements: the neutral element of each reduction. */
static void test_empty(void **state)
{
    static const double want[NNRT_REDUCE_COUNT] = {0, NAN, -INFINITY, INFINITY,  1,
                                                   0, 0,   0,         -INFINITY, -INFINITY};
    const uint64_t x[1] = {0};
    (void)state;
    for (uint32_t op = 0; op < NNRT_REDUCE_COUNT; op++) {
        const nnrt_reduce_params p = {op, 2, 1};
        rop_case c = {NNRT_ROP_ID_REDUCE, &p, 1, {{NNRT_F64, {2, {2, 0}}, x, false}}, NNRT_F64, 2};
        double *y = rop_run(&c, NULL);
        rop_close("empty f64", op, y[1], want[op], 0, 0);
        free(y);
        c.in[0].dtype = c.out_dtype = NNRT_F32;
        float *f = rop_run(&c, NULL);
        rop_close("empty f32", op, (double)f[1], want[op], 0, 0);
        free(f);
    }
}

/* No axes: everything, or with noop each element alone. */
static void test_no_axes(void **state)
{
    const float x[4] = {-2.0f, 3.0f, -0.5f, 1.0f};
    const int64_t none[1] = {0};
    (void)state;
    for (uint32_t noop = 0; noop < 2; noop++) {
        const nnrt_reduce_axes_params p = {NNRT_REDUCE_SUM_SQUARE, 1, noop};
        rop_case c = {NNRT_ROP_ID_REDUCE_AXES,
                      &p,
                      2,
                      {{NNRT_F32, {2, {2, 2}}, x, false}, {NNRT_I64, {1, {0}}, none, true}},
                      NNRT_F32,
                      2};
        nnrt_shape shape;
        float *y = rop_run(&c, &shape);
        assert_int_equal(nnrt_shape_count(&shape), noop ? 4 : 1);
        for (size_t i = 0; i < (noop ? 4 : 1); i++)
            assert_true(y[i] == (noop ? x[i] * x[i] : 14.25f));
        free(y);
    }
}

static void test_refused(void **state)
{
    const float x[4] = {0};
    const int64_t axes[1] = {2};
    const nnrt_reduce_axes_params p = {NNRT_REDUCE_SUM, 1, 0};
    rop_case c = {NNRT_ROP_ID_REDUCE_AXES,
                  &p,
                  2,
                  {{NNRT_F32, {2, {2, 2}}, x, false}, {NNRT_I64, {1, {1}}, axes, true}},
                  NNRT_F32,
                  2};
    (void)state;
    rop_refuse(&c, NNRT_ERR_MODEL);
}

int main(void)
{
    nnc_rng_init(&rng, 20, 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),   cmocka_unit_test(test_bool),
        cmocka_unit_test(test_empty),   cmocka_unit_test(test_no_axes),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
