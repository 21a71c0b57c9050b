/* Lowering of elementwise ops. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/cuda/lower.h"
#include "runtime_int8/ops/util.h"

static uint32_t blocks(size_t n, uint32_t threads)
{
    return (uint32_t)((n + threads - 1) / threads);
}

nnc_status nnrt_cuda_lower_quantize(nnrt_cuda_lowering *low, nnrt_node_ctx *ctx)
{
    const nnrt_quantize_params *p = ctx->params;
    const nnrt_shape *x = &ctx->in[0].shape;
    const size_t count = nnrt_shape_count(x);
    const size_t images = p->nchw_to_nhwc ? (size_t)x->dims[0] : 1;
    const size_t channels = p->nchw_to_nhwc ? (size_t)x->dims[1] : 1;
    const void *from;
    if (count == 0)
        return NNC_OK;
    if (count / images > INT32_MAX || images > 65535)
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "CUDA: quantize '%s': %zu elements in %zu images", ctx->name,
                 count, images);
    NNC_TRY(nnrt_cuda_input(&from, low, 0));
    const nnrt_cuda_quantize_args args = {
        .y = nnrt_cuda_output(low, 0),
        .x = from,
        .pixels = (uint32_t)(count / images / channels),
        .channels = (uint32_t)channels,
        .scale = p->scale,
        .lo = (float)(p->qmin - p->zero_point),
        .hi = (float)(p->qmax - p->zero_point),
        .zero_point = p->zero_point,
    };
    const uint32_t grid[3] = {blocks(args.pixels, nnrt_cuda_threads(NNRT_CUDA_K_quantize)),
                              (uint32_t)images, 1};
    ctx->kernel = "quantize_cuda";
    return nnrt_cuda_emit(low, NNRT_CUDA_K_quantize, grid, 0, &args, sizeof args);
}
