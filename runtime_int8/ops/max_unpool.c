/* max_unpool: puts elements back where a maximum was taken from. SPDX-License-Identifier:
 * Apache-2.0 An index that lies outside the pooled tensor, or of an element cut off by the given
 * shape, is left out. */
#include <string.h>

#include "runtime_int8/ops/util.h"
#include "runtime_int8/ops/window_nd.h"

typedef struct unpool_state {
    nnrt_shape pooled; /* what the indices count in */
} unpool_state;

static nnc_status check(const nnrt_node_ctx *ctx)
{
    const nnrt_max_unpool_params *p = ctx->params;
    NNC_TRY(nnrt_window_nd_check(ctx, &p->window));
    NNC_TRY(nnrt_check_dtype(
        ctx, 0, NNRT_SET(NNRT_F32) | NNRT_SET(NNRT_F64) | NNRT_SET(NNRT_I8) | NNRT_SET(NNRT_U8)));
    NNC_TRY(nnrt_check_dtype(ctx, 1, NNRT_SET(NNRT_I64)));
    NNC_TRY(nnrt_check_rank(ctx, 0, p->window.spatial + 2));
    return nnrt_check_rank(ctx, 1, p->window.spatial + 2);
}

static nnc_status reshape(nnrt_node_ctx *ctx)
{
    const nnrt_max_unpool_params *p = ctx->params;
    const nnrt_shape *x = &ctx->in[0].shape;
    nnrt_shape y = *x;
    if (!nnrt_shape_same(x, &ctx->in[1].shape))
        NNC_FAIL(NNC_ERR_MODEL, "'%s': data and indices differ in shape", ctx->name);
    for (uint32_t i = 0; i < p->window.spatial; i++) {
        y.dims[i + 2] = (x->dims[i + 2] - 1) * p->window.stride[i] + p->window.kernel[i] -
                        p->window.begin[i] - p->window.end[i];
        if (y.dims[i + 2] < 0)
            NNC_FAIL(NNC_ERR_MODEL, "'%s': padding leaves no output of dim %u", ctx->name, i);
    }
    NNC_TRY(nnrt_check_shape(ctx, &y, ctx->in[0].dtype));
    NNC_TRY(nnrt_ctx_state(ctx, sizeof(unpool_state)));
    ((unpool_state *)ctx->state)->pooled = y;
    if (ctx->in_count > 2) {
        const int64_t *dims;
        size_t count;
        NNC_TRY(nnrt_host_i64(&dims, &count, ctx, 2));
        if (count != x->rank || dims[0] != x->dims[0] || dims[1] != x->dims[1])
            NNC_FAIL(NNC_ERR_MODEL,
                     "'%s': output_shape has %zu elements or other N and C than [%lld,%lld]",
                     ctx->name, count, (long long)x->dims[0], (long long)x->dims[1]);
        memcpy(y.dims, dims, count * sizeof *dims);
        NNC_TRY(nnrt_check_shape(ctx, &y, ctx->in[0].dtype));
    }
    nnrt_set_output(ctx, ctx->in[0].dtype, &y);
    return NNC_OK;
}

/* Place of flat index `at` of shape `from` in shape `to`; false outside. */
static bool place(size_t *out, int64_t at, const nnrt_shape *from, const nnrt_shape *to)
{
    size_t rest = (size_t)at, step = 1, y = 0;
    if (at < 0 || rest >= nnrt_shape_count(from))
        return false;
    for (uint32_t i = from->rank; i-- > 0;) {
        size_t k = rest % (size_t)from->dims[i];
        rest /= (size_t)from->dims[i];
        if (k >= (size_t)to->dims[i])
            return false;
        y += k * step;
        step *= (size_t)to->dims[i];
    }
    *out = y;
    return true;
}

static void run(const nnrt_node_ctx *ctx)
{
    const unpool_state *state = ctx->state;
    const int64_t *index = ctx->in[1].data;
    const size_t size = nnrt_dtype_bytes(ctx->in[0].dtype), n = nnrt_shape_count(&ctx->in[0].shape);
    const uint8_t *x = ctx->in[0].data;
    uint8_t *y = ctx->out[0].data;
    memset(y, 0, nnrt_shape_count(&ctx->out[0].shape) * size);
    for (size_t i = 0; i < n; i++) {
        size_t at;
        if (place(&at, index[i], &state->pooled, &ctx->out[0].shape))
            memcpy(y + at * size, x + i * size, size);
    }
}

const nnrt_rop nnrt_rop_max_unpool = {
    .name = "max_unpool",
    .params_bytes = sizeof(nnrt_max_unpool_params),
    .min_in = 2,
    .max_in = 3,
    .out_count = 1,
    .host_inputs = 0x4,
    .check = check,
    .reshape = reshape,
    .run = run,
};
