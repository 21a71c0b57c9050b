/* Elementwise runtime ops against oracles in double or exact integers. SPDX-License-Identifier:
 * Apache-2.0 */
#include "kernels/rop_case.h"

#include "tensor/requant.h"

static nnc_rng rng;

static double oracle_arc(uint32_t op, double x, double a, double b);

static double oracle_unary(uint32_t op, double x, double a, double b)
{
    switch (op) {
    case NNRT_UNARY_ABS:
        return fabs(x);
    case NNRT_UNARY_NEG:
        return -x;
    case NNRT_UNARY_FLOOR:
        return floor(x);
    case NNRT_UNARY_CEIL:
        return ceil(x);
    case NNRT_UNARY_ROUND:
        return rint(x);
    case NNRT_UNARY_SIGN:
        return isnan(x) ? x : (x > 0) - (x < 0);
    case NNRT_UNARY_SQRT:
        return sqrt(x);
    case NNRT_UNARY_RECIPROCAL:
        return 1 / x;
    case NNRT_UNARY_EXP:
        return exp(x);
    case NNRT_UNARY_LOG:
        return log(x);
    case NNRT_UNARY_SIN:
        return sin(x);
    case NNRT_UNARY_COS:
        return cos(x);
    case NNRT_UNARY_TANH:
        return tanh(x);
    case NNRT_UNARY_SIGMOID:
        return 1 / (1 + exp(-x));
    case NNRT_UNARY_ERF:
        return erf(x);
    case NNRT_UNARY_RELU:
        return x < 0 ? 0 : x;
    case NNRT_UNARY_CLIP:
        return x < a ? a : (x > b ? b : x);
    case NNRT_UNARY_LEAKY_RELU:
        return x < 0 ? a * x : x;
    case NNRT_UNARY_ELU:
        return x < 0 ? a * expm1(x) : x;
    case NNRT_UNARY_SELU:
        return x > 0 ? b * x : b * a * expm1(x);
    case NNRT_UNARY_CELU:
        return x < 0 ? a * expm1(x / a) : x;
    case NNRT_UNARY_SOFTPLUS:
        return log1p(exp(x));
    case NNRT_UNARY_SOFTSIGN:
        return x / (1 + fabs(x));
    case NNRT_UNARY_HARD_SIGMOID:
        return isnan(x) ? x : fmin(1, fmax(0, a * x + b));
    case NNRT_UNARY_HARD_SWISH:
        return x * fmin(1, fmax(0, x / 6 + 0.5));
    case NNRT_UNARY_GELU:
        return 0.5 * x * (1 + erf(x / sqrt(2)));
    case NNRT_UNARY_GELU_TANH:
        return 0.5 * x * (1 + tanh(sqrt(2 / 3.14159265358979323846) * (x + 0.044715 * x * x * x)));
    case NNRT_UNARY_SILU:
        return x / (1 + exp(-x));
    case NNRT_UNARY_MISH:
        return x * tanh(log1p(exp(x)));
    case NNRT_UNARY_THRESHOLDED_RELU:
        return x > a ? x : 0;
    case NNRT_UNARY_IS_NAN:
        return isnan(x);
    case NNRT_UNARY_IS_INF:
        return isinf(x) != 0;
    case NNRT_UNARY_IS_NEG_INF:
        return isinf(x) && x < 0;
    case NNRT_UNARY_IS_POS_INF:
        return isinf(x) && x > 0;
    default:
        return oracle_arc(op, x, a, b);
    }
}

static double oracle_arc(uint32_t op, double x, double a, double b)
{
    switch (op) {
    case NNRT_UNARY_ACOS:
        return acos(x);
    case NNRT_UNARY_ACOSH:
        return acosh(x);
    case NNRT_UNARY_ASIN:
        return asin(x);
    case NNRT_UNARY_ASINH:
        return asinh(x);
    case NNRT_UNARY_ATAN:
        return atan(x);
    case NNRT_UNARY_ATANH:
        return atanh(x);
    case NNRT_UNARY_COSH:
        return cosh(x);
    case NNRT_UNARY_SINH:
        return sinh(x);
    case NNRT_UNARY_TAN:
        return tan(x);
    case NNRT_UNARY_SHRINK:
        return x < -a ? x + b : (x > a ? x - b : 0);
    case NNRT_UNARY_SWISH:
        return x / (1 + exp(-a * x));
    default:
        fail_msg("no oracle for unary %u", op);
        return 0;
    }
}

static void test_unary_float(void **state)
{
    (void)state;
    for (uint32_t op = 0; op < NNRT_UNARY_COUNT; op++) {
        if (op == NNRT_UNARY_NOT || op == NNRT_UNARY_BIT_NOT)
            continue;
        const size_t n = 17 * 1031; /* more than one task, odd tails */
        float *x = rop_floats(&rng, n, 3.0f);
        const float special[] = {0.0f,   -0.0f, INFINITY, -INFINITY, NAN,   1e-39f, 88.0f,
                                 -88.0f, 0.5f,  -1.5f,    2.5f,      1e30f, -1e30f};
        for (size_t i = 0; i < sizeof special / sizeof *special; i++)
            x[i * 37] = special[i];
        bool flag = op >= NNRT_UNARY_IS_NAN && op <= NNRT_UNARY_IS_POS_INF;
        nnrt_unary_params p = {op, 0.7f, 1.3f};
        rop_case c = {
            NNRT_ROP_ID_UNARY,           &p, 1, {{NNRT_F32, rop_dims(2, 17, 1031, 0, 0), x, false}},
            flag ? NNRT_BOOL : NNRT_F32, 2};
        void *y = rop_run(&c, NULL);
        char what[32];
        snprintf(what, sizeof what, "unary %u", op);
        for (size_t i = 0; i < n; i++) {
            double got = flag ? ((uint8_t *)y)[i] : (double)((float *)y)[i];
            double want = oracle_unary(op, (double)x[i], (double)0.7f, (double)1.3f);
            if (!flag && (isinf(x[i]) || fabsf(x[i]) > 1e29f) && isnan(want))
                continue; /* inf - inf and 0 * inf inside the formulas */
            if ((op == NNRT_UNARY_SIN || op == NNRT_UNARY_COS || op == NNRT_UNARY_TAN) && fabsf(x[i]) > 1e29f)
                continue; /* the argument's own rounding is larger than a period */
            rop_close(what, i, got, (double)(float)want, 4e-6, 1e-7);
        }
        free(y);
        free(x);
    }
}

static void test_unary_integer(void **state)
{
    (void)state;
    const int64_t x[] = {INT64_MIN, -5, -1, 0, 1, 7, INT64_MAX};
    const struct {
        uint32_t op;
        int64_t want[7];
    } cases[] = {
        {NNRT_UNARY_ABS, {INT64_MIN, 5, 1, 0, 1, 7, INT64_MAX}},
        {NNRT_UNARY_NEG, {INT64_MIN, 5, 1, 0, -1, -7, -INT64_MAX}},
        {NNRT_UNARY_SIGN, {-1, -1, -1, 0, 1, 1, 1}},
        {NNRT_UNARY_RELU, {0, 0, 0, 0, 1, 7, INT64_MAX}},
        {NNRT_UNARY_CLIP, {-2, -2, -1, 0, 1, 3, 3}},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        nnrt_unary_params p = {cases[k].op, -2.0f, 3.0f};
        rop_case c = {NNRT_ROP_ID_UNARY, &p, 1, {{NNRT_I64, rop_dims(1, 7, 0, 0, 0), x, false}},
                      NNRT_I64,          1};
        int64_t *y = rop_run(&c, NULL);
        assert_memory_equal(y, cases[k].want, sizeof cases[k].want);
        free(y);
    }
    const uint8_t b[] = {0, 1, 0};
    nnrt_unary_params p = {NNRT_UNARY_NOT, 0, 0};
    rop_case c = {NNRT_ROP_ID_UNARY, &p, 1, {{NNRT_BOOL, rop_dims(1, 3, 0, 0, 0), b, false}},
                  NNRT_BOOL,         1};
    uint8_t *y = rop_run(&c, NULL);
    assert_int_equal(y[0] == 1 && y[1] == 0 && y[2] == 1, 1);
    free(y);
}

/* Element of an operand under numpy broadcasting. */
static size_t broadcast_index(const nnrt_shape *out, const nnrt_shape *x, size_t i)
{
    size_t index = 0, step = 1;
    for (uint32_t k = 0; k < out->rank; k++) {
        size_t coordinate = i % (size_t)out->dims[out->rank - 1 - k];
        i /= (size_t)out->dims[out->rank - 1 - k];
        if (k < x->rank) {
            size_t dim = (size_t)x->dims[x->rank - 1 - k];
            index += (dim == 1 ? 0 : coordinate) * step;
            step *= dim;
        }
    }
    return index;
}

static double oracle_binary(uint32_t op, double a, double b)
{
    double r;
    switch (op) {
    case NNRT_BINARY_ADD:
        return a + b;
    case NNRT_BINARY_SUB:
        return a - b;
    case NNRT_BINARY_MUL:
        return a * b;
    case NNRT_BINARY_DIV:
        return a / b;
    case NNRT_BINARY_POW:
        return pow(a, b);
    case NNRT_BINARY_MIN:
        return a < b ? a : b;
    case NNRT_BINARY_MAX:
        return a > b ? a : b;
    case NNRT_BINARY_MOD:
        r = fmod(a, b);
        return r != 0 && (r < 0) != (b < 0) ? r + b : r;
    case NNRT_BINARY_FMOD:
        return fmod(a, b);
    case NNRT_BINARY_PRELU:
        return a >= 0 ? a : a * b;
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
    default:
        fail_msg("no oracle for binary %u", op);
        return 0;
    }
}

/* Pairs of shapes: equal, scalar, row, column, inner and outer broadcast, both sides, odd sizes,
 * empty. */
static const nnrt_shape pairs[][2] = {
    {{4, {2, 5, 7, 3}}, {4, {2, 5, 7, 3}}},
    {{3, {11, 40, 97}}, {3, {11, 40, 97}}},
    {{2, {33, 129}}, {0, {0}}},
    {{0, {0}}, {2, {33, 129}}},
    {{2, {33, 129}}, {1, {129}}},
    {{2, {33, 129}}, {2, {33, 1}}},
    {{4, {2, 3, 5, 17}}, {4, {2, 1, 1, 17}}},
    {{4, {2, 1, 5, 1}}, {4, {1, 3, 1, 17}}},
    {{4, {1, 56, 56, 24}}, {4, {1, 1, 1, 24}}},
    {{3, {4, 1, 6}}, {2, {5, 6}}},
    {{2, {0, 5}}, {1, {5}}},
    {{0, {0}}, {0, {0}}},
};
#define PAIRS (sizeof pairs / sizeof *pairs)

static nnrt_shape broadcast_shape(const nnrt_shape *a, const nnrt_shape *b)
{
    nnrt_shape y;
    nnrt_node_ctx ctx = {.name = "test"};
    assert_int_equal(nnrt_broadcast(&y, &ctx, a, b), NNC_OK);
    return y;
}

static void test_binary_float(void **state)
{
    (void)state;
    for (uint32_t op = 0; op <= NNRT_BINARY_GREATER_EQUAL; op++) {
        for (size_t k = 0; k < PAIRS; k++) {
            const nnrt_shape *sa = &pairs[k][0], *sb = &pairs[k][1];
            nnrt_shape sy = broadcast_shape(sa, sb), got;
            size_t na = nnrt_shape_count(sa), nb = nnrt_shape_count(sb);
            float *a = rop_floats(&rng, na, 2.0f), *b = rop_floats(&rng, nb, 2.0f);
            for (size_t i = 0; op == NNRT_BINARY_POW && i < na; i++)
                a[i] = fabsf(a[i]);
            for (size_t i = 0; i < nb; i++)
                b[i] = i % 5 == 0 && na > 0 ? a[i % na] : b[i];
            bool flag = op >= NNRT_BINARY_EQUAL;
            nnrt_binary_params p = {op, {-INFINITY, k % 2 ? 1.5f : INFINITY}};
            rop_case c = {NNRT_ROP_ID_BINARY,
                          &p,
                          2,
                          {{NNRT_F32, *sa, a, false}, {NNRT_F32, *sb, b, k % 3 == 1}},
                          flag ? NNRT_BOOL : NNRT_F32,
                          sy.rank};
            void *y = rop_run(&c, &got);
            assert_true(nnrt_shape_same(&got, &sy));
            for (size_t i = 0; i < nnrt_shape_count(&sy); i++) {
                double want = oracle_binary(op, (double)a[broadcast_index(&sy, sa, i)],
                                            (double)b[broadcast_index(&sy, sb, i)]);
                if (!flag && want > (double)p.clamp.hi)
                    want = (double)p.clamp.hi;
                rop_close("binary", i, flag ? ((uint8_t *)y)[i] : (double)((float *)y)[i], want,
                          2e-7, op == NNRT_BINARY_MOD || op == NNRT_BINARY_FMOD ? 1e-6 : 1e-38);
            }
            free(y);
            free(a);
            free(b);
        }
    }
}

static void test_binary_integer(void **state)
{
    (void)state;
    const int64_t a[] = {7, -7, 7, -7, 5, INT64_MIN, 3, 2};
    const int64_t b[] = {3, 3, -3, -3, 0, -1, 4, 10};
    const struct {
        uint32_t op;
        int64_t want[8];
    } cases[] = {
        {NNRT_BINARY_ADD, {10, -4, 4, -10, 5, INT64_MAX, 7, 12}},
        {NNRT_BINARY_SUB, {4, -10, 10, -4, 5, INT64_MIN + 1, -1, -8}},
        {NNRT_BINARY_MUL, {21, -21, -21, 21, 0, INT64_MIN, 12, 20}},
        {NNRT_BINARY_DIV, {2, -2, -2, 2, 0, INT64_MIN, 0, 0}},
        {NNRT_BINARY_MOD, {1, 2, -2, -1, 0, 0, 3, 2}},
        {NNRT_BINARY_FMOD, {1, -1, 1, -1, 0, 0, 3, 2}},
        {NNRT_BINARY_MIN, {3, -7, -3, -7, 0, INT64_MIN, 3, 2}},
        {NNRT_BINARY_MAX, {7, 3, 7, -3, 5, -1, 4, 10}},
        {NNRT_BINARY_POW, {343, -343, 0, 0, 1, 0, 81, 1024}},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        nnrt_binary_params p = {cases[k].op, {-INFINITY, INFINITY}};
        nnrt_shape s = rop_dims(1, 8, 0, 0, 0);
        rop_case c = {NNRT_ROP_ID_BINARY, &p, 2, {{NNRT_I64, s, a, false}, {NNRT_I64, s, b, false}},
                      NNRT_I64,           1};
        int64_t *y = rop_run(&c, NULL);
        for (size_t i = 0; i < 8; i++)
            assert_int_equal(y[i], cases[k].want[i]);
        free(y);
    }
    const uint8_t l[] = {0, 0, 1, 1}, r[] = {0, 1, 0, 1};
    const struct {
        uint32_t op;
        uint8_t want[4];
    } logic[] = {{NNRT_BINARY_AND, {0, 0, 0, 1}},
                 {NNRT_BINARY_OR, {0, 1, 1, 1}},
                 {NNRT_BINARY_XOR, {0, 1, 1, 0}}};
    for (size_t k = 0; k < 3; k++) {
        nnrt_binary_params p = {logic[k].op, {-INFINITY, INFINITY}};
        nnrt_shape s = rop_dims(1, 4, 0, 0, 0);
        rop_case c = {
            NNRT_ROP_ID_BINARY, &p, 2, {{NNRT_BOOL, s, l, false}, {NNRT_BOOL, s, r, false}},
            NNRT_BOOL,          1};
        uint8_t *y = rop_run(&c, NULL);
        assert_memory_equal(y, logic[k].want, 4);
        free(y);
    }
}

static void test_arith_q8(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2 * PAIRS; k++) {
        const nnrt_shape *sa = &pairs[k / 2][0], *sb = &pairs[k / 2][1];
        nnrt_shape sy = broadcast_shape(sa, sb);
        uint8_t *a = rop_u8(&rng, nnrt_shape_count(sa)), *b = rop_u8(&rng, nnrt_shape_count(sb));
        nnrt_add_q8_params add = {128, 3, 120, 0.6180f, k % 4 < 2 ? 0.731f : -0.731f, -120, 100};
        nnrt_mul_q8_params mul = {128, 3, 10, 0.0021f, -10, 245};
        rop_case c = {k % 2 ? NNRT_ROP_ID_MUL_Q8 : NNRT_ROP_ID_ADD_Q8,
                      k % 2 ? (void *)&mul : (void *)&add,
                      2,
                      {{NNRT_U8, *sa, a, false}, {NNRT_U8, *sb, b, false}},
                      NNRT_U8,
                      sy.rank};
        uint8_t *y = rop_run(&c, NULL);
        for (size_t i = 0; i < nnrt_shape_count(&sy); i++) {
            int32_t qa = a[broadcast_index(&sy, sa, i)], qb = b[broadcast_index(&sy, sb, i)];
            int32_t want =
                k % 2 ? nnc_requant((qa - mul.za) * (qb - mul.zb), mul.m, mul.lo, mul.hi, mul.zy)
                      : nnc_requant_add(qa - add.za, add.ma, qb - add.zb, add.mb, add.lo, add.hi,
                                        add.zy);
            assert_int_equal(y[i], want);
        }
        free(y);
        free(a);
        free(b);
    }
}

static void test_lut(void **state)
{
    (void)state;
    const nnrt_shape shapes[] = {{2, {7, 9431}}, {1, {64}}, {1, {63}},
                                 {1, {1}},       {1, {0}},  {2, {3, 129}}};
    uint8_t table[256];
    float reals[256];
    for (int i = 0; i < 256; i++) {
        table[i] = (uint8_t)(i * 37 + 11);
        reals[i] = (float)i * 0.37f - 5;
    }
    for (size_t k = 0; k < 12; k++) {
        const nnrt_shape *s = &shapes[k / 2];
        size_t n = nnrt_shape_count(s);
        uint8_t *x = rop_u8(&rng, n);
        nnrt_dtype t = k % 2 ? NNRT_F32 : NNRT_U8;
        rop_case c = {NNRT_ROP_ID_LUT_U8,
                      NULL,
                      2,
                      {{NNRT_U8, *s, x, false},
                       {t, rop_dims(1, 256, 0, 0, 0), k % 2 ? (void *)reals : (void *)table, true}},
                      t,
                      s->rank};
        void *y = rop_run(&c, NULL);
        for (size_t i = 0; i < n; i++) {
            if (k % 2)
                assert_true(((float *)y)[i] == reals[x[i]]);
            else
                assert_int_equal(((uint8_t *)y)[i], table[x[i]]);
        }
        free(y);
        free(x);
    }
}

static void test_quantize(void **state)
{
    (void)state;
    const nnrt_shape shapes[] = {{4, {2, 3, 37, 41}},  {4, {1, 1, 5, 5}}, {4, {2, 17, 9, 33}},
                                 {4, {1, 70, 31, 20}}, {3, {2, 3, 1000}}, {4, {1, 64, 3, 3}},
                                 {4, {1, 3, 224, 224}}};
    for (size_t k = 0; k < 2 * (sizeof shapes / sizeof *shapes); k++) {
        const nnrt_shape *s = &shapes[k / 2];
        size_t n = nnrt_shape_count(s), channels = (size_t)s->dims[1],
               pixels = n / (size_t)s->dims[0] / channels;
        float *x = rop_floats(&rng, n, 4.0f);
        x[0] = NAN;
        x[1] = INFINITY;
        x[2] = -INFINITY;
        x[3] = 0.05f * 2.5f; /* a tie */
        nnrt_quantize_params p = {0.05f, 113, k % 3 == 0 ? 1 : 0, 255, k % 2};
        rop_case c = {NNRT_ROP_ID_QUANTIZE, &p, 1, {{NNRT_F32, *s, x, false}}, NNRT_U8, s->rank};
        nnrt_shape got;
        uint8_t *y = rop_run(&c, &got);
        if (p.nchw_to_nhwc)
            assert_int_equal(got.dims[got.rank - 1], s->dims[1]);
        for (size_t i = 0; i < n; i++) {
            size_t image = i / (channels * pixels), ch = i / pixels % channels, px = i % pixels;
            size_t at = p.nchw_to_nhwc ? (image * pixels + px) * channels + ch : i;
            assert_int_equal(y[at], nnc_quantize(x[i], p.scale, (float)(p.qmin - p.zero_point),
                                                 (float)(p.qmax - p.zero_point), p.zero_point));
        }
        free(y);
        free(x);
    }
}

static void test_dequantize(void **state)
{
    (void)state;
    const nnrt_dtype types[] = {NNRT_U8, NNRT_I8, NNRT_I32};
    nnrt_shape s = rop_dims(3, 5, 7, 1001, 0);
    size_t n = nnrt_shape_count(&s);
    for (int k = 0; k < 9; k++) {
        nnrt_dtype t = types[k % 3];
        int32_t axis = k / 3 - 1;
        nnrt_shape one = {.rank = 0}, row = {.rank = 1, .dims = {axis < 0 ? 1 : s.dims[axis]}};
        uint8_t *x = rop_u8(&rng, n * 4);
        float scale[8];
        int32_t zero[8];
        for (int i = 0; i < 8; i++) {
            scale[i] = 0.01f * (float)(i + 1);
            zero[i] = i * 5;
        }
        nnrt_dequantize_params p = {axis};
        nnrt_shape *ps = axis < 0 ? &one : &row;
        rop_case c = {NNRT_ROP_ID_DEQUANTIZE,
                      &p,
                      3,
                      {{t, s, x, false}, {NNRT_F32, *ps, scale, true}, {NNRT_I32, *ps, zero, true}},
                      NNRT_F32,
                      3};
        float *y = rop_run(&c, NULL);
        for (size_t i = 0; i < n; i++) {
            size_t ch = axis < 0 ? 0 : (axis == 0 ? i / 7007 : i / 1001 % 7);
            int32_t q =
                t == NNRT_U8 ? x[i] : (t == NNRT_I8 ? ((int8_t *)x)[i] : ((int32_t *)(void *)x)[i]);
            float want = (float)(int32_t)((uint32_t)q - (uint32_t)zero[ch]) * scale[ch];
            assert_true(y[i] == want);
        }
        free(y);
        free(x);
    }
}

static void test_quantize_axis(void **state)
{
    (void)state;
    nnrt_shape s = rop_dims(3, 3, 4, 517, 0);
    size_t n = nnrt_shape_count(&s);
    const float scale[4] = {0.1f, 0.02f, 1.5f, 1e-4f};
    const int32_t zero[4] = {0, 3, -7, 1};
    const nnrt_quantize_axis_params params[] = {{1, NNRT_I8, -128, 127},
                                                {1, NNRT_I8, -127, 127},
                                                {-1, NNRT_U8, 0, 255},
                                                {1, NNRT_I32, INT32_MIN, INT32_MAX}};
    for (size_t k = 0; k < 4; k++) {
        const nnrt_quantize_axis_params *p = &params[k];
        float *x = rop_floats(&rng, n, 5.0f);
        x[0] = NAN;
        x[1] = 1e30f;
        x[2] = -1e30f;
        nnrt_shape ps = {.rank = p->axis < 0 ? 0 : 1, .dims = {4}};
        rop_case c = {
            NNRT_ROP_ID_QUANTIZE_AXIS,
            p,
            3,
            {{NNRT_F32, s, x, false}, {NNRT_F32, ps, scale, false}, {NNRT_I32, ps, zero, false}},
            (nnrt_dtype)p->dtype,
            3};
        void *y = rop_run(&c, NULL);
        for (size_t i = 0; i < n; i++) {
            size_t ch = p->axis < 0 ? 0 : i / 517 % 4;
            double t = (double)(x[i] / scale[ch]);
            double want = isnan(t) ? p->qmax : rint(t) + zero[ch];
            want = want > p->qmax ? p->qmax : (want < p->qmin ? p->qmin : want);
            int32_t got = p->dtype == NNRT_I8
                              ? ((int8_t *)y)[i]
                              : (p->dtype == NNRT_U8 ? ((uint8_t *)y)[i] : ((int32_t *)y)[i]);
            assert_int_equal(got, (int32_t)want);
        }
        free(y);
        free(x);
    }
}

static void test_where(void **state)
{
    (void)state;
    const nnrt_dtype types[] = {NNRT_U8, NNRT_I16, NNRT_F32, NNRT_I64};
    for (size_t k = 0; k < 4 * PAIRS; k++) {
        const nnrt_shape *sa = &pairs[k / 4][0], *sb = &pairs[k / 4][1];
        nnrt_shape sy = broadcast_shape(sa, sb), sc = k % 2 ? sy : *sb;
        size_t size = nnrt_dtype_bytes(types[k % 4]);
        uint8_t *a = rop_u8(&rng, nnrt_shape_count(sa) * size),
                *b = rop_u8(&rng, nnrt_shape_count(sb) * size);
        uint8_t *m = rop_u8(&rng, nnrt_shape_count(&sc));
        for (size_t i = 0; i < nnrt_shape_count(&sc); i++)
            m[i] &= 1;
        rop_case c = {NNRT_ROP_ID_WHERE,
                      NULL,
                      3,
                      {{NNRT_BOOL, sc, m, false},
                       {types[k % 4], *sa, a, false},
                       {types[k % 4], *sb, b, false}},
                      types[k % 4],
                      sy.rank};
        uint8_t *y = rop_run(&c, NULL);
        for (size_t i = 0; i < nnrt_shape_count(&sy); i++) {
            const uint8_t *want = m[broadcast_index(&sy, &sc, i)]
                                      ? a + broadcast_index(&sy, sa, i) * size
                                      : b + broadcast_index(&sy, sb, i) * size;
            assert_memory_equal(y + i * size, want, size);
        }
        free(y);
        free(a);
        free(b);
        free(m);
    }
}

static void *cast_to(nnrt_dtype from, nnrt_dtype to, const void *x, int64_t n)
{
    nnrt_cast_params p = {to};
    rop_case c = {NNRT_ROP_ID_CAST, &p, 1, {{from, rop_dims(1, n, 0, 0, 0), x, false}}, to, 1};
    return rop_run(&c, NULL);
}

static void test_cast(void **state)
{
    (void)state;
    const float x[] = {0.0f, 1.9f, -1.9f, 300.0f, -300.0f, 1e20f, -1e20f, NAN, 0.5f, 65504.0f};
    int8_t *i8 = cast_to(NNRT_F32, NNRT_I8, x, 10);
    const int8_t want8[] = {0, 1, -1, 127, -128, 127, -128, 0, 0, 127};
    assert_memory_equal(i8, want8, sizeof want8);
    uint8_t *u8 = cast_to(NNRT_F32, NNRT_U8, x, 10);
    const uint8_t want_u8[] = {0, 1, 0, 255, 0, 255, 0, 0, 0, 255};
    assert_memory_equal(u8, want_u8, sizeof want_u8);
    int64_t *i64 = cast_to(NNRT_F32, NNRT_I64, x, 10);
    assert_true(i64[5] == INT64_MAX || i64[5] == (int64_t)9.2233720368547758e18);
    assert_int_equal(i64[4], -300);
    uint8_t *b = cast_to(NNRT_F32, NNRT_BOOL, x, 10);
    const uint8_t want_b[] = {0, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    assert_memory_equal(b, want_b, sizeof want_b);
    uint16_t *h = cast_to(NNRT_F32, NNRT_F16, x, 10);
    assert_int_equal(h[9], 0x7bff);
    float *back = cast_to(NNRT_F16, NNRT_F32, h, 10);
    assert_true(back[8] == 0.5f && back[9] == 65504.0f && isnan(back[7]));
    const int64_t wide[] = {-1, 255, 256, 1LL << 40, INT64_MIN};
    int32_t *narrow = cast_to(NNRT_I64, NNRT_I32, wide, 5);
    const int32_t want_n[] = {-1, 255, 256, 0, 0};
    assert_memory_equal(narrow, want_n, sizeof want_n);
    const uint64_t huge[] = {UINT64_MAX, 1};
    float *f = cast_to(NNRT_U64, NNRT_F32, huge, 2);
    assert_true(f[0] == 18446744073709551616.0f && f[1] == 1.0f);
    free(i8);
    free(u8);
    free(i64);
    free(b);
    free(h);
    free(back);
    free(narrow);
    free(f);
}

static void test_refusals(void **state)
{
    (void)state;
    float x[6] = {0};
    nnrt_binary_params p = {NNRT_BINARY_ADD, {-INFINITY, INFINITY}};
    rop_case c = {NNRT_ROP_ID_BINARY,
                  &p,
                  2,
                  {{NNRT_F32, rop_dims(1, 2, 0, 0, 0), x, false},
                   {NNRT_F32, rop_dims(1, 3, 0, 0, 0), x, false}},
                  NNRT_F32,
                  1};
    rop_refuse(&c, NNRT_ERR_MODEL);
}

int main(void)
{
    nnc_rng_init(&rng, 1, 2);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unary_float),   cmocka_unit_test(test_unary_integer),
        cmocka_unit_test(test_binary_float),  cmocka_unit_test(test_binary_integer),
        cmocka_unit_test(test_arith_q8),      cmocka_unit_test(test_lut),
        cmocka_unit_test(test_quantize),      cmocka_unit_test(test_dequantize),
        cmocka_unit_test(test_quantize_axis), cmocka_unit_test(test_where),
        cmocka_unit_test(test_cast),          cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
