/* INT8 GEMM on a CUDA device: the plug-in library nnrt_cuda. SPDX-License-Identifier: Apache-2.0
 * Includable from C. All pointers are device memory; equal to the CPU's gemm_q8 to the bit. */
#ifndef NNRT_CUDA_GEMM_Q8_H
#define NNRT_CUDA_GEMM_Q8_H

#include <stdint.h>

#include "runtime_int8/ops/params.h"

#ifdef __cplusplus
extern "C" {
#endif

/* y[m][n] = epilogue(acc0[n] + sum_k x[m][k]*w[n][k]), u8 or f32 by epilogue->out.
 *   x u8 [rows][k], w s8 packed as for the CPU [N/16][ceil(K/4)][16][4], acc0 i32 and mult f32 [N rounded up to 16],
 *   residual u8 like y or NULL; the 3 bytes behind x must be readable; k rows need no alignment.
 * epilogue is host memory. stream: a cudaStream_t. Returns the cudaError_t of the launch, 0 for success. */
__attribute__((visibility("default"))) int nnrt_cuda_gemm_q8(
    void *y, const uint8_t *x, const int8_t *w, const int32_t *acc0, const float *mult,
    const uint8_t *residual, uint32_t rows, uint32_t n, uint32_t k, const nnrt_q8_epilogue *epilogue,
    void *stream);

#ifdef __cplusplus
}
#endif

#endif
