/* Kernels of kernels_ceiling.def for the GPU. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/cuda/kernels.cuh"

#include "runtime_int8/cuda/kernels/ceiling.cuh"

#define NNRT_CUDA_KERNEL NNRT_CUDA_GLOBAL
#include "runtime_int8/cuda/kernels_ceiling.def"
#undef NNRT_CUDA_KERNEL

nnrt_cuda_functions nnrt_cuda_functions_ceiling()
{
    static const nnrt_cuda_function rows[] = {
#define NNRT_CUDA_KERNEL NNRT_CUDA_ROW
#include "runtime_int8/cuda/kernels_ceiling.def"
#undef NNRT_CUDA_KERNEL
    };
    return {rows, sizeof rows / sizeof *rows, false};
}
