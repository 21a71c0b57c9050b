/* TfIdfVectorizer on integer tokens. SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "ops/op_util.h"

static const char *const modes[] = {"TF", "IDF", "TFIDF", NULL};
static const nnc_attr_schema attrs[] = {
    NNC_A_INT_REQUIRED("max_gram_length", 1, NNC_DIM_LIMIT),
    NNC_A_INT_REQUIRED("max_skip_count", 0, NNC_DIM_LIMIT - 1),
    NNC_A_INT_REQUIRED("min_gram_length", 1, NNC_DIM_LIMIT),
    {"mode", NNC_ATTR_STRING, true, NNC_UNCHECKED, modes},
    NNC_A_INTS_REQUIRED("ngram_counts", 0, NNC_DIM_LIMIT),
    NNC_A_INTS_REQUIRED("ngram_indexes", 0, NNC_DIM_LIMIT - 1),
    {"pool_int64s", NNC_ATTR_INTS, false, NNC_UNCHECKED, NULL},
    {"pool_strings", NNC_ATTR_STRINGS, false, NNC_UNCHECKED, NULL},
    {"weights", NNC_ATTR_FLOATS, false, NNC_UNCHECKED, NULL},
};

static int64_t columns(const nnc_node *node)
{
    const int64_t *indexes = NULL;
    int64_t width = 0;
    size_t count = 0;
    (void)nnc_node_ints(node, "ngram_indexes", &indexes, &count);
    for (size_t i = 0; i < count; i++) {
        width = indexes[i] >= width ? indexes[i] + 1 : width;
    }
    return width;
}

static nnc_status infer(nnc_infer_ctx *ctx)
{
    const nnc_value *x = nnc_infer_shaped(ctx, 0);
    NNC_TRY(nnc_infer_check_rank(ctx, 0, 1, 2));
    if (!x) {
        return nnc_infer_output_unknown(ctx, 0, NNC_DTYPE_FLOAT, -1);
    }
    nnc_shape y = x->shape;
    y.dims[y.rank - 1] = columns(nnc_infer_node(ctx));
    return nnc_infer_output(ctx, 0, NNC_DTYPE_FLOAT, &y);
}

static nnc_status list_const(uint32_t *out, nnc_lower_ctx *ctx, const char *name)
{
    const int64_t *data = NULL;
    size_t count = 0;
    (void)nnc_node_ints(nnc_lower_node(ctx), name, &data, &count);
    return nnc_lower_const_i64(out, ctx, data, count);
}

/* One weight for each of `count` n-grams: 1 where none are given. */
static nnc_status weights_const(uint32_t *out, nnc_lower_ctx *ctx, size_t count)
{
    const nnc_attr *a = nnc_node_attr(nnc_lower_node(ctx), "weights");
    const int64_t dims[1] = {(int64_t)count};
    if (a && a->count != count) {
        return nnc_lower_fail(ctx, "%zu weights for %zu n-grams", a->count, count);
    }
    float *ones = nnc_calloc(count ? count : 1, sizeof *ones);
    if (!ones) {
        return NNC_ERR_LIMIT;
    }
    for (size_t i = 0; i < count; i++) {
        ones[i] = a ? a->floats[i] : 1.0f;
    }
    nnc_status status = nnc_lower_const(out, ctx, NNRT_F32, 1, dims, ones, count * sizeof *ones);
    nnc_free(ones);
    return status;
}

static nnc_status lower(nnc_lower_ctx *ctx)
{
    const nnc_node *node = nnc_lower_node(ctx);
    const char *mode = nnc_node_string(node, "mode", "TF");
    const int64_t *indexes = NULL;
    size_t count = 0;
    nnrt_tfidf_params params = {
        .mode = mode[0] == 'I' ? NNRT_TFIDF_IDF : mode[2] ? NNRT_TFIDF_TFIDF : NNRT_TFIDF_TF,
        .least = (uint32_t)nnc_node_int(node, "min_gram_length", 1),
        .most = (uint32_t)nnc_node_int(node, "max_gram_length", 1),
        .skips = (uint32_t)nnc_node_int(node, "max_skip_count", 0),
        .width = (uint32_t)columns(node),
    };
    uint32_t extra[4];
    if (!nnc_node_attr(node, "pool_int64s")) {
        return nnc_lower_fail(ctx, "its n-grams are no integers");
    }
    (void)nnc_node_ints(node, "ngram_indexes", &indexes, &count);
    NNC_TRY(list_const(&extra[0], ctx, "pool_int64s"));
    NNC_TRY(list_const(&extra[1], ctx, "ngram_counts"));
    NNC_TRY(list_const(&extra[2], ctx, "ngram_indexes"));
    NNC_TRY(weights_const(&extra[3], ctx, count));
    return nnc_lower_move(ctx, NNRT_ROP_ID_TFIDF, &params, sizeof params, extra, 4, NNC_FORM_LOGICAL,
                          NNC_FORM_LOGICAL);
}

const nnc_op nnc_op_TfIdfVectorizer = {
    .domain = "",
    .name = "TfIdfVectorizer",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    NNC_ATTRS(attrs),
    .infer = infer,
    .lower = lower,
    .grad = NNC_NO_GRAD,
    .cost = NNC_NO_COST,
    .dims = NNC_NO_DIMS,
    .layout = NNC_LAYOUT_LOGICAL,
    .quant = NNC_QUANT_FLOAT,
};
