/* Source positions of resized axes (ONNX Resize). SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/ops/resize_taps.h"

#include <math.h>

double nnrt_resize_source(uint32_t coordinate, const nnrt_resize_axis *axis, int64_t i)
{
    double at = (double)i, in = (double)axis->in, scale = axis->scale;
    switch (coordinate) {
    case NNRT_RESIZE_ASYMMETRIC:
        return at / scale;
    case NNRT_RESIZE_ALIGN_CORNERS:
        return axis->length == 1.0 ? 0.0 : at * (in - 1.0) / (axis->length - 1.0);
    case NNRT_RESIZE_PYTORCH_HALF_PIXEL:
        return axis->out > 1 ? (at + 0.5) / scale - 0.5 : 0.0;
    case NNRT_RESIZE_TF_HALF_PIXEL_FOR_NN:
        return (at + 0.5) / scale;
    case NNRT_RESIZE_HALF_PIXEL_SYMMETRIC:
        return in / 2.0 * (1.0 - (double)axis->out / axis->length) + (at + 0.5) / scale - 0.5;
    case NNRT_RESIZE_TF_CROP: {
        double span = (axis->roi_end - axis->roi_begin) * (in - 1.0);
        double inside = axis->out == 1 ? span / 2.0 : at * span / (axis->length - 1.0);
        return axis->roi_begin * (in - 1.0) + inside;
    }
    default: /* NNRT_RESIZE_HALF_PIXEL */
        return (at + 0.5) / scale - 0.5;
    }
}

int32_t nnrt_resize_bounded(double v, int64_t n)
{
    if (!(v > 0.0))
        return 0;
    return v > (double)(n - 1) ? (int32_t)(n - 1) : (int32_t)v;
}

int32_t nnrt_resize_nearest(uint32_t rounding, double x, int64_t n)
{
    if (rounding == NNRT_RESIZE_PREFER_FLOOR)
        return nnrt_resize_bounded(ceil(x - 0.5), n);
    if (rounding == NNRT_RESIZE_PREFER_CEIL)
        return nnrt_resize_bounded(floor(x + 0.5), n);
    return nnrt_resize_bounded(rounding == NNRT_RESIZE_FLOOR ? floor(x) : ceil(x), n);
}

double nnrt_resize_cubic(double a, double t)
{
    if (t <= 1.0)
        return ((a + 2.0) * t - (a + 3.0)) * t * t + 1.0;
    return t < 2.0 ? ((a * t - 5.0 * a) * t + 8.0 * a) * t - 4.0 * a : 0.0;
}
