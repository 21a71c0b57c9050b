/* Pooling over any number of spatial dims against direct oracles in double.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/rop_case.h"

static nnc_rng rng;

typedef struct pool_case {
    nnrt_shape x;
    nnrt_window_nd w;
    uint32_t global, include_pad, p, column_major;
} pool_case;

static const pool_case cases[] = {
    {{3, {2, 3, 150}},
     {1, {3, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1}, {1}, {0}, 0, 0},
     0,
     1,
     1,
     0},
    {{4, {1, 3, 9, 11}},
     {2, {3, 2, 1, 1, 1, 1}, {2, 1, 1, 1, 1, 1}, {1, 2, 1, 1, 1, 1}, {1, 0}, {1, 1}, 0, 0},
     0,
     0,
     2,
     1},
    {{5, {2, 2, 5, 7, 6}},
     {3, {2, 3, 3, 1, 1, 1}, {1, 2, 3, 1, 1, 1}, {2, 1, 1, 1, 1, 1}, {0, 1, 1}, {1, 1, 2}, 0, 1},
     0,
     1,
     3,
     1},
    {{5, {1, 3, 4, 5, 7}},
     {3, {3, 3, 3, 1, 1, 1}, {2, 2, 2, 1, 1, 1}, {1, 1, 1, 1, 1, 1}, {0}, {0}, 2, 0},
     0,
     0,
     4,
     0},
    {{5, {1, 3, 4, 5, 7}},
     {3, {3, 2, 2, 1, 1, 1}, {3, 2, 2, 1, 1, 1}, {1, 1, 1, 1, 1, 1}, {0}, {0}, 1, 0},
     0,
     1,
     1,
     0},
    {{6, {1, 2, 3, 2, 3, 4}},
     {4,
      {2, 1, 2, 2, 1, 1},
      {1, 1, 1, 2, 1, 1},
      {1, 1, 1, 1, 1, 1},
      {0, 0, 1, 0},
      {0, 0, 0, 0},
      0,
      0},
     0,
     0,
     2,
     1},
    {{8, {1, 2, 2, 1, 3, 1, 2, 3}},
     {6, {2, 1, 2, 1, 1, 2}, {1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1}, {0}, {0}, 0, 0},
     0,
     0,
     2,
     0},
    {{5, {2, 3, 3, 4, 5}},
     {3, {1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1}, {0}, {0}, 0, 0},
     1,
     0,
     3,
     0},
};
#define CASES (sizeof cases / sizeof *cases)

typedef struct axis {
    int64_t in, out, kernel, stride, dilation, begin, end;
} axis;

static void resolve(const pool_case *p, axis a[6])
{
    for (uint32_t i = 0; i < p->w.spatial; i++) {
        int64_t in = p->x.dims[i + 2];
        a[i] = (axis){in,
                      0,
                      p->global ? in : p->w.kernel[i],
                      p->w.stride[i],
                      p->w.dilation[i],
                      p->w.begin[i],
                      p->w.end[i]};
        int64_t span = (a[i].kernel - 1) * a[i].dilation + 1;
        if (p->w.auto_pad) {
            a[i].out = (in + a[i].stride - 1) / a[i].stride;
            int64_t total = (a[i].out - 1) * a[i].stride + span - in;
            total = total < 0 ? 0 : total;
            a[i].begin = p->w.auto_pad == 1 ? total / 2 : total - total / 2;
            a[i].end = total - a[i].begin;
            continue;
        }
        double room = (double)(in + a[i].begin + a[i].end - span) / (double)a[i].stride;
        a[i].out = (int64_t)(p->w.ceil_mode ? ceil(room) : floor(room)) + 1;
        if (p->w.ceil_mode && (a[i].out - 1) * a[i].stride >= in + a[i].begin)
            a[i].out -= 1;
    }
}

typedef struct window_result {
    double sum, norm, most;
    size_t taps, padded;
    int64_t index; /* of the first maximum, in the plane, row-major */
} window_result;

/* All taps of the window of output `o` of a plane, by brute force. */
static window_result window_at(const pool_case *p, const axis *a, const double *plane, size_t o)
{
    window_result r = {.most = -INFINITY, .index = -1};
    int64_t at[6], taps = 1;
    for (uint32_t i = p->w.spatial; i-- > 0; o /= (size_t)a[i].out) {
        at[i] = (int64_t)(o % (size_t)a[i].out);
        taps *= a[i].kernel;
    }
    for (int64_t t = 0; t < taps; t++) {
        int64_t rest = t, tap[6], index = 0;
        bool inside = true, padded = true;
        for (uint32_t i = p->w.spatial; i-- > 0; rest /= a[i].kernel)
            tap[i] = rest % a[i].kernel;
        for (uint32_t i = 0; i < p->w.spatial; i++) {
            int64_t pos = at[i] * a[i].stride - a[i].begin + tap[i] * a[i].dilation;
            inside = inside && pos >= 0 && pos < a[i].in;
            padded = padded && pos < a[i].in + a[i].end;
            index = index * a[i].in + pos;
        }
        r.padded += padded;
        if (!inside)
            continue;
        r.taps++;
        r.sum += plane[index];
        r.norm += pow(fabs(plane[index]), p->p);
        if (r.index < 0 || plane[index] > r.most) {
            r.most = plane[index];
            r.index = index;
        }
    }
    return r;
}

static int64_t flat_index(const pool_case *p, int64_t index)
{
    int64_t flat = 0, step = 1, pos[6];
    for (uint32_t i = p->w.spatial; i-- > 0; index /= p->x.dims[i + 2])
        pos[i] = index % p->x.dims[i + 2];
    for (uint32_t i = 0; i < p->w.spatial; i++) {
        flat += pos[i] * step;
        step *= p->x.dims[i + 2];
    }
    return flat;
}

static double element(const void *x, nnrt_dtype t, size_t i)
{
    return t == NNRT_F32   ? (double)((const float *)x)[i]
           : t == NNRT_F64 ? ((const double *)x)[i]
           : t == NNRT_U8  ? ((const uint8_t *)x)[i]
                           : ((const int8_t *)x)[i];
}

static void check_case(const pool_case *p, uint32_t kind, nnrt_dtype dtype)
{
    size_t n = nnrt_shape_count(&p->x), plane = nnrt_shape_span(&p->x, 2, p->x.rank);
    float *f = rop_floats(&rng, n, 1.0f);
    double *d = malloc(n * sizeof *d), *wide = malloc(n * sizeof *wide);
    uint8_t *bytes = rop_u8(&rng, n);
    axis a[6];
    for (size_t i = 0; i < n; i++)
        wide[i] = (double)f[i];
    const void *x = dtype == NNRT_F32   ? (void *)f
                    : dtype == NNRT_F64 ? (void *)wide
                                        : (void *)bytes;
    for (size_t i = 0; i < n; i++)
        d[i] = element(x, dtype, i);
    const nnrt_pool_nd_params params = {
        p->w, kind, p->global, p->include_pad, p->p, p->column_major, {-INFINITY, INFINITY}};
    rop_case c = {NNRT_ROP_ID_POOL_ND, &params, 1, {{dtype, p->x, x, false}}, dtype, p->x.rank};
    nnrt_shape got;
    void *y = rop_run(&c, &got);
    resolve(p, a);
    size_t outputs = nnrt_shape_count(&got), per = nnrt_shape_span(&got, 2, got.rank);
    for (uint32_t i = 0; i < p->w.spatial; i++)
        assert_int_equal(got.dims[i + 2], a[i].out);
    for (size_t o = 0; o < outputs; o++) {
        window_result r = window_at(p, a, d + o / per * plane, o % per);
        double count = (double)(p->include_pad ? r.padded : r.taps);
        double want = kind == NNRT_POOL_MAX       ? r.most
                      : kind == NNRT_POOL_AVERAGE ? r.sum / (count > 0 ? count : 1)
                                                  : pow(r.norm, 1.0 / p->p);
        double tol = kind == NNRT_POOL_MAX ? 0 : dtype == NNRT_F32 ? 1e-6 : 1e-14;
        rop_close("pool", o, element(y, dtype, o), want, tol, tol * 4);
    }
    free(y);
    free(f);
    free(d);
    free(wide);
    free(bytes);
}

static void test_pools(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        for (uint32_t kind = 0; kind < NNRT_POOL_COUNT; kind++) {
            check_case(&cases[i], kind, NNRT_F32);
            check_case(&cases[i], kind, NNRT_F64);
        }
        check_case(&cases[i], NNRT_POOL_MAX, NNRT_U8);
        check_case(&cases[i], NNRT_POOL_MAX, NNRT_I8);
    }
}

/* Maxima and where they lie; then MaxUnpool puts them back. */
static void check_index(const pool_case *p)
{
    size_t n = nnrt_shape_count(&p->x), plane = nnrt_shape_span(&p->x, 2, p->x.rank);
    float *x = rop_floats(&rng, n, 2.0f);
    double *d = malloc(n * sizeof *d);
    axis a[6];
    for (size_t i = 0; i < n; i++) {
        x[i] = rintf(x[i]); /* ties */
        d[i] = (double)x[i];
    }
    resolve(p, a);
    const nnrt_pool_nd_params params = {
        p->w, NNRT_POOL_MAX, p->global, 0, 1, p->column_major, {-INFINITY, INFINITY}};
    nnrt_builder *b = nnrt_builder_create();
    nnrt_shape any = {.rank = p->x.rank};
    for (uint32_t i = 0; i < any.rank; i++)
        any.dims[i] = NNRT_DIM_UNKNOWN;
    uint32_t in = nnrt_builder_value(b, NNRT_VALUE_INPUT, "x", NNRT_F32, &any, 0, NULL), out[2];
    nnrt_builder_input(b, in);
    out[0] = nnrt_builder_value(b, NNRT_VALUE_OUTPUT, "y", NNRT_F32, &any, 0, NULL);
    out[1] = nnrt_builder_value(b, NNRT_VALUE_OUTPUT, "i", NNRT_I64, &any, 0, NULL);
    nnrt_builder_node(b, NNRT_ROP_ID_POOL_MAX_INDEX, "op", &params, sizeof params, &in, 1, out, 2);
    nnrt_builder_output(b, out[0], "y");
    nnrt_builder_output(b, out[1], "i");
    nnrt_model *model;
    void *image;
    nnrt_session *session;
    nnrt_view view, index;
    rop_load(&model, &image, b);
    assert_int_equal(nnrt_session_create(&session, model, NULL), NNRT_OK);
    assert_int_equal(nnrt_session_reshape(session, &p->x, 1), NNRT_OK);
    assert_int_equal(nnrt_session_input(session, 0, &view), NNRT_OK);
    memcpy(view.data, x, n * sizeof *x);
    assert_int_equal(nnrt_session_run(session), NNRT_OK);
    assert_int_equal(nnrt_session_output(session, 0, &view), NNRT_OK);
    assert_int_equal(nnrt_session_output(session, 1, &index), NNRT_OK);
    size_t outputs = nnrt_shape_count(&view.shape),
           per = nnrt_shape_span(&view.shape, 2, view.shape.rank);
    for (size_t o = 0; o < outputs; o++) {
        window_result r = window_at(p, a, d + o / per * plane, o % per);
        int64_t at = r.index < 0 ? 0 : p->column_major ? flat_index(p, r.index) : r.index;
        assert_true((double)((const float *)view.data)[o] == r.most);
        assert_int_equal(((const int64_t *)index.data)[o], (int64_t)(o / per * plane) + at);
    }
    nnrt_session_destroy(session);
    nnrt_model_destroy(model);
    nnc_free(image);
    free(x);
    free(d);
}

static void test_indices(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++)
        check_index(&cases[i]);
}

static void test_unpool(void **state)
{
    const float x[4] = {5, 6, 7, 8};
    const int64_t index[4] = {5, 7, 13, 99}; /* the last lies outside */
    const int64_t shape[4] = {1, 1, 5, 3};
    const nnrt_max_unpool_params p = {
        {2, {2, 2, 1, 1, 1, 1}, {2, 2, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1}, {0}, {0}, 0, 0}};
    rop_case c = {NNRT_ROP_ID_MAX_UNPOOL,
                  &p,
                  2,
                  {{NNRT_F32, {4, {1, 1, 2, 2}}, x, false},
                   {NNRT_I64, {4, {1, 1, 2, 2}}, index, false},
                   {NNRT_I64, {1, {4}}, shape, true}},
                  NNRT_F32,
                  4};
    (void)state;
    float *y = rop_run(&c, NULL);
    for (size_t i = 0; i < 16; i++)
        assert_true(y[i] == (i == 5 ? 5.0f : i == 7 ? 6.0f : i == 13 ? 7.0f : 0.0f));
    free(y);
    c.in_count = 3; /* index 7 is column 3 of 4, cut off by 3 columns */
    y = rop_run(&c, NULL);
    for (size_t i = 0; i < 15; i++)
        assert_true(y[i] == (i == 4 ? 5.0f : i == 10 ? 7.0f : 0.0f));
    free(y);
}

static void test_refused(void **state)
{
    const float x[8] = {0};
    nnrt_pool_nd_params p = {
        {3, {3, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1}, {0}, {0}, 0, 0},
        NNRT_POOL_MAX,
        0,
        0,
        1,
        0,
        {-INFINITY, INFINITY}};
    rop_case c = {
        NNRT_ROP_ID_POOL_ND, &p, 1, {{NNRT_F32, {5, {1, 1, 2, 2, 2}}, x, false}}, NNRT_F32, 5};
    (void)state;
    rop_refuse(&c, NNRT_ERR_MODEL); /* a window of 3 in 2 */
}

int main(void)
{
    nnc_rng_init(&rng, 21, 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pools),
        cmocka_unit_test(test_indices),
        cmocka_unit_test(test_unpool),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
