/* RandomNormal, RandomUniform and their Like forms, Bernoulli, Multinomial, Dropout. SPDX-License-Identifier: Apache-2.0
 * A node without a seed takes one made of the name of its output: a model draws the same numbers in every run. */
#include <string.h>

#include "base/hash.h"
#include "ops/op_util.h"

static uint64_t seed_of(const nnc_lower_ctx *ctx)
{
    const nnc_attr *a = nnc_node_attr(nnc_lower_node(ctx), "seed");
    uint32_t bits;
    if (a && a->type == NNC_ATTR_FLOAT) {
        memcpy(&bits, &a->f, sizeof bits);
        return bits;
    }
    if (a && a->type == NNC_ATTR_INT) {
        return (uint64_t)a->i;
    }
    const char *name = nnc_lower_out_value(ctx, 0)->name;
    return nnc_hash64(name, strlen(name), 0);
}

static nnc_dtype dtype_of(const nnc_node *node, nnc_dtype fallback)
{
    return (nnc_dtype)nnc_node_int(node, "dtype", (int64_t)fallback);
}

static bool is_normal(const nnc_node *node)
{
    return strncmp(node->op_type, "RandomNormal", strlen("RandomNormal")) == 0;
}

static nnc_status random_lower(nnc_lower_ctx *ctx, uint32_t shape, nnc_dtype dtype)
{
    const nnc_node *node = nnc_lower_node(ctx);
    bool normal = is_normal(node);
    nnrt_random_params params = {
        .seed = seed_of(ctx),
        .dtype = (uint32_t)dtype,
        .normal = normal,
        .a = normal ? nnc_node_float(node, "mean", 0.0f) : nnc_node_float(node, "low", 0.0f),
        .b = normal ? nnc_node_float(node, "scale", 1.0f) : nnc_node_float(node, "high", 1.0f),
    };
    uint32_t y;
    NNC_TRY(nnc_lower_output(&y, ctx, 0, NNC_FORM_LOGICAL));
    return nnc_lower_emit(ctx, NNRT_ROP_ID_RANDOM, &params, sizeof params, &shape, 1, &y, 1);
}

/* ---- of a given shape ---- */

static const nnc_attr_schema normal_attrs[] = {
    NNC_A_INT("dtype", 1, NNC_DTYPE_COUNT - 1), NNC_A_FLOAT("mean"), NNC_A_FLOAT("scale"), NNC_A_FLOAT("seed"),
    NNC_A_INTS_REQUIRED("shape", 0, NNC_DIM_LIMIT),
};
static const nnc_attr_schema uniform_attrs[] = {
    NNC_A_INT("dtype", 1, NNC_DTYPE_COUNT - 1), NNC_A_FLOAT("high"), NNC_A_FLOAT("low"), NNC_A_FLOAT("seed"),
    NNC_A_INTS_REQUIRED("shape", 0, NNC_DIM_LIMIT),
};
static const nnc_attr_schema normal_like_attrs[] = {
    NNC_A_INT("dtype", 1, NNC_DTYPE_COUNT - 1),
    NNC_A_FLOAT("mean"),
    NNC_A_FLOAT("scale"),
    NNC_A_FLOAT("seed"),
};
static const nnc_attr_schema uniform_like_attrs[] = {
    NNC_A_INT("dtype", 1, NNC_DTYPE_COUNT - 1),
    NNC_A_FLOAT("high"),
    NNC_A_FLOAT("low"),
    NNC_A_FLOAT("seed"),
};

static nnc_status shaped_infer(nnc_infer_ctx *ctx)
{
    const int64_t *dims = NULL;
    size_t rank = 0;
    (void)nnc_node_ints(nnc_infer_node(ctx), "shape", &dims, &rank);
    if (rank > NNC_RANK_MAX) {
        return nnc_infer_fail(ctx, "shape has %zu elements, at most %d fit", rank, NNC_RANK_MAX);
    }
    nnc_shape y = {.rank = (uint32_t)rank};
    for (uint32_t d = 0; d < y.rank; d++) {
        y.dims[d] = dims[d];
    }
    return nnc_infer_output(ctx, 0, dtype_of(nnc_infer_node(ctx), NNC_DTYPE_FLOAT), &y);
}

static nnc_status shaped_lower(nnc_lower_ctx *ctx)
{
    const int64_t *dims = NULL;
    size_t rank = 0;
    uint32_t shape;
    (void)nnc_node_ints(nnc_lower_node(ctx), "shape", &dims, &rank);
    NNC_TRY(nnc_lower_const_i64(&shape, ctx, dims, rank));
    return random_lower(ctx, shape, dtype_of(nnc_lower_node(ctx), NNC_DTYPE_FLOAT));
}

/* ---- of another value's shape ---- */

static nnc_status like_infer(nnc_infer_ctx *ctx)
{
    const nnc_value *x = nnc_infer_input(ctx, 0);
    nnc_dtype dtype = dtype_of(nnc_infer_node(ctx), x->dtype);
    return x->has_shape ? nnc_infer_output(ctx, 0, dtype, &x->shape) : nnc_infer_output_unknown(ctx, 0, dtype, -1);
}

static nnc_status like_lower(nnc_lower_ctx *ctx)
{
    const nnc_value *x = nnc_lower_in_value(ctx, 0);
    uint32_t in, shape;
    if (!x->has_shape) {
        return nnc_lower_fail(ctx, "the rank of the input is unknown");
    }
    nnrt_shape_params whole = {.start = 0, .end = (int32_t)x->shape.rank};
    NNC_TRY(nnc_lower_input(&in, ctx, 0, NNC_FORM_LOGICAL));
    NNC_TRY(nnc_lower_temp(&shape, ctx, NNRT_I64, 1));
    NNC_TRY(nnc_lower_emit(ctx, NNRT_ROP_ID_SHAPE, &whole, sizeof whole, &in, 1, &shape, 1));
    return random_lower(ctx, shape, dtype_of(nnc_lower_node(ctx), x->dtype));
}

#define RANDOM_OP(id, inputs, fn, rows, dims_fn)                                                   \
    const nnc_op nnc_op_##id = {                                                                   \
        .domain = "",                                                                              \
        .name = #id,                                                                               \
        .min_in = inputs,                                                                          \
        .max_in = inputs,                                                                          \
        .min_out = 1,                                                                              \
        .max_out = 1,                                                                              \
        NNC_ATTRS(rows),                                                                           \
        .infer = fn##_infer,                                                                       \
        .lower = fn##_lower,                                                                       \
        .grad = NNC_NO_GRAD,                                                                       \
        .cost = NNC_NO_COST,                                                                       \
        .dims = dims_fn,                                                                           \
        .layout = NNC_LAYOUT_LOGICAL,                                                              \
        .quant = NNC_QUANT_FLOAT,                                                                  \
    }
RANDOM_OP(RandomNormal, 0, shaped, normal_attrs, NNC_NO_DIMS);
RANDOM_OP(RandomUniform, 0, shaped, uniform_attrs, NNC_NO_DIMS);
RANDOM_OP(RandomNormalLike, 1, like, normal_like_attrs, nnc_dims_same);
RANDOM_OP(RandomUniformLike, 1, like, uniform_like_attrs, nnc_dims_same);

/* ---- Bernoulli, Multinomial ---- */

static const nnc_attr_schema bernoulli_attrs[] = {
    NNC_A_INT("dtype", 1, NNC_DTYPE_COUNT - 1),
    NNC_A_FLOAT("seed"),
};

static nnc_status bernoulli_lower(nnc_lower_ctx *ctx)
{
    nnrt_random_params params = {
        .seed = seed_of(ctx),
        .dtype = (uint32_t)dtype_of(nnc_lower_node(ctx), nnc_lower_in_value(ctx, 0)->dtype)};
    return nnc_lower_move(ctx, NNRT_ROP_ID_BERNOULLI, &params, sizeof params, NULL, 0, NNC_FORM_LOGICAL,
                          NNC_FORM_LOGICAL);
}

static nnc_status bernoulli_infer(nnc_infer_ctx *ctx)
{
    return like_infer(ctx);
}
RANDOM_OP(Bernoulli, 1, bernoulli, bernoulli_attrs, nnc_dims_same);

static const nnc_attr_schema multinomial_attrs[] = {
    NNC_A_INT("dtype", NNC_DTYPE_INT32, NNC_DTYPE_INT64),
    NNC_A_INT("sample_size", 0, NNC_DIM_LIMIT),
    NNC_A_FLOAT("seed"),
};

static nnc_status multinomial_infer(nnc_infer_ctx *ctx)
{
    const nnc_value *x = nnc_infer_shaped(ctx, 0);
    NNC_TRY(nnc_infer_check_rank(ctx, 0, 2, 2));
    nnc_shape y = {.rank = 2};
    y.dims[0] = x ? x->shape.dims[0] : nnc_infer_fresh_dim(ctx);
    y.dims[1] = nnc_node_int(nnc_infer_node(ctx), "sample_size", 1);
    return nnc_infer_output(ctx, 0, dtype_of(nnc_infer_node(ctx), NNC_DTYPE_INT32), &y);
}

static nnc_status multinomial_lower(nnc_lower_ctx *ctx)
{
    const nnc_node *node = nnc_lower_node(ctx);
    nnrt_multinomial_params params = {.seed = seed_of(ctx),
                                      .dtype = (uint32_t)dtype_of(node, NNC_DTYPE_INT32),
                                      .samples = (uint32_t)nnc_node_int(node, "sample_size", 1)};
    return nnc_lower_move(ctx, NNRT_ROP_ID_MULTINOMIAL, &params, sizeof params, NULL, 0, NNC_FORM_LOGICAL,
                          NNC_FORM_LOGICAL);
}
RANDOM_OP(Multinomial, 1, multinomial, multinomial_attrs, NNC_NO_DIMS);

/* ---- Dropout: (data, ratio, training_mode) -> data, mask ---- */

static const nnc_attr_schema dropout_attrs[] = {NNC_A_INT_ANY("seed")};

static nnc_status dropout_infer(nnc_infer_ctx *ctx)
{
    const nnc_value *x = nnc_infer_shaped(ctx, 0);
    NNC_TRY(x ? nnc_infer_output(ctx, 1, NNC_DTYPE_BOOL, &x->shape)
              : nnc_infer_output_unknown(ctx, 1, NNC_DTYPE_BOOL, -1));
    return nnc_infer_same(ctx);
}

/* The scalar input i, or its default. */
static nnc_status scalar_or(uint32_t *out, nnc_lower_ctx *ctx, uint32_t i, nnrt_dtype dtype, const void *fallback,
                            size_t bytes)
{
    if (nnc_lower_in_value(ctx, i)) {
        return nnc_lower_input(out, ctx, i, NNC_FORM_LOGICAL);
    }
    return nnc_lower_const(out, ctx, dtype, 0, NULL, fallback, bytes);
}

static nnc_status dropout_lower(nnc_lower_ctx *ctx)
{
    const nnc_value *training = nnc_lower_in_value(ctx, 2);
    bool off = !training || (training->kind == NNC_VALUE_CONST && nnc_tensor_count(&training->tensor) == 1 &&
                             nnc_tensor_get_int(&training->tensor, 0) == 0);
    if (off && !nnc_lower_out_value(ctx, 1)) {
        return nnc_lower_alias(ctx);
    }
    const float half = 0.5f;
    const uint8_t no = 0;
    nnrt_seed_params params = {.seed = seed_of(ctx)};
    uint32_t in[3], out[2];
    NNC_TRY(nnc_lower_input(&in[0], ctx, 0, NNC_FORM_LOGICAL));
    NNC_TRY(scalar_or(&in[1], ctx, 1, NNRT_F32, &half, sizeof half));
    NNC_TRY(scalar_or(&in[2], ctx, 2, NNRT_BOOL, &no, sizeof no));
    NNC_TRY(nnc_lower_output(&out[0], ctx, 0, NNC_FORM_LOGICAL));
    if (nnc_lower_out_value(ctx, 1)) {
        NNC_TRY(nnc_lower_output(&out[1], ctx, 1, NNC_FORM_LOGICAL));
    } else {
        NNC_TRY(nnc_lower_temp(&out[1], ctx, NNRT_BOOL, nnc_lower_in_value(ctx, 0)->shape.rank));
    }
    return nnc_lower_emit(ctx, NNRT_ROP_ID_DROPOUT, &params, sizeof params, in, 3, out, 2);
}

const nnc_op nnc_op_Dropout = {
    .domain = "",
    .name = "Dropout",
    .min_in = 1,
    .max_in = 3,
    .min_out = 1,
    .max_out = 2,
    NNC_ATTRS(dropout_attrs),
    .infer = dropout_infer,
    .lower = dropout_lower,
    .grad = NNC_NO_GRAD,
    .cost = NNC_NO_COST,
    .dims = nnc_dims_same,
    .layout = NNC_LAYOUT_AGNOSTIC,
    .quant = NNC_QUANT_PRESERVE,
};

bool nnc_node_is_random(const nnc_node *node)
{
    static const nnc_op *const ops[] = {&nnc_op_RandomNormal,      &nnc_op_RandomUniform, &nnc_op_RandomNormalLike,
                                        &nnc_op_RandomUniformLike, &nnc_op_Bernoulli,     &nnc_op_Multinomial,
                                        &nnc_op_Dropout};
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
        if (node->op == ops[i]) {
            return true;
        }
    }
    return false;
}
