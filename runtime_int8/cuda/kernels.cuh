/* Wraps the kernels of one subject as __global__ functions and enters them in the plug-in's table: included by
 * kernels_<subject>.cu after NNRT_CUDA_SUBJECT and the kernels themselves. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNRT_CUDA_KERNELS_CUH
#define NNRT_CUDA_KERNELS_CUH

#include "runtime_int8/cuda/plugin.h"

/* One row of the plug-in's table. */
struct nnrt_cuda_function {
    uint32_t kernel;
    uint32_t threads, args_bytes;
    const void *function;
};

/* Rows of one subject. */
struct nnrt_cuda_functions {
    const nnrt_cuda_function *rows;
    uint32_t count;
    bool shared; /* they work in shared memory */
};
nnrt_cuda_functions nnrt_cuda_functions_elementwise();
nnrt_cuda_functions nnrt_cuda_functions_float();
nnrt_cuda_functions nnrt_cuda_functions_product();
nnrt_cuda_functions nnrt_cuda_functions_window();
nnrt_cuda_functions nnrt_cuda_functions_ceiling();

#define NNRT_CUDA_GLOBAL(name, args, body, threads, blocks)                                                             \
    static __global__ void __launch_bounds__(threads, blocks) kernel_##name(const __grid_constant__ args a)             \
    {                                                                                                                  \
        body(a);                                                                                                       \
    }
#define NNRT_CUDA_ROW(name, args, body, threads, blocks)                                                               \
    {NNRT_CUDA_K_##name, threads, sizeof(args), reinterpret_cast<const void *>(&kernel_##name)},

#endif
