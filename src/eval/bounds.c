/* One-sided exact bounds of a share and of a paired difference. SPDX-License-Identifier: Apache-2.0 */
#include <float.h>
#include <math.h>

#include "eval/statistics.h"

#define ALPHA 0.05
#define Z95 1.6448536269514722   /* 95 % point of the standard normal distribution */
#define POWER80 0.8416212335729143 /* 80 % point */
#define GAMMA 0.001              /* of ALPHA, for the interval of the second probability */
#define FEW 100                  /* below, the maximum needs the fine grid */

/* Regularized incomplete beta function by its continued fraction (modified Lentz), for
 * x < (a + 1) / (a + b + 2). */
static double beta_fraction(double a, double b, double x)
{
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < DBL_MIN ? DBL_MIN : d);
    double h = d;
    for (int i = 1; i < 100000; i++) {
        const double m = i;
        const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 / (1 + even * d);
        c = 1 + even / c;
        h *= d * c;
        d = 1 / (1 + odd * d);
        c = 1 + odd / c;
        h *= d * c;
        if (fabs(d * c - 1) < 1e-13) {
            break;
        }
    }
    return h;
}

static double beta_share(double a, double b, double x)
{
    if (x <= 0 || x >= 1) {
        return x <= 0 ? 0 : 1;
    }
    const double front =
        exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
    return x < (a + 1) / (a + b + 2) ? front * beta_fraction(a, b, x) / a
                                     : 1 - front * beta_fraction(b, a, 1 - x) / b;
}

double nnc_binomial_cdf(uint64_t k, uint64_t n, double p)
{
    return k >= n ? 1 : beta_share((double)(n - k), (double)k + 1, 1 - p);
}

/* p with P(Binomial(n, p) <= k) = alpha: the upper bound of a share of which k of n were seen. */
static double share_upper(uint64_t k, uint64_t n, double alpha)
{
    double lo = (double)k / (double)n, hi = 1;
    for (int i = 0; k < n && i < 60 && hi - lo > 1e-13 * hi; i++) {
        const double p = (lo + hi) / 2;
        if (nnc_binomial_cdf(k, n, p) > alpha) {
            lo = p;
        } else {
            hi = p;
        }
    }
    return hi;
}

double nnc_share_upper(uint64_t right, uint64_t n)
{
    return share_upper(right, n, ALPHA);
}

double nnc_share_lower(uint64_t right, uint64_t n)
{
    return 1 - share_upper(n - right, n, ALPHA);
}

/* Tango's score statistic for p1 - p2 = difference; b, c: cases that only the first, only the second
 * has. */
static double score(double b, double c, double n, double difference)
{
    const double room = difference * (1 - difference);
    const double half = ((2 * n - b + c) * difference - b - c) / 2;
    const double root = sqrt(fmax(half * half + 2 * n * c * room, 0));
    /* The larger root; written so that nothing cancels. */
    const double product = -c * room;
    const double q = half > 0 ? -product / (half + root) : (root - half) / (2 * n);
    const double variance = n * (2 * q + room), distance = b - c - n * difference;
    return variance > 0 ? distance / sqrt(variance)
                        : distance > 0 ? INFINITY : distance < 0 ? -INFINITY : 0;
}

static double score_upper(double b, double c, double n)
{
    double lo = (b - c) / n, hi = 1;
    for (int i = 0; i < 60 && hi - lo > 1e-14; i++) {
        const double difference = (lo + hi) / 2;
        if (score(b, c, n, difference) > -Z95) {
            lo = difference;
        } else {
            hi = difference;
        }
    }
    return hi;
}

/* The tables at least as far down as the observed one: those with a score bound of at most `level`. */
typedef struct tables {
    uint64_t only_1, only_2, n;
    double level;
} tables;

static bool is_below(const tables *t, uint64_t b, uint64_t c)
{
    return (b <= t->only_1 && c >= t->only_2) ||
           (b + c <= t->n && score((double)b, (double)c, (double)t->n, t->level) <= -Z95 - 1e-9);
}

/* First b that is not below at c, at least `from`. */
static uint64_t edge(const tables *t, uint64_t c, uint64_t from)
{
    uint64_t step = 1, in = from; /* everything under `in` is below */
    while (in + step - 1 <= t->n - c && is_below(t, in + step - 1, c)) {
        in += step;
        step *= 2;
    }
    for (; step; step /= 2) {
        if (in + step - 1 <= t->n - c && is_below(t, in + step - 1, c)) {
            in += step;
        }
    }
    return in;
}

/* P(the table is below) for p1 = q + difference, p2 = q. */
static double probability(const tables *t, double difference, double q)
{
    const double n = (double)t->n, p = fmin(q + difference, 1 - q);
    const double mean = n * q, spread = 9 * sqrt(n * q * (1 - q)) + 20;
    const uint64_t first = mean > spread ? (uint64_t)(mean - spread) : 0;
    const uint64_t last = mean + spread < n ? (uint64_t)(mean + spread) : t->n;
    double sum = 0;
    uint64_t bound = 0;
    for (uint64_t c = first; c <= last; c++) {
        const double x = (double)c;
        const double log_term = lgamma(n + 1) - lgamma(x + 1) - lgamma(n - x + 1) +
                                (c ? x * log(q) : 0) + (n - x) * log1p(-q);
        bound = edge(t, c, bound > t->n - c ? t->n - c : bound);
        if (bound && log_term > -40) {
            sum += exp(log_term) * (p > 0 ? nnc_binomial_cdf(bound - 1, t->n - c, p / (1 - q)) : 1);
        }
    }
    return sum;
}

/* The largest probability over q within [lo, hi] and what the difference allows. */
static double largest(const tables *t, double difference, double lo, double hi)
{
    const int steps = t->only_2 < FEW ? 24 : 8;
    double most = 0;
    lo = fmax(lo, -difference);
    hi = fmin(hi, (1 - difference) / 2);
    for (int i = 0; lo <= hi && i <= steps; i++) {
        const double root = sqrt(lo) + (sqrt(hi) - sqrt(lo)) * i / steps;
        most = fmax(most, probability(t, difference, fmin(root * root, 0.5)));
    }
    return most + GAMMA;
}

double nnc_drop_upper(uint64_t only_1, uint64_t only_2, uint64_t n)
{
    const double b = (double)only_1, c = (double)only_2, count = (double)n;
    const double center = (b - c) / count;
    const tables t = {only_1, only_2, n, score_upper(b, c, count)};
    if (only_1 == n) {
        return 1;
    }
    const double q_lo = only_2 ? 1 - share_upper(n - only_2, n, GAMMA / 2) : 0;
    const double q_hi = share_upper(only_2, n, GAMMA / 2);
    /* Decreasing in the difference; regula falsi (Illinois) from the score bound on. */
    double lo = center, f_lo = 1, hi = t.level, f_hi = largest(&t, hi, q_lo, q_hi) - ALPHA;
    while (f_hi > 0 && hi < 1) {
        lo = hi;
        f_lo = f_hi;
        hi = fmin(hi + (hi - center) / 4, 1);
        f_hi = hi < 1 ? largest(&t, hi, q_lo, q_hi) - ALPHA : -ALPHA;
    }
    for (int i = 0, side = 0; i < 60 && hi - lo > 1e-4 * (hi - center); i++) {
        const double x = f_lo > 0.2 ? (lo + hi) / 2 : (lo * f_hi - hi * f_lo) / (f_hi - f_lo);
        const double f = largest(&t, x, q_lo, q_hi) - ALPHA;
        if (f > 0) {
            lo = x;
            f_lo = f;
            f_hi = side == 1 ? f_hi / 2 : f_hi;
            side = 1;
        } else {
            hi = x;
            f_hi = f;
            f_lo = side == -1 ? f_lo / 2 : f_lo;
            side = -1;
        }
    }
    return hi;
}

double nnc_drop_lower(uint64_t only_1, uint64_t only_2, uint64_t n)
{
    return -nnc_drop_upper(only_2, only_1, n);
}

/* Cases for a distance between value and limit at a standard deviation per case. */
static double cases_for(double deviation, double distance)
{
    const double ratio = (Z95 + POWER80) * deviation / distance;
    return ceil(ratio * ratio);
}

static uint64_t whole(double cases)
{
    return cases >= 1 && cases < 1e15 ? (uint64_t)cases : 0;
}

/* Cases without a single event after which a rate of `rate` is refuted at `alpha`. */
static double cases_without(double rate, double alpha)
{
    return rate > 0 && rate < 1 ? ceil(log(alpha) / log1p(-rate)) : rate > 0 ? 1 : INFINITY;
}

uint64_t nnc_drop_cases(uint64_t only_1, uint64_t only_2, uint64_t n, double limit)
{
    const double count = (double)n, value = ((double)only_1 - (double)only_2) / count;
    if (value == limit || (only_1 == 0 && only_2 == 0 && limit <= 0)) {
        return 0;
    }
    const double p_1 = ((double)only_1 + 0.5) / (count + 1), p_2 = ((double)only_2 + 0.5) / (count + 1);
    const double variance = p_1 + p_2 - (p_1 - p_2) * (p_1 - p_2);
    double cases = cases_for(sqrt(variance), fabs(value - limit));
    if (only_1 == 0 && only_2 == 0) {
        cases = fmax(cases, cases_without(limit, ALPHA - GAMMA));
    }
    return whole(cases);
}

uint64_t nnc_share_cases(uint64_t right, uint64_t n, double limit)
{
    const double count = (double)n, value = (double)right / count;
    const double p = ((double)right + 0.5) / (count + 1);
    if (value == limit) {
        return 0;
    }
    double cases = cases_for(sqrt(p * (1 - p)), fabs(value - limit));
    if (right == n) {
        cases = fmax(cases, cases_without(1 - limit, ALPHA));
    }
    return whole(cases);
}
