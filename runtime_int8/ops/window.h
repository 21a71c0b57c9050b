/* Geometry of convolution and pooling windows. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNRT_OPS_WINDOW_H
#define NNRT_OPS_WINDOW_H

#include "base/error.h"
#include "runtime_int8/ops/rop.h"

/* A window applied to an input: 1-D tensors have h == 1 and index 0 is neutral. */
typedef struct nnrt_window_dims {
    int64_t n, h, w, c; /* input, channels-last */
    int64_t oh, ow;
    int32_t r, s, sh, sw, dh, dw;     /* kernel, stride, dilation */
    int32_t top, left, bottom, right; /* resolved padding */
} nnrt_window_dims;

/* Parameters of a hostile plan: spatial 1 or 2; kernel, stride and dilation 1..65535; pads <=
 * 65535; known auto_pad. NNC_ERR_MODEL. */
nnc_status nnrt_window_check(const nnrt_node_ctx *ctx, const nnrt_window *window);
/* Resolves auto_pad, computes the output size. x: [N,H,W,C] or [N,W,C] as window->spatial says.
 * Fails: NNC_ERR_MODEL when the rank is wrong or the window does not fit. */
nnc_status nnrt_window_resolve(nnrt_window_dims *out, const nnrt_node_ctx *ctx,
                               const nnrt_window *window, const nnrt_shape *x);
/* The window that is all of x ([N,H,W,C] or [N,W,C]): global pooling. */
nnrt_window nnrt_window_whole(const nnrt_shape *x);
/* [N,OH,OW,channels] or [N,OW,channels]. */
nnrt_shape nnrt_window_shape(const nnrt_window_dims *dims, const nnrt_window *window,
                             int64_t channels);

#endif
