/* Runs one runtime op as a plan of one node, on every tier and several thread counts.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_TESTS_ROP_CASE_H
#define NNC_TESTS_ROP_CASE_H

#include "cmocka_all.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "nnrt.h"
#include "runtime_int8/builder.h"
#include "runtime_int8/kernels/kernel.h"
#include "runtime_int8/ops/rop.h"
#include "runtime_int8/ops/util.h"

#define ROP_INPUTS 8
#define ROP_OUTPUTS 4

typedef struct rop_input {
    nnrt_dtype dtype;
    nnrt_shape shape;
    const void *data;
    bool constant;
} rop_input;

typedef struct rop_case {
    nnrt_rop_id id;
    const void *params;
    uint32_t in_count;
    rop_input in[ROP_INPUTS];
    nnrt_dtype out_dtype;
    uint32_t out_rank;
} rop_case;

/* For ops with several outputs: which one is looked at (a case's out_dtype and out_rank are its own), and the types
 * and ranks of the others. */
typedef struct rop_outputs {
    uint32_t index;
    uint32_t ranks[ROP_OUTPUTS];
    nnrt_dtype dtypes[ROP_OUTPUTS];
} rop_outputs;
static rop_outputs rop_more;

static inline nnrt_shape rop_shape(uint32_t rank, const int64_t *dims)
{
    nnrt_shape s = {.rank = rank};
    for (uint32_t i = 0; i < rank; i++)
        s.dims[i] = dims[i];
    return s;
}

/* rop_dims(2, 3, 4): shape [3,4]. */
static inline nnrt_shape rop_dims(uint32_t rank, int64_t a, int64_t b, int64_t c, int64_t d)
{
    const int64_t dims[4] = {a, b, c, d};
    return rop_shape(rank, dims);
}

static inline size_t rop_bytes(nnrt_dtype dtype, const nnrt_shape *shape)
{
    return nnrt_shape_count(shape) * nnrt_dtype_bytes(dtype);
}

/* Loads a plan that must be valid. */
static inline void rop_load(nnrt_model **model, void **image, nnrt_builder *b)
{
    size_t bytes;
    nnc_status status = nnrt_builder_finish(b, image, &bytes);
    if (status != NNC_OK)
        fail_msg("builder: %s", nnrt_error_message());
    if (nnrt_model_load_memory(model, *image, bytes, NNRT_VERIFY) != NNRT_OK)
        fail_msg("load: %s", nnrt_error_message());
    nnrt_builder_destroy(b);
}

static inline nnrt_builder *rop_builder(const rop_case *c)
{
    nnrt_builder *b = nnrt_builder_create();
    assert_non_null(b);
    uint32_t in[ROP_INPUTS], out[ROP_OUTPUTS];
    for (uint32_t i = 0; i < c->in_count; i++) {
        const rop_input *x = &c->in[i];
        char name[16];
        snprintf(name, sizeof name, "x%u", i);
        if (x->constant) {
            in[i] = nnrt_builder_const(b, name, x->dtype, &x->shape, x->data,
                                       rop_bytes(x->dtype, &x->shape));
        } else {
            nnrt_shape any = {.rank = x->shape.rank};
            for (uint32_t d = 0; d < any.rank; d++)
                any.dims[d] = NNRT_DIM_UNKNOWN;
            in[i] = nnrt_builder_value(b, NNRT_VALUE_INPUT, name, x->dtype, &any, 0, NULL);
            nnrt_builder_input(b, in[i]);
        }
    }
    const nnrt_rop *rop = nnrt_rop_find(c->id);
    assert_non_null(rop);
    assert_in_range(rop->out_count, 1, ROP_OUTPUTS);
    for (uint32_t i = 0; i < rop->out_count; i++) {
        bool read = i == rop_more.index;
        nnrt_shape any = {.rank = read ? c->out_rank : rop_more.ranks[i]};
        for (uint32_t d = 0; d < any.rank; d++)
            any.dims[d] = NNRT_DIM_UNKNOWN;
        out[i] = nnrt_builder_value(b, read ? NNRT_VALUE_OUTPUT : NNRT_VALUE_TEMP, read ? "y" : "",
                                    read ? c->out_dtype : rop_more.dtypes[i], &any, 0, NULL);
    }
    nnrt_builder_node(b, c->id, "op", c->params, rop->params_bytes, in, c->in_count, out,
                      rop->out_count);
    nnrt_builder_output(b, out[rop_more.index], "y");
    return b;
}

static inline void rop_build(const rop_case *c, nnrt_model **model, void **image)
{
    rop_load(model, image, rop_builder(c));
}

/* A case whose plan must not load, and a part of the message. */
static inline void rop_refuse_plan(const rop_case *c, const char *message)
{
    nnrt_builder *b = rop_builder(c);
    nnrt_model *model;
    void *image;
    size_t bytes;
    if (nnrt_builder_finish(b, &image, &bytes) != NNC_OK)
        fail_msg("builder: %s", nnrt_error_message());
    nnrt_builder_destroy(b);
    assert_int_equal(nnrt_model_load_memory(&model, image, bytes, NNRT_VERIFY), NNRT_ERR_MODEL);
    if (strstr(nnrt_error_message(), message) == NULL)
        fail_msg("message '%s' lacks '%s'", nnrt_error_message(), message);
    nnc_free(image);
}

/* Result as malloc'ed bytes; *shape may be NULL; NULL if the device has no form of the op. Fails the test on any
 * other error. */
static inline void *rop_run_on(const rop_case *c, const nnrt_model *model, nnrt_isa isa,
                               uint32_t threads, uint32_t device, nnrt_shape *shape, size_t *bytes)
{
    nnrt_session_options o = {
        .size = sizeof o, .threads = threads, .isa_max = isa, .device = device};
    nnrt_session *session;
    nnrt_shape shapes[ROP_INPUTS];
    uint32_t n = 0;
    for (uint32_t i = 0; i < c->in_count; i++) {
        if (!c->in[i].constant)
            shapes[n++] = c->in[i].shape;
    }
    nnrt_status status = nnrt_session_create(&session, model, &o);
    if (status == NNRT_OK && (status = nnrt_session_reshape(session, shapes, n)) != NNRT_OK)
        nnrt_session_destroy(session);
    if (status == NNRT_ERR_UNSUPPORTED && device == NNRT_DEVICE_CUDA)
        return NULL;
    if (status != NNRT_OK)
        fail_msg("session: %s", nnrt_error_message());
    nnrt_view view;
    n = 0;
    for (uint32_t i = 0; i < c->in_count; i++) {
        if (c->in[i].constant)
            continue;
        assert_int_equal(nnrt_session_input(session, n++, &view), NNRT_OK);
        assert_int_equal(view.bytes, rop_bytes(c->in[i].dtype, &c->in[i].shape));
        memcpy(view.data, c->in[i].data, view.bytes);
    }
    /* On a device the first run queues launches, the second captures and runs a graph. */
    for (uint32_t run = 0; run < (device == NNRT_DEVICE_CUDA ? 2 : 1); run++) {
        if (nnrt_session_run(session) != NNRT_OK)
            fail_msg("run: %s", nnrt_error_message());
    }
    assert_int_equal(nnrt_session_output(session, 0, &view), NNRT_OK);
    void *y = malloc(view.bytes + 1);
    assert_non_null(y);
    memcpy(y, view.data, view.bytes);
    if (shape != NULL)
        *shape = view.shape;
    *bytes = view.bytes;
    nnrt_session_destroy(session);
    return y;
}

/* First byte where two results differ, `bytes` if none. The sign and payload of a NaN are not
 * specified. */
static inline size_t rop_difference(nnrt_dtype dtype, const void *a, const void *b, size_t bytes)
{
    const uint8_t *pa = a, *pb = b;
    size_t at = 0;
    while (at < bytes && pa[at] == pb[at])
        at++;
    if (at == bytes || dtype != NNRT_F32)
        return at;
    for (at = 0; at < bytes; at += sizeof(float)) {
        float fa, fb;
        memcpy(&fa, pa + at, sizeof fa);
        memcpy(&fb, pb + at, sizeof fb);
        if (memcmp(&fa, &fb, sizeof fa) != 0 && !(isnan(fa) && isnan(fb)))
            return at;
    }
    return bytes;
}

/* Holds the device, if there is one (a GPU or the simulator), to the bytes of the reference tier. */
static inline void rop_hold_device(const rop_case *c, const nnrt_model *model, const void *y,
                                   size_t bytes)
{
    size_t other_bytes;
    if (getenv("NNRT_CUDA_PLUGIN") == NULL)
        return;
    void *other =
        rop_run_on(c, model, NNRT_ISA_REF, 1, NNRT_DEVICE_CUDA, NULL, &other_bytes);
    if (other == NULL)
        return;
    assert_int_equal(other_bytes, bytes);
    size_t at = rop_difference(c->out_dtype, other, y, bytes);
    if (at != bytes)
        fail_msg("%s on the device differs from ref at byte %zu of %zu",
                 nnrt_rop_find(c->id)->name, at, bytes);
    free(other);
}

/* Runs on the reference tier, then holds every other tier and thread count to the same bytes. */
static inline void *rop_run(const rop_case *c, nnrt_shape *shape)
{
    nnrt_model *model;
    void *image;
    size_t bytes;
    rop_build(c, &model, &image);
    void *y = rop_run_on(c, model, NNRT_ISA_REF, 1, NNRT_DEVICE_CPU, shape, &bytes);
    static const uint32_t threads[] = {1, 2};
    for (uint32_t isa = NNRT_ISA_REF; isa <= NNRT_ISA_AVX512VNNI; isa++) {
        if (!nnrt_isa_supported((nnrt_isa)isa))
            continue;
        for (unsigned t = 0; t < 2; t++) {
            size_t other_bytes;
            void *other = rop_run_on(c, model, (nnrt_isa)isa, threads[t], NNRT_DEVICE_CPU, NULL,
                                     &other_bytes);
            assert_int_equal(other_bytes, bytes);
            size_t at = rop_difference(c->out_dtype, other, y, bytes);
            if (at != bytes)
                fail_msg("%s on %s with %u threads differs from ref at byte %zu of %zu",
                         nnrt_rop_find(c->id)->name, nnrt_isa_name(isa), threads[t], at, bytes);
            free(other);
        }
    }
    rop_hold_device(c, model, y, bytes);
    nnrt_model_destroy(model);
    nnc_free(image);
    return y;
}

/* A case that reshape must refuse with this status. */
static inline void rop_refuse(const rop_case *c, nnrt_status want)
{
    nnrt_model *model;
    void *image;
    nnrt_session *session;
    nnrt_shape shapes[ROP_INPUTS];
    uint32_t n = 0;
    rop_build(c, &model, &image);
    for (uint32_t i = 0; i < c->in_count; i++) {
        if (!c->in[i].constant)
            shapes[n++] = c->in[i].shape;
    }
    assert_int_equal(nnrt_session_create(&session, model, NULL), NNRT_OK);
    assert_int_equal(nnrt_session_reshape(session, shapes, n), want);
    assert_true(nnrt_error_message()[0] != '\0');
    nnrt_session_destroy(session);
    nnrt_model_destroy(model);
    nnc_free(image);
}

static inline float *rop_floats(nnc_rng *rng, size_t n, float scale)
{
    float *x = malloc((n + 1) * sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < n; i++)
        x[i] = scale * nnc_rng_normal(rng);
    return x;
}

static inline uint8_t *rop_u8(nnc_rng *rng, size_t n)
{
    uint8_t *x = malloc(n + 1);
    assert_non_null(x);
    for (size_t i = 0; i < n; i++)
        x[i] = (uint8_t)nnc_rng_u32(rng);
    return x;
}

/* |got - want| <= abs + rel * |want|, or both NaN. */
static inline void rop_close(const char *what, size_t i, double got, double want, double rel,
                             double abs)
{
    if (isnan(got) && isnan(want))
        return;
    if (got == want)
        return;
    if (!(fabs(got - want) <= abs + rel * fabs(want)))
        fail_msg("%s: element %zu is %.9g, expected %.9g", what, i, got, want);
}

#endif
