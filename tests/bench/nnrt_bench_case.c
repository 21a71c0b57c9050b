/* A session with seeded inputs, and comparison of outputs. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "bench/nnrt_bench.h"

nnc_status bench_status(nnrt_status status)
{
    return status == NNRT_OK ? NNC_OK : nnc_error_set((nnc_status)status, "%s", nnrt_error_message());
}

/* Sums and products by powers of two alone: the same bits with every C library. Mean 0, deviation 1. */
static float noise(nnc_rng *rng)
{
    int32_t sum = 0;
    for (int i = 0; i < 3; i++)
        sum += (int32_t)(nnc_rng_u32(rng) >> 9);
    return (float)(sum - 3 * (1 << 22)) * 0x1p-22f;
}

static float number(nnc_rng *rng, nnrt_dtype dtype)
{
    if (nnc_dtype_class_of((int)dtype) == NNC_DTYPE_CLASS_FLOAT)
        return noise(rng);
    if (dtype == NNRT_U8)
        return (float)nnc_rng_below(rng, 256);
    if (dtype == NNRT_I8)
        return (float)nnc_rng_below(rng, 256) - 128.0f;
    return (float)nnc_rng_below(rng, 2); /* indices and truth values */
}

static nnc_status make_input(nnc_tensor *out, const nnrt_view *view, uint64_t seed, uint32_t stream)
{
    const nnc_shape shape = nnc_shape_make(view->shape.rank, view->shape.dims);
    nnc_tensor numbers = {0};
    NNC_TRY(nnc_tensor_create(&numbers, NNC_DTYPE_FLOAT, &shape));
    nnc_rng rng;
    nnc_rng_init(&rng, seed, stream);
    float *x = nnc_tensor_data(&numbers);
    for (size_t i = 0; i < nnc_tensor_count(&numbers); i++)
        x[i] = number(&rng, view->dtype);
    nnc_status status = nnc_tensor_convert(out, &numbers, (nnc_dtype)view->dtype);
    nnc_tensor_deinit(&numbers);
    return status;
}

static nnc_status reshape(bench_case *c)
{
    nnrt_shape *shapes = nnc_calloc(c->input_count + 1, sizeof(*shapes));
    if (!shapes)
        return NNC_ERR_LIMIT;
    nnc_status status = NNC_OK;
    for (uint32_t i = 0; status == NNC_OK && i < c->input_count; i++) {
        nnrt_io_info info;
        status = bench_status(nnrt_model_input(c->model, i, &info));
        if (status != NNC_OK)
            break;
        shapes[i] = info.shape;
        for (uint32_t d = 0; d < info.shape.rank; d++)
            shapes[i].dims[d] = info.shape.dims[d] < 0 ? 1 : info.shape.dims[d];
        if (c->batch && info.shape.rank)
            shapes[i].dims[0] = (int64_t)c->batch;
    }
    if (status == NNC_OK)
        status = bench_status(nnrt_session_reshape(c->session, shapes, c->input_count));
    nnc_free(shapes);
    return status;
}

static nnc_status fill(bench_case *c, uint64_t seed)
{
    c->inputs = nnc_calloc(c->input_count + 1, sizeof(*c->inputs));
    if (!c->inputs)
        return NNC_ERR_LIMIT;
    for (uint32_t i = 0; i < c->input_count; i++) {
        nnrt_view view;
        NNC_TRY(bench_status(nnrt_session_input(c->session, i, &view)));
        NNC_TRY(make_input(&c->inputs[i], &view, seed, i));
    }
    return NNC_OK;
}

nnc_status bench_case_open(bench_case *out, const nnrt_model *model,
                           const nnrt_session_options *options, uint64_t batch, uint64_t seed)
{
    *out = (bench_case){.model = model, .batch = batch, .input_count = nnrt_model_input_count(model)};
    nnc_status status = bench_status(nnrt_session_create(&out->session, model, options));
    if (status == NNC_OK)
        status = reshape(out);
    if (status == NNC_OK)
        status = fill(out, seed);
    if (status != NNC_OK)
        bench_case_close(out);
    return status;
}

void bench_case_close(bench_case *c)
{
    for (uint32_t i = 0; c->inputs && i < c->input_count; i++)
        nnc_tensor_deinit(&c->inputs[i]);
    nnc_free(c->inputs);
    nnrt_session_destroy(c->session);
    *c = (bench_case){0};
}

nnc_status bench_case_write(bench_case *c)
{
    for (uint32_t i = 0; i < c->input_count; i++) {
        nnrt_view view;
        NNC_TRY(bench_status(nnrt_session_input(c->session, i, &view)));
        memcpy(view.data, nnc_tensor_data(&c->inputs[i]), view.bytes);
    }
    return NNC_OK;
}

nnc_status bench_case_run(bench_case *c)
{
    NNC_TRY(bench_case_write(c));
    return bench_status(nnrt_session_run(c->session));
}

/* "[0,17]" of element i. */
static void format_index(char *buf, size_t bytes, const nnrt_shape *shape, size_t i)
{
    int64_t at[NNRT_RANK_MAX];
    for (uint32_t d = shape->rank; d-- > 0;) {
        at[d] = (int64_t)(i % (size_t)shape->dims[d]);
        i /= (size_t)shape->dims[d];
    }
    size_t used = 0;
    for (uint32_t d = 0; d < shape->rank && used < bytes; d++)
        used += (size_t)snprintf(buf + used, bytes - used, "%s%lld", d ? "," : "", (long long)at[d]);
    if (shape->rank == 0)
        buf[0] = 0;
}

nnc_status bench_compare_bytes(const char *name, const nnrt_view *view, const void *expected,
                               const char *other)
{
    if (memcmp(view->data, expected, view->bytes) == 0)
        return NNC_OK;
    const nnc_shape shape = nnc_shape_make(view->shape.rank, view->shape.dims);
    nnc_tensor got = {0}, wanted = {0};
    nnc_status status = nnc_tensor_create_from(&got, (nnc_dtype)view->dtype, &shape, view->data);
    if (status == NNC_OK)
        status = nnc_tensor_create_from(&wanted, (nnc_dtype)view->dtype, &shape, expected);
    if (status == NNC_OK) {
        const size_t count = nnc_tensor_count(&got), each = view->bytes / count;
        const uint8_t *a = view->data, *b = expected;
        size_t first = count, different = 0;
        for (size_t i = 0; i < count; i++)
            if (memcmp(a + i * each, b + i * each, each) != 0) {
                first = first < i ? first : i;
                different++;
            }
        char index[160];
        format_index(index, sizeof(index), &view->shape, first);
        status = nnc_error_set(NNC_ERR_VERIFY, "output '%s'[%s] is %.9g, %s has %.9g; %zu of %zu elements differ",
                               name, index, nnc_tensor_get_double(&got, first), other,
                               nnc_tensor_get_double(&wanted, first), different, count);
    }
    nnc_tensor_deinit(&got);
    nnc_tensor_deinit(&wanted);
    return status;
}

nnc_status bench_compare_cases(const bench_case *a, const bench_case *b, const char *other)
{
    for (uint32_t i = 0; i < nnrt_model_output_count(a->model); i++) {
        nnrt_io_info info;
        nnrt_view x, y;
        NNC_TRY(bench_status(nnrt_model_output(a->model, i, &info)));
        NNC_TRY(bench_status(nnrt_session_output(a->session, i, &x)));
        NNC_TRY(bench_status(nnrt_session_output(b->session, i, &y)));
        if (x.dtype != y.dtype || x.bytes != y.bytes)
            NNC_FAIL(NNC_ERR_VERIFY, "output '%s' has %zu bytes of type %d, %s has %zu of type %d", info.name,
                     x.bytes, (int)x.dtype, other, y.bytes, (int)y.dtype);
        NNC_TRY(bench_compare_bytes(info.name, &x, y.data, other));
    }
    return NNC_OK;
}
