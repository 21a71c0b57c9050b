/* Elementwise runtime ops on every element type. SPDX-License-Identifier: Apache-2.0 */
#include "kernels/rop_case.h"

#include "runtime_int8/ops/elements.h"
#include "tensor/half.h"

#define N 600 /* more than one chunk */

static nnc_rng rng;

static const nnrt_dtype integers[] = {NNRT_I8, NNRT_U8, NNRT_I16, NNRT_U16, NNRT_I32, NNRT_U32, NNRT_I64, NNRT_U64};
static const nnrt_dtype floats[] = {NNRT_F32, NNRT_F64, NNRT_F16, NNRT_BF16};

/* Random values of a type, extremes among them, as int64 and as stored. */
static void random_ints(int64_t v[N], void *stored, nnrt_dtype dtype, unsigned seed)
{
    nnc_rng_init(&rng, seed, dtype);
    for (size_t i = 0; i < N; i++) {
        uint64_t bits = ((uint64_t)nnc_rng_u32(&rng) << 32) | nnc_rng_u32(&rng);
        v[i] = nnrt_int_wrap((int64_t)(i % 3 == 0 ? bits : bits % 9), dtype);
    }
    v[0] = v[5] = nnrt_int_min(dtype);
    v[1] = v[6] = nnrt_int_max(dtype);
    v[2] = 0;
    nnrt_store_ints(stored, dtype, 0, v, N);
}

typedef __int128 wide;

static wide value_of(int64_t v, nnrt_dtype dtype)
{
    return dtype == NNRT_U64 ? (wide)(uint64_t)v : (wide)v;
}

static wide floor_div(wide a, wide b)
{
    wide q = a / b;
    return a % b != 0 && (a < 0) != (b < 0) ? q - 1 : q;
}

/* In 128 bits, where nothing wraps but products' high bits, which do not matter. */
static wide oracle(uint32_t op, wide a, wide b, nnrt_dtype dtype)
{
    wide bits = (wide)nnrt_int_bits(dtype);
    switch (op) {
    case NNRT_BINARY_ADD:
        return a + b;
    case NNRT_BINARY_SUB:
        return a - b;
    case NNRT_BINARY_MUL:
        return (wide)((unsigned __int128)a * (unsigned __int128)b);
    case NNRT_BINARY_DIV:
        return b == 0 ? 0 : a / b;
    case NNRT_BINARY_MIN:
        return a < b ? a : b;
    case NNRT_BINARY_MAX:
        return a > b ? a : b;
    case NNRT_BINARY_MOD:
        return b == 0 ? 0 : a - b * floor_div(a, b);
    case NNRT_BINARY_FMOD:
        return b == 0 ? 0 : a % b;
    case NNRT_BINARY_EQUAL:
        return a == b;
    case NNRT_BINARY_LESS:
        return a < b;
    case NNRT_BINARY_LESS_EQUAL:
        return a <= b;
    case NNRT_BINARY_GREATER:
        return a > b;
    case NNRT_BINARY_GREATER_EQUAL:
        return a >= b;
    case NNRT_BINARY_BIT_AND:
        return a & b;
    case NNRT_BINARY_BIT_OR:
        return a | b;
    case NNRT_BINARY_BIT_XOR:
        return a ^ b;
    case NNRT_BINARY_SHIFT_LEFT:
        return b < 0 || b >= bits ? 0 : (wide)((unsigned __int128)a << b);
    case NNRT_BINARY_SHIFT_RIGHT:
        return b < 0 || b >= bits ? (a < 0 ? -1 : 0) : a >> b;
    default: /* NNRT_BINARY_PRELU */
        return a >= 0 ? a : (wide)((unsigned __int128)a * (unsigned __int128)b);
    }
}

static void check_binary_ints(uint32_t op, nnrt_dtype dtype)
{
    int64_t a[N], b[N];
    uint64_t sa[N], sb[N];
    bool flag = op >= NNRT_BINARY_EQUAL && op <= NNRT_BINARY_GREATER_EQUAL;
    random_ints(a, sa, dtype, 1);
    random_ints(b, sb, dtype, 2);
    nnrt_binary_params p = {op, {-INFINITY, INFINITY}};
    rop_case c = {NNRT_ROP_ID_BINARY, &p, 2,
                  {{dtype, rop_dims(1, N, 0, 0, 0), sa, false}, {dtype, rop_dims(1, N, 0, 0, 0), sb, false}},
                  flag ? NNRT_BOOL : dtype, 1};
    void *y = rop_run(&c, NULL);
    for (size_t i = 0; i < N; i++) {
        int64_t got, want = (int64_t)(uint64_t)oracle(op, value_of(a[i], dtype), value_of(b[i], dtype), dtype);
        nnrt_load_ints(&got, y, c.out_dtype, i, 1, 1);
        want = flag ? want : nnrt_int_wrap(want, dtype);
        if (got != want)
            fail_msg("binary %u of %s: %lld and %lld give %lld, expected %lld", op, nnrt_dtype_name(dtype),
                     (long long)a[i], (long long)b[i], (long long)got, (long long)want);
    }
    free(y);
}

static void test_binary_integers(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof integers / sizeof *integers; k++) {
        for (uint32_t op = 0; op < NNRT_BINARY_COUNT; op++) {
            if (op != NNRT_BINARY_POW && op != NNRT_BINARY_AND && op != NNRT_BINARY_OR && op != NNRT_BINARY_XOR)
                check_binary_ints(op, integers[k]);
        }
    }
}

static void test_pow_integers(void **state)
{
    (void)state;
    const uint64_t a[] = {3, 2, UINT64_MAX, 7, 2}, b[] = {40, 63, UINT64_MAX, 0, 64};
    const uint64_t want[] = {UINT64_C(12157665459056928801), UINT64_C(1) << 63, UINT64_MAX, 1, 0};
    nnrt_binary_params p = {NNRT_BINARY_POW, {-INFINITY, INFINITY}};
    rop_case c = {NNRT_ROP_ID_BINARY, &p, 2,
                  {{NNRT_U64, rop_dims(1, 5, 0, 0, 0), a, false}, {NNRT_U64, rop_dims(1, 5, 0, 0, 0), b, false}},
                  NNRT_U64, 1};
    uint64_t *y = rop_run(&c, NULL);
    assert_memory_equal(y, want, sizeof want);
    free(y);
}

/* Halves are the float32 result of the same numbers, rounded. */
static void check_binary_floats(uint32_t op, nnrt_dtype dtype)
{
    double a[N], b[N];
    uint64_t sa[N], sb[N];
    nnc_rng_init(&rng, 3, op);
    for (size_t i = 0; i < N; i++) {
        a[i] = (double)nnc_rng_normal(&rng);
        b[i] = (double)nnc_rng_normal(&rng) + 3.0;
    }
    nnrt_store_doubles(sa, dtype, 0, a, N);
    nnrt_store_doubles(sb, dtype, 0, b, 1); /* broadcast */
    bool flag = op >= NNRT_BINARY_EQUAL && op <= NNRT_BINARY_GREATER_EQUAL;
    nnrt_binary_params p = {op, {-INFINITY, INFINITY}};
    rop_case c = {NNRT_ROP_ID_BINARY, &p, 2,
                  {{dtype, rop_dims(1, N, 0, 0, 0), sa, false}, {dtype, rop_dims(1, 1, 0, 0, 0), sb, false}},
                  flag ? NNRT_BOOL : dtype, 1};
    void *y = rop_run(&c, NULL);
    float fa[N], fb[N], fy[N];
    nnrt_load_floats(fa, sa, dtype, 0, 1, N);
    nnrt_load_floats(fb, sb, dtype, 0, 0, N);
    c.in[0] = (rop_input){NNRT_F32, rop_dims(1, N, 0, 0, 0), fa, false};
    c.in[1] = (rop_input){NNRT_F32, rop_dims(1, N, 0, 0, 0), fb, false};
    c.out_dtype = flag ? NNRT_BOOL : NNRT_F32;
    void *single = rop_run(&c, NULL);
    for (size_t i = 0; i < N; i++) {
        double got, want;
        nnrt_load_floats(fy, single, c.out_dtype, i, 1, 1);
        uint64_t rounded = 0;
        if (!flag && dtype != NNRT_F64)
            nnrt_store_floats(&rounded, dtype, 0, fy, 1);
        nnrt_load_doubles(&got, y, flag ? NNRT_BOOL : dtype, i, 1, 1);
        if (flag || dtype == NNRT_F64)
            want = (double)fy[0];
        else
            nnrt_load_doubles(&want, &rounded, dtype, 0, 1, 1);
        rop_close("binary", i, got, want, dtype == NNRT_F64 ? 1e-5 : 0, dtype == NNRT_F64 ? 1e-6 : 0);
    }
    free(y);
    free(single);
}

static void test_binary_floats(void **state)
{
    (void)state;
    for (size_t k = 1; k < sizeof floats / sizeof *floats; k++) {
        for (uint32_t op = 0; op <= NNRT_BINARY_GREATER_EQUAL; op++)
            check_binary_floats(op, floats[k]);
    }
}

static void test_unary_doubles(void **state)
{
    (void)state;
    for (uint32_t op = 0; op < NNRT_UNARY_COUNT; op++) {
        if (op >= NNRT_UNARY_NOT && op <= NNRT_UNARY_BIT_NOT)
            continue;
        double x[N];
        float f[N];
        for (size_t i = 0; i < N; i++) {
            f[i] = -4.0f + 8.0f * (float)i / N;
            x[i] = (double)f[i];
        }
        nnrt_unary_params p = {op, 0.7f, 1.3f};
        rop_case c = {NNRT_ROP_ID_UNARY, &p, 1, {{NNRT_F64, rop_dims(1, N, 0, 0, 0), x, false}}, NNRT_F64, 1};
        double *y = rop_run(&c, NULL);
        c.in[0] = (rop_input){NNRT_F32, rop_dims(1, N, 0, 0, 0), f, false};
        c.out_dtype = NNRT_F32;
        float *single = rop_run(&c, NULL);
        for (size_t i = 0; i < N; i++)
            rop_close("unary f64", i, (double)single[i], y[i], 4e-6, 1e-6);
        free(y);
        free(single);
    }
}

static void test_unary_integers(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof integers / sizeof *integers; k++) {
        nnrt_dtype dtype = integers[k];
        static const uint32_t ops[] = {NNRT_UNARY_ABS, NNRT_UNARY_NEG, NNRT_UNARY_SIGN, NNRT_UNARY_RELU, NNRT_UNARY_BIT_NOT};
        int64_t x[N];
        uint64_t stored[N];
        random_ints(x, stored, dtype, 4);
        for (size_t o = 0; o < sizeof ops / sizeof *ops; o++) {
            nnrt_unary_params p = {ops[o], 0.0f, 0.0f};
            rop_case c = {NNRT_ROP_ID_UNARY, &p, 1, {{dtype, rop_dims(1, N, 0, 0, 0), stored, false}}, dtype, 1};
            void *y = rop_run(&c, NULL);
            for (size_t i = 0; i < N; i++) {
                wide v = value_of(x[i], dtype);
                const wide want[] = {v < 0 ? -v : v, -v, (v > 0) - (v < 0), v < 0 ? 0 : v, ~v};
                int64_t got;
                nnrt_load_ints(&got, y, dtype, i, 1, 1);
                assert_int_equal(got, nnrt_int_wrap((int64_t)(uint64_t)want[o], dtype));
            }
            free(y);
        }
    }
}

static void cast_small(nnrt_dtype from, const void *x, int64_t n, nnrt_cast_small_params p, const uint8_t *want)
{
    rop_case c = {NNRT_ROP_ID_CAST_SMALL, &p, 1, {{from, rop_dims(1, n, 0, 0, 0), x, false}}, (nnrt_dtype)p.dtype, 1};
    uint8_t *y = rop_run(&c, NULL);
    for (int64_t i = 0; i < n; i++) {
        if (y[i] != want[i])
            fail_msg("cast to %s: element %d is 0x%02x, expected 0x%02x", nnrt_dtype_name(p.dtype), (int)i, y[i], want[i]);
    }
    free(y);
}

static void test_cast_small(void **state)
{
    (void)state;
    const float x[] = {0.0f, 1.0f, -2.5f, 1000.0f, NAN, 0x1p-127f, 3.0f, INFINITY};
    const uint8_t e4m3[] = {0x00, 0x38, 0xc2, 0x7e, 0x7f, 0x00, 0x44, 0x7e};
    const uint8_t e4m3_nan[] = {0x00, 0x38, 0xc2, 0x7f, 0x7f, 0x00, 0x44, 0x7f};
    cast_small(NNRT_F32, x, 8, (nnrt_cast_small_params){NNRT_F8E4M3FN, 1, 0, 0}, e4m3);
    cast_small(NNRT_F32, x, 8, (nnrt_cast_small_params){NNRT_F8E4M3FN, 0, 0, 0}, e4m3_nan);
    const float s[] = {0.0f, 1.0f, 1.25f, 3.0f, NAN, 0x1p-127f, 5.0f, INFINITY};
    const uint8_t up[] = {0, 127, 128, 129, 255, 0, 130, 254}, down[] = {0, 127, 127, 128, 255, 0, 129, 254};
    const uint8_t nearest[] = {255, 127, 127, 129, 255, 0, 129, 255};
    cast_small(NNRT_F32, s, 8, (nnrt_cast_small_params){NNRT_F8E8M0, 1, 0, 0}, up);
    cast_small(NNRT_F32, s, 8, (nnrt_cast_small_params){NNRT_F8E8M0, 1, 1, 0}, down);
    cast_small(NNRT_F32, s, 8, (nnrt_cast_small_params){NNRT_F8E8M0, 0, 2, 0}, nearest);
    const int32_t v[] = {0, 7, 8, -1, -9, 21};
    const uint8_t i4[] = {0, 7, 0xf8, 0xff, 7, 5}, u4[] = {0, 7, 8, 15, 7, 5}, u2[] = {0, 3, 0, 3, 3, 1};
    cast_small(NNRT_I32, v, 6, (nnrt_cast_small_params){NNRT_I4, 1, 0, 0}, i4);
    cast_small(NNRT_I32, v, 6, (nnrt_cast_small_params){NNRT_U4, 1, 0, 0}, u4);
    cast_small(NNRT_I32, v, 6, (nnrt_cast_small_params){NNRT_U2, 1, 0, 0}, u2);
    const float f[] = {-0.9f, 1.5f, -3.7f, 40.0f};
    const uint8_t trunc4[] = {0, 1, 0xfd, 0};
    cast_small(NNRT_F32, f, 4, (nnrt_cast_small_params){NNRT_I4, 1, 0, 0}, trunc4);
}

/* A double between two halves rounds once: by way of float it would round to a tie first. */
static void test_double_to_half(void **state)
{
    (void)state;
    const double x[] = {1.0 + 0x1p-11 + 0x1p-40, 1.0 + 0x1p-11 - 0x1p-40, -(1.0 + 0x1p-11 + 0x1p-40)};
    const uint16_t want[] = {0x3c01, 0x3c00, 0xbc01};
    nnrt_cast_params p = {NNRT_F16};
    rop_case c = {NNRT_ROP_ID_CAST, &p, 1, {{NNRT_F64, rop_dims(1, 3, 0, 0, 0), x, false}}, NNRT_F16, 1};
    uint16_t *y = rop_run(&c, NULL);
    assert_memory_equal(y, want, sizeof want);
    free(y);
}

static void test_range_and_arg(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof integers / sizeof *integers + sizeof floats / sizeof *floats; k++) {
        size_t whole = sizeof integers / sizeof *integers;
        nnrt_dtype dtype = k < whole ? integers[k] : floats[k - whole];
        uint64_t scalars[3] = {0}, stored[8] = {0};
        static const double numbers[3] = {1, 10, 3}, v[6] = {2, 7, 1, 7, 0, 1};
        for (int i = 0; i < 9; i++) {
            double d = i < 3 ? numbers[i] : v[i - 3];
            int64_t n = (int64_t)d;
            void *to = i < 3 ? &scalars[i] : (void *)stored;
            if (k < whole)
                nnrt_store_ints(to, dtype, i < 3 ? 0 : (size_t)i - 3, &n, 1);
            else
                nnrt_store_doubles(to, dtype, i < 3 ? 0 : (size_t)i - 3, &d, 1);
        }
        nnrt_shape none = {.rank = 0}, got;
        rop_case r = {NNRT_ROP_ID_RANGE, NULL, 3,
                      {{dtype, none, &scalars[0], true}, {dtype, none, &scalars[1], true}, {dtype, none, &scalars[2], true}},
                      dtype, 1};
        void *y = rop_run(&r, &got);
        double values[3];
        assert_int_equal(got.dims[0], 3);
        nnrt_load_doubles(values, y, dtype, 0, 1, 3);
        assert_true(values[0] == 1 && values[1] == 4 && values[2] == 7);
        free(y);
        nnrt_arg_params p = {.axis = 1, .min = 0, .keepdims = 0, .select_last = 0};
        rop_case a = {NNRT_ROP_ID_ARG, &p, 1, {{dtype, rop_dims(2, 2, 3, 0, 0), stored, false}}, NNRT_I64, 1};
        int64_t *at = rop_run(&a, NULL);
        assert_true(at[0] == 1 && at[1] == 0);
        free(at);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_binary_integers), cmocka_unit_test(test_pow_integers), cmocka_unit_test(test_binary_floats),
        cmocka_unit_test(test_unary_doubles),   cmocka_unit_test(test_unary_integers),
        cmocka_unit_test(test_cast_small),      cmocka_unit_test(test_double_to_half),
        cmocka_unit_test(test_range_and_arg),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
