/* One-sided bounds: published numbers, and how often a gate at the true value errs.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>

#include "base/rng.h"
#include "cmocka_all.h"
#include "eval/statistics.h"

#define RUNS 2000
#define LEVEL 0.05

static void close_to(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance)) {
        fail_msg("%.9g, expected %.9g", value, expected);
    }
}

/* P(Binomial <= k) summed term by term. */
static void test_binomial(void **state)
{
    (void)state;
    const double rates[] = {0.001, 0.03, 0.5, 0.83, 0.999};
    for (uint64_t n = 1; n <= 300; n = n * 2 + 1) {
        for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
            double p = rates[i], sum = 0;
            for (uint64_t k = 0; k <= n; k++) {
                sum += exp(lgamma((double)n + 1) - lgamma((double)k + 1) - lgamma((double)(n - k) + 1) +
                           (double)k * log(p) + (double)(n - k) * log1p(-p));
                close_to(nnc_binomial_cdf(k, n, p), sum, 1e-11);
            }
        }
    }
}

/* Clopper and Pearson: nothing seen among n gives 1 - 0.05^(1/n); the bounds invert the sums. */
static void test_share(void **state)
{
    (void)state;
    close_to(nnc_share_upper(0, 100), 1 - pow(LEVEL, 0.01), 1e-9);
    close_to(nnc_share_lower(100, 100), pow(LEVEL, 0.01), 1e-9);
    assert_true(nnc_share_upper(7, 7) == 1 && nnc_share_lower(0, 7) == 0);
    for (uint64_t k = 1; k < 40; k++) {
        close_to(nnc_binomial_cdf(k, 40, nnc_share_upper(k, 40)), LEVEL, 1e-9);
        close_to(1 - nnc_binomial_cdf(k - 1, 40, nnc_share_lower(k, 40)), LEVEL, 1e-9);
    }
}

/* More losses or fewer gains never lower the bound; the mirror image is the other bound. */
static void test_order(void **state)
{
    (void)state;
    for (uint64_t n = 8; n <= 200; n = n * 3) {
        for (uint64_t b = 0; b <= 8; b++) {
            for (uint64_t c = 0; b + c <= 8; c++) {
                const double upper = nnc_drop_upper(b, c, n), lower = nnc_drop_lower(b, c, n);
                const double value = ((double)b - (double)c) / (double)n;
                assert_true(lower <= value && value <= upper && lower >= -1 && upper <= 1);
                assert_true(lower == -nnc_drop_upper(c, b, n));
                assert_true(b + c == n || nnc_drop_upper(b + 1, c, n) > upper - 1e-6);
                assert_true(b == 0 || nnc_drop_upper(b - 1, c + 1, n) < upper + 1e-6);
            }
        }
    }
    assert_true(nnc_drop_upper(9, 0, 9) == 1 && nnc_drop_lower(0, 9, 9) == -1);
    /* Nothing differs: as for a share with the level that is left beside the interval's. */
    close_to(nnc_drop_upper(0, 0, 300), 1 - pow(LEVEL - 0.001, 1.0 / 300), 2e-5);
    /* Many pairs: the normal approximation. */
    close_to(nnc_drop_upper(5000, 4000, 1000000), 0.001 + 1.6449e-6 * sqrt(9000), 2e-6);
}

static void test_cases(void **state)
{
    (void)state;
    /* 2.4865^2 * (0.03 + 0.02 - 0.0001) / 0.01^2 */
    close_to((double)nnc_drop_cases(3000, 2000, 100000, 0.02), 3085, 2);
    close_to((double)nnc_share_cases(90000, 100000, 0.89), 5564, 2);
    assert_int_equal(nnc_drop_cases(10, 0, 1000, 0.01), 0);
    assert_int_equal(nnc_drop_cases(0, 0, 1000, 0), 0);
    /* Nothing differs, and after that many cases the bound is indeed good enough. */
    const uint64_t n = nnc_drop_cases(0, 0, 250, 0.01);
    assert_true(n > 250 && nnc_drop_upper(0, 0, n) <= 0.01);
    assert_true(nnc_share_lower(nnc_share_cases(10, 10, 0.9), nnc_share_cases(10, 10, 0.9)) >= 0.9);
}

static void test_median(void **state)
{
    (void)state;
    const double values[] = {9, 3, 2, 6, 7, 8, 4, 10, 1, 5}, rising[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    double median, lo, hi;
    assert_int_equal(nnc_series_interval(&median, &lo, &hi, values, 10), NNC_OK);
    assert_true(median == 5.5 && lo == 2 && hi == 9);
    assert_int_equal(nnc_series_interval(&median, &lo, &hi, values, 5), NNC_OK);
    assert_true(median == 6 && isnan(lo) && isnan(hi));
    /* The same numbers in an order that is a drift tell nothing. */
    assert_int_equal(nnc_series_interval(&median, &lo, &hi, rising, 10), NNC_OK);
    assert_true(median == 5.5 && isnan(lo) && isnan(hi));
}

/* ---- how often a gate errs when the true drop is exactly its limit ---- */

typedef struct setting {
    uint64_t n;
    double drop, differ; /* true drop; share of the samples that one model alone has right */
} setting;

static const setting settings[] = {
    {100, 0, 0.02},      {100, 0, 0.2},       {100, 0.01, 0.01},  {100, 0.03, 0.03},
    {100, 0.03, 0.2},    {300, 0.01, 0.01},   {300, 0.03, 0.06},  {1000, 0, 0.01},
    {1000, 0, 0.1},      {1000, 0.005, 0.005}, {1000, 0.005, 0.03}, {1000, 0.01, 0.02},
    {1000, 0.01, 0.1},   {1000, 0.03, 0.03},  {1000, 0.03, 0.1},  {5000, 0, 0.02},
    {5000, 0.005, 0.01}, {5000, 0.01, 0.02},  {5000, 0.03, 0.04}, {10000, 0.005, 0.007}};

/* Largest b with U(b, c) <= limit, -1 for none, at least `from`; U grows with b. */
static int64_t passing(uint64_t c, uint64_t n, double limit, int64_t from)
{
    int64_t b = from < -1 ? -1 : from;
    while (b >= 0 && nnc_drop_upper((uint64_t)b, c, n) > limit) {
        b--;
    }
    while ((uint64_t)(b + 1) + c <= n && nnc_drop_upper((uint64_t)(b + 1), c, n) <= limit) {
        b++;
    }
    return b;
}

/* Smallest b with L(b, c) > limit, n + 1 for none. */
static int64_t failing(uint64_t c, uint64_t n, double limit, int64_t from)
{
    int64_t b = from < 0 ? 0 : from;
    while (b > 0 && nnc_drop_lower((uint64_t)(b - 1), c, n) > limit) {
        b--;
    }
    while ((uint64_t)b + c <= n && nnc_drop_lower((uint64_t)b, c, n) <= limit) {
        b++;
    }
    return (uint64_t)b + c > n ? (int64_t)n + 1 : b;
}

typedef struct region {
    uint64_t first, last;   /* values of c that matter */
    int64_t *pass, *fail;   /* by c - first */
} region;

static void region_init(region *r, const setting *s)
{
    const double n = (double)s->n, q = (s->differ - s->drop) / 2, mean = n * q;
    const double spread = 5 * sqrt(n * q) + (q > 0 ? 6 : 0);
    r->first = mean > spread ? (uint64_t)(mean - spread) : 0;
    r->last = (uint64_t)fmin(mean + spread, n);
    r->pass = calloc(r->last - r->first + 1, sizeof(int64_t));
    r->fail = calloc(r->last - r->first + 1, sizeof(int64_t));
    assert_true(r->pass && r->fail);
    /* The edge is near where the normal approximation has it. */
    const double sure = 1.7 * sqrt(n * s->differ);
    int64_t pass = (int64_t)((double)r->first + n * s->drop - sure),
            fail = (int64_t)((double)r->first + n * s->drop + sure);
    for (uint64_t c = r->first; c <= r->last; c++) {
        r->pass[c - r->first] = pass = passing(c, s->n, s->drop, pass);
        r->fail[c - r->first] = fail = failing(c, s->n, s->drop, fail);
    }
}

/* Exact probabilities of the two errors, as sums over all tables. */
static void exact(double *passed, double *failed, const region *r, const setting *s)
{
    const double n = (double)s->n, q = (s->differ - s->drop) / 2, p = q + s->drop;
    *passed = *failed = 0;
    for (uint64_t c = r->first; c <= r->last; c++) {
        const double x = (double)c;
        const double at = exp(lgamma(n + 1) - lgamma(x + 1) - lgamma(n - x + 1) + (c ? x * log(q) : 0) +
                              (n - x) * log1p(-q));
        const int64_t pass = r->pass[c - r->first], fail = r->fail[c - r->first];
        *passed += pass < 0 ? 0 : at * nnc_binomial_cdf((uint64_t)pass, s->n - c, p / (1 - q));
        *failed += fail == 0 ? at : at * (1 - nnc_binomial_cdf((uint64_t)fail - 1, s->n - c, p / (1 - q)));
    }
}

/* The same by RUNS simulated evaluations, sample by sample. */
static void simulate(double *passed, double *failed, const region *r, const setting *s, nnc_rng *rng)
{
    const double q = (s->differ - s->drop) / 2, p = q + s->drop;
    uint64_t pass = 0, fail = 0;
    for (int run = 0; run < RUNS; run++) {
        uint64_t b = 0, c = 0;
        for (uint64_t i = 0; i < s->n; i++) {
            const double u = (double)nnc_rng_u32(rng) * 0x1p-32;
            b += u < p;
            c += u >= p && u < p + q;
        }
        if (c >= r->first && c <= r->last) {
            pass += (int64_t)b <= r->pass[c - r->first];
            fail += (int64_t)b >= r->fail[c - r->first];
        }
    }
    *passed = (double)pass / RUNS;
    *failed = (double)fail / RUNS;
}

/* The exact rates are at most 5 %; the simulated ones may be above by their own chance, three standard
 * deviations of RUNS trials at most. */
static void test_error_rates(void **state)
{
    (void)state;
    nnc_rng rng;
    nnc_rng_init(&rng, 1, 0);
    const double chance = 3 * sqrt(LEVEL * (1 - LEVEL) / RUNS);
    print_message("true drop = limit       false PASSED     false FAILED   (exact, of %d)\n", RUNS);
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        const setting *s = &settings[i];
        double passed, failed, passed_seen, failed_seen;
        region r;
        region_init(&r, s);
        exact(&passed, &failed, &r, s);
        simulate(&passed_seen, &failed_seen, &r, s, &rng);
        print_message("n %5u drop %.1f differ %4.1f %%: %.2f %% %.2f %%  %.2f %% %.2f %%\n", (unsigned)s->n,
                      100 * s->drop, 100 * s->differ, 100 * passed, 100 * passed_seen, 100 * failed,
                      100 * failed_seen);
        assert_true(passed <= LEVEL && failed <= LEVEL);
        assert_true(passed_seen <= LEVEL + chance && failed_seen <= LEVEL + chance);
        assert_true(fabs(passed_seen - passed) <= chance && fabs(failed_seen - failed) <= chance);
        free(r.pass);
        free(r.fail);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_binomial), cmocka_unit_test(test_share),       cmocka_unit_test(test_order),
        cmocka_unit_test(test_cases),    cmocka_unit_test(test_error_rates), cmocka_unit_test(test_median)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
