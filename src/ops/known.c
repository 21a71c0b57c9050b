/* Arithmetic on known integer contents: shapes computed by Shape -> Gather -> Mul -> Concat ->
 * Reshape. SPDX-License-Identifier: Apache-2.0 */
#include "ops/op_util.h"

static bool compute(int64_t *out, nnc_int_op op, int64_t a, int64_t b)
{
    switch (op) {
    case NNC_INT_ADD:
        return nnc_i64_add(out, a, b);
    case NNC_INT_SUB:
        return b != INT64_MIN && nnc_i64_add(out, a, -b);
    case NNC_INT_MUL:
        return nnc_i64_mul(out, a, b);
    case NNC_INT_DIV:
        if (b == 0 || (a == INT64_MIN && b == -1)) {
            return false;
        }
        *out = a / b;
        return true;
    case NNC_INT_MIN:
        *out = a < b ? a : b;
        return true;
    case NNC_INT_MAX:
        *out = a > b ? a : b;
        return true;
    case NNC_INT_MOD:
        if (b == 0 || b == -1) {
            return false;
        }
        *out = a % b;
        *out += *out != 0 && (*out < 0) != (b < 0) ? b : 0;
        return true;
    }
    return false;
}

/* Identities that keep a symbol: s+0, s-0, s*1, s/1; s*0 is 0. */
static bool compute_symbolic(int64_t *out, bool *symbolic, nnc_int_op op, int64_t a, bool sa,
                             int64_t b, bool sb)
{
    bool adds = op == NNC_INT_ADD, subs = op == NNC_INT_SUB, muls = op == NNC_INT_MUL;
    *symbolic = true;
    if ((muls && ((!sa && a == 0) || (!sb && b == 0))) || (subs && sa && sb && a == b)) {
        *out = 0;
        *symbolic = false;
        return true;
    }
    if (sa && !sb && (((adds || subs) && b == 0) || ((muls || op == NNC_INT_DIV) && b == 1))) {
        *out = a;
        return true;
    }
    if (sb && !sa && ((adds && a == 0) || (muls && a == 1))) {
        *out = b;
        return true;
    }
    if (sa && sb && a == b) {
        *out = op == NNC_INT_DIV ? 1 : a;
        *symbolic = op != NNC_INT_DIV;
        return op == NNC_INT_DIV || op == NNC_INT_MIN || op == NNC_INT_MAX;
    }
    return false;
}

nnc_status nnc_infer_int_binary(nnc_infer_ctx *ctx, nnc_int_op op)
{
    nnc_dtype dtype = nnc_infer_dtype(ctx, 0);
    nnc_ints a, b, y;
    if ((dtype != NNC_DTYPE_INT64 && dtype != NNC_DTYPE_INT32) || nnc_infer_input_count(ctx) != 2 ||
        !nnc_infer_known(ctx, 0, &a) || !nnc_infer_known(ctx, 1, &b)) {
        return NNC_OK;
    }
    if (a.count != b.count && a.count != 1 && b.count != 1) {
        return NNC_OK;
    }
    y.count = a.count == 1 ? b.count : a.count;
    for (size_t i = 0; i < y.count; i++) {
        size_t ia = a.count == 1 ? 0 : i, ib = b.count == 1 ? 0 : i;
        bool sa = a.symbolic[ia], sb = b.symbolic[ib];
        y.symbolic[i] = false;
        if (!sa && !sb) {
            if (!compute(&y.data[i], op, a.data[ia], b.data[ib])) {
                return NNC_OK;
            }
        } else if (!compute_symbolic(&y.data[i], &y.symbolic[i], op, a.data[ia], sa, b.data[ib],
                                     sb)) {
            y.data[i] = nnc_infer_fresh_dim(ctx);
            y.symbolic[i] = true;
        }
    }
    return nnc_infer_set_known(ctx, 0, &y);
}

nnc_status nnc_infer_int_copy(nnc_infer_ctx *ctx)
{
    nnc_ints ints;
    if (!nnc_infer_known(ctx, 0, &ints)) {
        return NNC_OK;
    }
    return nnc_infer_set_known(ctx, 0, &ints);
}
