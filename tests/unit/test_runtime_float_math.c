/* Errors of the runtime's elementary functions against the C library in double.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_all.h"

#include "runtime_int8/kernels/float_math_arc.h"

static double ulps(float got, double want)
{
    if (isnan(want) || isnan(got))
        return isnan(want) && isnan(got) ? 0 : INFINITY;
    float w = (float)want;
    if (isinf(w) || isinf(got))
        return w == got ? 0 : INFINITY;
    double unit = (double)nextafterf(fabsf(w), INFINITY) - (double)fabsf(w);
    return fabs((double)got - want) / unit;
}

#define SCAN(function, expression, from, to, limit)                                                \
    do {                                                                                           \
        for (int i = 0; i <= 400000; i++) {                                                        \
            const float x = (float)((from) + ((to) - (from)) * i / 400000.0);                      \
            double e = ulps(function, expression);                                                 \
            if (!(e <= (limit)))                                                                   \
                fail_msg("%s at %.9g: %.2f ulp, allowed %g", #function, (double)x, e, limit);      \
        }                                                                                          \
    } while (0)

static void test_accuracy(void **state)
{
    (void)state;
    SCAN(nnrt_exp(x), exp((double)x), -104.0, 89.5, 1.0);
    SCAN(nnrt_expm1(x), expm1((double)x), -20.0, 1.0, 2.0);
    SCAN(nnrt_log(x), log((double)x), 1e-6, 100.0, 1.0);
    SCAN(nnrt_log(x), log((double)x), 0.5, 2.0, 1.0);
    SCAN(nnrt_log(x), log((double)x), 1e-41, 1e-37, 1.0);
    SCAN(nnrt_tanh(x), tanh((double)x), -10.0, 10.0, 1.5);
    SCAN(nnrt_sigmoid(x), 1 / (1 + exp(-(double)x)), -80.0, 80.0, 2.5);
    SCAN(nnrt_erf(x), erf((double)x), -6.0, 6.0, 1.5);
    SCAN(nnrt_softplus(x), log1p(exp((double)x)), -80.0, 80.0, 3.0);
    SCAN(nnrt_sin(x), sin((double)x), -100.0, 100.0, 0.51);
    SCAN(nnrt_cos(x), cos((double)x), -100.0, 100.0, 0.51);
    SCAN(nnrt_pow(x, 2.3f), pow((double)x, (double)2.3f), 0.0, 1000.0, 0.51);
    SCAN(nnrt_pow(x, -7.3f), pow((double)x, (double)-7.3f), 0.0, 1000.0, 0.51);
    SCAN(nnrt_pow(x, 3.0f), pow((double)x, 3.0), -100.0, 100.0, 0.51);
}

static void test_arc_accuracy(void **state)
{
    (void)state;
    SCAN(nnrt_atan(x), atan((double)x), -20.0, 20.0, 0.51);
    SCAN(nnrt_atan(x), atan((double)x), -1e-3, 1e-3, 0.51);
    SCAN(nnrt_asin(x), asin((double)x), -1.01, 1.01, 0.51);
    SCAN(nnrt_acos(x), acos((double)x), -1.01, 1.01, 0.51);
    SCAN(nnrt_acos(x), acos((double)x), 0.9999, 1.0, 0.51);
    SCAN(nnrt_asinh(x), asinh((double)x), -10.0, 10.0, 0.51);
    SCAN(nnrt_asinh(x), asinh((double)x), -1e-3, 1e-3, 0.51);
    SCAN(nnrt_acosh(x), acosh((double)x), 0.9, 20.0, 0.51);
    SCAN(nnrt_acosh(x), acosh((double)x), 1.0, 1.001, 0.51);
    SCAN(nnrt_atanh(x), atanh((double)x), -1.01, 1.01, 0.51);
    SCAN(nnrt_sinh(x), sinh((double)x), -95.0, 95.0, 0.51);
    SCAN(nnrt_sinh(x), sinh((double)x), -1e-3, 1e-3, 0.51);
    SCAN(nnrt_cosh(x), cosh((double)x), -95.0, 95.0, 0.51);
    SCAN(nnrt_tan(x), tan((double)x), -100.0, 100.0, 0.51);
}

static void test_arc_special(void **state)
{
    (void)state;
    static const float v[] = {0.0f, -0.0f, 1.0f, -1.0f, 1e-40f, -1e-40f, 1e30f, 3.4e38f, -3.4e38f, INFINITY, -INFINITY, NAN};
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        float x = v[i];
        const struct {
            float got;
            double want;
        } pairs[] = {{nnrt_atan(x), atan((double)x)},   {nnrt_asin(x), asin((double)x)},
                     {nnrt_acos(x), acos((double)x)},   {nnrt_asinh(x), asinh((double)x)},
                     {nnrt_acosh(x), acosh((double)x)}, {nnrt_atanh(x), atanh((double)x)},
                     {nnrt_sinh(x), sinh((double)x)},   {nnrt_cosh(x), cosh((double)x)}};
        for (size_t k = 0; k < sizeof pairs / sizeof *pairs; k++) {
            if (!(ulps(pairs[k].got, pairs[k].want) <= 0.51) ||
                (pairs[k].want == 0.0 && !signbit(pairs[k].got) != !signbit(pairs[k].want)))
                fail_msg("function %zu of %g: %g, expected %g", k, (double)x, (double)pairs[k].got, pairs[k].want);
        }
    }
    assert_true(isnan(nnrt_tan(INFINITY)));
}

static void test_pow_special(void **state)
{
    (void)state;
    static const float v[] = {0.0f,   -0.0f,       1.0f,     -1.0f,     0.5f,    -0.5f,
                              2.0f,   3.0f,        -3.0f,    1e-40f,    -1e-40f, 1e30f,
                              -1e30f, 16777217.0f, INFINITY, -INFINITY, NAN};
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        for (size_t k = 0; k < sizeof v / sizeof *v; k++) {
            double want = pow((double)v[i], (double)v[k]);
            if (!(ulps(nnrt_pow(v[i], v[k]), want) <= 1.0))
                fail_msg("pow(%g, %g) = %g, expected %g", (double)v[i], (double)v[k],
                         (double)nnrt_pow(v[i], v[k]), want);
        }
    }
}

static void test_round_clamp(void **state)
{
    (void)state;
    assert_int_equal(nnrt_round_clamp(2.5f, -128, 127, 0), 2);
    assert_int_equal(nnrt_round_clamp(3.5f, -128, 127, 100), 104);
    assert_int_equal(nnrt_round_clamp(-0.5f, -128, 127, 1), 1);
    assert_int_equal(nnrt_round_clamp(NAN, -3, 9, 3), 12);
    assert_int_equal(nnrt_round_clamp(INFINITY, -3, 252, 3), 255);
    assert_int_equal(nnrt_round_clamp(-INFINITY, -3, 252, 3), 0);
    for (int i = -3000; i < 3000; i++) {
        float t = (float)i * 0.0837f;
        assert_int_equal(nnrt_round_clamp(t, -128, 127, 7), lrintf(fminf(fmaxf(t, -128), 127)) + 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accuracy),
        cmocka_unit_test(test_pow_special),
        cmocka_unit_test(test_arc_accuracy),
        cmocka_unit_test(test_arc_special),
        cmocka_unit_test(test_round_clamp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
