/* Quantization parameters; quantize and dequantize whole tensors.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tensor/qparams.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "tensor/elements.h"
#include "tensor/requant.h"

/* Integer range of a grid; false if the type is none that fits int32. */
static bool grid_range(int32_t *lo, int32_t *hi, int dtype)
{
    unsigned bits = nnc_dtype_bits(dtype);
    nnc_dtype_class cls = nnc_dtype_class_of(dtype);
    if (cls == NNC_DTYPE_CLASS_SINT && bits <= 32) {
        *hi = (int32_t)(((uint32_t)1 << (bits - 1)) - 1);
        *lo = -*hi - 1;
        return true;
    }
    if (cls == NNC_DTYPE_CLASS_UINT && bits <= 16) {
        *lo = 0;
        *hi = (int32_t)(((uint32_t)1 << bits) - 1);
        return true;
    }
    return false;
}

static nnc_status check_values(const nnc_qparams *q)
{
    for (size_t i = 0; i < q->count; i++) {
        if (fpclassify(q->scale[i]) != FP_NORMAL || q->scale[i] < 0) {
            NNC_FAIL(NNC_ERR_MODEL, "scale %zu is %g, expected a normal positive number", i,
                     (double)q->scale[i]);
        }
        if (q->zero_point[i] < q->qmin || q->zero_point[i] > q->qmax) {
            NNC_FAIL(NNC_ERR_MODEL, "zero point %zu is %d, outside %d to %d of %s", i,
                     (int)q->zero_point[i], (int)q->qmin, (int)q->qmax, nnc_dtype_name(q->dtype));
        }
    }
    return NNC_OK;
}

nnc_status nnc_qparams_create(nnc_qparams **out, nnc_dtype dtype, int32_t axis, size_t count,
                              const float *scale, const int32_t *zero_point)
{
    *out = NULL;
    nnc_qparams header = {.dtype = dtype, .axis = axis, .count = count};
    if (!grid_range(&header.qmin, &header.qmax, dtype)) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "%s is no quantization grid", nnc_dtype_name(dtype));
    }
    if (axis < -1 || axis >= NNC_RANK_MAX || (axis == -1 && count != 1)) {
        NNC_FAIL(NNC_ERR_MODEL, "%zu scales for axis %d", count, (int)axis);
    }
    nnc_qparams *q = nnc_calloc(1, sizeof *q);
    if (q == NULL) {
        return NNC_ERR_LIMIT;
    }
    *q = header;
    q->scale = nnc_calloc(count, sizeof *q->scale);
    q->zero_point = nnc_calloc(count, sizeof *q->zero_point);
    nnc_status status = q->scale != NULL && q->zero_point != NULL ? NNC_OK : NNC_ERR_LIMIT;
    if (status == NNC_OK && count > 0) {
        memcpy(q->scale, scale, count * sizeof *scale);
        if (zero_point != NULL) {
            memcpy(q->zero_point, zero_point, count * sizeof *zero_point);
        }
        status = check_values(q);
    }
    if (status != NNC_OK) {
        nnc_qparams_destroy(q);
        return status;
    }
    *out = q;
    return NNC_OK;
}

nnc_status nnc_qparams_copy(nnc_qparams **out, const nnc_qparams *q)
{
    NNC_TRY(nnc_qparams_create(out, q->dtype, q->axis, q->count, q->scale, q->zero_point));
    (*out)->qmin = q->qmin;
    (*out)->qmax = q->qmax;
    (*out)->group = q->group;
    return NNC_OK;
}

void nnc_qparams_destroy(nnc_qparams *q)
{
    if (q != NULL) {
        nnc_free(q->scale);
        nnc_free(q->zero_point);
        nnc_free(q);
    }
}

bool nnc_qparams_equal(const nnc_qparams *a, const nnc_qparams *b)
{
    return a->dtype == b->dtype && a->qmin == b->qmin && a->qmax == b->qmax && a->axis == b->axis &&
           a->group == b->group && a->count == b->count &&
           (a->count == 0 ||
            (memcmp(a->scale, b->scale, a->count * sizeof *a->scale) == 0 &&
             memcmp(a->zero_point, b->zero_point, a->count * sizeof *a->zero_point) == 0));
}

bool nnc_qparams_per_tensor(const nnc_qparams *q)
{
    return q->axis < 0;
}

/* Where the scale of an element is: elements run as [outer, axis, inner], scales as [outer or 1,
 * steps, inner or 1]. */
typedef struct scale_walk {
    size_t inner;      /* elements behind the axis */
    size_t axis_count; /* dim of the axis */
    size_t group;      /* elements along the axis with one scale */
    size_t steps;      /* scales along the axis */
    bool blocked;      /* scales differ for each outer and inner index too */
} scale_walk;

static nnc_status walk_init(scale_walk *walk, const nnc_shape *shape, const nnc_qparams *q)
{
    *walk = (scale_walk){.inner = 1, .axis_count = 1, .group = 1, .steps = 1};
    size_t outer = 1;
    size_t needed;
    if (q->axis < 0) {
        walk->inner = 0;
        return NNC_OK;
    }
    if ((uint32_t)q->axis >= shape->rank) {
        NNC_FAIL(NNC_ERR_MODEL, "quantization axis %d of a tensor with %u dims", (int)q->axis,
                 (unsigned)shape->rank);
    }
    /* The product of all dims was checked when the tensor was made, unless one of them is 0. */
    for (uint32_t i = 0; i < shape->rank; i++) {
        size_t *part = i < (uint32_t)q->axis ? &outer : &walk->inner;
        if (i == (uint32_t)q->axis) {
            walk->axis_count = (size_t)shape->dims[i];
        } else if (!nnc_size_mul(part, *part, (size_t)shape->dims[i])) {
            NNC_FAIL(NNC_ERR_LIMIT, "the dims of the quantized tensor do not fit into memory");
        }
    }
    walk->blocked = q->group > 0;
    walk->group = walk->blocked ? (size_t)q->group : 1;
    walk->steps = walk->axis_count / walk->group + (walk->axis_count % walk->group != 0);
    needed = walk->steps;
    if (walk->blocked &&
        (!nnc_size_mul(&needed, needed, outer) || !nnc_size_mul(&needed, needed, walk->inner))) {
        NNC_FAIL(NNC_ERR_LIMIT, "the dims of the quantized tensor do not fit into memory");
    }
    if (needed != q->count) {
        NNC_FAIL(NNC_ERR_MODEL, "%zu scales, expected %zu for axis %d", q->count, needed,
                 (int)q->axis);
    }
    return NNC_OK;
}

/* Index of the scale of element i, and in *run how many elements from i on share it. */
static size_t scale_of(const scale_walk *walk, size_t i, size_t *run)
{
    if (walk->inner == 0) {
        *run = SIZE_MAX;
        return 0;
    }
    size_t in = i % walk->inner;
    size_t along = i / walk->inner % walk->axis_count;
    size_t out = i / walk->inner / walk->axis_count;
    size_t step = along / walk->group;
    if (!walk->blocked) {
        *run = walk->inner - in;
        return step;
    }
    bool contiguous = walk->inner == 1;
    size_t group_end = (step + 1) * walk->group;
    group_end = group_end < walk->axis_count ? group_end : walk->axis_count;
    *run = contiguous ? group_end - along : 1;
    return (out * walk->steps + step) * walk->inner + in;
}

enum { RUN = 512 };

/* int32 needs more than float's 24 bits: the same rule in double. */
static int64_t quantize_wide(float x, const nnc_qparams *q, size_t c)
{
    double lo = (double)q->qmin - q->zero_point[c], hi = (double)q->qmax - q->zero_point[c];
    double t = (double)x / (double)q->scale[c];
    t = t < hi ? t : hi;
    t = t > lo ? t : lo;
    return (int64_t)llrint(t) + q->zero_point[c];
}

static void quantize_run(int64_t *out, const float *x, size_t n, const nnc_qparams *q, size_t c)
{
    float lo = (float)((int64_t)q->qmin - q->zero_point[c]);
    float hi = (float)((int64_t)q->qmax - q->zero_point[c]);
    bool wide = nnc_dtype_bits(q->dtype) > 16;
    for (size_t i = 0; i < n; i++) {
        out[i] = wide ? quantize_wide(x[i], q, c)
                      : nnc_quantize(x[i], q->scale[c], lo, hi, q->zero_point[c]);
    }
}

nnc_status nnc_quantize_tensor(nnc_tensor *out, const nnc_tensor *x, const nnc_qparams *q)
{
    *out = (nnc_tensor){0};
    if (x->dtype != NNC_DTYPE_FLOAT) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "quantization of a %s tensor, expected float32",
                 nnc_dtype_name(x->dtype));
    }
    scale_walk walk;
    NNC_TRY(walk_init(&walk, &x->shape, q));
    nnc_tensor y;
    NNC_TRY(nnc_tensor_create(&y, q->dtype, &x->shape));
    const float *reals = nnc_tensor_data(x);
    int64_t integers[RUN];
    size_t count = nnc_tensor_count(&y);
    for (size_t i = 0; i < count;) {
        size_t n;
        size_t c = scale_of(&walk, i, &n);
        n = n < RUN ? n : RUN;
        n = n < count - i ? n : count - i;
        quantize_run(integers, reals + i, n, q, c);
        nnc_elements_store_int(q->dtype, nnc_tensor_data(&y), i, n, integers);
        i += n;
    }
    *out = y;
    return NNC_OK;
}

nnc_status nnc_dequantize_tensor(nnc_tensor *out, const nnc_tensor *q, const nnc_qparams *p)
{
    *out = (nnc_tensor){0};
    int32_t lo, hi;
    if (q->dtype != p->dtype || !grid_range(&lo, &hi, q->dtype)) {
        NNC_FAIL(NNC_ERR_MODEL, "dequantization of a %s tensor with parameters for %s",
                 nnc_dtype_name(q->dtype), nnc_dtype_name(p->dtype));
    }
    scale_walk walk;
    NNC_TRY(walk_init(&walk, &q->shape, p));
    nnc_tensor y;
    NNC_TRY(nnc_tensor_create(&y, NNC_DTYPE_FLOAT, &q->shape));
    float *reals = nnc_tensor_data(&y);
    int64_t integers[RUN];
    size_t count = nnc_tensor_count(&y);
    for (size_t i = 0; i < count;) {
        size_t n;
        size_t c = scale_of(&walk, i, &n);
        n = n < RUN ? n : RUN;
        n = n < count - i ? n : count - i;
        nnc_elements_load_int(integers, q->dtype, nnc_tensor_data(q), i, n);
        for (size_t k = 0; k < n; k++) {
            reals[i + k] = (float)(integers[k] - p->zero_point[c]) * p->scale[c];
        }
        i += n;
    }
    *out = y;
    return NNC_OK;
}
