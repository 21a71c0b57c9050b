/* Source positions of resized axes (ONNX Resize). SPDX-License-Identifier: Apache-2.0 */
#ifndef NNRT_OPS_RESIZE_TAPS_H
#define NNRT_OPS_RESIZE_TAPS_H

#include <stdint.h>

enum { NNRT_RESIZE_NEAREST, NNRT_RESIZE_LINEAR, NNRT_RESIZE_CUBIC, NNRT_RESIZE_MODES };
enum {
    NNRT_RESIZE_HALF_PIXEL,
    NNRT_RESIZE_ASYMMETRIC,
    NNRT_RESIZE_ALIGN_CORNERS,
    NNRT_RESIZE_PYTORCH_HALF_PIXEL,
    NNRT_RESIZE_TF_HALF_PIXEL_FOR_NN,
    NNRT_RESIZE_HALF_PIXEL_SYMMETRIC,
    NNRT_RESIZE_TF_CROP,
    NNRT_RESIZE_COORDINATES
};
enum {
    NNRT_RESIZE_PREFER_FLOOR,
    NNRT_RESIZE_PREFER_CEIL,
    NNRT_RESIZE_FLOOR,
    NNRT_RESIZE_CEIL,
    NNRT_RESIZE_ROUNDINGS
};

/* One axis: lengths, scale, and the length that in * scale is before it is cut to a whole number.
 */
typedef struct nnrt_resize_axis {
    int64_t in, out;
    double scale, length;
    double roi_begin, roi_end; /* TF_CROP only */
} nnrt_resize_axis;

/* Source coordinate of output index i. */
double nnrt_resize_source(uint32_t coordinate, const nnrt_resize_axis *axis, int64_t i);
/* Index nearest to coordinate x, within 0..n-1. */
int32_t nnrt_resize_nearest(uint32_t rounding, double x, int64_t n);
/* The whole number v within 0..n-1. */
int32_t nnrt_resize_bounded(double v, int64_t n);
/* Keys' cubic convolution with parameter a at distance t >= 0. */
double nnrt_resize_cubic(double a, double t);

#endif
