/* reshape, flatten, squeeze, unsqueeze: same bytes under another shape. SPDX-License-Identifier:
 * Apache-2.0 */
#include "runtime_int8/ops/util.h"

static nnc_status check_any(const nnrt_node_ctx *ctx)
{
    return nnrt_check_dtype(ctx, 0, NNRT_SET_ANY);
}

static nnc_status reshape_check(const nnrt_node_ctx *ctx)
{
    const nnrt_reshape_params *p = ctx->params;
    if (p->allow_zero > 1)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': allow_zero is %u", ctx->name, p->allow_zero);
    NNC_TRY(check_any(ctx));
    NNC_TRY(nnrt_check_rank(ctx, 1, 1));
    return nnrt_check_dtype(ctx, 1, NNRT_SET(NNRT_I64));
}

/* The dim -1 where there are no elements: from the dims that are not copied. 0 if these have none either. */
static int64_t missing_dim(const nnrt_node_ctx *ctx, const int64_t *dims, size_t rank, uint32_t allow_zero)
{
    const nnrt_shape *x = &ctx->in[0].shape;
    size_t rest = 1, given = 1;
    for (uint32_t i = 0; i < x->rank || i < rank; i++) {
        const bool copied = i < rank && i < x->rank && dims[i] == 0 && !allow_zero;
        if (!copied && i < x->rank && __builtin_mul_overflow(rest, (size_t)x->dims[i], &rest))
            return 0;
        if (!copied && i < rank && dims[i] != -1 && __builtin_mul_overflow(given, (size_t)dims[i], &given))
            return 0;
    }
    return given == 0 || rest / given > INT32_MAX ? 0 : (int64_t)(rest / given);
}

static nnc_status reshape_reshape(nnrt_node_ctx *ctx)
{
    const nnrt_reshape_params *p = ctx->params;
    const int64_t *dims;
    size_t rank, known = 1, total = nnrt_shape_count(&ctx->in[0].shape);
    NNC_TRY(nnrt_host_i64(&dims, &rank, ctx, 1));
    if (rank > NNRT_RANK_MAX)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': rank %zu, at most %d", ctx->name, rank, NNRT_RANK_MAX);
    nnrt_shape shape = {.rank = (uint32_t)rank};
    int infer = -1;
    for (uint32_t i = 0; i < rank; i++) {
        int64_t dim = dims[i];
        if (dim == 0 && !p->allow_zero && i < ctx->in[0].shape.rank)
            dim = ctx->in[0].shape.dims[i];
        if (dim < -1 || dim > INT32_MAX || (dim == -1 && infer >= 0))
            NNC_FAIL(NNC_ERR_MODEL, "'%s': dim %u of the new shape is %lld", ctx->name, i,
                     (long long)dims[i]);
        shape.dims[i] = dim;
        if (dim == -1)
            infer = (int)i;
        else if (__builtin_mul_overflow(known, (size_t)dim, &known))
            NNC_FAIL(NNC_ERR_MODEL, "'%s': the new shape is too large", ctx->name);
    }
    if (infer >= 0) {
        shape.dims[infer] = known == 0 ? missing_dim(ctx, dims, rank, p->allow_zero) : (int64_t)(total / known);
        known *= (size_t)shape.dims[infer];
    }
    if (known != total)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': %zu elements do not fit a shape of %zu", ctx->name, total,
                 known);
    nnrt_set_output(ctx, ctx->in[0].dtype, &shape);
    return NNC_OK;
}

const nnrt_rop nnrt_rop_reshape = {
    .name = "reshape",
    .params_bytes = sizeof(nnrt_reshape_params),
    .min_in = 2,
    .max_in = 2,
    .out_count = 1,
    .host_inputs = 0x2,
    .flags = NNRT_ROP_ALIAS | NNRT_ROP_HOST,
    .check = reshape_check,
    .reshape = reshape_reshape,
};

static nnc_status flatten_check(const nnrt_node_ctx *ctx)
{
    const nnrt_axis_params *p = ctx->params;
    if (p->axis < 0 || (uint32_t)p->axis > ctx->in[0].shape.rank)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': axis %d outside rank %u", ctx->name, p->axis,
                 ctx->in[0].shape.rank);
    return check_any(ctx);
}

static nnc_status flatten_reshape(nnrt_node_ctx *ctx)
{
    const nnrt_axis_params *p = ctx->params;
    const nnrt_shape *x = &ctx->in[0].shape;
    nnrt_shape shape = {.rank = 2,
                        .dims = {(int64_t)nnrt_shape_span(x, 0, (uint32_t)p->axis),
                                 (int64_t)nnrt_shape_span(x, (uint32_t)p->axis, x->rank)}};
    nnrt_set_output(ctx, ctx->in[0].dtype, &shape);
    return NNC_OK;
}

const nnrt_rop nnrt_rop_flatten = {
    .name = "flatten",
    .params_bytes = sizeof(nnrt_axis_params),
    .min_in = 1,
    .max_in = 1,
    .out_count = 1,
    .flags = NNRT_ROP_ALIAS | NNRT_ROP_HOST,
    .check = flatten_check,
    .reshape = flatten_reshape,
};

static nnc_status squeeze_check(const nnrt_node_ctx *ctx)
{
    const nnrt_axes_params *p = ctx->params;
    if (p->mask >> ctx->in[0].shape.rank != 0)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': axes 0x%x outside rank %u", ctx->name, p->mask,
                 ctx->in[0].shape.rank);
    return check_any(ctx);
}

static nnc_status squeeze_reshape(nnrt_node_ctx *ctx)
{
    const nnrt_axes_params *p = ctx->params;
    const nnrt_shape *x = &ctx->in[0].shape;
    nnrt_shape shape = {.rank = 0};
    for (uint32_t i = 0; i < x->rank; i++) {
        bool named = p->mask >> i & 1u;
        if (named && x->dims[i] != 1)
            NNC_FAIL(NNC_ERR_MODEL, "'%s': dim %u is %lld, expected 1", ctx->name, i,
                     (long long)x->dims[i]);
        if (!named && !(p->mask == 0 && x->dims[i] == 1))
            shape.dims[shape.rank++] = x->dims[i];
    }
    nnrt_set_output(ctx, ctx->in[0].dtype, &shape);
    return NNC_OK;
}

const nnrt_rop nnrt_rop_squeeze = {
    .name = "squeeze",
    .params_bytes = sizeof(nnrt_axes_params),
    .min_in = 1,
    .max_in = 1,
    .out_count = 1,
    .flags = NNRT_ROP_ALIAS | NNRT_ROP_HOST,
    .check = squeeze_check,
    .reshape = squeeze_reshape,
};

static nnc_status unsqueeze_check(const nnrt_node_ctx *ctx)
{
    const nnrt_axes_params *p = ctx->params;
    uint32_t rank = ctx->in[0].shape.rank + (uint32_t)__builtin_popcount(p->mask);
    if (rank > NNRT_RANK_MAX || p->mask >> rank != 0)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': axes 0x%x added to rank %u", ctx->name, p->mask,
                 ctx->in[0].shape.rank);
    return check_any(ctx);
}

static nnc_status unsqueeze_reshape(nnrt_node_ctx *ctx)
{
    const nnrt_axes_params *p = ctx->params;
    const nnrt_shape *x = &ctx->in[0].shape;
    nnrt_shape shape = {.rank = x->rank + (uint32_t)__builtin_popcount(p->mask)};
    uint32_t from = 0;
    for (uint32_t i = 0; i < shape.rank; i++)
        shape.dims[i] = p->mask >> i & 1u ? 1 : x->dims[from++];
    nnrt_set_output(ctx, ctx->in[0].dtype, &shape);
    return NNC_OK;
}

const nnrt_rop nnrt_rop_unsqueeze = {
    .name = "unsqueeze",
    .params_bytes = sizeof(nnrt_axes_params),
    .min_in = 1,
    .max_in = 1,
    .out_count = 1,
    .flags = NNRT_ROP_ALIAS | NNRT_ROP_HOST,
    .check = unsqueeze_check,
    .reshape = unsqueeze_reshape,
};

/* Known axes of a tensor of `rank` as a mask. */
static nnc_status axes_mask(uint32_t *mask, const nnrt_node_ctx *ctx, int64_t rank)
{
    const int64_t *axes;
    size_t count;
    NNC_TRY(nnrt_host_i64(&axes, &count, ctx, 1));
    *mask = 0;
    for (size_t i = 0; i < count; i++) {
        int64_t axis = axes[i] < 0 ? axes[i] + rank : axes[i];
        if (axes[i] < -rank || axis >= rank || (*mask >> axis & 1u))
            NNC_FAIL(NNC_ERR_MODEL, "'%s': axis %lld of rank %lld is out of range or given twice",
                     ctx->name, (long long)axes[i], (long long)rank);
        *mask |= 1u << axis;
    }
    return NNC_OK;
}

static nnc_status axes_check(const nnrt_node_ctx *ctx)
{
    NNC_TRY(nnrt_check_dtype(ctx, 1, NNRT_SET(NNRT_I64)));
    return check_any(ctx);
}

static nnc_status squeeze_axes_reshape(nnrt_node_ctx *ctx)
{
    const nnrt_shape *x = &ctx->in[0].shape;
    nnrt_shape shape = {.rank = 0};
    uint32_t mask;
    NNC_TRY(axes_mask(&mask, ctx, x->rank));
    for (uint32_t i = 0; i < x->rank; i++) {
        bool named = mask >> i & 1u;
        if (named && x->dims[i] != 1)
            NNC_FAIL(NNC_ERR_MODEL, "'%s': dim %u is %lld, expected 1", ctx->name, i,
                     (long long)x->dims[i]);
        if (!named)
            shape.dims[shape.rank++] = x->dims[i];
    }
    nnrt_set_output(ctx, ctx->in[0].dtype, &shape);
    return NNC_OK;
}

const nnrt_rop nnrt_rop_squeeze_axes = {
    .name = "squeeze_axes",
    .min_in = 2,
    .max_in = 2,
    .out_count = 1,
    .host_inputs = 0x2,
    .flags = NNRT_ROP_ALIAS | NNRT_ROP_HOST,
    .check = axes_check,
    .reshape = squeeze_axes_reshape,
};

static nnc_status unsqueeze_axes_reshape(nnrt_node_ctx *ctx)
{
    const nnrt_shape *x = &ctx->in[0].shape;
    size_t added = nnrt_shape_count(&ctx->in[1].shape);
    uint32_t mask, from = 0;
    if (added > NNRT_RANK_MAX - x->rank)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': %zu axes added to rank %u, at most %d", ctx->name, added,
                 x->rank, NNRT_RANK_MAX);
    nnrt_shape shape = {.rank = x->rank + (uint32_t)added};
    NNC_TRY(axes_mask(&mask, ctx, shape.rank));
    for (uint32_t i = 0; i < shape.rank; i++)
        shape.dims[i] = mask >> i & 1u ? 1 : x->dims[from++];
    nnrt_set_output(ctx, ctx->in[0].dtype, &shape);
    return NNC_OK;
}

const nnrt_rop nnrt_rop_unsqueeze_axes = {
    .name = "unsqueeze_axes",
    .min_in = 2,
    .max_in = 2,
    .out_count = 1,
    .host_inputs = 0x2,
    .flags = NNRT_ROP_ALIAS | NNRT_ROP_HOST,
    .check = axes_check,
    .reshape = unsqueeze_axes_reshape,
};
