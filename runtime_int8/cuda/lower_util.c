/* What the lowerings share. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/cuda/lower_util.h"

/* Threads of one multiprocessor below which a launch leaves the device waiting for memory. */
#define THREADS_PER_SM 256u

static const char *const names[NNRT_CUDA_K_COUNT] = {
#define NNRT_CUDA_KERNEL(name, args, body, threads, blocks) [NNRT_CUDA_K_##name] = #name "__cuda",
#include "runtime_int8/cuda/kernels.def"
#undef NNRT_CUDA_KERNEL
};

const char *nnrt_cuda_kernel_name(nnrt_cuda_kernel kernel)
{
    return names[kernel];
}

nnc_status nnrt_cuda_fit(uint32_t *out, const nnrt_node_ctx *ctx, const char *op, const char *what,
                         size_t n)
{
    if (n > INT32_MAX)
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "CUDA: %s '%s': %zu %s, at most %d", op, ctx->name, n, what,
                 INT32_MAX);
    *out = (uint32_t)n;
    return NNC_OK;
}

bool nnrt_cuda_fills(const nnrt_cuda_lowering *low, size_t threads)
{
    return threads >= (size_t)nnrt_cuda_target(low)->sm_count * THREADS_PER_SM;
}

nnc_status nnrt_cuda_emit_threads(nnrt_cuda_lowering *low, nnrt_node_ctx *ctx,
                                  nnrt_cuda_kernel kernel, size_t threads, const void *args,
                                  size_t args_bytes)
{
    const size_t block = nnrt_cuda_threads(kernel);
    return nnrt_cuda_emit_blocks(low, ctx, kernel, (uint32_t)((threads + block - 1) / block), 0,
                                 args, args_bytes);
}

nnc_status nnrt_cuda_emit_blocks(nnrt_cuda_lowering *low, nnrt_node_ctx *ctx,
                                 nnrt_cuda_kernel kernel, uint32_t blocks, size_t shared_bytes,
                                 const void *args, size_t args_bytes)
{
    const uint32_t grid[3] = {blocks, 1, 1};
    ctx->kernel = nnrt_cuda_kernel_name(kernel);
    return nnrt_cuda_emit(low, kernel, grid, shared_bytes, args, args_bytes);
}
