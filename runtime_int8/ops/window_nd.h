/* Geometry of windows over any number of spatial dims. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNRT_OPS_WINDOW_ND_H
#define NNRT_OPS_WINDOW_ND_H

#include "runtime_int8/ops/rop.h"

/* One spatial dim with its padding resolved. */
typedef struct nnrt_axis_window {
    int64_t in, out;
    int64_t kernel, stride, dilation, begin, end;
} nnrt_axis_window;

/* Parameters of a hostile plan: 1..6 spatial dims, everything 1..65535, pads <= 65535, known
 * auto_pad. NNC_ERR_MODEL. */
nnc_status nnrt_window_nd_check(const nnrt_node_ctx *ctx, const nnrt_window_nd *window);
/* in: sizes of the spatial dims. Resolves auto_pad and the output sizes. NNC_ERR_MODEL when a
 * window does not fit. */
nnc_status nnrt_window_nd_resolve(nnrt_axis_window out[NNRT_SPATIAL_MAX], const nnrt_node_ctx *ctx,
                                  const nnrt_window_nd *window, const int64_t *in);
/* Taps [first, end) of a window that starts at `start` and lie in [0, in). */
void nnrt_axis_taps(const nnrt_axis_window *axis, int64_t start, int64_t in, int64_t *first,
                    int64_t *end);

/* Position of flat index `flat` in dims; returns what is left beyond them. */
static inline size_t nnrt_index_init(int64_t *at, size_t flat, const int64_t *dims, uint32_t rank)
{
    for (uint32_t i = rank; i-- > 0; flat /= (size_t)dims[i])
        at[i] = (int64_t)(flat % (size_t)dims[i]);
    return flat;
}

/* The next position; true when it starts again from 0. */
static inline bool nnrt_index_next(int64_t *at, const int64_t *dims, uint32_t rank)
{
    for (uint32_t i = rank; i-- > 0;) {
        if (++at[i] < dims[i])
            return false;
        at[i] = 0;
    }
    return true;
}

#endif
