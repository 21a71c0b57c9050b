/* SparseTensorProto -> dense tensor. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/mem.h"
#include "onnx/reader.h"

/* Linear index of entry k. indices: [nnz] linear or [nnz, rank] coordinates. */
static nnc_status entry_index(size_t *out, const nnc_tensor *indices, size_t k,
                              const nnc_shape *shape, size_t count)
{
    const int64_t *data = nnc_tensor_data(indices);
    if (indices->shape.rank == 1) {
        if (data[k] < 0 || (uint64_t)data[k] >= count) {
            NNC_FAIL(NNC_ERR_MODEL, "index %zu is %lld, the dense tensor has %zu elements", k,
                     (long long)data[k], count);
        }
        *out = (size_t)data[k];
        return NNC_OK;
    }
    size_t linear = 0;
    for (uint32_t d = 0; d < shape->rank; d++) {
        int64_t i = data[k * shape->rank + d];
        if (i < 0 || i >= shape->dims[d]) {
            NNC_FAIL(NNC_ERR_MODEL, "index %zu is %lld in dim %u of size %lld", k, (long long)i,
                     (unsigned)d, (long long)shape->dims[d]);
        }
        linear = linear * (size_t)shape->dims[d] + (size_t)i;
    }
    *out = linear;
    return NNC_OK;
}

static nnc_status check_indices(const nnc_tensor *values, const nnc_tensor *indices,
                                const nnc_shape *shape)
{
    char text[256];
    const nnc_shape *s = &indices->shape;
    if (values->shape.rank != 1 || indices->dtype != NNC_DTYPE_INT64) {
        NNC_FAIL(NNC_ERR_MODEL, "values have %u dims and indices are %s, expected 1 and int64",
                 (unsigned)values->shape.rank, nnc_dtype_name(indices->dtype));
    }
    if ((s->rank != 1 && s->rank != 2) || s->dims[0] != values->shape.dims[0] ||
        (s->rank == 2 && s->dims[1] != (int64_t)shape->rank)) {
        NNC_FAIL(NNC_ERR_MODEL, "indices are %s for %lld values of rank %u",
                 nnc_shape_format(text, sizeof text, s), (long long)values->shape.dims[0],
                 (unsigned)shape->rank);
    }
    return NNC_OK;
}

static nnc_status scatter(nnc_tensor *out, const nnc_tensor *values, const nnc_tensor *indices,
                          size_t count)
{
    unsigned bits = nnc_dtype_bits(values->dtype);
    if (bits < 8) {
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "sparse %s is not supported", nnc_dtype_name(values->dtype));
    }
    size_t unit = bits / 8, previous = 0;
    const uint8_t *from = nnc_tensor_data(values);
    uint8_t *to = nnc_tensor_data(out);
    for (size_t k = 0; k < nnc_tensor_count(values); k++) {
        size_t index = 0;
        NNC_TRY(entry_index(&index, indices, k, &out->shape, count));
        if (k > 0 && index <= previous) {
            NNC_FAIL(NNC_ERR_MODEL, "indices are not in ascending order without repeats at %zu", k);
        }
        previous = index;
        memcpy(to + index * unit, from + k * unit, unit);
    }
    return NNC_OK;
}

static nnc_status densify(nnc_tensor *out, nnc_onnx_reader *r, const nnc_tensor *values,
                          const nnc_tensor *indices, const Onnx__SparseTensorProto *t)
{
    nnc_shape shape;
    size_t count, bytes;
    NNC_TRY(nnc_onnx_dims_in(&shape, &count, t->dims, t->n_dims));
    NNC_TRY(check_indices(values, indices, &shape));
    if (!nnc_dtype_bytes(&bytes, values->dtype, count) || bytes > r->options.limits.dense_bytes) {
        NNC_FAIL(NNC_ERR_LIMIT, "%zu elements made dense are over the limit of %llu bytes", count,
                 (unsigned long long)r->options.limits.dense_bytes);
    }
    r->options.limits.dense_bytes -= bytes;
    NNC_TRY(nnc_tensor_create(out, values->dtype, &shape));
    nnc_status status = scatter(out, values, indices, count);
    if (status != NNC_OK) {
        nnc_tensor_deinit(out);
        *out = (nnc_tensor){0};
    }
    return status;
}

nnc_status nnc_onnx_sparse_in(nnc_tensor *out, nnc_onnx_reader *r, const Onnx__SparseTensorProto *t,
                              const char *what)
{
    *out = (nnc_tensor){0};
    if (!t->values || !t->indices) {
        NNC_FAIL(NNC_ERR_MODEL, "%s: sparse tensor without %s", what,
                 t->values ? "indices" : "values");
    }
    nnc_tensor values, indices;
    NNC_TRY(nnc_onnx_tensor_in(&values, r, t->values, what));
    nnc_status status = nnc_onnx_tensor_in(&indices, r, t->indices, what);
    if (status == NNC_OK) {
        status = densify(out, r, &values, &indices, t);
        if (status != NNC_OK) {
            nnc_error_prepend(status, "sparse %s '%.120s'", what,
                              t->values->name ? t->values->name : "");
        }
        nnc_tensor_deinit(&indices);
    }
    nnc_tensor_deinit(&values);
    return status;
}
