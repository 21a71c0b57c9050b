/* BatchNormalization, inference and training. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "ops/compose.h"
#include "ops/op_util.h"

static const nnc_attr_schema batch_attrs[] = {
    NNC_A_FLOAT("epsilon"),
    NNC_A_FLOAT("momentum"),
    NNC_A_BOOL("training_mode"),
};

static nnc_status batch_infer(nnc_infer_ctx *ctx)
{
    NNC_TRY(nnc_infer_channel_vectors(ctx));
    for (uint32_t i = 1; i < 3; i++) {
        const nnc_value *v = nnc_infer_shaped(ctx, i + 2);
        if (v) {
            NNC_TRY(nnc_infer_output(ctx, i, v->dtype, &v->shape));
        }
    }
    return NNC_OK;
}

/* a = scale / sqrt(variance + epsilon), b = bias - mean * a, in double, rounded once. */
static nnc_status batch_factors(nnc_lower_ctx *ctx, float *a, float *b, size_t channels)
{
    double epsilon = (double)nnc_node_float(nnc_lower_node(ctx), "epsilon", 1e-5f);
    const nnc_tensor *t[5];
    for (uint32_t i = 1; i < 5; i++) {
        const nnc_value *v = nnc_lower_in_value(ctx, i);
        if (v->kind != NNC_VALUE_CONST || v->qparams) {
            return nnc_lower_fail(ctx, "input '%s' is not a float constant", v->name);
        }
        t[i] = &v->tensor;
    }
    for (size_t c = 0; c < channels; c++) {
        double factor =
            nnc_tensor_get_double(t[1], c) / sqrt(nnc_tensor_get_double(t[4], c) + epsilon);
        a[c] = (float)factor;
        b[c] = (float)(nnc_tensor_get_double(t[2], c) - nnc_tensor_get_double(t[3], c) * factor);
    }
    return NNC_OK;
}

/* Ranks without a channels-last form: x * a + b with constants [C,1,...]. */
static nnc_status batch_by_steps(nnc_lower_ctx *ctx, const float *a, const float *b,
                                 size_t channels, uint32_t rank)
{
    int64_t dims[NNC_RANK_MAX] = {(int64_t)channels, 1, 1, 1, 1, 1, 1, 1};
    nnrt_binary_params params = {.op = NNRT_BINARY_MUL, .clamp = {-INFINITY, INFINITY}};
    uint32_t in[2], y;
    size_t bytes = channels * sizeof *a;
    NNC_TRY(nnc_lower_input(&in[0], ctx, 0, NNC_FORM_LOGICAL));
    NNC_TRY(nnc_lower_const(&in[1], ctx, NNRT_F32, rank - 1, dims, a, bytes));
    NNC_TRY(nnc_lower_temp(&y, ctx, NNRT_F32, rank));
    NNC_TRY(nnc_lower_emit(ctx, NNRT_ROP_ID_BINARY, &params, sizeof params, in, 2, &y, 1));
    in[0] = y;
    params.op = NNRT_BINARY_ADD;
    NNC_TRY(nnc_lower_const(&in[1], ctx, NNRT_F32, rank - 1, dims, b, bytes));
    NNC_TRY(nnc_lower_output(&y, ctx, 0, NNC_FORM_LOGICAL));
    return nnc_lower_emit(ctx, NNRT_ROP_ID_BINARY, &params, sizeof params, in, 2, &y, 1);
}

static nnc_status batch_emit(nnc_lower_ctx *ctx, float *a, float *b, size_t channels)
{
    const nnc_value *x = nnc_lower_in_value(ctx, 0);
    NNC_TRY(batch_factors(ctx, a, b, channels));
    if (x->shape.rank > 5) {
        return batch_by_steps(ctx, a, b, channels, x->shape.rank);
    }
    int64_t dim = (int64_t)channels;
    nnrt_channel_affine_params params = {.clamp = {-INFINITY, INFINITY}};
    uint32_t in[3], y;
    NNC_TRY(nnc_lower_input(&in[0], ctx, 0, NNC_FORM_NHWC));
    NNC_TRY(nnc_lower_const(&in[1], ctx, NNRT_F32, 1, &dim, a, channels * sizeof *a));
    NNC_TRY(nnc_lower_const(&in[2], ctx, NNRT_F32, 1, &dim, b, channels * sizeof *b));
    NNC_TRY(nnc_lower_output(&y, ctx, 0, NNC_FORM_NHWC));
    return nnc_lower_emit(ctx, NNRT_ROP_ID_CHANNEL_AFFINE, &params, sizeof params, in, 3, &y, 1);
}

/* Constants that fold into one product and one sum per channel. */
static bool folds(const nnc_lower_ctx *ctx)
{
    for (uint32_t i = 1; i < 5; i++) {
        const nnc_value *v = nnc_lower_in_value(ctx, i);
        if (v->kind != NNC_VALUE_CONST || v->qparams || v->dtype != NNC_DTYPE_FLOAT) {
            return false;
        }
    }
    return nnc_lower_in_value(ctx, 0)->dtype == NNC_DTYPE_FLOAT;
}

/* The node's operands in one type, and how x lies. */
typedef struct batch_values {
    nnc_compose c;
    nnc_form form;
    uint32_t rank, axis;   /* of the channels in that form */
    uint32_t x, vector[4]; /* scale, bias, mean, variance, [C] */
} batch_values;

static nnc_status batch_values_init(batch_values *v, nnc_lower_ctx *ctx)
{
    const nnc_value *x = nnc_lower_in_value(ctx, 0);
    v->rank = x->shape.rank;
    v->c = (nnc_compose){ctx, nnc_lower_dtype(x)};
    /* Of rank 2, channels are the last dim as it is. */
    bool last = v->rank == 2 || nnc_rank_has_nhwc(v->rank);
    v->form = last ? NNC_FORM_NHWC : NNC_FORM_LOGICAL;
    v->axis = last ? v->rank - 1 : 1;
    NNC_TRY(nnc_lower_input(&v->x, ctx, 0, v->form));
    for (uint32_t i = 0; i < 4; i++) {
        const nnc_value *vector = nnc_lower_in_value(ctx, i + 1);
        NNC_TRY(nnc_lower_input(&v->vector[i], ctx, i + 1, NNC_FORM_LOGICAL));
        if (nnc_lower_dtype(vector) != v->c.dtype) {
            uint32_t cast = NNRT_NONE;
            NNC_TRY(nnc_compose_cast(&cast, &v->c, v->vector[i], v->c.dtype, 1));
            v->vector[i] = cast;
        }
    }
    return NNC_OK;
}

/* out = x * a + b with vectors [C]. */
static nnc_status batch_affine(const batch_values *v, uint32_t x, uint32_t a, uint32_t b,
                               uint32_t out)
{
    uint32_t wide[2] = {NNRT_NONE, NNRT_NONE}, scaled = NNRT_NONE;
    if (v->c.dtype == NNRT_F32 && v->axis == v->rank - 1) {
        nnrt_channel_affine_params params = {.clamp = {-INFINITY, INFINITY}};
        const uint32_t in[3] = {x, a, b};
        return nnc_lower_emit(v->c.ctx, NNRT_ROP_ID_CHANNEL_AFFINE, &params, sizeof params, in, 3,
                              &out, 1);
    }
    NNC_TRY(nnc_compose_spread(&wide[0], &v->c, a, v->rank, v->axis));
    NNC_TRY(nnc_compose_spread(&wide[1], &v->c, b, v->rank, v->axis));
    NNC_TRY(nnc_compose_binary(&scaled, &v->c, NNRT_BINARY_MUL, x, wide[0], v->rank));
    return nnc_compose_binary(&out, &v->c, NNRT_BINARY_ADD, scaled, wide[1], v->rank);
}

/* Statistics that are computed, or of another type than float32. */
static nnc_status batch_by_vectors(nnc_lower_ctx *ctx)
{
    double epsilon = (double)nnc_node_float(nnc_lower_node(ctx), "epsilon", 1e-5f);
    uint32_t r = NNRT_NONE, a = NNRT_NONE, shift = NNRT_NONE, b = NNRT_NONE, y;
    batch_values v;
    NNC_TRY(batch_values_init(&v, ctx));
    NNC_TRY(nnc_compose_rsqrt(&r, &v.c, v.vector[3], epsilon, 1));
    NNC_TRY(nnc_compose_binary(&a, &v.c, NNRT_BINARY_MUL, v.vector[0], r, 1));
    NNC_TRY(nnc_compose_binary(&shift, &v.c, NNRT_BINARY_MUL, v.vector[2], a, 1));
    NNC_TRY(nnc_compose_binary(&b, &v.c, NNRT_BINARY_SUB, v.vector[1], shift, 1));
    NNC_TRY(nnc_lower_output(&y, ctx, 0, v.form));
    return batch_affine(&v, v.x, a, b, y);
}

/* Output i: momentum * old + (1 - momentum) * current, in the output's own type. */
static nnc_status batch_running(const batch_values *v, uint32_t i, uint32_t old, uint32_t current)
{
    nnc_lower_ctx *ctx = v->c.ctx;
    const nnc_value *value = nnc_lower_out_value(ctx, i);
    double momentum = (double)nnc_node_float(nnc_lower_node(ctx), "momentum", 0.9f);
    uint32_t keep, take, a = NNRT_NONE, b = NNRT_NONE, sum = NNRT_NONE, out;
    if (!value) {
        return NNC_OK;
    }
    NNC_TRY(nnc_compose_scalar(&keep, &v->c, momentum));
    NNC_TRY(nnc_compose_scalar(&take, &v->c, 1.0 - momentum));
    NNC_TRY(nnc_compose_binary(&a, &v->c, NNRT_BINARY_MUL, old, keep, 1));
    NNC_TRY(nnc_compose_binary(&b, &v->c, NNRT_BINARY_MUL, current, take, 1));
    NNC_TRY(nnc_lower_output(&out, ctx, i, NNC_FORM_LOGICAL));
    if (nnc_lower_dtype(value) == v->c.dtype) {
        return nnc_compose_binary(&out, &v->c, NNRT_BINARY_ADD, a, b, 1);
    }
    NNC_TRY(nnc_compose_binary(&sum, &v->c, NNRT_BINARY_ADD, a, b, 1));
    return nnc_compose_cast(&out, &v->c, sum, nnc_lower_dtype(value), 1);
}

/* Training: the batch's own statistics, and the running ones brought up to date. */
static nnc_status batch_training(nnc_lower_ctx *ctx)
{
    double epsilon = (double)nnc_node_float(nnc_lower_node(ctx), "epsilon", 1e-5f);
    uint32_t centred = NNRT_NONE, mean = NNRT_NONE, variance = NNRT_NONE;
    uint32_t r = NNRT_NONE, a = NNRT_NONE, y, flat[2] = {NNRT_NONE, NNRT_NONE};
    const int64_t all[1] = {-1};
    batch_values v;
    NNC_TRY(batch_values_init(&v, ctx));
    uint32_t mask = ((1u << v.rank) - 1) & ~(1u << v.axis);
    NNC_TRY(nnc_compose_moments(&centred, &mean, &variance, &v.c, v.x, v.rank, mask));
    NNC_TRY(nnc_compose_view(&flat[0], &v.c, mean, all, 1));
    NNC_TRY(nnc_compose_view(&flat[1], &v.c, variance, all, 1));
    NNC_TRY(nnc_compose_rsqrt(&r, &v.c, flat[1], epsilon, 1));
    NNC_TRY(nnc_compose_binary(&a, &v.c, NNRT_BINARY_MUL, v.vector[0], r, 1));
    NNC_TRY(nnc_lower_output(&y, ctx, 0, v.form));
    NNC_TRY(batch_affine(&v, centred, a, v.vector[1], y));
    NNC_TRY(batch_running(&v, 1, v.vector[2], flat[0]));
    return batch_running(&v, 2, v.vector[3], flat[1]);
}

static nnc_status batch_lower(nnc_lower_ctx *ctx)
{
    const nnc_value *x = nnc_lower_in_value(ctx, 0), *scale = nnc_lower_in_value(ctx, 1);
    if (!x->has_shape) {
        return nnc_lower_fail(ctx, "shape of '%s' is unknown", x->name);
    }
    if (nnc_node_int(nnc_lower_node(ctx), "training_mode", 0)) {
        return batch_training(ctx);
    }
    if (!folds(ctx)) {
        return batch_by_vectors(ctx);
    }
    size_t channels = (size_t)scale->shape.dims[0];
    float *a = nnc_calloc(channels, sizeof *a), *b = nnc_calloc(channels, sizeof *b);
    nnc_status status = a && b ? batch_emit(ctx, a, b, channels) : NNC_ERR_LIMIT;
    nnc_free(a);
    nnc_free(b);
    return status;
}

const nnc_op nnc_op_BatchNormalization = {
    .domain = "",
    .name = "BatchNormalization",
    .min_in = 5,
    .max_in = 5,
    .min_out = 1,
    .max_out = 3,
    NNC_ATTRS(batch_attrs),
    .infer = batch_infer,
    .lower = batch_lower,
    .grad = NNC_NO_GRAD,
    .cost = NNC_NO_COST,
    .dims = nnc_dims_channel_vectors,
    .layout = NNC_LAYOUT_CHANNELS,
    .quant = NNC_QUANT_FLOAT,
};
