/* reduce_f32: sums, extremes and products in the fixed lane order. SPDX-License-Identifier:
 * Apache-2.0 */
#include <math.h>

#include "runtime_int8/kernels/body/body.h"
#include "runtime_int8/kernels/body/lanes.h"
#include "runtime_int8/ops/params.h"

/* Columns from c on: one when the column is contiguous, else up to 16 at once. */
LANES_INLINE void reduce_block(lanes_kind kind, float *y, const float *x, size_t n, size_t cols,
                               size_t stride, const float *sub)
{
    if (cols == 1 && stride == 1) {
        y[0] = lanes_row(kind, x, n, sub[0]);
        return;
    }
    v16 r = lanes_columns(kind, x, n, cols, stride, v16_part(sub, cols, v16_all(0.0f)));
    float lane[LANES];
    v16_store(lane, r);
    memcpy(y, lane, cols * sizeof *y);
}

static const float no_sub[LANES];

/* log of the sum of exponentials, from the maximum; an infinite maximum is the answer. */
static void log_sum_exp(float *y, const float *x, size_t n, size_t cols, size_t stride)
{
    float most[LANES], sum[LANES];
    reduce_block(LANES_MAX, most, x, n, cols, stride, no_sub);
    reduce_block(LANES_EXP, sum, x, n, cols, stride, most);
    for (size_t c = 0; c < cols; c++)
        y[c] = nnrt_abs(most[c]) == INFINITY ? most[c] : most[c] + nnrt_log(sum[c]);
}

static void reduce_cols(float *y, const float *x, size_t n, size_t cols, size_t stride, uint32_t op)
{
    switch (op) {
    case NNRT_REDUCE_MAX:
        reduce_block(LANES_MAX, y, x, n, cols, stride, no_sub);
        break;
    case NNRT_REDUCE_MIN:
        reduce_block(LANES_MIN, y, x, n, cols, stride, no_sub);
        break;
    case NNRT_REDUCE_PROD:
        reduce_block(LANES_PROD, y, x, n, cols, stride, no_sub);
        break;
    case NNRT_REDUCE_L1:
        reduce_block(LANES_ABS, y, x, n, cols, stride, no_sub);
        break;
    case NNRT_REDUCE_L2:
    case NNRT_REDUCE_SUM_SQUARE:
        reduce_block(LANES_SQUARE, y, x, n, cols, stride, no_sub);
        break;
    case NNRT_REDUCE_LOG_SUM_EXP:
        log_sum_exp(y, x, n, cols, stride);
        break;
    default: /* SUM, MEAN, LOG_SUM */
        reduce_block(LANES_SUM, y, x, n, cols, stride, no_sub);
        break;
    }
    for (size_t c = 0; c < cols; c++) {
        if (op == NNRT_REDUCE_MEAN)
            y[c] = y[c] / (float)n;
        else if (op == NNRT_REDUCE_L2)
            y[c] = sqrtf(y[c]);
        else if (op == NNRT_REDUCE_LOG_SUM)
            y[c] = nnrt_log(y[c]);
    }
}

void NNRT_BODY(reduce_f32)(float *y, const float *x, size_t n, size_t cols, size_t stride,
                           uint32_t op)
{
    for (size_t c = 0; c < cols; c += LANES)
        reduce_cols(y + c, x + c, n, cols - c < LANES ? cols - c : LANES, stride, op);
}
