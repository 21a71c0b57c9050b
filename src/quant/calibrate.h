/* One calibration for several targets. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_QUANT_CALIBRATE_H
#define NNC_QUANT_CALIBRATE_H

#include "quant/quant.h"

/* Statistics of every value that one of the targets puts on a grid, for nnc_quant_options.calib. graph: as nnc_quantize_graph gets it, not
 * changed. options->target is not read. Fails as nnc_quantize_graph does. */
nnc_status nnc_quant_calibrate(nnc_calib **out, const nnc_graph *graph, const nnc_target *const *targets, size_t count,
                               const nnc_dataset *data, const nnc_quant_options *options, const nnc_log *log);

#endif
