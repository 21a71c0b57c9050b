/* Data movement and shape ops against index oracles. SPDX-License-Identifier: Apache-2.0 */
#include "kernels/rop_case.h"

static nnc_rng rng;

static const nnrt_dtype sizes[] = {NNRT_U8, NNRT_F16, NNRT_F32, NNRT_I64};

/* Coordinates of flat index i. */
static void coordinates(int64_t *k, const nnrt_shape *s, size_t i)
{
    for (uint32_t d = s->rank; d-- > 0;) {
        k[d] = (int64_t)(i % (size_t)s->dims[d]);
        i /= (size_t)s->dims[d];
    }
}

static size_t flat(const nnrt_shape *s, const int64_t *k)
{
    size_t at = 0;
    for (uint32_t d = 0; d < s->rank; d++)
        at = at * (size_t)s->dims[d] + (size_t)k[d];
    return at;
}

static void test_transpose(void **state)
{
    (void)state;
    const struct {
        nnrt_shape s;
        uint32_t perm[8];
    } cases[] = {
        {{4, {2, 3, 37, 41}}, {0, 2, 3, 1}},
        {{4, {2, 37, 41, 3}}, {0, 3, 1, 2}},
        {{4, {1, 64, 9, 9}}, {0, 2, 3, 1}},
        {{2, {129, 67}}, {1, 0}},
        {{2, {1, 7}}, {1, 0}},
        {{3, {4, 5, 6}}, {2, 1, 0}},
        {{4, {2, 12, 33, 16}}, {0, 2, 1, 3}},
        {{4, {2, 12, 33, 16}}, {0, 1, 3, 2}},
        {{5, {2, 3, 4, 5, 6}}, {4, 2, 0, 3, 1}},
        {{6, {1, 2, 2, 3, 5, 7}}, {0, 3, 4, 1, 5, 2}},
        {{1, {9}}, {0}},
        {{0, {0}}, {0}},
        {{2, {0, 3}}, {1, 0}},
        {{3, {300, 200, 1}}, {1, 2, 0}},
        {{2, {2000, 300}}, {1, 0}},
    };
    for (size_t k = 0; k < 4 * (sizeof cases / sizeof *cases); k++) {
        const nnrt_shape *s = &cases[k / 4].s;
        nnrt_dtype t = sizes[k % 4];
        size_t size = nnrt_dtype_bytes(t), n = nnrt_shape_count(s);
        uint8_t *x = rop_u8(&rng, n * size);
        nnrt_transpose_params p = {.rank = s->rank};
        memcpy(p.perm, cases[k / 4].perm, sizeof p.perm);
        rop_case c = {NNRT_ROP_ID_TRANSPOSE, &p, 1, {{t, *s, x, false}}, t, s->rank};
        nnrt_shape got;
        uint8_t *y = rop_run(&c, &got);
        for (size_t i = 0; i < n; i++) {
            int64_t ky[8], kx[8];
            coordinates(ky, &got, i);
            for (uint32_t d = 0; d < s->rank; d++)
                kx[p.perm[d]] = ky[d];
            assert_memory_equal(y + i * size, x + flat(s, kx) * size, size);
        }
        free(y);
        free(x);
    }
}

static void test_concat(void **state)
{
    (void)state;
    for (int32_t axis = 0; axis < 3; axis++) {
        nnrt_shape s[3], whole = rop_dims(3, 3, 5, 33, 0);
        uint8_t *x[3];
        whole.dims[axis] = 0;
        for (int k = 0; k < 3; k++) {
            s[k] = rop_dims(3, 3, 5, 33, 0);
            s[k].dims[axis] = k * 4; /* the first one is empty */
            whole.dims[axis] += s[k].dims[axis];
            x[k] = rop_u8(&rng, nnrt_shape_count(&s[k]) * 4);
        }
        nnrt_axis_params p = {axis};
        rop_case c = {NNRT_ROP_ID_CONCAT,
                      &p,
                      3,
                      {{NNRT_F32, s[0], x[0], false},
                       {NNRT_F32, s[1], x[1], true},
                       {NNRT_F32, s[2], x[2], false}},
                      NNRT_F32,
                      3};
        nnrt_shape got;
        uint8_t *y = rop_run(&c, &got);
        assert_true(nnrt_shape_same(&got, &whole));
        for (size_t i = 0; i < nnrt_shape_count(&got); i++) {
            int64_t k[8];
            int piece = 0;
            coordinates(k, &got, i);
            while (k[axis] >= s[piece].dims[axis])
                k[axis] -= s[piece++].dims[axis];
            assert_memory_equal(y + i * 4, x[piece] + flat(&s[piece], k) * 4, 4);
        }
        free(y);
        for (int k = 0; k < 3; k++)
            free(x[k]);
    }
}

static void test_slice(void **state)
{
    (void)state;
    const struct {
        int64_t start[2], end[2], axis[2], step[2];
        int64_t first[2], dims[2], by[2]; /* of dims 0 and 1 */
    } cases[] = {
        {{1, 0}, {3, INT64_MAX}, {0, 1}, {1, 2}, {1, 0}, {2, 4}, {1, 2}},
        {{-1, -1}, {INT64_MIN, -8}, {0, 1}, {-1, -3}, {4, 6}, {5, 3}, {-1, -3}},
        {{-3, 5}, {-1, 2}, {0, -1}, {1, 1}, {2, 0}, {2, 0}, {1, 1}},
        {{100, 3}, {0, 4}, {0, 1}, {-2, 7}, {4, 3}, {2, 1}, {-2, 1}},
        {{2, 0}, {1000, 1}, {1, 0}, {INT64_MAX, 1}, {0, 2}, {1, 1}, {1, 1}},
    };
    nnrt_shape s = rop_dims(3, 5, 7, 11, 0);
    for (size_t k = 0; k < 4 * (sizeof cases / sizeof *cases); k++) {
        size_t v = k / 4, size = nnrt_dtype_bytes(sizes[k % 4]);
        uint8_t *x = rop_u8(&rng, nnrt_shape_count(&s) * size);
        int64_t axis[2] = {cases[v].axis[0], cases[v].axis[1] == -1 ? -2 : cases[v].axis[1]};
        nnrt_shape two = rop_dims(1, 2, 0, 0, 0);
        rop_case c = {NNRT_ROP_ID_SLICE,
                      NULL,
                      5,
                      {{sizes[k % 4], s, x, false},
                       {NNRT_I64, two, cases[v].start, true},
                       {NNRT_I64, two, cases[v].end, true},
                       {NNRT_I64, two, axis, true},
                       {NNRT_I64, two, cases[v].step, true}},
                      sizes[k % 4],
                      3};
        nnrt_shape got;
        uint8_t *y = rop_run(&c, &got);
        assert_int_equal(got.dims[0], cases[v].dims[0]);
        assert_int_equal(got.dims[1], cases[v].dims[1]);
        for (size_t i = 0; i < nnrt_shape_count(&got); i++) {
            int64_t q[8];
            coordinates(q, &got, i);
            for (int d = 0; d < 2; d++)
                q[d] = cases[v].first[d] + q[d] * cases[v].by[d];
            assert_memory_equal(y + i * size, x + flat(&s, q) * size, size);
        }
        free(y);
        free(x);
    }
}

static int64_t pad_source(uint32_t mode, int64_t i, int64_t n)
{
    if (mode == 2)
        return i < 0 ? 0 : (i >= n ? n - 1 : i);
    if (mode == 3)
        return ((i % n) + n) % n;
    while (mode == 1 && n > 1 && (i < 0 || i >= n))
        i = i < 0 ? -i : 2 * (n - 1) - i;
    return n == 1 && mode == 1 ? 0 : i;
}

static void test_pad(void **state)
{
    (void)state;
    nnrt_shape s = rop_dims(4, 2, 5, 7, 3);
    const int64_t pads[][8] = {{0, 1, 1, 0, 0, 1, 1, 0}, {0, 2, 3, 0, 0, 0, 1, 0},
                               {0, 0, 0, 2, 0, 0, 0, 1}, {0, -1, 2, 0, 0, 1, -3, 0},
                               {1, 0, 0, 0, 0, 0, 0, 0}, {0, 9, 12, 0, 0, 11, 14, 0}};
    for (uint32_t k = 0; k < 6 * 4 * 3; k++) {
        const int64_t *pad = pads[k / 12];
        uint32_t mode = k / 3 % 4;
        nnrt_dtype t = k % 3 == 0 ? NNRT_U8 : (k % 3 == 1 ? NNRT_F32 : NNRT_I64);
        size_t size = nnrt_dtype_bytes(t);
        uint8_t *x = rop_u8(&rng, nnrt_shape_count(&s) * size);
        nnrt_pad_params p = {mode, 7.0f};
        uint8_t u8 = 7;
        float f32 = 7.0f;
        int64_t i64 = 7;
        const void *value =
            t == NNRT_U8 ? (void *)&u8 : (t == NNRT_F32 ? (void *)&f32 : (void *)&i64);
        nnrt_shape one = {.rank = 0};
        rop_case c = {NNRT_ROP_ID_PAD,
                      &p,
                      k % 2 ? 3 : 2,
                      {{t, s, x, false},
                       {NNRT_I64, rop_dims(1, 8, 0, 0, 0), pad, true},
                       {t, one, value, false}},
                      t,
                      4};
        if (k % 2)
            p.value = 0;
        nnrt_shape got;
        uint8_t *y = rop_run(&c, &got);
        for (size_t i = 0; i < nnrt_shape_count(&got); i++) {
            int64_t q[8];
            bool outside = false;
            coordinates(q, &got, i);
            for (int d = 0; d < 4; d++) {
                q[d] -= pad[d];
                outside = outside || (mode == 0 && (q[d] < 0 || q[d] >= s.dims[d]));
                q[d] = mode == 0 ? q[d] : pad_source(mode, q[d], s.dims[d]);
            }
            assert_memory_equal(y + i * size,
                                outside ? value : (const void *)(x + flat(&s, q) * size), size);
        }
        free(y);
        free(x);
    }
}

static void test_gather(void **state)
{
    (void)state;
    nnrt_shape s = rop_dims(3, 4, 9, 5, 0);
    float *x = rop_floats(&rng, nnrt_shape_count(&s), 1.0f);
    const int64_t index64[] = {0, -1, 3, 2, -4, 1};
    const int32_t index32[] = {0, -1, 3, 2, -4, 1};
    for (int32_t axis = 0; axis < 3; axis++) {
        for (int form = 0; form < 3; form++) {
            nnrt_axis_params p = {axis};
            nnrt_shape si = rop_dims(2, 2, 3, 0, 0);
            rop_case c = {NNRT_ROP_ID_GATHER,
                          &p,
                          2,
                          {{NNRT_F32, s, x, false},
                           {form ? NNRT_I32 : NNRT_I64, si,
                            form ? (void *)index32 : (void *)index64, form == 2}},
                          NNRT_F32,
                          4};
            nnrt_shape got;
            float *y = rop_run(&c, &got);
            for (size_t i = 0; i < nnrt_shape_count(&got); i++) {
                int64_t k[8], q[3];
                coordinates(k, &got, i);
                for (int d = 0; d < 3; d++)
                    q[d] = d < axis ? k[d] : k[d + 1];
                int64_t index = index64[k[axis] * 3 + k[axis + 1]];
                q[axis] = index < 0 ? index + s.dims[axis] : index;
                assert_true(y[i] == x[flat(&s, q)]);
            }
            free(y);
        }
    }
    const int64_t scalar = 2, outside[] = {99, -99};
    nnrt_axis_params p = {1};
    nnrt_shape none = {.rank = 0};
    rop_case c = {
        NNRT_ROP_ID_GATHER, &p, 2, {{NNRT_F32, s, x, false}, {NNRT_I64, none, &scalar, true}},
        NNRT_F32,           2};
    float *y = rop_run(&c, NULL);
    assert_true(y[5] == x[1 * 45 + 2 * 5]);
    free(y);
    /* Run-time indices outside the dim read its ends; known ones are refused. */
    rop_case wild = {NNRT_ROP_ID_GATHER,
                     &p,
                     2,
                     {{NNRT_F32, s, x, false}, {NNRT_I64, rop_dims(1, 2, 0, 0, 0), outside, false}},
                     NNRT_F32,
                     3};
    y = rop_run(&wild, NULL);
    assert_true(y[0] == x[8 * 5] && y[5] == x[0]);
    free(y);
    wild.in[1].constant = true;
    rop_refuse(&wild, NNRT_ERR_MODEL);
    free(x);
}

static void test_gather_elements(void **state)
{
    (void)state;
    const float x[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    const int64_t index[] = {1, 2, 0, 2, 0, -3};
    const float want0[] = {4, 8, 3, 7, 2, 3};
    nnrt_axis_params p = {0};
    rop_case c = {NNRT_ROP_ID_GATHER_ELEMENTS,
                  &p,
                  2,
                  {{NNRT_F32, rop_dims(2, 3, 3, 0, 0), x, false},
                   {NNRT_I64, rop_dims(2, 2, 3, 0, 0), index, false}},
                  NNRT_F32,
                  2};
    float *y = rop_run(&c, NULL);
    assert_memory_equal(y, want0, sizeof want0);
    free(y);
}

static void test_expand_tile(void **state)
{
    (void)state;
    nnrt_shape s = rop_dims(3, 3, 1, 5, 0);
    const int64_t target[] = {2, 1, 4, 5}, repeats[] = {2, 3, 4};
    for (size_t k = 0; k < 8; k++) {
        nnrt_dtype t = sizes[k / 2];
        size_t size = nnrt_dtype_bytes(t);
        bool tile = k % 2;
        uint8_t *x = rop_u8(&rng, nnrt_shape_count(&s) * size);
        rop_case c = {
            tile ? NNRT_ROP_ID_TILE : NNRT_ROP_ID_EXPAND,
            NULL,
            2,
            {{t, s, x, false},
             {NNRT_I64, rop_dims(1, tile ? 3 : 4, 0, 0, 0), tile ? repeats : target, true}},
            t,
            tile ? 3 : 4};
        nnrt_shape got, want = tile ? rop_dims(3, 6, 3, 20, 0) : rop_dims(4, 2, 3, 4, 5);
        uint8_t *y = rop_run(&c, &got);
        assert_true(nnrt_shape_same(&got, &want));
        for (size_t i = 0; i < nnrt_shape_count(&got); i++) {
            int64_t q[8], r[3];
            coordinates(q, &got, i);
            for (int d = 0; d < 3; d++)
                r[d] = q[tile ? d : d + 1] % s.dims[d];
            assert_memory_equal(y + i * size, x + flat(&s, r) * size, size);
        }
        free(y);
        free(x);
    }
}

static void expect_shape(nnrt_rop_id id, const void *params, const nnrt_shape *x,
                         const int64_t *dims, int64_t count, const nnrt_shape *want)
{
    float *data = rop_floats(&rng, nnrt_shape_count(x), 1.0f);
    rop_case c = {
        id,
        params,
        dims != NULL ? 2 : 1,
        {{NNRT_F32, *x, data, false}, {NNRT_I64, rop_dims(1, count, 0, 0, 0), dims, true}},
        NNRT_F32,
        want->rank};
    nnrt_shape got;
    float *y = rop_run(&c, &got);
    assert_true(nnrt_shape_same(&got, want));
    assert_memory_equal(y, data, nnrt_shape_count(x) * sizeof *y);
    free(y);
    free(data);
}

static void test_shapes(void **state)
{
    (void)state;
    nnrt_shape x = rop_dims(4, 2, 1, 6, 1);
    const int64_t a[] = {0, -1}, b[] = {3, 4}, empty[] = {0, 7}, odd[] = {5, -1};
    nnrt_reshape_params copy = {0}, zero = {1};
    nnrt_shape w1 = rop_dims(2, 2, 6, 0, 0), w2 = rop_dims(2, 3, 4, 0, 0),
               none = rop_dims(1, 0, 0, 0, 0), w3 = rop_dims(2, 0, 7, 0, 0);
    expect_shape(NNRT_ROP_ID_RESHAPE, &copy, &x, a, 2, &w1);
    expect_shape(NNRT_ROP_ID_RESHAPE, &copy, &x, b, 2, &w2);
    expect_shape(NNRT_ROP_ID_RESHAPE, &zero, &none, empty, 2, &w3);
    /* An empty batch: what is not copied tells the missing dim. */
    nnrt_shape no_batch = rop_dims(4, 0, 1, 1, 6), w4 = rop_dims(4, 0, 6, 1, 1);
    const int64_t channels_first[] = {0, -1, 1, 1};
    expect_shape(NNRT_ROP_ID_RESHAPE, &copy, &no_batch, channels_first, 4, &w4);
    nnrt_axis_params ax = {2};
    expect_shape(NNRT_ROP_ID_FLATTEN, &ax, &x, NULL, 0, &w1);
    nnrt_axes_params all = {0}, last = {8}, front = {1};
    nnrt_shape s1 = rop_dims(2, 2, 6, 0, 0), s2 = rop_dims(3, 2, 1, 6, 0);
    expect_shape(NNRT_ROP_ID_SQUEEZE, &all, &x, NULL, 0, &s1);
    expect_shape(NNRT_ROP_ID_SQUEEZE, &last, &x, NULL, 0, &s2);
    nnrt_shape u = {5, {1, 2, 1, 6, 1}};
    expect_shape(NNRT_ROP_ID_UNSQUEEZE, &front, &x, NULL, 0, &u);
    float data[12] = {0};
    rop_case bad = {NNRT_ROP_ID_RESHAPE,
                    &copy,
                    2,
                    {{NNRT_F32, x, data, false}, {NNRT_I64, rop_dims(1, 2, 0, 0, 0), odd, true}},
                    NNRT_F32,
                    2};
    rop_refuse(&bad, NNRT_ERR_MODEL);
    nnrt_axes_params two = {1};
    rop_case bad2 = {NNRT_ROP_ID_SQUEEZE, &two, 1, {{NNRT_F32, x, data, false}}, NNRT_F32, 3};
    rop_refuse(&bad2, NNRT_ERR_MODEL);
}

static void test_generators(void **state)
{
    (void)state;
    float data[24] = {0};
    nnrt_shape_params sp = {1, 3};
    rop_case shape = {NNRT_ROP_ID_SHAPE, &sp, 1, {{NNRT_F32, rop_dims(3, 2, 3, 4, 0), data, false}},
                      NNRT_I64,          1};
    int64_t *y = rop_run(&shape, NULL);
    assert_true(y[0] == 3 && y[1] == 4);
    free(y);
    const int64_t dims[] = {70, 80};
    nnrt_fill_params fp = {NNRT_F32, 0, 0x40490fdb};
    rop_case fill = {NNRT_ROP_ID_FILL, &fp, 1, {{NNRT_I64, rop_dims(1, 2, 0, 0, 0), dims, true}},
                     NNRT_F32,         2};
    float *f = rop_run(&fill, NULL);
    for (int i = 0; i < 5600; i++)
        assert_true(f[i] == 3.14159274f);
    free(f);
    nnrt_shape none = {.rank = 0};
    const int64_t range[] = {10, 1, -4};
    rop_case r = {NNRT_ROP_ID_RANGE,
                  NULL,
                  3,
                  {{NNRT_I64, none, &range[0], true},
                   {NNRT_I64, none, &range[1], true},
                   {NNRT_I64, none, &range[2], true}},
                  NNRT_I64,
                  1};
    nnrt_shape got;
    y = rop_run(&r, &got);
    assert_int_equal(got.dims[0], 3);
    assert_true(y[0] == 10 && y[1] == 6 && y[2] == 2);
    free(y);
    r.in[1].constant = false; /* known once the run has come to it */
    y = rop_run(&r, &got);
    assert_int_equal(got.dims[0], 3);
    assert_true(y[2] == 2);
    free(y);
}

int main(void)
{
    nnc_rng_init(&rng, 7, 8);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transpose),   cmocka_unit_test(test_concat),
        cmocka_unit_test(test_slice),       cmocka_unit_test(test_pad),
        cmocka_unit_test(test_gather),      cmocka_unit_test(test_gather_elements),
        cmocka_unit_test(test_expand_tile), cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_generators),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
