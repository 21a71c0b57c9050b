/* Reductions of float64, integers and bool: one chain per output, ascending.
 * SPDX-License-Identifier: Apache-2.0 Integers are summed in 64 bits, which wrap as the type does.
 */
#include <math.h>
#include <string.h>

#include "runtime_int8/ops/reduce.h"

/* Truncation towards zero that has a value for every double. */
static int64_t to_integer(double v)
{
    if (!(v > -9.2e18))
        return v < 0 ? INT64_MIN : 0;
    return v < 9.2e18 ? (int64_t)v : INT64_MAX;
}

/* Runs `body` with the place k of each element of a sum from `at` on, in row-major order. */
#define FOR_EACH(state, at, k, body)                                                               \
    do {                                                                                           \
        const uint32_t inner = (state)->reduced > 0 ? (state)->reduced - 1 : 0;                    \
        const size_t len = (state)->reduced > 0 ? (state)->red_dims[inner] : 1;                    \
        const size_t step = (state)->reduced > 0 ? (state)->red_stride[inner] : 0;                 \
        for (size_t j = 0; j < (state)->n; j += len) {                                             \
            size_t k =                                                                             \
                (at) + nnrt_reduce_offset(j / len, (state)->red_dims, (state)->red_stride, inner); \
            for (size_t i = 0; i < len; i++, k += step) {                                          \
                body;                                                                              \
            }                                                                                      \
        }                                                                                          \
    } while (0)

/* Results of integers and bool from sums in 64 bits. */
static uint64_t finish_integer(uint32_t op, uint64_t sum, size_t n, bool is_signed)
{
    const double value = is_signed ? (double)(int64_t)sum : (double)sum;
    switch (op) {
    case NNRT_REDUCE_MEAN:
        if (n == 0)
            return 0;
        return is_signed ? (uint64_t)((int64_t)sum / (int64_t)n) : sum / n;
    case NNRT_REDUCE_L2:
        return (uint64_t)to_integer(sqrt(value));
    case NNRT_REDUCE_LOG_SUM:
    case NNRT_REDUCE_LOG_SUM_EXP:
        return (uint64_t)to_integer(log(value));
    default:
        return sum;
    }
}

#define INTEGER_TYPE(name, T, W, least, most, is_signed)                                           \
    static void name##_log_sum_exp(const nnrt_reduce_state *state, T *y, const T *x, size_t at)    \
    {                                                                                              \
        double top = -INFINITY, sum = 0.0;                                                         \
        FOR_EACH(state, at, k, top = (double)x[k] > top ? (double)x[k] : top);                     \
        FOR_EACH(state, at, k, sum += exp((double)x[k] - top));                                    \
        *y = (T)(uint64_t)to_integer(state->n == 0 ? -INFINITY : top + log(sum));                  \
    }                                                                                              \
                                                                                                   \
    static T name##_one(const nnrt_reduce_state *state, const T *x, size_t at)                     \
    {                                                                                              \
        uint64_t sum = state->op == NNRT_REDUCE_PROD ? 1 : 0;                                      \
        T top = state->op == NNRT_REDUCE_MAX ? (least) : (most);                                   \
        switch (state->op) {                                                                       \
        case NNRT_REDUCE_MAX:                                                                      \
            FOR_EACH(state, at, k, top = x[k] > top ? x[k] : top);                                 \
            return top;                                                                            \
        case NNRT_REDUCE_MIN:                                                                      \
            FOR_EACH(state, at, k, top = x[k] < top ? x[k] : top);                                 \
            return top;                                                                            \
        case NNRT_REDUCE_PROD:                                                                     \
            FOR_EACH(state, at, k, sum *= (uint64_t)(W)x[k]);                                      \
            return (T)sum;                                                                         \
        case NNRT_REDUCE_L1:                                                                       \
            FOR_EACH(state, at, k, sum += (W)x[k] < 1 ? 0 - (uint64_t)(W)x[k] : (uint64_t)x[k]);   \
            return (T)sum;                                                                         \
        case NNRT_REDUCE_L2:                                                                       \
        case NNRT_REDUCE_SUM_SQUARE:                                                               \
            FOR_EACH(state, at, k, sum += (uint64_t)(W)x[k] * (uint64_t)(W)x[k]);                  \
            break;                                                                                 \
        default:                                                                                   \
            FOR_EACH(state, at, k, sum += (uint64_t)(W)x[k]);                                      \
            break;                                                                                 \
        }                                                                                          \
        return (T)finish_integer(state->op, sum, state->n, is_signed);                             \
    }                                                                                              \
                                                                                                   \
    static void name(void *user, size_t begin, size_t count)                                       \
    {                                                                                              \
        const nnrt_node_ctx *ctx = user;                                                           \
        const nnrt_reduce_state *state = ctx->state;                                               \
        const T *x = ctx->in[0].data;                                                              \
        T *y = ctx->out[0].data;                                                                   \
        for (size_t o = begin; o < begin + count; o++) {                                           \
            size_t at = nnrt_reduce_offset(o, state->kept_dims, state->kept_stride, state->kept);  \
            if (state->op == NNRT_REDUCE_LOG_SUM_EXP)                                              \
                name##_log_sum_exp(state, &y[o], x, at);                                           \
            else                                                                                   \
                y[o] = name##_one(state, x, at);                                                   \
        }                                                                                          \
    }
INTEGER_TYPE(tile_i8, int8_t, int64_t, INT8_MIN, INT8_MAX, true)
INTEGER_TYPE(tile_i16, int16_t, int64_t, INT16_MIN, INT16_MAX, true)
INTEGER_TYPE(tile_i32, int32_t, int64_t, INT32_MIN, INT32_MAX, true)
INTEGER_TYPE(tile_i64, int64_t, int64_t, INT64_MIN, INT64_MAX, true)
INTEGER_TYPE(tile_u8, uint8_t, int64_t, 0, UINT8_MAX, false)
INTEGER_TYPE(tile_u16, uint16_t, int64_t, 0, UINT16_MAX, false)
INTEGER_TYPE(tile_u32, uint32_t, int64_t, 0, UINT32_MAX, false)
INTEGER_TYPE(tile_u64, uint64_t, uint64_t, 0, UINT64_MAX, false)
INTEGER_TYPE(tile_bool, uint8_t, int64_t, 0, 1, false)

/* Maximum or minimum; a NaN wins. */
static double f64_extreme(const nnrt_reduce_state *state, const double *x, size_t at)
{
    const bool most = state->op == NNRT_REDUCE_MAX;
    double top = most ? -INFINITY : INFINITY;
    FOR_EACH(state, at, k, if (isnan(x[k]) || (most ? x[k] > top : x[k] < top)) top = x[k]);
    return top;
}

static double f64_log_sum_exp(const nnrt_reduce_state *state, const double *x, size_t at)
{
    double top = -INFINITY, sum = 0.0;
    FOR_EACH(state, at, k, if (isnan(x[k]) || x[k] > top) top = x[k]);
    if (isinf(top))
        return top;
    FOR_EACH(state, at, k, sum += exp(x[k] - top));
    return top + log(sum);
}

static double f64_one(const nnrt_reduce_state *state, const double *x, size_t at)
{
    double sum = state->op == NNRT_REDUCE_PROD ? 1.0 : 0.0;
    switch (state->op) {
    case NNRT_REDUCE_MAX:
    case NNRT_REDUCE_MIN:
        return f64_extreme(state, x, at);
    case NNRT_REDUCE_LOG_SUM_EXP:
        return f64_log_sum_exp(state, x, at);
    case NNRT_REDUCE_PROD:
        FOR_EACH(state, at, k, sum *= x[k]);
        return sum;
    case NNRT_REDUCE_L1:
        FOR_EACH(state, at, k, sum += fabs(x[k]));
        return sum;
    case NNRT_REDUCE_L2:
    case NNRT_REDUCE_SUM_SQUARE:
        FOR_EACH(state, at, k, sum += x[k] * x[k]);
        return state->op == NNRT_REDUCE_L2 ? sqrt(sum) : sum;
    default:
        FOR_EACH(state, at, k, sum += x[k]);
        break;
    }
    if (state->op == NNRT_REDUCE_MEAN)
        return sum / (double)state->n;
    return state->op == NNRT_REDUCE_LOG_SUM ? log(sum) : sum;
}

static void tile_f64(void *user, size_t begin, size_t count)
{
    const nnrt_node_ctx *ctx = user;
    const nnrt_reduce_state *state = ctx->state;
    for (size_t o = begin; o < begin + count; o++)
        ((double *)ctx->out[0].data)[o] =
            f64_one(state, ctx->in[0].data,
                    nnrt_reduce_offset(o, state->kept_dims, state->kept_stride, state->kept));
}

nnrt_tile_fn *nnrt_reduce_scalar(nnrt_dtype dtype)
{
    static const struct {
        nnrt_dtype dtype;
        nnrt_tile_fn *fn;
    } rows[] = {{NNRT_F64, tile_f64},  {NNRT_I8, tile_i8},   {NNRT_I16, tile_i16},
                {NNRT_I32, tile_i32},  {NNRT_I64, tile_i64}, {NNRT_U8, tile_u8},
                {NNRT_U16, tile_u16},  {NNRT_U32, tile_u32}, {NNRT_U64, tile_u64},
                {NNRT_BOOL, tile_bool}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].dtype == dtype)
            return rows[i].fn;
    }
    return NULL;
}
