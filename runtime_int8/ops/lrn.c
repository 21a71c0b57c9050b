/* lrn: local response normalization over neighbouring channels, channels-last.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "runtime_int8/kernels/float_math.h"
#include "runtime_int8/ops/util.h"

#define TASK_WORK 4096u /* elements per task */

static nnc_status check(const nnrt_node_ctx *ctx)
{
    const nnrt_lrn_params *p = ctx->params;
    if (p->size < 1 || p->size > 65535 || !isfinite(p->alpha) || !isfinite(p->beta) ||
        !isfinite(p->bias))
        NNC_FAIL(NNC_ERR_MODEL, "'%s': size %u, alpha %g, beta %g, bias %g", ctx->name, p->size,
                 (double)p->alpha, (double)p->beta, (double)p->bias);
    if (ctx->in[0].shape.rank < 1)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': a scalar has no channels", ctx->name);
    return nnrt_check_dtype(ctx, 0, NNRT_SET(NNRT_F32));
}

static nnc_status reshape(nnrt_node_ctx *ctx)
{
    nnrt_set_output_like(ctx, 0);
    return NNC_OK;
}

/* y[c] = x[c] / (bias + alpha / size * sum of x[k]^2 over k in [c - (size-1)/2, c + size/2])^beta,
 * k ascending. */
static void run_pixels(void *user, size_t begin, size_t count)
{
    const nnrt_node_ctx *ctx = user;
    const nnrt_lrn_params *p = ctx->params;
    const nnrt_shape *shape = &ctx->in[0].shape;
    size_t channels = (size_t)shape->dims[shape->rank - 1];
    size_t before = (p->size - 1) / 2, after = p->size / 2;
    float factor = p->alpha / (float)p->size;
    for (size_t i = begin; i < begin + count; i++) {
        const float *x = (const float *)ctx->in[0].data + i * channels;
        float *y = (float *)ctx->out[0].data + i * channels;
        for (size_t c = 0; c < channels; c++) {
            size_t first = c > before ? c - before : 0;
            size_t end = c + after + 1 < channels ? c + after + 1 : channels;
            float sum = 0.0f;
            for (size_t k = first; k < end; k++)
                sum += x[k] * x[k];
            y[c] = x[c] / nnrt_pow(p->bias + factor * sum, p->beta);
        }
    }
}

static void run(const nnrt_node_ctx *ctx)
{
    const nnrt_shape *shape = &ctx->in[0].shape;
    size_t channels = (size_t)shape->dims[shape->rank - 1];
    if (channels != 0)
        nnrt_parallel_tiles(ctx->pool, run_pixels, (void *)(uintptr_t)ctx,
                            nnrt_shape_span(shape, 0, shape->rank - 1), 1 + TASK_WORK / channels);
}

const nnrt_rop nnrt_rop_lrn = {
    .name = "lrn",
    .params_bytes = sizeof(nnrt_lrn_params),
    .min_in = 1,
    .max_in = 1,
    .out_count = 1,
    .check = check,
    .reshape = reshape,
    .run = run,
};
