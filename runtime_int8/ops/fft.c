/* Discrete Fourier transforms of any length in double. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/ops/fft.h"

#include <math.h>
#include <string.h>

#define TURN 6.283185307179586476925286766559

static nnrt_complex times(nnrt_complex a, nnrt_complex b)
{
    return (nnrt_complex){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}

/* exp(-2 pi i k / n), from the first eighth of the circle so that symmetric roots agree to the bit.
 */
static nnrt_complex root(size_t k, size_t n)
{
    const size_t eighth = k * 8 / n;
    /* Distance from the nearest multiple of a quarter turn, in units of 1/(4n) turns. */
    const size_t quarter = (eighth + 1) / 2;
    const double rest = ((double)k * 4.0 - (double)quarter * (double)n) / ((double)n * 4.0);
    const double c = cos(TURN * rest), s = sin(TURN * rest);
    switch (quarter % 4) {
    case 0:
        return (nnrt_complex){c, -s};
    case 1:
        return (nnrt_complex){-s, -c};
    case 2:
        return (nnrt_complex){-c, s};
    default:
        return (nnrt_complex){s, c};
    }
}

/* Factors n; false when one is larger than NNRT_FFT_RADIX. */
static int factor(nnrt_fft *plan, size_t n)
{
    static const uint8_t order[] = {4, 2, 3, 5, 7, 11, 13};
    plan->stages = 0;
    for (size_t i = 0; i < sizeof order; i++) {
        for (; n % order[i] == 0 && plan->stages < NNRT_FFT_STAGES; n /= order[i])
            plan->radix[plan->stages++] = order[i];
    }
    return n == 1;
}

/* Length of the stages of a transform of n; 0 when too large. */
static size_t stage_length(size_t n)
{
    nnrt_fft plan;
    if (n > ((size_t)1 << 40))
        return 0;
    if (factor(&plan, n))
        return n;
    size_t m = 1;
    while (m < 2 * n - 1)
        m *= 2;
    return m;
}

size_t nnrt_fft_table(size_t n)
{
    const size_t m = stage_length(n);
    return m == n || m == 0 ? m : 2 * m + n;
}

size_t nnrt_fft_scratch(size_t n)
{
    const size_t m = stage_length(n);
    return m == n ? m : 2 * m;
}

/* v becomes its transform of length r. */
static void small_transform(const nnrt_fft *plan, nnrt_complex *v, uint32_t r)
{
    nnrt_complex out[NNRT_FFT_RADIX];
    if (r == 2) {
        const nnrt_complex a = v[0], b = v[1];
        v[0] = (nnrt_complex){a.re + b.re, a.im + b.im};
        v[1] = (nnrt_complex){a.re - b.re, a.im - b.im};
        return;
    }
    if (r == 4) {
        const nnrt_complex a = {v[0].re + v[2].re, v[0].im + v[2].im};
        const nnrt_complex b = {v[0].re - v[2].re, v[0].im - v[2].im};
        const nnrt_complex c = {v[1].re + v[3].re, v[1].im + v[3].im};
        const nnrt_complex d = {v[1].im - v[3].im, v[3].re - v[1].re}; /* times -i */
        v[0] = (nnrt_complex){a.re + c.re, a.im + c.im};
        v[1] = (nnrt_complex){b.re + d.re, b.im + d.im};
        v[2] = (nnrt_complex){a.re - c.re, a.im - c.im};
        v[3] = (nnrt_complex){b.re - d.re, b.im - d.im};
        return;
    }
    for (uint32_t k = 0; k < r; k++) {
        nnrt_complex sum = v[0];
        for (uint32_t q = 1; q < r; q++) {
            const nnrt_complex t = times(v[q], plan->roots[plan->m / r * (k * q % r)]);
            sum.re += t.re;
            sum.im += t.im;
        }
        out[k] = sum;
    }
    memcpy(v, out, r * sizeof *v);
}

/* One stage: from transforms of length `done` to ones of length done * r. */
static void stage(const nnrt_fft *plan, nnrt_complex *y, const nnrt_complex *x, size_t done,
                  uint32_t r)
{
    const size_t part = plan->m / r, step = plan->m / (done * r);
    for (size_t block = 0; block < part; block += done) {
        for (size_t k = 0; k < done; k++) {
            nnrt_complex v[NNRT_FFT_RADIX];
            v[0] = x[block + k];
            for (uint32_t q = 1; q < r; q++)
                v[q] = times(x[block + k + q * part], plan->roots[q * k * step]);
            small_transform(plan, v, r);
            for (uint32_t q = 0; q < r; q++)
                y[block * r + k + q * done] = v[q];
        }
    }
}

/* Forward transform of x [m]; other: [m]. */
static void stages(const nnrt_fft *plan, nnrt_complex *x, nnrt_complex *other)
{
    nnrt_complex *from = x, *to = other;
    size_t done = 1;
    for (uint32_t i = 0; i < plan->stages; i++) {
        stage(plan, to, from, done, plan->radix[i]);
        done *= plan->radix[i];
        nnrt_complex *swap = from;
        from = to;
        to = swap;
    }
    if (from != x)
        memcpy(x, from, plan->m * sizeof *x);
}

void nnrt_fft_init(nnrt_fft *plan, size_t n, nnrt_complex *table, nnrt_complex *scratch)
{
    *plan = (nnrt_fft){.n = n, .m = stage_length(n), .roots = table};
    factor(plan, plan->m);
    for (size_t k = 0; k < plan->m; k++)
        table[k] = root(k, plan->m);
    if (plan->m == n)
        return;
    plan->filter = table + plan->m;
    plan->chirp = plan->filter + plan->m;
    size_t square = 0; /* k^2 mod 2n */
    for (size_t k = 0; k < n; k++) {
        plan->chirp[k] = root(square, 2 * n);
        square = (square + 2 * k + 1) % (2 * n);
    }
    memset(plan->filter, 0, plan->m * sizeof *plan->filter);
    for (size_t k = 0; k < n; k++) {
        const nnrt_complex c = {plan->chirp[k].re / (double)plan->m,
                                -plan->chirp[k].im / (double)plan->m};
        plan->filter[k] = c;
        plan->filter[k == 0 ? 0 : plan->m - k] = c;
    }
    stages(plan, plan->filter, scratch);
}

static void conjugate(nnrt_complex *x, size_t n)
{
    for (size_t k = 0; k < n; k++)
        x[k].im = -x[k].im;
}

/* Chirp, convolution, chirp. */
static void bluestein(const nnrt_fft *plan, nnrt_complex *x, nnrt_complex *scratch)
{
    nnrt_complex *a = scratch, *other = scratch + plan->m;
    memset(a, 0, plan->m * sizeof *a);
    for (size_t k = 0; k < plan->n; k++)
        a[k] = times(x[k], plan->chirp[k]);
    stages(plan, a, other);
    for (size_t k = 0; k < plan->m; k++)
        a[k] = times(a[k], plan->filter[k]);
    conjugate(a, plan->m);
    stages(plan, a, other);
    conjugate(a, plan->n);
    for (size_t k = 0; k < plan->n; k++)
        x[k] = times(a[k], plan->chirp[k]);
}

void nnrt_fft_run(const nnrt_fft *plan, nnrt_complex *x, int inverse, nnrt_complex *scratch)
{
    if (inverse)
        conjugate(x, plan->n);
    if (plan->m == plan->n)
        stages(plan, x, scratch);
    else
        bluestein(plan, x, scratch);
    if (inverse)
        conjugate(x, plan->n);
}
