/* Geometry of transposed convolutions. SPDX-License-Identifier: Apache-2.0
 * Output o of a dim reads input (o + begin - t*dilation) / stride where that is whole. Taps fall
 * into classes by the remainder they need: class r holds the taps r, r + period, ...; a phase is
 * one class per dim, and the outputs of a phase are an ordinary convolution of the input with the
 * phase's taps, backwards. */
#ifndef NNRT_OPS_TRANSPOSE_GEOMETRY_H
#define NNRT_OPS_TRANSPOSE_GEOMETRY_H

#include "runtime_int8/ops/window_nd.h"

/* Least taps apart that need the same remainder. */
int64_t nnrt_transpose_period(int64_t stride, int64_t dilation);

/* One class of taps of one dim: taps first, first + period, ... (taps of them). */
typedef struct nnrt_tap_class {
    int64_t first, period, taps;
    int64_t out0, outs; /* outputs out0, out0 + stride, ... (outs of them) */
    int64_t in0, back;  /* output number i reads inputs in0 + i - j * back at tap number j */
} nnrt_tap_class;
/* Class r of a resolved dim; r < min(period, kernel). */
nnrt_tap_class nnrt_transpose_class(const nnrt_axis_window *axis, int64_t r);
/* Classes of a dim. */
int64_t nnrt_transpose_classes(const nnrt_axis_window *axis);

/* Sizes and leading padding by ONNX: in: the input's spatial dims. NNC_ERR_MODEL when nothing is
 * left. */
nnc_status nnrt_transpose_resolve(nnrt_axis_window out[NNRT_SPATIAL_MAX], const nnrt_node_ctx *ctx,
                                  const nnrt_conv_transpose_nd_params *params,
                                  const nnrt_window_nd *window, const int64_t *in);
/* What check may hold of the parameters of both types. dtype: of all inputs. */
nnc_status nnrt_transpose_check(const nnrt_node_ctx *ctx, nnrt_dtype dtype);
/* The kernel of plain weights [c_in, c_out/groups, kernel...] is their shape. */
nnc_status nnrt_transpose_kernel(nnrt_window_nd *window, const nnrt_node_ctx *ctx);

#endif
