/* Intervals against published numbers. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "cmocka_all.h"
#include "eval/eval.h"
#include "eval/statistics.h"

static void close_to(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance)) {
        fail_msg("%.9g, expected %.9g", value, expected);
    }
}

/* Newcombe, Statistics in Medicine 17:857-872, 1998, table I, method 3. */
static void test_wilson(void **state)
{
    (void)state;
    const struct {
        uint64_t right, n;
        double lo, hi;
    } rows[] = {{81, 263, 0.2553, 0.3662},
                {15, 148, 0.0624, 0.1605},
                {0, 20, 0, 0.1611},
                {1, 29, 0.0061, 0.1718}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        double lo, hi;
        nnc_wilson(&lo, &hi, rows[i].right, rows[i].n);
        close_to(lo, rows[i].lo, 5e-5);
        close_to(hi, rows[i].hi, 5e-5);
    }
    double lo, hi;
    nnc_wilson(&lo, &hi, 20, 20);
    assert_true(hi == 1);
    close_to(lo, 1 - 0.1611, 5e-5);
    nnc_wilson(&lo, &hi, 0, 0);
    assert_true(lo == 0 && hi == 1);
}

/* First row: Newcombe, Statistics in Medicine 17:2635-2650, 1998, method 10. Second: Fagerland et
 * al., Statistics in Medicine 33:2850-2875, 2014 (hyper-responsiveness). Third: Altman et al.,
 * Statistics with Confidence, 2000, table 6.2. */
static void test_paired_published(void **state)
{
    (void)state;
    const struct {
        uint64_t both, only_1, only_2, neither;
        double lo, hi, tolerance;
    } rows[] = {{36, 12, 2, 0, 0.0569, 0.3404, 5e-5},
                {1, 1, 7, 12, -0.507, -0.026, 5e-4},
                {14, 5, 0, 22, 0.0115, 0.2265, 5e-4}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        double lo, hi;
        nnc_paired_difference(&lo, &hi, rows[i].both, rows[i].only_1, rows[i].only_2,
                              rows[i].neither);
        close_to(lo, rows[i].lo, rows[i].tolerance);
        close_to(hi, rows[i].hi, rows[i].tolerance);
    }
}

/* No discordant pair: the interval is not empty, and symmetric around 0. */
static void test_paired_limits(void **state)
{
    (void)state;
    const uint64_t tables[][4] = {
        {54, 0, 0, 0}, {0, 0, 0, 54}, {30, 0, 0, 24}, {1, 0, 0, 0}, {9999, 0, 0, 1}};
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        const uint64_t *t = tables[i];
        double lo, hi;
        nnc_paired_difference(&lo, &hi, t[0], t[1], t[2], t[3]);
        assert_true(lo < 0 && hi > 0 && lo >= -1 && hi <= 1);
        close_to(lo, -hi, 1e-12);
    }
    /* Always one side wrong: the difference is 1 and cannot be more. */
    double lo, hi, lo_swapped, hi_swapped;
    nnc_paired_difference(&lo, &hi, 0, 30, 0, 0);
    close_to(hi, 1, 1e-12);
    assert_true(lo > 0.8 && lo < 1);
    /* The models exchanged: the same interval, mirrored. */
    nnc_paired_difference(&lo, &hi, 6957, 79, 60, 2904);
    nnc_paired_difference(&lo_swapped, &hi_swapped, 6957, 60, 79, 2904);
    close_to(lo, -hi_swapped, 1e-12);
    close_to(hi, -lo_swapped, 1e-12);
    close_to((lo + hi) / 2, 0.0019, 1e-5);
}

/* Ranks of the distribution-free interval of the median, as in common tables (e.g. Conover,
 * Practical Nonparametric Statistics), and the definition itself for small n. */
static void test_median_rank(void **state)
{
    (void)state;
    assert_int_equal(nnc_median_rank(0), 0);
    assert_int_equal(nnc_median_rank(5), 0);
    assert_int_equal(nnc_median_rank(6), 1);
    assert_int_equal(nnc_median_rank(10), 2);
    assert_int_equal(nnc_median_rank(20), 6);
    assert_int_equal(nnc_median_rank(50), 18);
    assert_int_equal(nnc_median_rank(100), 40);
    for (size_t n = 6; n <= 60; n++) {
        double term = pow(0.5, (double)n), sum = 0;
        size_t k = 0; /* first k with P(X <= k) > 2.5 % */
        for (;; k++) {
            sum += term;
            if (sum > 0.025) {
                break;
            }
            term *= (double)(n - k) / (double)(k + 1);
        }
        assert_int_equal(nnc_median_rank(n), k);
    }
    /* Normal approximation: n/2 - 0.98 sqrt(n). */
    close_to((double)nnc_median_rank(1000000), 500000 - 979.98, 2);
}

static void test_order(void **state)
{
    (void)state;
    double x[10] = {7, 1, 9, 3, 5, 2, 8, 10, 4, 6};
    nnc_sort_doubles(x, 10);
    for (int i = 0; i < 10; i++) {
        assert_true(x[i] == i + 1);
    }
    assert_true(nnc_sorted_median(x, 10) == 5.5 && nnc_sorted_median(x, 9) == 5 &&
                nnc_sorted_median(x, 1) == 1);
    assert_true(nnc_sorted_percentile(x, 10, 0.9) == 9 && nnc_sorted_percentile(x, 10, 0.91) == 10);
    assert_true(nnc_sorted_percentile(x, 10, 0.99) == 10 && nnc_sorted_percentile(x, 1, 0.99) == 1);
    assert_true(nnc_sorted_percentile(x, 10, 0) == 1 && nnc_sorted_percentile(x, 10, 1) == 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wilson), cmocka_unit_test(test_paired_published),
        cmocka_unit_test(test_paired_limits), cmocka_unit_test(test_median_rank),
        cmocka_unit_test(test_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
