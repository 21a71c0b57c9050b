/* softmax_f32: exponentials from the maximum, divided by their sum. SPDX-License-Identifier:
 * Apache-2.0 */
#include "runtime_int8/kernels/body/body.h"
#include "runtime_int8/kernels/body/lanes.h"

static void softmax_row(float *y, const float *x, size_t n, int log)
{
    float most = lanes_row(LANES_MAX, x, n, 0.0f);
    if (log) {
        float shift = nnrt_log(lanes_row(LANES_EXP, x, n, most));
        NNRT_IVDEP
        for (size_t i = 0; i < n; i++)
            y[i] = (x[i] - most) - shift;
        return;
    }
    NNRT_IVDEP
    for (size_t i = 0; i < n; i++)
        y[i] = nnrt_exp(x[i] - most);
    float sum = lanes_row(LANES_SUM, y, n, 0.0f);
    for (size_t i = 0; i < n; i++)
        y[i] = y[i] / sum;
}

static void softmax_columns(float *y, const float *x, size_t n, size_t cols, size_t stride, int log)
{
    float most[LANES], sum[LANES];
    v16 zero = v16_all(0.0f);
    v16 m = lanes_columns(LANES_MAX, x, n, cols, stride, zero);
    v16_store(most, m);
    if (log) {
        v16 s = lanes_columns(LANES_EXP, x, n, cols, stride, v16_part(most, cols, zero));
        v16_store(sum, s);
        for (size_t c = 0; c < cols; c++)
            sum[c] = nnrt_log(sum[c]);
        for (size_t j = 0; j < n; j++) {
            for (size_t c = 0; c < cols; c++)
                y[j * stride + c] = (x[j * stride + c] - most[c]) - sum[c];
        }
        return;
    }
    for (size_t j = 0; j < n; j++) {
        NNRT_IVDEP
        for (size_t c = 0; c < cols; c++)
            y[j * stride + c] = nnrt_exp(x[j * stride + c] - most[c]);
    }
    v16 s = lanes_columns(LANES_SUM, y, n, cols, stride, zero);
    v16_store(sum, s);
    for (size_t j = 0; j < n; j++) {
        for (size_t c = 0; c < cols; c++)
            y[j * stride + c] = y[j * stride + c] / sum[c];
    }
}

void NNRT_BODY(softmax_f32)(float *y, const float *x, size_t n, size_t cols, size_t stride, int log)
{
    if (cols == 1 && stride == 1) {
        softmax_row(y, x, n, log);
        return;
    }
    for (size_t c = 0; c < cols; c += LANES)
        softmax_columns(y + c, x + c, n, cols - c < LANES ? cols - c : LANES, stride, log);
}
