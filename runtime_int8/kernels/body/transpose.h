/* transpose: a matrix, in blocks that keep both sides in cache lines. SPDX-License-Identifier:
 * Apache-2.0 */
#include "runtime_int8/kernels/body/body.h"
#include "runtime_int8/kernels/body/transpose_plain.h"

void NNRT_BODY(transpose)(void *y, const void *x, size_t rows, size_t cols, size_t x_stride,
                          size_t y_stride, size_t size)
{
    if (size == 1 && rows == 3 && y_stride == 3)
        planes_to_pixels(y, x, cols, x_stride);
    else if (size == 1)
        transpose_8(y, x, rows, cols, x_stride, y_stride);
    else if (size == 2)
        transpose_16(y, x, rows, cols, x_stride, y_stride);
    else if (size == 4)
        transpose_32(y, x, rows, cols, x_stride, y_stride);
    else
        transpose_64(y, x, rows, cols, x_stride, y_stride);
}
