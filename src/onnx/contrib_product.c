/* Contrib operators around Conv, Gemm and MatMul. SPDX-License-Identifier: Apache-2.0 */
#include "onnx/contrib.h"

#include <string.h>

static const uint32_t TEMP = NNC_CONTRIB_TEMP;
static const char *const conv_attrs[] = {"auto_pad", "dilations", "group", "kernel_shape",
                                         "pads",     "strides",   NULL};
static const char *const pool_attrs[] = {"auto_pad", "ceil_mode",     "dilations", "kernel_shape",
                                         "pads",     "storage_order", "strides",   NULL};
static const int64_t to_nchw[] = {0, 3, 1, 2}, to_nhwc[] = {0, 2, 3, 1};

/* y = activation(x) as the old output, if the node names one. */
static nnc_status finish(nnc_contrib *c, nnc_value_id x)
{
    return nnc_contrib_activation(c, 0, x, "activation", "activation_params");
}

static bool is_active(const nnc_contrib *c)
{
    return nnc_node_string(&c->old, "activation", "")[0] != '\0';
}

/* X, W, [B], [Z]: activation(Conv(X, W, B) + Z). */
nnc_status nnc_contrib_fused_conv(nnc_contrib *c)
{
    const bool active = is_active(c), sum = nnc_contrib_has(c, 3);
    nnc_value_id y;
    NNC_TRY(nnc_contrib_emit(&y, c, active || sum ? TEMP : 0, "Conv", c->in, 3));
    NNC_TRY(nnc_contrib_copy(c, conv_attrs));
    if (sum) {
        NNC_TRY(nnc_contrib_emit2(&y, c, active ? TEMP : 0, "Add", y, c->in[3]));
    }
    return active ? finish(c, y) : NNC_OK;
}

/* The same with images [N,H,W,C] and the kernel as ever. */
nnc_status nnc_contrib_nhwc_conv(nnc_contrib *c)
{
    nnc_value_id in[3] = {c->in[0], c->in[1], c->in[2]}, y;
    const bool active = is_active(c);
    NNC_TRY(nnc_contrib_transpose(&in[0], c, TEMP, in[0], to_nchw, 4));
    NNC_TRY(nnc_contrib_emit(&y, c, TEMP, "Conv", in, 3));
    NNC_TRY(nnc_contrib_copy(c, conv_attrs));
    if (!active && !nnc_contrib_has(c, 3)) {
        return nnc_contrib_transpose(&y, c, 0, y, to_nhwc, 4);
    }
    NNC_TRY(nnc_contrib_transpose(&y, c, TEMP, y, to_nhwc, 4));
    if (nnc_contrib_has(c, 3)) {
        NNC_TRY(nnc_contrib_emit2(&y, c, active ? TEMP : 0, "Add", y, c->in[3]));
    }
    return active ? finish(c, y) : NNC_OK;
}

nnc_status nnc_contrib_nhwc_max_pool(nnc_contrib *c)
{
    nnc_value_id y;
    NNC_TRY(nnc_contrib_transpose(&y, c, TEMP, c->in[0], to_nchw, 4));
    NNC_TRY(nnc_contrib_emit1(&y, c, TEMP, "MaxPool", y));
    NNC_TRY(nnc_contrib_copy(c, pool_attrs));
    return nnc_contrib_transpose(&y, c, 0, y, to_nhwc, 4);
}

nnc_status nnc_contrib_fused_gemm(nnc_contrib *c)
{
    static const char *const attrs[] = {"alpha", "beta", "transA", "transB", NULL};
    const bool active = is_active(c);
    nnc_value_id y;
    NNC_TRY(nnc_contrib_emit(&y, c, active ? TEMP : 0, "Gemm", c->in, 3));
    NNC_TRY(nnc_contrib_copy(c, attrs));
    return active ? finish(c, y) : NNC_OK;
}

/* An operand with its last two dims swapped, and with the last batch dim moved behind the rows. */
static nnc_status operand(nnc_value_id *out, nnc_contrib *c, uint32_t i, const char *trans,
                          const char *trans_batch)
{
    const int rank = nnc_contrib_rank(c, c->in[i]);
    const bool swap = nnc_node_int(&c->old, trans, 0) != 0;
    const bool batch = nnc_node_int(&c->old, trans_batch, 0) != 0;
    int64_t perm[NNC_RANK_MAX];
    *out = c->in[i];
    if ((!swap && !batch) || rank < 2) {
        return NNC_OK; /* a vector has nothing to swap */
    }
    for (int d = 0; d < rank; d++) {
        perm[d] = d;
    }
    if (batch) { /* dim 0 is a matrix dim: it goes behind the batch dims 1..rank-2 */
        for (int d = 0; d + 2 < rank; d++) {
            perm[d] = d + 1;
        }
        perm[rank - 2] = 0;
    }
    if (swap) {
        const int64_t last = perm[rank - 1];
        perm[rank - 1] = perm[rank - 2];
        perm[rank - 2] = last;
    }
    return nnc_contrib_transpose(out, c, TEMP, c->in[i], perm, (size_t)rank);
}

/* activation(alpha * op(A) op(B)). */
nnc_status nnc_contrib_fused_matmul(nnc_contrib *c)
{
    const float alpha = nnc_node_float(&c->old, "alpha", 1.0f);
    const bool active = is_active(c);
    nnc_value_id a, b, y, factor;
    if (!nnc_contrib_has(c, 1)) {
        NNC_FAIL(NNC_ERR_MODEL, "has no second input");
    }
    NNC_TRY(operand(&a, c, 0, "transA", "transBatchA"));
    NNC_TRY(operand(&b, c, 1, "transB", "transBatchB"));
    NNC_TRY(nnc_contrib_emit2(&y, c, active || alpha != 1.0f ? TEMP : 0, "MatMul", a, b));
    if (alpha != 1.0f) {
        NNC_TRY(nnc_contrib_scalar(&factor, c, alpha));
        NNC_TRY(nnc_contrib_emit2(&y, c, active ? TEMP : 0, "Mul", y, factor));
    }
    return active ? finish(c, y) : NNC_OK;
}
