/* Error metrics. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "cmocka_all.h"
#include "tensor/metrics.h"

static nnc_error_sums sums_of(const float *r, const float *t, size_t n)
{
    nnc_error_sums sums = {0};
    nnc_error_sums_add(&sums, r, t, n);
    return sums;
}

static void test_values(void **state)
{
    (void)state;
    const float r[4] = {3, 4, 0, -1}, t[4] = {3, 3, 0, 1};
    nnc_error_sums s = sums_of(r, t, 4);
    assert_true(s.rr == 26 && s.tt == 19 && s.rt == 20 && s.ee == 5 && s.max_abs == 2);
    assert_int_equal(s.count, 4);
    assert_true(fabs(nnc_error_sqnr_db(&s) - 10 * log10(26.0 / 5.0)) < 1e-12);
    assert_true(fabs(nnc_error_cosine(&s) - 20 / sqrt(26.0 * 19.0)) < 1e-12);
    assert_true(fabs(nnc_error_rel_l2(&s) - sqrt(5.0 / 26.0)) < 1e-12);
}

static void test_limits(void **state)
{
    (void)state;
    const float zero[2] = {0, 0}, one[2] = {1, -1};
    nnc_error_sums s = {0};
    assert_true(nnc_error_sqnr_db(&s) == INFINITY && nnc_error_cosine(&s) == 1 &&
                nnc_error_rel_l2(&s) == 0);
    s = sums_of(one, one, 2);
    assert_true(nnc_error_sqnr_db(&s) == INFINITY && nnc_error_rel_l2(&s) == 0);
    assert_true(fabs(nnc_error_cosine(&s) - 1) < 1e-15);
    s = sums_of(zero, one, 2);
    assert_true(nnc_error_sqnr_db(&s) == -INFINITY && nnc_error_cosine(&s) == 0 &&
                nnc_error_rel_l2(&s) == INFINITY);
    s = sums_of(one, zero, 2);
    assert_true(nnc_error_sqnr_db(&s) == 0 && nnc_error_cosine(&s) == 0 &&
                nnc_error_rel_l2(&s) == 1);
    s = sums_of(NULL, NULL, 0);
    assert_int_equal(s.count, 0);
}

static void test_nonfinite(void **state)
{
    (void)state;
    const float r[5] = {1, NAN, INFINITY, 2, 3}, t[5] = {1, 1, 1, -INFINITY, 5};
    nnc_error_sums s = sums_of(r, t, 5);
    assert_int_equal(s.count, 5);
    assert_int_equal(s.nonfinite, 3);
    assert_true(s.rr == 10 && s.ee == 4 && s.max_abs == 2);
    const float big[2] = {3e38f, -3e38f}, flipped[2] = {-3e38f, 3e38f};
    s = sums_of(big, flipped, 2);
    assert_true(isfinite(s.ee) && nnc_error_cosine(&s) >= -1);
}

static void test_pieces(void **state)
{
    (void)state;
    enum { N = 1000 };
    float r[N], t[N];
    for (int i = 0; i < N; i++) {
        r[i] = sinf((float)i) * (float)(i % 17);
        t[i] = r[i] + cosf((float)i * 3) * 0.01f;
    }
    nnc_error_sums whole = sums_of(r, t, N), pieces = {0};
    for (size_t i = 0; i < N;) {
        size_t n = i % 13 + 1 < N - i ? i % 13 + 1 : N - i;
        nnc_error_sums_add(&pieces, r + i, t + i, n);
        i += n;
    }
    assert_memory_equal(&whole, &pieces, sizeof whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_values), cmocka_unit_test(test_limits),
                                       cmocka_unit_test(test_nonfinite),
                                       cmocka_unit_test(test_pieces)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
