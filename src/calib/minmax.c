/* Range estimators without a histogram: extremes, and their moving average. SPDX-License-Identifier: Apache-2.0 */
#include "calib/calibrator.h"

nnc_status nnc_calib_solve_minmax(float *lo, float *hi, const nnc_value_stats *stats,
                                  bool symmetric, int levels, double arg)
{
    (void)symmetric;
    (void)levels;
    (void)arg;
    *lo = stats->min;
    *hi = stats->max;
    return NNC_OK;
}

nnc_status nnc_calib_solve_ema(float *lo, float *hi, const nnc_value_stats *stats, bool symmetric,
                               int levels, double arg)
{
    (void)symmetric;
    (void)levels;
    (void)arg;
    *lo = stats->ema_min;
    *hi = stats->ema_max;
    return NNC_OK;
}
