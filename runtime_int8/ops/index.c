/* Index tensors. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/ops/index.h"

nnc_status nnrt_check_index_dtype(const nnrt_node_ctx *ctx, uint32_t i)
{
    return nnrt_check_dtype(ctx, i, NNRT_SET(NNRT_I32) | NNRT_SET(NNRT_I64));
}

nnc_status nnrt_check_indices(const nnrt_node_ctx *ctx, uint32_t i, size_t first, size_t step,
                              int64_t dim)
{
    const nnrt_tensor *t = &ctx->in[i];
    size_t n = nnrt_shape_count(&t->shape);
    for (size_t at = first; t->data != NULL && at < n; at += step) {
        int64_t k = nnrt_index_raw(t, at);
        if (k < -dim || k >= dim)
            NNC_FAIL(NNC_ERR_MODEL, "'%s': index %lld of a dim of %lld", ctx->name, (long long)k,
                     (long long)dim);
    }
    if (dim == 0 && n != 0)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': %zu indices of an empty dim", ctx->name, n);
    return NNC_OK;
}
