/* Joining of updates with what is there, for the scatter ops. SPDX-License-Identifier: Apache-2.0
 */
#include "runtime_int8/ops/scatter_op.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "runtime_int8/ops/util.h"
#include "tensor/half.h"

/* Also for NaN: v stays when it is one, x wins when it is one. */
#define LESS(v, x) (!((v) <= (x)) && (v) == (v) ? (x) : (v))
#define MORE(v, x) (!((v) >= (x)) && (v) == (v) ? (x) : (v))

#define JOIN(NAME, TYPE, LOAD, STORE, EXPR)                                                        \
    static void NAME(void *yv, const void *xv, size_t n)                                           \
    {                                                                                              \
        TYPE *y = yv;                                                                              \
        const TYPE *x = xv;                                                                        \
        for (size_t i = 0; i < n; i++)                                                             \
            y[i] = (TYPE)STORE(EXPR(LOAD(y[i]), LOAD(x[i])));                                      \
    }
#define SET(NAME, TYPE)                                                                            \
    static void NAME(void *y, const void *x, size_t n)                                             \
    {                                                                                              \
        memcpy(y, x, n * sizeof(TYPE));                                                            \
    }
#define SAME(v) (v)
#define PLUS(a, b) ((a) + (b))
#define TIMES(a, b) ((a) * (b))
#define OR(a, b) ((a) | (b))
#define AND(a, b) ((a) & (b))

/* WIDE: an unsigned type in which sums and products wrap; TYPE itself for floats. */
#define FAMILY(ID, TYPE, WIDE)                                                                     \
    SET(none_##ID, TYPE)                                                                           \
    JOIN(add_##ID, TYPE, (WIDE), SAME, PLUS)                                                       \
    JOIN(mul_##ID, TYPE, (WIDE), SAME, TIMES)                                                      \
    JOIN(min_##ID, TYPE, SAME, SAME, LESS)                                                         \
    JOIN(max_##ID, TYPE, SAME, SAME, MORE)
#define HALF(ID, LOAD, STORE)                                                                      \
    SET(none_##ID, uint16_t)                                                                       \
    JOIN(add_##ID, uint16_t, LOAD, STORE, PLUS)                                                    \
    JOIN(mul_##ID, uint16_t, LOAD, STORE, TIMES)                                                   \
    JOIN(min_##ID, uint16_t, LOAD, STORE, LESS)                                                    \
    JOIN(max_##ID, uint16_t, LOAD, STORE, MORE)

FAMILY(f32, float, float)
FAMILY(f64, double, double)
FAMILY(i8, int8_t, uint32_t)
FAMILY(u8, uint8_t, uint32_t)
FAMILY(i16, int16_t, uint32_t)
FAMILY(u16, uint16_t, uint32_t)
FAMILY(i32, int32_t, uint32_t)
FAMILY(u32, uint32_t, uint32_t)
FAMILY(i64, int64_t, uint64_t)
FAMILY(u64, uint64_t, uint64_t)
HALF(f16, nnc_f16_to_f32, nnc_f16_from_f32)
HALF(bf16, nnc_bf16_to_f32, nnc_bf16_from_f32)
SET(none_bool, uint8_t)
JOIN(or_bool, uint8_t, SAME, SAME, OR)
JOIN(and_bool, uint8_t, SAME, SAME, AND)

#define ROW(DTYPE, ID) [DTYPE] = {none_##ID, add_##ID, mul_##ID, min_##ID, max_##ID}

nnrt_scatter_fn *nnrt_scatter_find(nnrt_dtype dtype, uint32_t op)
{
    static nnrt_scatter_fn *const rows[][NNRT_SCATTER_COUNT] = {
        ROW(NNRT_F32, f32),
        ROW(NNRT_F64, f64),
        ROW(NNRT_I8, i8),
        ROW(NNRT_U8, u8),
        ROW(NNRT_I16, i16),
        ROW(NNRT_U16, u16),
        ROW(NNRT_I32, i32),
        ROW(NNRT_U32, u32),
        ROW(NNRT_I64, i64),
        ROW(NNRT_U64, u64),
        ROW(NNRT_F16, f16),
        ROW(NNRT_BF16, bf16),
        [NNRT_BOOL] = {none_bool, or_bool, and_bool, and_bool, or_bool},
    };
    if (nnrt_dtype_bytes(dtype) == 0 || op >= NNRT_SCATTER_COUNT)
        return NULL;
    /* Types below 8 bits and float8 are only moved. */
    if ((size_t)dtype >= sizeof rows / sizeof *rows)
        return op == NNRT_SCATTER_NONE ? none_u8 : NULL;
    return rows[dtype][op];
}
