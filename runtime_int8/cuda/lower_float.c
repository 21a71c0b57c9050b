/* Lowering of FP32 convolutions and products with constant weights. SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "runtime_int8/cuda/lower_util.h"
#include "runtime_int8/ops/matmul_f32.h"
#include "runtime_int8/ops/util.h"
#include "runtime_int8/ops/window.h"

#define TILE 64u
#define SHARED_BYTES ((16u * 65u + 16u * TILE) * sizeof(float))
/* Sizes and padding together: positions then fit 32 bits. */
#define EXTENT_MAX (1 << 30)

static nnc_status set_window(nnrt_cuda_float_window *out, const nnrt_node_ctx *ctx, const char *op,
                             const nnrt_window_dims *d)
{
    if (d->h + d->top + d->bottom > EXTENT_MAX || d->w + d->left + d->right > EXTENT_MAX)
        NNC_FAIL(NNC_ERR_UNSUPPORTED,
                 "CUDA: %s '%s': image of %lld x %lld, at most %d with padding", op, ctx->name,
                 (long long)d->h, (long long)d->w, EXTENT_MAX);
    *out = (nnrt_cuda_float_window){
        .oh = nnrt_cuda_divider_make((uint32_t)d->oh),
        .ow = nnrt_cuda_divider_make((uint32_t)d->ow),
        .s = nnrt_cuda_divider_make((uint32_t)d->s),
        .h = (int32_t)d->h,
        .w = (int32_t)d->w,
        .sh = d->sh,
        .sw = d->sw,
        .dh = d->dh,
        .dw = d->dw,
        .top = d->top,
        .left = d->left,
    };
    return NNC_OK;
}

/* Addresses of x, w, bias and residual. */
static nnc_status inputs(const float *in[4], nnrt_cuda_lowering *low, uint32_t has_bias,
                         uint32_t has_residual)
{
    const bool there[4] = {true, true, has_bias != 0, has_residual != 0};
    for (uint32_t i = 0, next = 0; i < 4; i++) {
        const void *at = NULL;
        if (there[i])
            NNC_TRY(nnrt_cuda_input(&at, low, next++));
        in[i] = at;
    }
    return NNC_OK;
}

static nnc_status emit_product(nnrt_cuda_lowering *low, nnrt_node_ctx *ctx, const char *op,
                               nnrt_cuda_product_f32_args *args, uint32_t groups)
{
    const uint32_t grid[3] = {(uint32_t)(((size_t)args->rows + TILE - 1) / TILE),
                              (args->cols + TILE - 1) / TILE, groups};
    if (grid[1] > 65535 || grid[2] > 65535)
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "CUDA: %s '%s': %u columns in %u groups", op, ctx->name,
                 args->cols, groups);
    ctx->kernel = nnrt_cuda_kernel_name(NNRT_CUDA_K_product_f32);
    return nnrt_cuda_emit(low, NNRT_CUDA_K_product_f32, grid, SHARED_BYTES, args, sizeof *args);
}

nnc_status nnrt_cuda_lower_conv_f32(nnrt_cuda_lowering *low, nnrt_node_ctx *ctx)
{
    const nnrt_conv_f32_params *p = ctx->params;
    nnrt_window_dims d;
    const float *in[4];
    NNC_TRY(nnrt_window_resolve(&d, ctx, &p->window, &ctx->in[0].shape));
    if (nnrt_shape_count(&ctx->out[0].shape) == 0)
        return NNC_OK;
    NNC_TRY(inputs(in, low, p->has_bias, p->has_residual));
    const uint32_t c = p->c_in / p->groups;
    nnrt_cuda_product_f32_args args = {
        .y = nnrt_cuda_output(low, 0),
        .x = in[0],
        .w = in[1],
        .bias = in[2],
        .residual = in[3],
        .c = nnrt_cuda_divider_make(c),
        .cols = p->c_out / p->groups,
        .x_pixel = p->c_in,
        .y_pixel = p->c_out,
        .lo = p->clamp.lo,
        .hi = p->clamp.hi,
    };
    NNC_TRY(set_window(&args.window, ctx, "conv_f32", &d));
    NNC_TRY(nnrt_cuda_fit(&args.rows, ctx, "conv_f32", "output pixels",
                          (size_t)d.n * (size_t)d.oh * (size_t)d.ow));
    NNC_TRY(nnrt_cuda_fit(&args.k, ctx, "conv_f32", "products per output",
                          (size_t)d.r * (size_t)d.s * c));
    return emit_product(low, ctx, "conv_f32", &args, p->groups);
}

/* One row is one pixel of one image. */
nnc_status nnrt_cuda_lower_gemm_f32(nnrt_cuda_lowering *low, nnrt_node_ctx *ctx)
{
    const nnrt_gemm_f32_params *p = ctx->params;
    const nnrt_shape *shape = &ctx->in[0].shape;
    const nnrt_window_dims d = {.n = 1, .h = 1, .w = 1, .oh = 1, .ow = 1, .r = 1, .s = 1,
                                .sh = 1, .sw = 1, .dh = 1, .dw = 1};
    const float *in[4];
    if (nnrt_shape_count(&ctx->out[0].shape) == 0)
        return NNC_OK;
    NNC_TRY(inputs(in, low, p->has_bias, p->has_residual));
    nnrt_cuda_product_f32_args args = {
        .y = nnrt_cuda_output(low, 0),
        .x = in[0],
        .w = in[1],
        .bias = in[2],
        .residual = in[3],
        .c = nnrt_cuda_divider_make(p->k),
        .cols = p->n,
        .k = p->k,
        .x_pixel = p->k,
        .y_pixel = p->n,
        .lo = p->clamp.lo,
        .hi = p->clamp.hi,
    };
    NNC_TRY(set_window(&args.window, ctx, "gemm_f32", &d));
    NNC_TRY(nnrt_cuda_fit(&args.rows, ctx, "gemm_f32", "rows",
                          nnrt_shape_span(shape, 0, shape->rank - 1)));
    return emit_product(low, ctx, "gemm_f32", &args, 1);
}

/* Which matrices each product of the batch multiplies. */
static nnc_status matrix_table(const void **out, nnrt_cuda_lowering *low,
                               const nnrt_matmul_plan *plan)
{
    uint32_t *at = nnc_calloc(plan->batch, 2 * sizeof *at);
    if (at == NULL)
        return NNC_ERR_LIMIT;
    for (size_t i = 0; i < plan->batch; i++) {
        size_t a, b;
        nnrt_matmul_operands(&a, &b, plan, i);
        at[2 * i] = (uint32_t)a;
        at[2 * i + 1] = (uint32_t)b;
    }
    nnc_status status = nnrt_cuda_table(out, low, at, plan->batch * 2 * sizeof *at);
    nnc_free(at);
    return status;
}

nnc_status nnrt_cuda_lower_matmul_f32(nnrt_cuda_lowering *low, nnrt_node_ctx *ctx)
{
    const nnrt_matmul_f32_params *p = ctx->params;
    const nnrt_matmul_plan *plan = ctx->state;
    const void *a, *b, *at;
    uint32_t m, n, k, batch;
    if (nnrt_shape_count(&ctx->out[0].shape) == 0)
        return NNC_OK;
    NNC_TRY(nnrt_cuda_fit(&m, ctx, "matmul_f32", "rows", plan->m));
    NNC_TRY(nnrt_cuda_fit(&n, ctx, "matmul_f32", "columns", plan->n));
    NNC_TRY(nnrt_cuda_fit(&k, ctx, "matmul_f32", "products per output", plan->k));
    NNC_TRY(nnrt_cuda_fit(&batch, ctx, "matmul_f32", "matrices", plan->batch));
    NNC_TRY(nnrt_cuda_input(&a, low, 0));
    NNC_TRY(nnrt_cuda_input(&b, low, 1));
    NNC_TRY(matrix_table(&at, low, plan));
    const nnrt_cuda_matmul_f32_args args = {
        .y = nnrt_cuda_output(low, 0),
        .a = a,
        .b = b,
        .at = at,
        .m = m,
        .n = n,
        .k = k,
        .a_m = p->trans_a ? 1 : k,
        .a_k = p->trans_a ? m : 1,
        .b_k = p->trans_b ? 1 : n,
        .b_n = p->trans_b ? k : 1,
        .alpha = p->alpha,
        .lo = p->clamp.lo,
        .hi = p->clamp.hi,
    };
    const uint32_t grid[3] = {(m + TILE - 1) / TILE, (n + TILE - 1) / TILE, batch};
    if (grid[1] > 65535 || batch > 65535)
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "CUDA: matmul_f32 '%s': %u columns in %u matrices", ctx->name,
                 n, batch);
    ctx->kernel = nnrt_cuda_kernel_name(NNRT_CUDA_K_matmul_f32);
    return nnrt_cuda_emit(low, NNRT_CUDA_K_matmul_f32, grid, SHARED_BYTES, &args, sizeof args);
}

nnc_status nnrt_cuda_lower_dwconv_f32(nnrt_cuda_lowering *low, nnrt_node_ctx *ctx)
{
    const nnrt_conv_f32_params *p = ctx->params;
    nnrt_window_dims d;
    const float *in[4];
    NNC_TRY(nnrt_window_resolve(&d, ctx, &p->window, &ctx->in[0].shape));
    if (nnrt_shape_count(&ctx->out[0].shape) == 0)
        return NNC_OK;
    NNC_TRY(inputs(in, low, p->has_bias, p->has_residual));
    nnrt_cuda_dwconv_f32_args args = {
        .y = nnrt_cuda_output(low, 0),
        .x = in[0],
        .w = in[1],
        .bias = in[2],
        .residual = in[3],
        .c = nnrt_cuda_divider_make(p->c_out),
        .r = (uint32_t)d.r,
        .lo = p->clamp.lo,
        .hi = p->clamp.hi,
    };
    NNC_TRY(set_window(&args.window, ctx, "dwconv_f32", &d));
    NNC_TRY(nnrt_cuda_fit(&args.count, ctx, "dwconv_f32", "outputs",
                          nnrt_shape_count(&ctx->out[0].shape)));
    return nnrt_cuda_emit_threads(low, ctx, NNRT_CUDA_K_dwconv_f32, args.count, &args, sizeof args);
}
