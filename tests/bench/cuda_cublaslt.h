/* cuBLASLt's INT8 product, the peer of cuda_gemm. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_TESTS_BENCH_CUDA_CUBLASLT_H
#define NNC_TESTS_BENCH_CUDA_CUBLASLT_H

#include <stdbool.h>
#include <stdint.h>

/* One product y[rows][n] = x[rows][k] . w[n][k] of s8 with s32 sums, `repeats` times in a CUDA graph. */
typedef struct cublaslt_product cublaslt_product;

/* narrow: y is s8 (scaled), else s32. The fastest of cuBLASLt's own suggestions is taken. NULL with one line in
 * `why`[160] when it has none for this shape, or something failed. */
cublaslt_product *cublaslt_create(uint32_t rows, uint32_t n, uint32_t k, bool narrow, uint32_t repeats, char *why);
/* Runs the graph and waits; false if that failed. */
bool cublaslt_run(cublaslt_product *product);
void cublaslt_destroy(cublaslt_product *product); /* NULL accepted */

#endif
