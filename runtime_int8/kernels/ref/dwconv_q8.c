/* Specification of dwconv_q8: depthwise convolution, padding reads zx. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/kernels/contracts.h"
#include "runtime_int8/kernels/ref/epilogue_q8.h"

/* Byte of channel c at input row iy, column ix; both wrap to huge values when negative. */
static uint8_t input_byte(const nnrt_k_dwconv_q8_args *a, size_t iy, size_t ix, size_t c)
{
    if (iy >= a->height || ix >= a->width)
        return a->pad[c];
    return a->x[(iy * a->width + ix) * a->channels + c];
}

static int32_t accumulate(const nnrt_k_dwconv_q8_args *a, size_t oy, size_t ox, size_t c)
{
    const size_t quads = (a->s + 3) / 4;
    const int8_t *w = a->weight + c / 16 * a->r * quads * 64 + c % 16 * 4;
    uint32_t acc = (uint32_t)a->acc0[c];
    for (size_t r = 0; r < a->r; r++)
        for (size_t s = 0; s < a->s; s++)
            acc += (uint32_t)(input_byte(a, oy * a->stride_h + r * a->dilation_h - a->pad_top,
                                         ox * a->stride_w + s * a->dilation_w - a->pad_left, c) *
                              w[(r * quads + s / 4) * 64 + s % 4]);
    return (int32_t)acc;
}

void nnrt_k_dwconv_q8__ref(const nnrt_k_dwconv_q8_args *a, size_t oy0, size_t oy1, size_t c0,
                           size_t c1)
{
    for (size_t oy = oy0; oy < oy1; oy++)
        for (size_t ox = 0; ox < a->out_width; ox++)
            for (size_t c = c0; c < c1; c++)
                nnrt_epilogue_q8_ref(a->y, a->residual, (oy * a->out_width + ox) * a->channels + c,
                                     accumulate(a, oy, ox, c), a->mult[c], a->epilogue);
}
