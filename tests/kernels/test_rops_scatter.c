/* Gathers and scatters by index tensors against index oracles. SPDX-License-Identifier: Apache-2.0
 */
#include "kernels/rop_case.h"

static nnc_rng rng;

static int64_t *indices(size_t n, int64_t dim)
{
    int64_t *k = malloc((n + 1) * sizeof *k);
    assert_non_null(k);
    for (size_t i = 0; i < n; i++)
        k[i] = (int64_t)(nnc_rng_u32(&rng) % (uint32_t)(2 * dim)) - dim;
    return k;
}

static size_t wrapped(int64_t k, int64_t dim)
{
    return (size_t)(k < 0 ? k + dim : k);
}

static void coordinates(size_t *k, const nnrt_shape *s, size_t i)
{
    for (uint32_t d = s->rank; d-- > 0;) {
        k[d] = i % (size_t)s->dims[d];
        i /= (size_t)s->dims[d];
    }
}

static size_t flat(const nnrt_shape *s, const size_t *k)
{
    size_t at = 0;
    for (uint32_t d = 0; d < s->rank; d++)
        at = at * (size_t)s->dims[d] + k[d];
    return at;
}

static double join(uint32_t op, double y, double u)
{
    switch (op) {
    case NNRT_SCATTER_ADD:
        return y + u;
    case NNRT_SCATTER_MUL:
        return y * u;
    case NNRT_SCATTER_MIN:
        return fmin(y, u);
    case NNRT_SCATTER_MAX:
        return fmax(y, u);
    default:
        return u;
    }
}

static const struct {
    nnrt_shape x, k;
} element_cases[] = {
    {{3, {4, 5, 6}}, {3, {4, 9, 6}}},
    {{3, {4, 5, 700}}, {3, {3, 2, 650}}},
    {{1, {50}}, {1, {3000}}},
    {{2, {7, 3}}, {2, {0, 3}}},
    {{4, {2, 3, 4, 5}}, {4, {2, 3, 2, 5}}},
    {{2, {600, 900}}, {2, {600, 900}}},
};
#define ELEMENT_CASES (sizeof element_cases / sizeof *element_cases)

/* Indices may be longer than x along the axis only. */
static bool fits(const nnrt_shape *x, const nnrt_shape *k, uint32_t axis)
{
    for (uint32_t d = 0; d < x->rank; d++) {
        if (d != axis && k->dims[d] > x->dims[d])
            return false;
    }
    return true;
}

static void test_gather_elements(void **state)
{
    (void)state;
    const nnrt_dtype types[] = {NNRT_U8, NNRT_F16, NNRT_F32, NNRT_F64};
    for (size_t c = 0; c < 4 * ELEMENT_CASES; c++) {
        const nnrt_shape *x = &element_cases[c / 4].x, *k = &element_cases[c / 4].k;
        size_t size = nnrt_dtype_bytes(types[c % 4]), n = nnrt_shape_count(k);
        for (uint32_t axis = 0; axis < x->rank; axis++) {
            if (!fits(x, k, axis))
                continue;
            uint8_t *data = rop_u8(&rng, nnrt_shape_count(x) * size);
            int64_t *index = indices(n, x->dims[axis]);
            nnrt_axis_params p = {(int32_t)axis};
            rop_case rc = {NNRT_ROP_ID_GATHER_ELEMENTS,
                           &p,
                           2,
                           {{types[c % 4], *x, data, false}, {NNRT_I64, *k, index, c % 3 == 0}},
                           types[c % 4],
                           x->rank};
            uint8_t *y = rop_run(&rc, NULL);
            for (size_t i = 0; i < n; i++) {
                size_t at[8];
                coordinates(at, k, i);
                at[axis] = wrapped(index[i], x->dims[axis]);
                assert_memory_equal(y + i * size, data + flat(x, at) * size, size);
            }
            free(y);
            free(index);
            free(data);
        }
    }
}

static void check_scatter_elements(const nnrt_shape *x, const nnrt_shape *k, uint32_t axis,
                                   uint32_t op, bool integers)
{
    size_t nx = nnrt_shape_count(x), n = nnrt_shape_count(k);
    float *data = rop_floats(&rng, nx, 1.0f), *updates = rop_floats(&rng, n, 1.0f);
    int32_t *data_i = malloc((nx + 1) * 4), *updates_i = malloc((n + 1) * 4);
    double *want = malloc((nx + 1) * sizeof *want);
    int64_t *index = indices(n, x->dims[axis]);
    for (size_t i = 0; i < nx; i++) {
        data_i[i] = (int32_t)(data[i] * 3.0f);
        want[i] = integers ? (double)data_i[i] : (double)data[i];
    }
    for (size_t i = 0; i < n; i++) {
        size_t at[8];
        updates_i[i] = (int32_t)(updates[i] * 3.0f);
        coordinates(at, k, i);
        at[axis] = wrapped(index[i], x->dims[axis]);
        double *w = &want[flat(x, at)];
        *w = join(op, *w, integers ? (double)updates_i[i] : (double)updates[i]);
        *w = integers ? (double)(int32_t)(uint32_t)(int64_t)*w : (double)(float)*w;
    }
    nnrt_scatter_elements_params p = {(int32_t)axis, op};
    nnrt_dtype t = integers ? NNRT_I32 : NNRT_F32;
    rop_case c = {NNRT_ROP_ID_SCATTER_ELEMENTS,
                  &p,
                  3,
                  {{t, *x, integers ? (void *)data_i : (void *)data, false},
                   {NNRT_I64, *k, index, false},
                   {t, *k, integers ? (void *)updates_i : (void *)updates, false}},
                  t,
                  x->rank};
    void *y = rop_run(&c, NULL);
    for (size_t i = 0; i < nx; i++)
        assert_true(want[i] == (integers ? (double)((int32_t *)y)[i] : (double)((float *)y)[i]));
    free(y);
    free(index);
    free(want);
    free(updates_i);
    free(data_i);
    free(updates);
    free(data);
}

static void test_scatter_elements(void **state)
{
    (void)state;
    for (size_t c = 0; c + 1 < ELEMENT_CASES; c++) {
        for (uint32_t axis = 0; axis < element_cases[c].x.rank; axis++) {
            if (!fits(&element_cases[c].x, &element_cases[c].k, axis))
                continue;
            for (uint32_t op = 0; op < NNRT_SCATTER_COUNT; op++) {
                /* Many products would leave the range of int32. */
                bool integers = op % 2 == 0 && !(op == NNRT_SCATTER_MUL);
                check_scatter_elements(&element_cases[c].x, &element_cases[c].k, axis, op,
                                       integers);
            }
        }
    }
}

/* The rules of each type, on one element with two updates. */
static void test_scatter_types(void **state)
{
    (void)state;
    const struct {
        nnrt_dtype t;
        uint32_t op;
        uint64_t x, a, b, want;
    } cases[] = {
        {NNRT_I8, NNRT_SCATTER_ADD, 0x7f, 1, 1, 0x81},
        {NNRT_U8, NNRT_SCATTER_MUL, 200, 2, 3, 1200 & 0xff},
        {NNRT_I16, NNRT_SCATTER_MIN, 5, 0xfffe, 3, 0xfffe},
        {NNRT_U16, NNRT_SCATTER_MAX, 5, 0xfffe, 3, 0xfffe},
        {NNRT_U32, NNRT_SCATTER_ADD, 0xffffffff, 2, 3, 4},
        {NNRT_I64, NNRT_SCATTER_MUL, UINT64_MAX, 3, 5, (uint64_t)-15},
        {NNRT_U64, NNRT_SCATTER_MAX, 1, UINT64_MAX, 2, UINT64_MAX},
        {NNRT_BOOL, NNRT_SCATTER_ADD, 0, 1, 0, 1},
        {NNRT_BOOL, NNRT_SCATTER_MUL, 1, 1, 0, 0},
        {NNRT_F16, NNRT_SCATTER_ADD, 0x3c00, 0x3c00, 0x4000, 0x4400},  /* 1 + 1 + 2 */
        {NNRT_BF16, NNRT_SCATTER_MUL, 0x4000, 0x4040, 0x3f80, 0x40c0}, /* 2 * 3 * 1 */
        {NNRT_F64, NNRT_SCATTER_MIN, 0x3ff0000000000000, 0xbff0000000000000, 0, 0xbff0000000000000},
        {NNRT_F32, NNRT_SCATTER_MAX, 0x3f800000, 0x7fc00000, 0x40000000,
         0x7fc00000}, /* NaN stays */
        {NNRT_U4, NNRT_SCATTER_NONE, 1, 2, 3, 3},
    };
    const nnrt_shape one = {1, {1}}, two = {1, {2}};
    const int32_t zeros[2] = {0, -1};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t size = nnrt_dtype_bytes(cases[i].t);
        uint8_t updates[16];
        memcpy(updates, &cases[i].a, size);
        memcpy(updates + size, &cases[i].b, size);
        nnrt_scatter_elements_params p = {0, cases[i].op};
        rop_case c = {NNRT_ROP_ID_SCATTER_ELEMENTS,
                      &p,
                      3,
                      {{cases[i].t, one, &cases[i].x, false},
                       {NNRT_I32, two, zeros, false},
                       {cases[i].t, two, updates, false}},
                      cases[i].t,
                      1};
        void *y = rop_run(&c, NULL);
        assert_memory_equal(y, &cases[i].want, size);
        free(y);
    }
}

static void test_gather_nd(void **state)
{
    (void)state;
    const struct {
        nnrt_shape x, k;
        uint32_t batch;
    } cases[] = {
        {{3, {4, 5, 6}}, {2, {70, 2}}, 0},
        {{3, {4, 5, 6}}, {3, {4, 9, 1}}, 1},
        {{4, {2, 3, 5, 7}}, {3, {2, 3, 2}}, 2},
        {{2, {4, 5}}, {2, {3, 0}}, 0},
        {{1, {9}}, {1, {1}}, 0},
        {{3, {40, 50, 60}}, {2, {5000, 3}}, 0},
        {{3, {4, 5, 6}}, {2, {0, 2}}, 0},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        const nnrt_shape *x = &cases[c].x, *k = &cases[c].k;
        uint32_t b = cases[c].batch, q = (uint32_t)k->dims[k->rank - 1];
        size_t tuples = nnrt_shape_span(k, 0, k->rank - 1);
        size_t piece = nnrt_shape_span(x, b + q, x->rank) * 4;
        int64_t *index = indices(tuples * q, 4);
        uint8_t *data = rop_u8(&rng, nnrt_shape_count(x) * 4);
        nnrt_gather_nd_params p = {b};
        rop_case rc = {NNRT_ROP_ID_GATHER_ND,
                       &p,
                       2,
                       {{NNRT_F32, *x, data, false}, {NNRT_I64, *k, index, c == 1}},
                       NNRT_F32,
                       k->rank - 1 + x->rank - b - q};
        uint8_t *y = rop_run(&rc, NULL);
        for (size_t i = 0; i < tuples; i++) {
            size_t at = b == 0 ? 0 : i / (tuples / nnrt_shape_span(k, 0, b));
            for (uint32_t d = 0; d < q; d++) {
                int64_t dim = x->dims[b + d];
                at = at * (size_t)dim + wrapped(index[i * q + d], dim);
            }
            assert_memory_equal(y + i * piece, data + at * piece, piece);
        }
        free(y);
        free(data);
        free(index);
    }
}

static void test_scatter_nd(void **state)
{
    (void)state;
    const struct {
        nnrt_shape x, k;
    } cases[] = {
        {{3, {4, 5, 6}}, {2, {30, 2}}},  {{3, {4, 5, 600}}, {3, {7, 9, 1}}},
        {{2, {40, 50}}, {2, {4000, 2}}}, {{2, {4, 5}}, {2, {3, 0}}},
        {{1, {9}}, {2, {0, 1}}},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases * NNRT_SCATTER_COUNT; c++) {
        const nnrt_shape *x = &cases[c / NNRT_SCATTER_COUNT].x,
                         *k = &cases[c / NNRT_SCATTER_COUNT].k;
        uint32_t op = (uint32_t)(c % NNRT_SCATTER_COUNT), q = (uint32_t)k->dims[k->rank - 1];
        size_t tuples = nnrt_shape_span(k, 0, k->rank - 1), nx = nnrt_shape_count(x);
        size_t slice = nnrt_shape_span(x, q, x->rank);
        nnrt_shape u = {.rank = k->rank - 1 + x->rank - q};
        for (uint32_t d = 0; d < u.rank; d++)
            u.dims[d] = d + 1 < k->rank ? k->dims[d] : x->dims[d - (k->rank - 1) + q];
        int64_t *index = indices(tuples * q, 4);
        float *data = rop_floats(&rng, nx, 1.0f), *updates = rop_floats(&rng, tuples * slice, 1.0f);
        float *want = malloc((nx + 1) * sizeof *want);
        memcpy(want, data, nx * sizeof *want);
        for (size_t i = 0; i < tuples; i++) {
            size_t at = 0;
            for (uint32_t d = 0; d < q; d++)
                at = at * (size_t)x->dims[d] + wrapped(index[i * q + d], x->dims[d]);
            for (size_t e = 0; e < slice; e++)
                want[at * slice + e] =
                    (float)join(op, (double)want[at * slice + e], (double)updates[i * slice + e]);
        }
        nnrt_scatter_nd_params p = {op};
        rop_case rc = {NNRT_ROP_ID_SCATTER_ND,
                       &p,
                       3,
                       {{NNRT_F32, *x, data, false},
                        {NNRT_I64, *k, index, false},
                        {NNRT_F32, u, updates, false}},
                       NNRT_F32,
                       x->rank};
        float *y = rop_run(&rc, NULL);
        assert_memory_equal(y, want, nx * sizeof *y);
        free(y);
        free(want);
        free(updates);
        free(data);
        free(index);
    }
}

static void test_tensor_scatter(void **state)
{
    (void)state;
    const nnrt_shape x = {3, {2, 5, 2}}, u = {3, {2, 3, 2}}, two = {1, {2}};
    const int64_t starts[2] = {1, 4};
    uint8_t cache[20], update[12];
    for (unsigned i = 0; i < 20; i++)
        cache[i] = (uint8_t)i;
    for (unsigned i = 0; i < 12; i++)
        update[i] = (uint8_t)(100 + i);
    for (uint32_t circular = 0; circular < 2; circular++) {
        nnrt_tensor_scatter_params p = {1, circular};
        rop_case c = {NNRT_ROP_ID_TENSOR_SCATTER,
                      &p,
                      3,
                      {{NNRT_U8, x, cache, false},
                       {NNRT_U8, u, update, false},
                       {NNRT_I64, two, starts, false}},
                      NNRT_U8,
                      3};
        uint8_t *y = rop_run(&c, NULL);
        for (size_t b = 0; b < 2; b++) {
            uint8_t want[10];
            memcpy(want, cache + b * 10, 10);
            for (size_t j = 0; j < 3; j++) {
                /* A start of 4 leaves no room for 3 rows: it is moved to 2, or wraps. */
                size_t row = b == 0 ? 1 + j : circular ? (4 + j) % 5 : 2 + j;
                memcpy(want + row * 2, update + (b * 3 + j) * 2, 2);
            }
            assert_memory_equal(y + b * 10, want, 10);
        }
        free(y);
    }
}

/* Indices outside are refused where they are known, and touch nothing outside where they are not.
 */
static void test_hostile(void **state)
{
    (void)state;
    const nnrt_shape x = {2, {3, 4}}, k = {2, {2, 4}}, pairs = {2, {2, 2}}, two = {1, {2}};
    const float data[12] = {0}, updates[8] = {1, 1, 1, 1, 1, 1, 1, 1};
    const int64_t wild[8] = {3, -4, INT64_MAX, INT64_MIN, 0, 1, 2, 100};
    nnrt_axis_params axis = {0};
    nnrt_scatter_elements_params el = {0, NNRT_SCATTER_ADD};
    nnrt_scatter_nd_params nd = {NNRT_SCATTER_ADD};
    nnrt_gather_nd_params gather = {0};
    rop_case c = {NNRT_ROP_ID_GATHER_ELEMENTS,
                  &axis,
                  2,
                  {{NNRT_F32, x, data, false}, {NNRT_I64, k, wild, true}},
                  NNRT_F32,
                  2};
    rop_refuse(&c, NNRT_ERR_MODEL);
    c.in[1].constant = false;
    free(rop_run(&c, NULL));
    rop_case s = {
        NNRT_ROP_ID_SCATTER_ELEMENTS,
        &el,
        3,
        {{NNRT_F32, x, data, false}, {NNRT_I64, k, wild, true}, {NNRT_F32, k, updates, false}},
        NNRT_F32,
        2};
    rop_refuse(&s, NNRT_ERR_MODEL);
    s.in[1].constant = false;
    free(rop_run(&s, NULL));
    rop_case g = {NNRT_ROP_ID_GATHER_ND,
                  &gather,
                  2,
                  {{NNRT_F32, x, data, false}, {NNRT_I64, pairs, wild, true}},
                  NNRT_F32,
                  1};
    rop_refuse(&g, NNRT_ERR_MODEL);
    g.in[1].constant = false;
    free(rop_run(&g, NULL));
    rop_case n = {NNRT_ROP_ID_SCATTER_ND,
                  &nd,
                  3,
                  {{NNRT_F32, x, data, false},
                   {NNRT_I64, pairs, wild, true},
                   {NNRT_F32, two, updates, false}},
                  NNRT_F32,
                  2};
    rop_refuse(&n, NNRT_ERR_MODEL);
    n.in[1].constant = false;
    free(rop_run(&n, NULL));
    n.in[2].shape = k;
    rop_refuse(&n, NNRT_ERR_MODEL);
    nd.op = NNRT_SCATTER_COUNT;
    rop_refuse_plan(&n, "reduction 5");
    el.op = UINT32_MAX;
    rop_refuse_plan(&s, "reduction 4294967295");
    el = (nnrt_scatter_elements_params){2, 0};
    rop_refuse_plan(&s, "axis 2 outside rank 2");
    axis.axis = -1;
    rop_refuse_plan(&c, "axis -1 outside rank 2");
    gather.batch_dims = 2;
    rop_refuse_plan(&g, "batch_dims 2");
    s.in[2].dtype = NNRT_I32;
    el.axis = 0;
    rop_refuse_plan(&s, "input 2 is int32");
}

int main(void)
{
    nnc_rng_init(&rng, 21, 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gather_elements), cmocka_unit_test(test_scatter_elements),
        cmocka_unit_test(test_scatter_types),   cmocka_unit_test(test_gather_nd),
        cmocka_unit_test(test_scatter_nd),      cmocka_unit_test(test_tensor_scatter),
        cmocka_unit_test(test_hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
