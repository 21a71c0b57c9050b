/* Kernels of kernels_float.def for the GPU. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/cuda/kernels.cuh"

#include "runtime_int8/cuda/kernels/float.cuh"

#define NNRT_CUDA_KERNEL NNRT_CUDA_GLOBAL
#include "runtime_int8/cuda/kernels_float.def"
#undef NNRT_CUDA_KERNEL

nnrt_cuda_functions nnrt_cuda_functions_float()
{
    static const nnrt_cuda_function rows[] = {
#define NNRT_CUDA_KERNEL NNRT_CUDA_ROW
#include "runtime_int8/cuda/kernels_float.def"
#undef NNRT_CUDA_KERNEL
    };
    return {rows, sizeof rows / sizeof *rows, true};
}
