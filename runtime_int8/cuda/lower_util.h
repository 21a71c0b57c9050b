/* What the lowerings share: launches over many threads, sizes that fit. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNRT_CUDA_LOWER_UTIL_H
#define NNRT_CUDA_LOWER_UTIL_H

#include "runtime_int8/cuda/lower.h"
#include "runtime_int8/ops/strided.h"

/* "dwconv_3x3_s1__cuda". */
const char *nnrt_cuda_kernel_name(nnrt_cuda_kernel kernel);

/* n as a 32-bit number below 2^31: threads, blocks, offsets of a kernel. UNSUPPORTED with one line where it is larger. `op`:
 * the runtime op; what: "threads". */
nnc_status nnrt_cuda_fit(uint32_t *out, const nnrt_node_ctx *ctx, const char *op, const char *what,
                         size_t n);

/* Are these threads enough to hide the latency of the device's memory? Fewer should take less each. */
bool nnrt_cuda_fills(const nnrt_cuda_lowering *low, size_t threads);

/* Emits `kernel` with a grid of one dim: enough blocks for `threads` threads, or `blocks` blocks. Both below 2^31. Names it
 * as the node's kernel. */
nnc_status nnrt_cuda_emit_threads(nnrt_cuda_lowering *low, nnrt_node_ctx *ctx,
                                  nnrt_cuda_kernel kernel, size_t threads, const void *args,
                                  size_t args_bytes);
nnc_status nnrt_cuda_emit_blocks(nnrt_cuda_lowering *low, nnrt_node_ctx *ctx,
                                 nnrt_cuda_kernel kernel, uint32_t blocks, size_t shared_bytes,
                                 const void *args, size_t args_bytes);

/* Emits a strided copy between device addresses, in the largest unit that fits. */
nnc_status nnrt_cuda_emit_copy(nnrt_cuda_lowering *low, nnrt_node_ctx *ctx, const char *op, void *y,
                               const void *x, const nnrt_strided *s);

/* Emits y [outer][inner] = bound(op over n of x [outer][n][inner]) in the order of contracts_reduce.h; op: nnrt_reduce_op. */
typedef struct nnrt_cuda_reduction {
    size_t outer, n, inner;
    uint32_t op;
    float lo, hi;
} nnrt_cuda_reduction;
nnc_status nnrt_cuda_emit_reduction(nnrt_cuda_lowering *low, nnrt_node_ctx *ctx, const char *op,
                                    float *y, const float *x, const nnrt_cuda_reduction *r);

#endif
