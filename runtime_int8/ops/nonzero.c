/* NonZero: coordinates of the elements that are not zero. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "runtime_int8/ops/util.h"

static nnc_status check(const nnrt_node_ctx *ctx)
{
    return nnrt_check_dtype(ctx, 0, NNRT_SET_ANY);
}

/* Bits of element i; the sign of a float zero does not count. */
static bool is_set(const nnrt_tensor *x, size_t i)
{
    switch (nnrt_dtype_bytes(x->dtype)) {
    case 1:
        return ((const uint8_t *)x->data)[i] != 0;
    case 2: {
        const uint16_t bits = ((const uint16_t *)x->data)[i];
        const bool real = x->dtype == NNRT_F16 || x->dtype == NNRT_BF16;
        return (real ? bits & 0x7fffu : bits) != 0;
    }
    case 4: {
        const uint32_t bits = ((const uint32_t *)x->data)[i];
        return (x->dtype == NNRT_F32 ? bits & 0x7fffffffu : bits) != 0;
    }
    default: {
        const uint64_t bits = ((const uint64_t *)x->data)[i];
        return (x->dtype == NNRT_F64 ? bits & (UINT64_MAX >> 1) : bits) != 0;
    }
    }
}

static nnc_status reshape(nnrt_node_ctx *ctx)
{
    const nnrt_tensor *x = &ctx->in[0];
    const size_t n = nnrt_shape_count(&x->shape);
    int64_t found = 0;
    for (size_t i = 0; i < n; i++)
        found += is_set(x, i);
    const nnrt_shape y = {.rank = 2, .dims = {x->shape.rank, found}};
    nnrt_set_output(ctx, NNRT_I64, &y);
    return NNC_OK;
}

static void run(const nnrt_node_ctx *ctx)
{
    const nnrt_tensor *x = &ctx->in[0];
    const uint32_t rank = x->shape.rank;
    const size_t n = nnrt_shape_count(&x->shape), found = (size_t)ctx->out[0].shape.dims[1];
    int64_t at[NNRT_RANK_MAX] = {0}, *y = ctx->out[0].data;
    for (size_t i = 0, k = 0; i < n && k < found; i++) {
        if (is_set(x, i)) {
            for (uint32_t d = 0; d < rank; d++)
                y[d * found + k] = at[d];
            k++;
        }
        for (uint32_t d = rank; d-- > 0 && ++at[d] == x->shape.dims[d];)
            at[d] = 0;
    }
}

const nnrt_rop nnrt_rop_nonzero = {
    .name = "nonzero",
    .min_in = 1,
    .max_in = 1,
    .out_count = 1,
    .host_inputs = 0x1,
    .flags = NNRT_ROP_HOST,
    .check = check,
    .reshape = reshape,
    .run = run,
};
