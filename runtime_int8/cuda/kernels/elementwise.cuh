/* Elementwise kernels. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNRT_CUDA_KERNELS_ELEMENTWISE_CUH
#define NNRT_CUDA_KERNELS_ELEMENTWISE_CUH

#include "runtime_int8/cuda/args_elementwise.h"
#include "runtime_int8/cuda/kernels/requant.cuh"
#include "runtime_int8/cuda/simt.cuh"

/* A thread takes a pixel: planes are read and pixels written by neighbouring threads side by side. */
SIMT_FN void quantize_block(const nnrt_cuda_quantize_args &a)
{
    const uint32_t pixel = simt::block_x() * simt::threads() + simt::thread();
    if (pixel >= a.pixels)
        return;
    const size_t image = (size_t)simt::block_y() * a.pixels * a.channels;
    for (uint32_t c = 0; c < a.channels; c++)
        a.y[image + (size_t)pixel * a.channels + c] = (uint8_t)nnc_quantize(
            a.x[image + (size_t)c * a.pixels + pixel], a.scale, a.lo, a.hi, a.zero_point);
}

#endif
