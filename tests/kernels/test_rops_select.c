/* topk, unique, compress, nms against sorting and counting oracles. SPDX-License-Identifier:
 * Apache-2.0 */
#include "kernels/rop_case.h"

static nnc_rng rng;

/* a comes before b: by number, a NaN above all others, then by index. */
static bool before(double a, size_t ia, double b, size_t ib, bool smallest)
{
    bool na = isnan(a), nb = isnan(b);
    double d = na || nb ? (double)na - (double)nb : (a > b) - (a < b);
    if (d != 0.0)
        return smallest ? d < 0.0 : d > 0.0;
    return ia < ib;
}

static double number(nnrt_dtype t, const void *x, size_t i)
{
    return t == NNRT_F32   ? (double)((const float *)x)[i]
           : t == NNRT_U8  ? (double)((const uint8_t *)x)[i]
           : t == NNRT_I16 ? (double)((const int16_t *)x)[i]
                           : (double)((const int64_t *)x)[i];
}

static void check_topk(const nnrt_shape *s, int32_t axis, int64_t k, bool smallest, nnrt_dtype t)
{
    size_t n = nnrt_shape_count(s), size = nnrt_dtype_bytes(t), dim = (size_t)s->dims[axis];
    size_t inner = nnrt_shape_span(s, (uint32_t)axis + 1, s->rank);
    uint8_t *x = rop_u8(&rng, n * size);
    for (size_t i = 0; t == NNRT_F32 && i < n; i++) {
        /* Ties, both zeros, a few NaN. */
        float v = (float)(int)(nnc_rng_u32(&rng) % 2001) - 1000.0f;
        v = i % 97 == 5 ? NAN : i % 11 == 0 ? -0.0f : v / 64.0f;
        memcpy(x + i * 4, &v, 4);
    }
    nnrt_topk_params p = {axis, smallest};
    const nnrt_shape one = {1, {1}};
    rop_more = (rop_outputs){0, {0, s->rank}, {NNRT_F32, NNRT_I64}};
    rop_case c = {NNRT_ROP_ID_TOPK, &p, 2, {{t, *s, x, false}, {NNRT_I64, one, &k, true}}, t,
                  s->rank};
    uint8_t *y = rop_run(&c, NULL);
    rop_more = (rop_outputs){1, {s->rank}, {t}};
    c.out_dtype = NNRT_I64;
    int64_t *index = rop_run(&c, NULL);
    rop_more = (rop_outputs){0};
    for (size_t line = 0; line < n / dim; line++) {
        size_t base = line / inner * dim * inner + line % inner;
        bool *taken = calloc(dim, 1);
        for (size_t j = 0; j < (size_t)k; j++) {
            size_t at = (line / inner * (size_t)k + j) * inner + line % inner;
            size_t i = (size_t)index[at];
            assert_true(i < dim && !taken[i]);
            taken[i] = true;
            assert_memory_equal(y + at * size, x + (base + i * inner) * size, size);
            if (j > 0) {
                size_t last = (size_t)index[at - inner];
                assert_true(before(number(t, x, base + last * inner), last,
                                   number(t, x, base + i * inner), i, smallest));
            }
        }
        /* Nothing that was left out comes before the last one taken. */
        size_t last =
            k > 0 ? (size_t)index[(line / inner * (size_t)k + (size_t)k - 1) * inner + line % inner]
                  : 0;
        for (size_t i = 0; i < dim && k > 0; i++)
            assert_true(taken[i] || before(number(t, x, base + last * inner), last,
                                           number(t, x, base + i * inner), i, smallest));
        free(taken);
    }
    free(index);
    free(y);
    free(x);
}

static void test_topk(void **state)
{
    (void)state;
    const struct {
        nnrt_shape s;
        int32_t axis;
        int64_t k;
    } cases[] = {
        {{1, {10000}}, 0, 37},   {{1, {5000}}, 0, 5000},     {{2, {40, 7}}, 1, 3},
        {{2, {300, 5}}, 0, 130}, {{3, {3, 129, 4}}, 1, 128}, {{2, {9, 4}}, 1, 0},
        {{1, {1}}, 0, 1},        {{2, {2, 700}}, 1, 600},
    };
    const nnrt_dtype types[] = {NNRT_F32, NNRT_U8, NNRT_I16, NNRT_I64};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (unsigned t = 0; t < 2; t++)
            check_topk(&cases[i].s, cases[i].axis, cases[i].k, t == 1, types[(i + t) % 4]);
        check_topk(&cases[i].s, cases[i].axis, cases[i].k, i % 2, NNRT_F32);
    }
}

/* The remaining types by their extremes: the greatest of five. */
static void test_topk_types(void **state)
{
    (void)state;
    const struct {
        nnrt_dtype t;
        uint64_t x[4];
        int64_t best, worst;
    } cases[] = {
        {NNRT_I8, {0x80, 0x7f, 0, 0xff}, 1, 0},
        {NNRT_U16, {0x8000, 0x7fff, 0, 0xffff}, 3, 2},
        {NNRT_I32, {0x80000000, 0x7fffffff, 0, 0xffffffff}, 1, 0},
        {NNRT_U32, {0x80000000, 0x7fffffff, 0, 0xffffffff}, 3, 2},
        {NNRT_U64, {1ull << 63, 5, 0, UINT64_MAX}, 3, 2},
        {NNRT_F64, {0x7ff0000000000000, 0xfff0000000000000, 0, 0x3ff0000000000000}, 0, 1},
        {NNRT_F16, {0x7bff, 0xfbff, 0x0001, 0x8001}, 0, 1},
        {NNRT_BF16, {0x3f80, 0xff80, 0, 0x7f80}, 3, 1},
        {NNRT_BOOL, {0, 1, 0, 1}, 1, 0},
    };
    const nnrt_shape four = {1, {4}}, one = {1, {1}};
    const int64_t k = 1;
    for (size_t i = 0; i < 2 * (sizeof cases / sizeof *cases); i++) {
        nnrt_topk_params p = {0, i % 2};
        size_t size = nnrt_dtype_bytes(cases[i / 2].t);
        uint8_t x[32];
        for (size_t e = 0; e < 4; e++)
            memcpy(x + e * size, &cases[i / 2].x[e], size);
        rop_more = (rop_outputs){1, {1}, {cases[i / 2].t}};
        rop_case c = {
            NNRT_ROP_ID_TOPK, &p, 2, {{cases[i / 2].t, four, x, false}, {NNRT_I64, one, &k, false}},
            NNRT_I64,         1};
        int64_t *index = rop_run(&c, NULL);
        rop_more = (rop_outputs){0};
        assert_int_equal(index[0], i % 2 ? cases[i / 2].worst : cases[i / 2].best);
        free(index);
    }
}

static int64_t *unique_output(rop_case *c, uint32_t i, uint32_t value_rank, nnrt_dtype t,
                              nnrt_shape *shape)
{
    rop_more = (rop_outputs){i, {value_rank, 1, 1, 1}, {t, NNRT_I64, NNRT_I64, NNRT_I64}};
    c->out_dtype = i == 0 ? t : NNRT_I64;
    c->out_rank = i == 0 ? value_rank : 1;
    int64_t *y = rop_run(c, shape);
    rop_more = (rop_outputs){0};
    return y;
}

/* Every slice equals the group it is sent to, groups differ, and come in the order asked for. */
static void check_unique(const nnrt_shape *s, int32_t axis, bool flat, bool sorted)
{
    size_t n = nnrt_shape_count(s), rows = flat ? n : (size_t)s->dims[axis];
    size_t inner = flat ? 1 : nnrt_shape_span(s, (uint32_t)axis + 1, s->rank);
    size_t cells = rows == 0 ? 0 : n / rows;
    int16_t *x = malloc((n + 1) * sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = (int16_t)((int)(nnc_rng_u32(&rng) % 3) - 1);
    nnrt_unique_params p = {axis, flat, sorted};
    rop_case c = {NNRT_ROP_ID_UNIQUE, &p, 1, {{NNRT_I16, *s, x, false}}, NNRT_I16, 1};
    nnrt_shape shape, list;
    int16_t *y = (int16_t *)unique_output(&c, 0, flat ? 1 : s->rank, NNRT_I16, &shape);
    int64_t *first = unique_output(&c, 1, flat ? 1 : s->rank, NNRT_I16, &list);
    int64_t *inverse = unique_output(&c, 2, flat ? 1 : s->rank, NNRT_I16, NULL);
    int64_t *count = unique_output(&c, 3, flat ? 1 : s->rank, NNRT_I16, NULL);
    size_t groups = (size_t)list.dims[0];
    assert_int_equal(shape.dims[flat ? 0 : axis], groups);
    int64_t total = 0;
    for (size_t g = 0; g < groups; g++)
        total += count[g];
    assert_int_equal(total, rows);
#define CELL(data, length, row, cell)                                                              \
    data[((cell) / inner * (length) + (row)) * inner + (cell) % inner]
    for (size_t r = 0; r < rows; r++) {
        size_t g = (size_t)inverse[r];
        assert_true(g < groups && (size_t)first[g] <= r && inverse[first[g]] == (int64_t)g);
        for (size_t e = 0; e < cells; e++)
            assert_int_equal(CELL(x, rows, r, e), CELL(y, groups, g, e));
    }
    for (size_t g = 1; g < groups; g++) {
        size_t e = 0;
        while (e < cells && CELL(y, groups, g, e) == CELL(y, groups, g - 1, e))
            e++;
        if (sorted)
            assert_true(e < cells && CELL(y, groups, g, e) > CELL(y, groups, g - 1, e));
        else
            assert_true(first[g] > first[g - 1]);
    }
    free(count);
    free(inverse);
    free(first);
    free(y);
    free(x);
}

static void test_unique(void **state)
{
    (void)state;
    const nnrt_shape shapes[] = {{1, {5000}}, {2, {40, 2}}, {3, {3, 50, 2}}, {1, {0}}, {2, {0, 3}}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        int32_t last = (int32_t)shapes[i].rank - 1;
        check_unique(&shapes[i], 0, true, i % 2);
        check_unique(&shapes[i], last / 2, false, true);
        check_unique(&shapes[i], last, false, false);
    }
}

static void test_compress(void **state)
{
    (void)state;
    const nnrt_shape s = {3, {3, 7, 5}};
    uint8_t *x = rop_u8(&rng, 105 * 4), condition[105];
    for (unsigned i = 0; i < 105; i++)
        condition[i] = (uint8_t)(nnc_rng_u32(&rng) % 2);
    for (unsigned i = 0; i < 8; i++) {
        bool flat = i / 2 == 3;
        int32_t axis = flat ? 0 : (int32_t)(i / 2);
        size_t dim = flat ? 105 : (size_t)s.dims[axis],
               inner = flat ? 1 : nnrt_shape_span(&s, (uint32_t)axis + 1, 3);
        size_t given = i % 2 ? dim : dim - 2; /* a shorter condition leaves the rest out */
        nnrt_shape list = {1, {(int64_t)given}}, got;
        nnrt_compress_params p = {axis, flat};
        rop_case c = {NNRT_ROP_ID_COMPRESS,
                      &p,
                      2,
                      {{NNRT_F32, s, x, false}, {NNRT_BOOL, list, condition, i % 2 == 0}},
                      NNRT_F32,
                      flat ? 1 : 3};
        uint8_t *y = rop_run(&c, &got), *at = y;
        for (size_t o = 0; o < 105 / dim / inner; o++) {
            for (size_t k = 0; k < given; k++) {
                if (!condition[k])
                    continue;
                assert_memory_equal(at, x + (o * dim + k) * inner * 4, inner * 4);
                at += inner * 4;
            }
        }
        assert_int_equal(at - y, nnrt_shape_count(&got) * 4);
        free(y);
        list.dims[0] = (int64_t)dim + 1;
        c.in[1] = (rop_input){NNRT_BOOL, list, (uint8_t[106]){0}, true};
        rop_refuse(&c, NNRT_ERR_MODEL);
    }
    free(x);
}

static float iou(const float *a, const float *b)
{
    float y0 = fmaxf(fminf(a[0], a[2]), fminf(b[0], b[2])),
          x0 = fmaxf(fminf(a[1], a[3]), fminf(b[1], b[3]));
    float y1 = fminf(fmaxf(a[0], a[2]), fmaxf(b[0], b[2])),
          x1 = fminf(fmaxf(a[1], a[3]), fmaxf(b[1], b[3]));
    float common = fmaxf(y1 - y0, 0.0f) * fmaxf(x1 - x0, 0.0f);
    float aa = fabsf((a[2] - a[0]) * (a[3] - a[1])), ab = fabsf((b[2] - b[0]) * (b[3] - b[1]));
    return common > 0.0f ? common / (aa + ab - common) : 0.0f;
}

/* Greedy choice, written plainly. */
static size_t choose(int64_t *rows, const float *boxes, const float *scores, int64_t n,
                     int64_t classes, int64_t batch, int64_t most, float limit, float threshold)
{
    size_t count = 0;
    for (int64_t b = 0; b < batch; b++) {
        for (int64_t c = 0; c < classes; c++) {
            const float *s = scores + (b * classes + c) * n, *x = boxes + b * n * 4;
            bool *dead = calloc((size_t)n, 1);
            for (int64_t k = 0; k < most; k++) {
                int64_t best = -1;
                for (int64_t i = 0; i < n; i++) {
                    if (!dead[i] && s[i] > threshold && (best < 0 || s[i] > s[best]))
                        best = i;
                }
                if (best < 0)
                    break;
                for (int64_t i = 0; i < n; i++)
                    dead[i] = dead[i] || i == best || iou(x + best * 4, x + i * 4) > limit;
                rows[count * 3] = b;
                rows[count * 3 + 1] = c;
                rows[count++ * 3 + 2] = best;
            }
            free(dead);
        }
    }
    return count;
}

static void test_nms(void **state)
{
    (void)state;
    const int64_t n = 300, classes = 3, batch = 2;
    const nnrt_shape bs = {3, {batch, n, 4}}, ss = {3, {batch, classes, n}}, one = {1, {1}},
                     scalar = {0, {0}};
    float *boxes = malloc((size_t)(batch * n * 4) * 4),
          *centers = malloc((size_t)(batch * n * 4) * 4);
    float *scores = malloc((size_t)(batch * classes * n) * 4);
    int64_t *want = malloc((size_t)(batch * classes * n * 3) * 8);
    for (int64_t i = 0; i < batch * n; i++) {
        float y = (float)(nnc_rng_u32(&rng) % 64), x = (float)(nnc_rng_u32(&rng) % 64);
        float h = 2.0f * (float)(nnc_rng_u32(&rng) % 16),
              w = 2.0f * (float)(nnc_rng_u32(&rng) % 16);
        const float corner[4] = {y + h, x, y, x + w}, center[4] = {x + w / 2, y + h / 2, w, h};
        memcpy(boxes + i * 4, corner, sizeof corner);
        memcpy(centers + i * 4, center, sizeof center);
    }
    for (int64_t i = 0; i < batch * classes * n; i++)
        scores[i] = (float)(nnc_rng_u32(&rng) % 50) / 50.0f; /* many ties */
    const struct {
        int64_t most;
        float limit, threshold;
    } cases[] = {{300, 0.5f, 0.3f},
                 {5, 0.1f, 0.0f},
                 {0, 0.5f, 0.0f},
                 {INT64_MAX, 0.0f, 0.9f},
                 {-3, 0.5f, 0.0f}};
    for (size_t i = 0; i < 2 * (sizeof cases / sizeof *cases); i++) {
        int64_t most = cases[i / 2].most;
        size_t count = choose(want, boxes, scores, n, classes, batch, most > n ? n : most,
                              cases[i / 2].limit, cases[i / 2].threshold);
        nnrt_nms_params p = {i % 2, 1};
        rop_case c = {NNRT_ROP_ID_NMS,
                      &p,
                      5,
                      {{NNRT_F32, bs, i % 2 ? centers : boxes, false},
                       {NNRT_F32, ss, scores, false},
                       {NNRT_I64, scalar, &most, true},
                       {NNRT_F32, one, &cases[i / 2].limit, true},
                       {NNRT_F32, one, &cases[i / 2].threshold, i % 2}},
                      NNRT_I64,
                      2};
        nnrt_shape got;
        int64_t *y = rop_run(&c, &got);
        assert_int_equal(got.dims[0], count);
        assert_memory_equal(y, want, count * 24);
        free(y);
    }
    free(want);
    free(scores);
    free(centers);
    free(boxes);
}

/* NaN boxes and scores, and boxes without area, choose nothing wrong. */
static void test_nms_odd(void **state)
{
    (void)state;
    const float boxes[16] = {0, 0, 1, 1, 0, 0, 1, 1, NAN, 0, 1, 1, 0.5f, 0.5f, 0.5f, 0.5f};
    const float scores[4] = {0.5f, NAN, 0.25f, 0.75f}, limit = 0.5f, none = 0.0f;
    const nnrt_shape bs = {3, {1, 4, 4}}, ss = {3, {1, 1, 4}}, one = {1, {1}};
    const int64_t most = 10;
    nnrt_nms_params p = {0, 0};
    rop_case c = {NNRT_ROP_ID_NMS,
                  &p,
                  5,
                  {{NNRT_F32, bs, boxes, false},
                   {NNRT_F32, ss, scores, false},
                   {NNRT_I64, one, &most, false},
                   {NNRT_F32, one, &limit, false},
                   {NNRT_F32, one, &none, false}},
                  NNRT_I64,
                  2};
    nnrt_shape got;
    int64_t *y = rop_run(&c, &got);
    assert_int_equal(got.dims[0], 3);
    assert_true(y[2] == 3 && y[5] == 0 && y[8] == 2);
    free(y);
    c.in[1].shape.dims[2] = 3;
    for (unsigned i = 0; i < 5; i++)
        c.in[i].constant = true;
    rop_refuse(&c, NNRT_ERR_MODEL);
    p.center_point_box = 2;
    rop_refuse_plan(&c, "center_point_box 2");
}

static void test_hostile(void **state)
{
    (void)state;
    const nnrt_shape s = {2, {3, 4}}, one = {1, {1}}, two = {1, {2}};
    const float x[12] = {0};
    int64_t k[2] = {5, 1};
    nnrt_topk_params p = {1, 0};
    rop_more = (rop_outputs){0, {0, 2}, {NNRT_F32, NNRT_I64}};
    rop_case c = {NNRT_ROP_ID_TOPK, &p, 2, {{NNRT_F32, s, x, false}, {NNRT_I64, one, k, true}},
                  NNRT_F32,         2};
    rop_refuse(&c, NNRT_ERR_MODEL);
    k[0] = -1;
    rop_refuse(&c, NNRT_ERR_MODEL);
    c.in[1].shape = two;
    rop_refuse(&c, NNRT_ERR_MODEL);
    p.smallest = 2;
    rop_refuse_plan(&c, "smallest is 2");
    p = (nnrt_topk_params){2, 0};
    rop_refuse_plan(&c, "axis 2 outside rank 2");
    rop_more = (rop_outputs){0, {1, 1, 1, 1}, {NNRT_F32, NNRT_I64, NNRT_I64, NNRT_I64}};
    nnrt_unique_params u = {-1, 0, 1};
    rop_case uc = {NNRT_ROP_ID_UNIQUE, &u, 1, {{NNRT_F32, s, x, false}}, NNRT_F32, 2};
    rop_refuse_plan(&uc, "axis -1 outside rank 2");
    u = (nnrt_unique_params){0, 7, 1};
    rop_refuse_plan(&uc, "flat is 7");
    u = (nnrt_unique_params){0, 1, 9};
    rop_refuse_plan(&uc, "sorted is 9");
    rop_more = (rop_outputs){0};
    nnrt_compress_params z = {9, 0};
    const uint8_t condition[2] = {1, 1};
    rop_case zc = {NNRT_ROP_ID_COMPRESS,
                   &z,
                   2,
                   {{NNRT_F32, s, x, false}, {NNRT_BOOL, two, condition, true}},
                   NNRT_F32,
                   2};
    rop_refuse_plan(&zc, "axis 9 outside rank 2");
}

int main(void)
{
    nnc_rng_init(&rng, 22, 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_topk),    cmocka_unit_test(test_topk_types),
        cmocka_unit_test(test_unique),  cmocka_unit_test(test_compress),
        cmocka_unit_test(test_nms),     cmocka_unit_test(test_nms_odd),
        cmocka_unit_test(test_hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
