/* Error metrics. SPDX-License-Identifier: Apache-2.0 */
#include "tensor/metrics.h"

#include <math.h>

/* One running sum per quantity in element order: the result does not depend on how the pairs are
 * cut into pieces. */
void nnc_error_sums_add(nnc_error_sums *sums, const float *reference, const float *test, size_t n)
{
    nnc_error_sums s = *sums;
    for (size_t i = 0; i < n; i++) {
        double r = (double)reference[i], t = (double)test[i];
        if (!isfinite(r) || !isfinite(t)) {
            s.nonfinite++;
            continue;
        }
        double e = r - t;
        s.rr += r * r;
        s.tt += t * t;
        s.rt += r * t;
        s.ee += e * e;
        s.max_abs = fabs(e) > s.max_abs ? fabs(e) : s.max_abs;
    }
    s.count += n;
    *sums = s;
}

double nnc_error_sqnr_db(const nnc_error_sums *sums)
{
    if (sums->ee == 0) {
        return INFINITY;
    }
    return sums->rr == 0 ? -INFINITY : 10 * log10(sums->rr / sums->ee);
}

double nnc_error_cosine(const nnc_error_sums *sums)
{
    if (sums->rr == 0 || sums->tt == 0) {
        return sums->rr == sums->tt ? 1 : 0;
    }
    double c = sums->rt / (sqrt(sums->rr) * sqrt(sums->tt));
    return c > 1 ? 1 : c < -1 ? -1 : c;
}

double nnc_error_rel_l2(const nnc_error_sums *sums)
{
    if (sums->ee == 0) {
        return 0;
    }
    return sums->rr == 0 ? INFINITY : sqrt(sums->ee / sums->rr);
}
