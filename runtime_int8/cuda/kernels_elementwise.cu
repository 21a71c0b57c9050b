/* Kernels of kernels_elementwise.def for the GPU. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/cuda/kernels.cuh"

#include "runtime_int8/cuda/kernels/elementwise.cuh"
#include "runtime_int8/cuda/kernels/move.cuh"
#include "runtime_int8/cuda/kernels/reduce.cuh"

#define NNRT_CUDA_KERNEL NNRT_CUDA_GLOBAL
#include "runtime_int8/cuda/kernels_elementwise.def"
#undef NNRT_CUDA_KERNEL

nnrt_cuda_functions nnrt_cuda_functions_elementwise()
{
    static const nnrt_cuda_function rows[] = {
#define NNRT_CUDA_KERNEL NNRT_CUDA_ROW
#include "runtime_int8/cuda/kernels_elementwise.def"
#undef NNRT_CUDA_KERNEL
    };
    return {rows, sizeof rows / sizeof *rows, false};
}
