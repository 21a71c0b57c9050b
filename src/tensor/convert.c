/* Conversion between element types (declared in tensor/tensor.h).
 * SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "tensor/elements.h"
#include "tensor/half.h"
#include "tensor/tensor.h"

enum { RUN = 512 }; /* elements in flight: 8 KiB on the stack */

/* double to float, inexact results to the odd neighbour: rounding that again to fewer bits is then
 * correct (S. Boldo, G. Melquiond, "Emulation of FMA and correctly rounded sums", 2008, theorem 3).
 */
static float round_to_odd(double x)
{
    float f = (float)x;
    if (isnan(x) || isinf(x) || (double)f == x) {
        return f;
    }
    uint32_t word;
    memcpy(&word, &f, sizeof word);
    if (fabs((double)f) > fabs(x)) {
        word--;
    }
    word |= 1;
    memcpy(&f, &word, sizeof f);
    return f;
}

/* An integer as a double, inexact ones with the lowest bit set so that later rounding is correct.
 */
static double int_to_double_odd(uint64_t magnitude, bool negative)
{
    enum { DROPPED = 11 }; /* 64 - 53 */
    if (magnitude >> 53 != 0) {
        uint64_t lost = magnitude & ((1u << DROPPED) - 1);
        magnitude = (magnitude >> DROPPED | (lost != 0)) << DROPPED;
    }
    return negative ? -(double)magnitude : (double)magnitude;
}

static bool store_double(int dtype, void *data, size_t first, size_t n, const double *values)
{
    switch (dtype) {
    case NNC_DTYPE_FLOAT:
        for (size_t i = 0; i < n; i++) {
            ((float *)data)[first + i] = (float)values[i];
        }
        return true;
    case NNC_DTYPE_DOUBLE:
        memcpy((double *)data + first, values, n * sizeof *values);
        return true;
    case NNC_DTYPE_FLOAT16:
        for (size_t i = 0; i < n; i++) {
            ((uint16_t *)data)[first + i] = nnc_f16_from_f32(round_to_odd(values[i]));
        }
        return true;
    case NNC_DTYPE_BFLOAT16:
        for (size_t i = 0; i < n; i++) {
            ((uint16_t *)data)[first + i] = nnc_bf16_from_f32(round_to_odd(values[i]));
        }
        return true;
    default:
        return false;
    }
}

/* Range of an integer type: the first real value above it, and the integers at its ends. */
typedef struct int_range {
    double limit;
    bool is_signed;
    int64_t lowest, highest;
} int_range;

static int_range range_of(int dtype)
{
    unsigned bits = nnc_dtype_bits(dtype);
    bool is_signed = nnc_dtype_class_of(dtype) == NNC_DTYPE_CLASS_SINT;
    uint64_t half = (uint64_t)1 << (bits - 1);
    int_range range = {ldexp(1.0, (int)bits - is_signed), is_signed, 0, -1};
    if (is_signed) {
        range.lowest = (int64_t)(0 - half);
        range.highest = (int64_t)(half - 1);
    }
    return range;
}

/* Truncation towards zero, saturating; NaN gives 0. An unsigned result is in the low bits. */
static int64_t truncate_to(const int_range *range, double x)
{
    if (isnan(x)) {
        return 0;
    }
    if (x >= range->limit) {
        return range->highest;
    }
    if (range->is_signed) {
        return x <= -range->limit ? range->lowest : (int64_t)x;
    }
    return x <= 0 ? 0 : (int64_t)(uint64_t)x;
}

static void convert_float_run(nnc_tensor *out, const nnc_tensor *x, size_t first, size_t n)
{
    double reals[RUN];
    int64_t integers[RUN];
    bool ok = nnc_elements_load_double(reals, x->dtype, nnc_tensor_data(x), first, n);
    if (nnc_dtype_class_of(out->dtype) == NNC_DTYPE_CLASS_FLOAT) {
        ok = ok && store_double(out->dtype, nnc_tensor_data(out), first, n, reals);
    } else {
        bool to_bool = out->dtype == NNC_DTYPE_BOOL;
        int_range range = range_of(out->dtype);
        for (size_t i = 0; i < n; i++) {
            integers[i] = to_bool ? reals[i] != 0.0 : truncate_to(&range, reals[i]);
        }
        ok = ok && nnc_elements_store_int(out->dtype, nnc_tensor_data(out), first, n, integers);
    }
    assert(ok);
    (void)ok;
}

static void convert_int_run(nnc_tensor *out, const nnc_tensor *x, size_t first, size_t n)
{
    double reals[RUN];
    int64_t integers[RUN];
    bool ok = nnc_elements_load_int(integers, x->dtype, nnc_tensor_data(x), first, n);
    if (nnc_dtype_class_of(out->dtype) != NNC_DTYPE_CLASS_FLOAT) {
        ok = ok && nnc_elements_store_int(out->dtype, nnc_tensor_data(out), first, n, integers);
    } else {
        bool is_signed = nnc_dtype_class_of(x->dtype) == NNC_DTYPE_CLASS_SINT;
        bool to_double = out->dtype == NNC_DTYPE_DOUBLE;
        for (size_t i = 0; i < n; i++) {
            bool negative = is_signed && integers[i] < 0;
            uint64_t magnitude = negative ? 0 - (uint64_t)integers[i] : (uint64_t)integers[i];
            double nearest = negative ? -(double)magnitude : (double)magnitude;
            reals[i] = to_double ? nearest : int_to_double_odd(magnitude, negative);
        }
        ok = ok && store_double(out->dtype, nnc_tensor_data(out), first, n, reals);
    }
    assert(ok);
    (void)ok;
}

static bool is_numeric(int dtype)
{
    return nnc_dtype_class_of(dtype) != NNC_DTYPE_CLASS_OTHER;
}

static bool is_target(int dtype)
{
    return is_numeric(dtype) &&
           (nnc_dtype_class_of(dtype) != NNC_DTYPE_CLASS_FLOAT || nnc_dtype_bits(dtype) >= 16);
}

nnc_status nnc_tensor_convert(nnc_tensor *out, const nnc_tensor *x, nnc_dtype dtype)
{
    nnc_tensor y;
    *out = (nnc_tensor){0};
    if (!is_numeric(x->dtype) || !(is_target(dtype) || dtype == x->dtype)) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "no conversion from %s to %s", nnc_dtype_name(x->dtype),
                 nnc_dtype_name(dtype));
    }
    if (dtype == x->dtype) {
        return nnc_tensor_create_from(out, dtype, &x->shape, nnc_tensor_data(x));
    }
    NNC_TRY(nnc_tensor_create(&y, dtype, &x->shape));
    size_t count = nnc_tensor_count(&y);
    bool from_float = nnc_dtype_class_of(x->dtype) == NNC_DTYPE_CLASS_FLOAT;
    for (size_t first = 0; first < count; first += RUN) {
        size_t n = count - first < RUN ? count - first : RUN;
        if (from_float) {
            convert_float_run(&y, x, first, n);
        } else {
            convert_int_run(&y, x, first, n);
        }
    }
    *out = y;
    return NNC_OK;
}

double nnc_tensor_get_double(const nnc_tensor *tensor, size_t i)
{
    double real = NAN;
    int64_t integer = 0;
    assert(is_numeric(tensor->dtype) && i < nnc_tensor_count(tensor));
    if (nnc_elements_load_double(&real, tensor->dtype, nnc_tensor_data(tensor), i, 1)) {
        return real;
    }
    if (!nnc_elements_load_int(&integer, tensor->dtype, nnc_tensor_data(tensor), i, 1)) {
        return NAN;
    }
    return tensor->dtype == NNC_DTYPE_UINT64 ? (double)(uint64_t)integer : (double)integer;
}

int64_t nnc_tensor_get_int(const nnc_tensor *tensor, size_t i)
{
    double real;
    int64_t integer = 0;
    assert(is_numeric(tensor->dtype) && i < nnc_tensor_count(tensor));
    if (nnc_elements_load_double(&real, tensor->dtype, nnc_tensor_data(tensor), i, 1)) {
        int_range range = range_of(NNC_DTYPE_INT64);
        return truncate_to(&range, real);
    }
    if (!nnc_elements_load_int(&integer, tensor->dtype, nnc_tensor_data(tensor), i, 1)) {
        return 0;
    }
    return tensor->dtype == NNC_DTYPE_UINT64 && integer < 0 ? INT64_MAX : integer;
}
