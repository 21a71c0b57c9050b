/* Cross-layer equalization: channels of a value made alike in range, without changing the function. SPDX-License-Identifier: Apache-2.0
 * Nagel et al. 2019, "Data-Free Quantization Through Weight Equalization and Bias Correction", section 4.1, with activation ranges from
 * calibration samples as in SmoothQuant (Xiao et al. 2023, section 4). Scales are powers of two, so float results keep their bits. */
#ifndef NNC_QUANT_EQUALIZE_H
#define NNC_QUANT_EQUALIZE_H

#include "quant/quant.h"

typedef struct nnc_equalization {
    size_t groups;              /* values whose channels were scaled */
    bool kept;                  /* the scaled model was better on the judging samples */
    double sqnr_before, sqnr_after; /* dB at the outputs, both models quantized with minmax; NAN: nothing to scale */
} nnc_equalization;

/* Scales every value that a Conv or Gemm with constant weights (or a multiplication or division by a constant) makes and that only Conv and
 * Gemm nodes read, through Relu, LeakyRelu, pools and channel gates. Depthwise readers: ranges become equal; others share the load with
 * their weights. *groups: how many. Fails as a run over samples does. */
nnc_status nnc_equalize(size_t *groups, nnc_graph *graph, const nnc_dataset *data, const nnc_quant_options *options,
                        const nnc_log *log);

/* Equalizes a copy of *graph, quantizes both with minmax, judges them on samples held back, and replaces *graph by the copy if that loses
 * less. */
nnc_status nnc_equalize_if_better(nnc_equalization *out, nnc_graph **graph, const nnc_dataset *data,
                                  const nnc_quant_options *options, const nnc_log *log);

#endif
