/* Kernels of kernels_window.def for the GPU. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/cuda/kernels.cuh"

#include "runtime_int8/cuda/kernels/pool.cuh"
#include "runtime_int8/cuda/kernels/window.cuh"

#define NNRT_CUDA_KERNEL NNRT_CUDA_GLOBAL
#include "runtime_int8/cuda/kernels_window.def"
#undef NNRT_CUDA_KERNEL

nnrt_cuda_functions nnrt_cuda_functions_window()
{
    static const nnrt_cuda_function rows[] = {
#define NNRT_CUDA_KERNEL NNRT_CUDA_ROW
#include "runtime_int8/cuda/kernels_window.def"
#undef NNRT_CUDA_KERNEL
    };
    return {rows, sizeof rows / sizeof *rows, false};
}
