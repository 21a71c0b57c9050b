/* DepthToSpace and SpaceToDepth: reshape, transpose, reshape on the channels-last form.
 * SPDX-License-Identifier: Apache-2.0 The shapes are computed on the host at run time, so any dim
 * may be dynamic. */
#include <inttypes.h>

#include "ops/op_util.h"

static const char *const mode_choices[] = {"DCR", "CRD", NULL};
static const nnc_attr_schema depth_attrs[] = {
    NNC_A_INT_REQUIRED("blocksize", 1, 65536),
    NNC_A_ENUM("mode", mode_choices),
};

static nnc_status depth_space_infer(nnc_infer_ctx *ctx)
{
    const nnc_value *x = nnc_infer_input(ctx, 0);
    int64_t b = nnc_node_int(nnc_infer_node(ctx), "blocksize", 1);
    bool to_space = nnc_node_is(nnc_infer_node(ctx), "DepthToSpace");
    NNC_TRY(nnc_infer_check_rank(ctx, 0, 4, 4));
    if (!x->has_shape) {
        return nnc_infer_output_unknown(ctx, 0, x->dtype, 4);
    }
    const int64_t divisor[4] = {1, to_space ? b * b : 1, to_space ? 1 : b, to_space ? 1 : b};
    const int64_t factor[4] = {1, to_space ? 1 : b * b, to_space ? b : 1, to_space ? b : 1};
    nnc_shape y = {.rank = 4};
    for (uint32_t d = 0; d < 4; d++) {
        int64_t in = x->shape.dims[d];
        if (in >= 0 && in % divisor[d] != 0) {
            return nnc_infer_fail(ctx, "dim %u of %" PRId64 " is not divisible by %" PRId64,
                                  (unsigned)d, in, divisor[d]);
        }
        if (in < 0) {
            y.dims[d] = divisor[d] == 1 && factor[d] == 1 ? in : nnc_infer_fresh_dim(ctx);
        } else if (!nnc_i64_mul(&y.dims[d], in / divisor[d], factor[d])) {
            return nnc_infer_fail(ctx, "dim %u is too large", (unsigned)d);
        }
    }
    return nnc_infer_output(ctx, 0, nnc_infer_dtype(ctx, 0), &y);
}

/* y = dims op list, element by element, on the host. */
static nnc_status host_step(nnc_lower_ctx *ctx, uint32_t *dims, nnrt_binary_op op,
                            const int64_t list[4])
{
    nnrt_binary_params params = {.op = (uint32_t)op};
    uint32_t in[2] = {*dims, 0};
    NNC_TRY(nnc_lower_const_i64(&in[1], ctx, list, 4));
    NNC_TRY(nnc_lower_temp(dims, ctx, NNRT_I64, 1));
    return nnc_lower_emit(ctx, NNRT_ROP_ID_BINARY, &params, sizeof params, in, 2, dims, 1);
}

/* The six dims in between, picked from concat(dims [4], [b]). */
static nnc_status six_dims(nnc_lower_ctx *ctx, uint32_t *out, uint32_t dims, int64_t b,
                           const int64_t order[6])
{
    nnrt_axis_params axis = {.axis = 0};
    uint32_t in[2] = {dims, 0}, all;
    NNC_TRY(nnc_lower_const_i64(&in[1], ctx, &b, 1));
    NNC_TRY(nnc_lower_temp(&all, ctx, NNRT_I64, 1));
    NNC_TRY(nnc_lower_emit(ctx, NNRT_ROP_ID_CONCAT, &axis, sizeof axis, in, 2, &all, 1));
    in[0] = all;
    NNC_TRY(nnc_lower_const_i64(&in[1], ctx, order, 6));
    NNC_TRY(nnc_lower_temp(out, ctx, NNRT_I64, 1));
    return nnc_lower_emit(ctx, NNRT_ROP_ID_GATHER, &axis, sizeof axis, in, 2, out, 1);
}

typedef struct plan {
    int64_t split_divisor[4], merge_factor[4], merge_divisor[4];
    int64_t order[6]; /* of concat(dims after split_divisor, [b]); 4 is b */
    uint32_t perm[6];
} plan;

/* x is [N,H,W,C]. DCR splits C into (b,b,C'), CRD into (C',b,b), or merges them so; space to depth splits H and W. */
static plan make_plan(bool to_space, bool crd, int64_t b)
{
    const plan dcr = {
        {1, 1, 1, b * b}, {1, b, b, 1}, {1, 1, 1, 1}, {0, 1, 2, 4, 4, 3}, {0, 1, 3, 2, 4, 5}};
    const plan crd_plan = {
        {1, 1, 1, b * b}, {1, b, b, 1}, {1, 1, 1, 1}, {0, 1, 2, 3, 4, 4}, {0, 1, 4, 2, 5, 3}};
    const plan depth = {
        {1, b, b, 1}, {1, 1, 1, b * b}, {1, 1, 1, 1}, {0, 1, 4, 2, 4, 3}, {0, 1, 3, 2, 4, 5}};
    const plan depth_crd = {
        {1, b, b, 1}, {1, 1, 1, b * b}, {1, 1, 1, 1}, {0, 1, 4, 2, 4, 3}, {0, 1, 3, 5, 2, 4}};
    if (!to_space) {
        return crd ? depth_crd : depth;
    }
    return crd ? crd_plan : dcr;
}

static nnc_status depth_space_lower(nnc_lower_ctx *ctx)
{
    const nnc_node *node = nnc_lower_node(ctx);
    int64_t b = nnc_node_int(node, "blocksize", 1);
    bool crd = nnc_node_string(node, "mode", "DCR")[0] == 'C';
    plan p = make_plan(nnc_node_is(node, "DepthToSpace"), crd, b);
    nnc_form form = nnc_lower_moving_form(ctx, 0, true);
    nnrt_dtype dtype =
        form == NNC_FORM_Q8_NHWC ? NNRT_U8 : nnc_lower_dtype(nnc_lower_in_value(ctx, 0));
    nnrt_shape_params whole = {.start = 0, .end = 4};
    nnrt_reshape_params reshape = {.allow_zero = 1};
    nnrt_transpose_params transpose = {.rank = 6};
    uint32_t x, dims, split, in[2], y;
    for (uint32_t d = 0; d < 6; d++) {
        transpose.perm[d] = p.perm[d];
    }
    NNC_TRY(nnc_lower_input(&x, ctx, 0, form));
    NNC_TRY(nnc_lower_temp(&dims, ctx, NNRT_I64, 1));
    NNC_TRY(nnc_lower_emit(ctx, NNRT_ROP_ID_SHAPE, &whole, sizeof whole, &x, 1, &dims, 1));
    NNC_TRY(host_step(ctx, &dims, NNRT_BINARY_DIV, p.split_divisor));
    NNC_TRY(six_dims(ctx, &split, dims, b, p.order));
    NNC_TRY(host_step(ctx, &dims, NNRT_BINARY_MUL, p.merge_factor));
    in[0] = x;
    in[1] = split;
    NNC_TRY(nnc_lower_temp(&x, ctx, dtype, 6));
    NNC_TRY(nnc_lower_emit(ctx, NNRT_ROP_ID_RESHAPE, &reshape, sizeof reshape, in, 2, &x, 1));
    in[0] = x;
    NNC_TRY(nnc_lower_temp(&x, ctx, dtype, 6));
    NNC_TRY(nnc_lower_emit(ctx, NNRT_ROP_ID_TRANSPOSE, &transpose, sizeof transpose, in, 1, &x, 1));
    in[0] = x;
    in[1] = dims;
    NNC_TRY(nnc_lower_output(&y, ctx, 0, form));
    return nnc_lower_emit(ctx, NNRT_ROP_ID_RESHAPE, &reshape, sizeof reshape, in, 2, &y, 1);
}

static nnc_status depth_space_dims(nnc_dim_links *links, const nnc_graph *graph, nnc_node_id node)
{
    (void)graph;
    (void)node;
    return nnc_dims_link(links, 0, 0, 0, 0);
}

#define DEPTH_SPACE_OP(id, rows)                                                                   \
    const nnc_op nnc_op_##id = {                                                                   \
        .domain = "",                                                                              \
        .name = #id,                                                                               \
        .min_in = 1,                                                                               \
        .max_in = 1,                                                                               \
        .min_out = 1,                                                                              \
        .max_out = 1,                                                                              \
        NNC_ATTRS(rows),                                                                           \
        .infer = depth_space_infer,                                                                \
        .lower = depth_space_lower,                                                                \
        .grad = NNC_NO_GRAD,                                                                       \
        .cost = NNC_NO_COST,                                                                       \
        .dims = depth_space_dims,                                                                  \
        .layout = NNC_LAYOUT_CHANNELS,                                                             \
        .quant = NNC_QUANT_PRESERVE,                                                               \
    }
DEPTH_SPACE_OP(DepthToSpace, depth_attrs);
DEPTH_SPACE_OP(SpaceToDepth, depth_attrs);
