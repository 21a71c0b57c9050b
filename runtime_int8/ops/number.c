/* Tensors of any type as float or double numbers and back. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/ops/number.h"

#include <math.h>
#include <stdint.h>

#include "runtime_int8/ops/util.h"
#include "tensor/half.h"

#define TILE 16384u

typedef struct numbers {
    const nnrt_tensor *t;
    const void *from;
    void *to;
    nnrt_dtype number;
} numbers;

/* EXPR(v) of the tensor's elements, to float or double. */
#define LOAD(TYPE, EXPR)                                                                           \
    for (size_t i = begin; i < end; i++) {                                                         \
        TYPE v = ((const TYPE *)job->from)[i];                                                     \
        if (wide)                                                                                  \
            ((double *)job->to)[i] = (double)EXPR(v);                                              \
        else                                                                                       \
            ((float *)job->to)[i] = (float)EXPR(v);                                                \
    }                                                                                              \
    break
#define SAME(v) (v)

static void load_tile(void *user, size_t begin, size_t count)
{
    const numbers *job = user;
    size_t end = begin + count;
    bool wide = job->number == NNRT_F64;
    switch (job->t->dtype) {
    case NNRT_F32:
        LOAD(float, SAME);
    case NNRT_F64:
        LOAD(double, SAME);
    case NNRT_F16:
        LOAD(uint16_t, nnc_f16_to_f32);
    case NNRT_BF16:
        LOAD(uint16_t, nnc_bf16_to_f32);
    case NNRT_I8:
        LOAD(int8_t, SAME);
    case NNRT_U16:
        LOAD(uint16_t, SAME);
    case NNRT_I16:
        LOAD(int16_t, SAME);
    case NNRT_U32:
        LOAD(uint32_t, SAME);
    case NNRT_I32:
        LOAD(int32_t, SAME);
    case NNRT_U64:
        LOAD(uint64_t, SAME);
    case NNRT_I64:
        LOAD(int64_t, SAME);
    default:
        LOAD(uint8_t, SAME); /* U8, BOOL */
    }
}

void nnrt_numbers_load(nnrt_pool *pool, void *y, nnrt_dtype number, const nnrt_tensor *x)
{
    numbers job = {x, x->data, y, number};
    nnrt_parallel_tiles(pool, load_tile, &job, nnrt_shape_count(&x->shape), TILE);
}

static double take(const numbers *job, size_t i)
{
    return job->number == NNRT_F64 ? ((const double *)job->from)[i]
                                   : (double)((const float *)job->from)[i];
}

/* Least and greatest number below the type's limits that a double holds. */
#define STORE(TYPE, LO, HI)                                                                        \
    for (size_t i = begin; i < end; i++) {                                                         \
        double v = nearbyint(take(job, i));                                                        \
        ((TYPE *)job->to)[i] = v >= (HI)   ? (TYPE)(HI)                                            \
                               : v > (LO)  ? (TYPE)v                                               \
                               : v <= (LO) ? (TYPE)(LO)                                            \
                                           : 0;                                                    \
    }                                                                                              \
    break
#define STORE_AS(TYPE, EXPR)                                                                       \
    for (size_t i = begin; i < end; i++)                                                           \
        ((TYPE *)job->to)[i] = (TYPE)(EXPR);                                                       \
    break

static void store_tile(void *user, size_t begin, size_t count)
{
    const numbers *job = user;
    size_t end = begin + count;
    switch (job->t->dtype) {
    case NNRT_F32:
        STORE_AS(float, take(job, i));
    case NNRT_F64:
        STORE_AS(double, take(job, i));
    case NNRT_F16:
        STORE_AS(uint16_t, nnc_f16_from_f32((float)take(job, i)));
    case NNRT_BF16:
        STORE_AS(uint16_t, nnc_bf16_from_f32((float)take(job, i)));
    case NNRT_BOOL:
        STORE_AS(uint8_t, take(job, i) != 0.0);
    case NNRT_I8:
        STORE(int8_t, -128.0, 127.0);
    case NNRT_U16:
        STORE(uint16_t, 0.0, 65535.0);
    case NNRT_I16:
        STORE(int16_t, -32768.0, 32767.0);
    case NNRT_U32:
        STORE(uint32_t, 0.0, 4294967295.0);
    case NNRT_I32:
        STORE(int32_t, -2147483648.0, 2147483647.0);
    case NNRT_U64:
        STORE(uint64_t, 0.0, 18446744073709549568.0);
    case NNRT_I64:
        STORE(int64_t, -9223372036854775808.0, 9223372036854774784.0);
    default:
        STORE(uint8_t, 0.0, 255.0);
    }
}

void nnrt_numbers_store(nnrt_pool *pool, const nnrt_tensor *y, const void *x, nnrt_dtype number)
{
    numbers job = {y, x, y->data, number};
    nnrt_parallel_tiles(pool, store_tile, &job, nnrt_shape_count(&y->shape), TILE);
}
