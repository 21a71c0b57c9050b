/* Inside of the calibrators: their functions and the histogram of magnitudes. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_CALIB_CALIBRATOR_H
#define NNC_CALIB_CALIBRATOR_H

#include "calib/calib.h"

/* nnc_calib_solve_<name>: as nnc_calibrator.solve (calib.h). All stay within [min, max] of the statistics. */
#define NNC_CALIBRATOR(name, help)                                                                 \
    nnc_status nnc_calib_solve_##name(float *lo, float *hi, const nnc_value_stats *stats,          \
                                      bool symmetric, int levels, double arg);
#include "calib/calibrators.def"
#undef NNC_CALIBRATOR

/* out [NNC_CALIB_BINS]: numbers by |x|, uniform bins over [0, *top], *top = max(|hist_lo|, |hist_hi|). A bin of the signed histogram is
 * shared out over the bins it overlaps. Without exact zeros when drop_zeros. */
void nnc_hist_magnitudes(double *out, float *top, const nnc_value_stats *stats, bool drop_zeros);

#endif
