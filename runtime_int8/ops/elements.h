/* Elements of any runtime type in a wide form, chunk by chunk: what the type-generic paths of the ops compute on.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NNRT_OPS_ELEMENTS_H
#define NNRT_OPS_ELEMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime_int8/ops/rop.h"

/* Elements that a generic path converts, computes and stores at a time. */
#define NNRT_CHUNK 256u

#define NNRT_SET_HALF (NNRT_SET(NNRT_F16) | NNRT_SET(NNRT_BF16))
#define NNRT_SET_FLOAT (NNRT_SET(NNRT_F32) | NNRT_SET(NNRT_F64) | NNRT_SET_HALF)
#define NNRT_SET_SIGNED (NNRT_SET(NNRT_I8) | NNRT_SET(NNRT_I16) | NNRT_SET(NNRT_I32) | NNRT_SET(NNRT_I64))
#define NNRT_SET_UNSIGNED (NNRT_SET(NNRT_U8) | NNRT_SET(NNRT_U16) | NNRT_SET(NNRT_U32) | NNRT_SET(NNRT_U64))
/* Integers of 4 and 2 bits, one per byte. */
#define NNRT_SET_NARROW (NNRT_SET(NNRT_U4) | NNRT_SET(NNRT_I4) | NNRT_SET(NNRT_U2) | NNRT_SET(NNRT_I2))
#define NNRT_SET_INTEGER (NNRT_SET_SIGNED | NNRT_SET_UNSIGNED)

/* How values of a type are computed with: integers (and bool) as int64, F64 as double, the other floats as float32 with
 * one rounding at the end. */
typedef enum nnrt_wide { NNRT_WIDE_INT, NNRT_WIDE_F32, NNRT_WIDE_F64 } nnrt_wide;
nnrt_wide nnrt_wide_of(nnrt_dtype dtype);

/* n elements from element `at` on, every `step`-th (0: the same one n times); x: start of the tensor's data.
 * The types of the _ints functions are the integers and bool (sign- or zero-extended; u64 keeps its bits), those of the others
 * any type; float8 and the like are read, not written. */
void nnrt_load_ints(int64_t *out, const void *x, nnrt_dtype dtype, size_t at, size_t step, size_t n);
void nnrt_load_floats(float *out, const void *x, nnrt_dtype dtype, size_t at, size_t step, size_t n);
void nnrt_load_doubles(double *out, const void *x, nnrt_dtype dtype, size_t at, size_t step, size_t n);
/* To element `at` and those behind it. Integers keep their low bits; bool: anything but 0 is true. */
void nnrt_store_ints(void *y, nnrt_dtype dtype, size_t at, const int64_t *v, size_t n);
/* Floating types only, rounded half to even once. */
void nnrt_store_floats(void *y, nnrt_dtype dtype, size_t at, const float *v, size_t n);
void nnrt_store_doubles(void *y, nnrt_dtype dtype, size_t at, const double *v, size_t n);
/* Truncation towards zero into the type's range, as its bits; NaN gives 0. Integers and bool. */
int64_t nnrt_double_to_int(double v, nnrt_dtype dtype);
/* Bits that count; least and greatest value of an integer type or bool, as int64 (u64: bits). */
unsigned nnrt_int_bits(nnrt_dtype dtype);
int64_t nnrt_int_min(nnrt_dtype dtype);
int64_t nnrt_int_max(nnrt_dtype dtype);
/* The low bits of v as a number of the type. */
int64_t nnrt_int_wrap(int64_t v, nnrt_dtype dtype);

#endif
