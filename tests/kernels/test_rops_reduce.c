/* Reductions and normalizations against oracles in double. SPDX-License-Identifier: Apache-2.0 */
#include "kernels/rop_case.h"

static nnc_rng rng;

static const nnrt_shape shapes[] = {{4, {2, 3, 5, 7}}, {2, {37, 1000}}, {2, {1, 1}},
                                    {3, {8, 49, 33}},  {1, {17}},       {4, {1, 7, 7, 64}},
                                    {3, {5, 16, 1}},   {0, {0}}};
#define SHAPES (sizeof shapes / sizeof *shapes)

static double join(uint32_t op, double acc, double x)
{
    switch (op) {
    case NNRT_REDUCE_MAX:
        return fmax(acc, x);
    case NNRT_REDUCE_MIN:
        return fmin(acc, x);
    case NNRT_REDUCE_PROD:
        return acc * x;
    case NNRT_REDUCE_L1:
        return acc + fabs(x);
    case NNRT_REDUCE_L2:
    case NNRT_REDUCE_SUM_SQUARE:
        return acc + x * x;
    case NNRT_REDUCE_LOG_SUM_EXP:
        return acc + exp(x);
    default:
        return acc + x;
    }
}

static double start(uint32_t op)
{
    return op == NNRT_REDUCE_MAX
               ? -INFINITY
               : (op == NNRT_REDUCE_MIN ? INFINITY : (op == NNRT_REDUCE_PROD ? 1 : 0));
}

static double finish(uint32_t op, double acc, double n)
{
    switch (op) {
    case NNRT_REDUCE_MEAN:
        return acc / n;
    case NNRT_REDUCE_L2:
        return sqrt(acc);
    case NNRT_REDUCE_LOG_SUM:
    case NNRT_REDUCE_LOG_SUM_EXP:
        return log(acc);
    default:
        return acc;
    }
}

/* Output index of element i when the axes of mask are dropped. */
static size_t kept_index(const nnrt_shape *s, uint32_t mask, size_t i)
{
    size_t index = 0, step = 1;
    for (uint32_t d = s->rank; d-- > 0;) {
        size_t k = i % (size_t)s->dims[d];
        i /= (size_t)s->dims[d];
        if (!(mask >> d & 1u)) {
            index += k * step;
            step *= (size_t)s->dims[d];
        }
    }
    return index;
}

static uint32_t kept_rank(const nnrt_shape *s, uint32_t mask, uint32_t keepdims)
{
    uint32_t all = mask ? mask : (1u << s->rank) - 1;
    return keepdims ? s->rank : s->rank - (uint32_t)__builtin_popcount(all);
}

static void check_reduce(const nnrt_shape *s, uint32_t op, uint32_t mask)
{
    size_t n = nnrt_shape_count(s);
    float *x = rop_floats(&rng, n, op == NNRT_REDUCE_PROD ? 1.0f : 2.0f);
    for (size_t i = 0; i < n; i++)
        x[i] = op == NNRT_REDUCE_LOG_SUM ? fabsf(x[i]) + 0.1f
                                         : (op == NNRT_REDUCE_PROD ? 1.0f + x[i] * 0.01f : x[i]);
    nnrt_reduce_params p = {op, mask, mask & 1};
    rop_case c = {NNRT_ROP_ID_REDUCE,         &p,       1,
                  {{NNRT_F32, *s, x, false}}, NNRT_F32, kept_rank(s, mask, p.keepdims)};
    nnrt_shape got;
    float *y = rop_run(&c, &got);
    uint32_t all = mask ? mask : (1u << s->rank) - 1;
    size_t m = nnrt_shape_count(&got);
    double *acc = malloc(m * sizeof *acc), *scale = calloc(m, sizeof *scale);
    for (size_t i = 0; i < m; i++)
        acc[i] = start(op);
    for (size_t i = 0; i < n; i++) {
        size_t k = kept_index(s, all, i);
        acc[k] = join(op, acc[k], (double)x[i]);
        scale[k] += fabs((double)x[i]);
    }
    for (size_t i = 0; i < m; i++) {
        double terms = m ? (double)(n / m) : 1;
        /* A sum's rounding is relative to the sum of magnitudes. */
        double abs_tol = 1e-6 * (op == NNRT_REDUCE_MEAN ? scale[i] / terms
                                                        : (op == NNRT_REDUCE_SUM ? scale[i] : 1.0));
        rop_close("reduce", i, (double)y[i], finish(op, acc[i], terms),
                  op == NNRT_REDUCE_PROD ? 1e-4 : 2e-6, abs_tol);
        if (op == NNRT_REDUCE_MAX || op == NNRT_REDUCE_MIN)
            assert_true((double)y[i] == acc[i]);
    }
    free(acc);
    free(scale);
    free(y);
    free(x);
}

static void test_reduce(void **state)
{
    (void)state;
    for (size_t k = 0; k < SHAPES; k++) {
        for (uint32_t op = 0; op < NNRT_REDUCE_COUNT; op++) {
            uint32_t top = 1u << shapes[k].rank;
            for (uint32_t mask = op % 2; mask<top; mask += shapes[k].rank> 3 ? 3 : 1)
                check_reduce(&shapes[k], op, mask);
        }
    }
}

/* The contract to the bit: 16 lanes, ascending, then the tree; the same through any layout. */
static void test_reduce_order(void **state)
{
    (void)state;
    const size_t n = 1003;
    float *x = rop_floats(&rng, n, 100.0f);
    float lane[16] = {0};
    for (size_t i = 0; i < n; i++)
        lane[i % 16] += x[i];
    for (size_t step = 8; step > 0; step /= 2) {
        for (size_t l = 0; l < step; l++)
            lane[l] += lane[l + step];
    }
    nnrt_reduce_params p = {NNRT_REDUCE_SUM, 0x1, 0};
    rop_case row = {
        NNRT_ROP_ID_REDUCE, &p, 1, {{NNRT_F32, rop_dims(1, (int64_t)n, 0, 0, 0), x, false}},
        NNRT_F32,           0};
    float *y = rop_run(&row, NULL);
    assert_true(y[0] == lane[0]);
    free(y);
    float *wide = malloc(n * 5 * sizeof *wide);
    for (size_t i = 0; i < 5 * n; i++)
        wide[i] = x[i / 5];
    rop_case column = {
        NNRT_ROP_ID_REDUCE, &p, 1, {{NNRT_F32, rop_dims(2, (int64_t)n, 5, 0, 0), wide, false}},
        NNRT_F32,           1};
    y = rop_run(&column, NULL);
    for (int i = 0; i < 5; i++)
        assert_true(y[i] == lane[0]);
    free(y);
    free(wide);
    free(x);
}

static void test_reduce_integers(void **state)
{
    (void)state;
    const int64_t x[] = {3, -4, 5, 7, 2, -9};
    const struct {
        uint32_t op;
        int64_t rows[2], cols[3];
    } cases[] = {{NNRT_REDUCE_SUM, {4, 0}, {10, -2, -4}},
                 {NNRT_REDUCE_MAX, {5, 7}, {7, 2, 5}},
                 {NNRT_REDUCE_MIN, {-4, -9}, {3, -4, -9}},
                 {NNRT_REDUCE_PROD, {-60, -126}, {21, -8, -45}}};
    for (size_t k = 0; k < 4; k++) {
        for (uint32_t mask = 1; mask <= 2; mask++) {
            nnrt_reduce_params p = {cases[k].op, mask, 0};
            rop_case c = {
                NNRT_ROP_ID_REDUCE, &p, 1, {{NNRT_I64, rop_dims(2, 2, 3, 0, 0), x, k % 2 == 1}},
                NNRT_I64,           1};
            int64_t *y = rop_run(&c, NULL);
            assert_memory_equal(y, mask == 2 ? cases[k].rows : cases[k].cols,
                                (mask == 2 ? 2 : 3) * sizeof *y);
            free(y);
        }
    }
}

static void test_softmax(void **state)
{
    (void)state;
    for (size_t k = 0; k < SHAPES; k++) {
        const nnrt_shape *s = &shapes[k];
        for (int32_t axis = 0; axis < (int32_t)s->rank; axis++) {
            for (uint32_t log_form = 0; log_form < 2; log_form++) {
                size_t n = nnrt_shape_count(s), dim = (size_t)s->dims[axis];
                size_t inner = nnrt_shape_span(s, (uint32_t)axis + 1, s->rank);
                float *x = rop_floats(&rng, n, 20.0f);
                nnrt_softmax_params p = {axis, log_form};
                rop_case c = {NNRT_ROP_ID_SOFTMAX,        &p,       1,
                              {{NNRT_F32, *s, x, false}}, NNRT_F32, s->rank};
                float *y = rop_run(&c, NULL);
                for (size_t i = 0; i < n; i++) {
                    size_t first = i / (inner * dim) * inner * dim + i % inner;
                    double sum = 0, most = -INFINITY;
                    for (size_t j = 0; j < dim; j++)
                        most = fmax(most, (double)x[first + j * inner]);
                    for (size_t j = 0; j < dim; j++)
                        sum += exp((double)x[first + j * inner] - most);
                    double want = (double)x[i] - most - log(sum);
                    rop_close("softmax", i, (double)y[i], log_form ? want : exp(want), 1e-5,
                              log_form ? 1e-5 : 1e-37);
                }
                free(y);
                free(x);
            }
        }
    }
}

static void test_layernorm(void **state)
{
    (void)state;
    const struct {
        nnrt_shape s;
        int32_t axis;
    } cases[] = {{{3, {2, 128, 768}}, 2},
                 {{4, {3, 4, 5, 7}}, 2},
                 {{2, {9, 1}}, 1},
                 {{2, {50, 17}}, 1},
                 {{1, {16}}, 0}};
    for (size_t k = 0; k < 15; k++) {
        const nnrt_shape *s = &cases[k / 3].s;
        uint32_t extra = k % 3, rms = k % 2;
        size_t n = nnrt_shape_span(s, (uint32_t)cases[k / 3].axis, s->rank),
               rows = nnrt_shape_count(s) / n;
        float *x = rop_floats(&rng, n * rows, 3.0f), *g = rop_floats(&rng, n, 1.0f),
              *b = rop_floats(&rng, n, 1.0f);
        nnrt_layernorm_params p = {cases[k / 3].axis, 1e-5f, rms};
        nnrt_shape row = {.rank = 1, .dims = {(int64_t)n}};
        rop_case c = {
            NNRT_ROP_ID_LAYERNORM,
            &p,
            1 + extra,
            {{NNRT_F32, *s, x, false}, {NNRT_F32, row, g, true}, {NNRT_F32, row, b, true}},
            NNRT_F32,
            s->rank};
        float *y = rop_run(&c, NULL);
        for (size_t r = 0; r < rows; r++) {
            double mean = 0, var = 0;
            for (size_t i = 0; i < n; i++)
                mean += (double)x[r * n + i] / (double)n;
            mean = rms ? 0 : mean;
            for (size_t i = 0; i < n; i++)
                var += ((double)x[r * n + i] - mean) * ((double)x[r * n + i] - mean) / (double)n;
            for (size_t i = 0; i < n; i++) {
                double want = ((double)x[r * n + i] - mean) / sqrt(var + (double)1e-5f);
                want = (extra > 0 ? want * (double)g[i] : want) + (extra > 1 ? (double)b[i] : 0);
                rop_close("layernorm", r * n + i, (double)y[r * n + i], want, 1e-5, 1e-5);
            }
        }
        free(y);
        free(x);
        free(g);
        free(b);
    }
}

static void test_instancenorm(void **state)
{
    (void)state;
    const nnrt_shape cases[] = {
        {4, {2, 5, 7, 12}}, {3, {3, 100, 4}}, {4, {1, 9, 9, 32}}, {2, {2, 4}}};
    for (size_t k = 0; k < 8; k++) {
        const nnrt_shape *s = &cases[k / 2];
        size_t c = (size_t)s->dims[s->rank - 1], images = (size_t)s->dims[0],
               pixels = nnrt_shape_count(s) / c / images;
        size_t groups = k % 2 ? 2 : c, size = c / groups;
        float *x = rop_floats(&rng, nnrt_shape_count(s), 3.0f), *g = rop_floats(&rng, c, 1.0f),
              *b = rop_floats(&rng, c, 1.0f);
        nnrt_instancenorm_params p = {1e-3f, k % 2 ? 2 : 0};
        nnrt_shape row = {.rank = 1, .dims = {(int64_t)c}};
        rop_case rc = {
            NNRT_ROP_ID_INSTANCENORM,
            &p,
            3,
            {{NNRT_F32, *s, x, false}, {NNRT_F32, row, g, true}, {NNRT_F32, row, b, true}},
            NNRT_F32,
            s->rank};
        float *y = rop_run(&rc, NULL);
        for (size_t i = 0; i < nnrt_shape_count(s); i++) {
            size_t image = i / (pixels * c), ch = i % c, g0 = ch / size * size;
            double mean = 0, var = 0, n = (double)(pixels * size);
            for (size_t q = 0; q < pixels * size; q++)
                mean += (double)x[(image * pixels + q / size) * c + g0 + q % size] / n;
            for (size_t q = 0; q < pixels * size; q++) {
                double d = (double)x[(image * pixels + q / size) * c + g0 + q % size] - mean;
                var += d * d / n;
            }
            rop_close("instancenorm", i, (double)y[i],
                      ((double)x[i] - mean) / sqrt(var + 1e-3) * (double)g[ch] + (double)b[ch],
                      1e-4, 2e-5);
        }
        free(y);
        free(x);
        free(g);
        free(b);
    }
}

static void test_channel_affine(void **state)
{
    (void)state;
    nnrt_shape s = rop_dims(3, 2, 300, 37, 0), row = rop_dims(1, 37, 0, 0, 0);
    float *x = rop_floats(&rng, nnrt_shape_count(&s), 3.0f), *a = rop_floats(&rng, 37, 1.0f),
          *b = rop_floats(&rng, 37, 1.0f);
    nnrt_channel_affine_params p = {{0.0f, 6.0f}};
    rop_case c = {NNRT_ROP_ID_CHANNEL_AFFINE,
                  &p,
                  3,
                  {{NNRT_F32, s, x, false}, {NNRT_F32, row, a, true}, {NNRT_F32, row, b, true}},
                  NNRT_F32,
                  3};
    float *y = rop_run(&c, NULL);
    for (size_t i = 0; i < nnrt_shape_count(&s); i++) {
        volatile float product = x[i] * a[i % 37];
        float want = product + b[i % 37];
        assert_true(y[i] == (want < 0 ? 0 : (want > 6 ? 6 : want)));
    }
    free(y);
    free(x);
    free(a);
    free(b);
}

static void test_arg(void **state)
{
    (void)state;
    for (size_t k = 0; k < SHAPES; k++) {
        const nnrt_shape *s = &shapes[k];
        for (uint32_t v = 0; v < 8 * s->rank; v++) {
            nnrt_arg_params p = {(int32_t)(v / 8), v & 1, v >> 1 & 1, v >> 2 & 1};
            size_t n = nnrt_shape_count(s), dim = (size_t)s->dims[p.axis],
                   inner = nnrt_shape_span(s, (uint32_t)p.axis + 1, s->rank);
            uint8_t *x = rop_u8(&rng, n);
            for (size_t i = 0; i < n; i++)
                x[i] %= 7; /* many ties */
            rop_case c = {NNRT_ROP_ID_ARG,           &p,       1,
                          {{NNRT_U8, *s, x, false}}, NNRT_I64, s->rank - 1 + p.keepdims};
            int64_t *y = rop_run(&c, NULL);
            for (size_t i = 0; i < n / dim; i++) {
                size_t first = i / inner * inner * dim + i % inner, best = 0;
                for (size_t j = 1; j < dim; j++) {
                    int a = x[first + j * inner], b = x[first + best * inner];
                    if (p.min ? a < b : a > b)
                        best = j;
                    else if (a == b && p.select_last)
                        best = j;
                }
                assert_int_equal(y[i], best);
            }
            free(y);
            free(x);
        }
    }
    const float nan_row[] = {1, NAN, 3};
    nnrt_arg_params p = {0, 0, 0, 0};
    rop_case c = {NNRT_ROP_ID_ARG, &p, 1, {{NNRT_F32, rop_dims(1, 3, 0, 0, 0), nan_row, false}},
                  NNRT_I64,        0};
    int64_t *y = rop_run(&c, NULL);
    assert_int_equal(y[0], 1);
    free(y);
}

static void test_cumsum(void **state)
{
    (void)state;
    const int64_t x[] = {1, 2, 3, 4, 5, 6};
    const int64_t want[2][6] = {{1, 2, 3, 5, 7, 9}, {1, 3, 6, 4, 9, 15}};
    for (int32_t axis = 0; axis < 2; axis++) {
        nnrt_axis_params p = {axis};
        rop_case c = {NNRT_ROP_ID_CUMSUM, &p, 1, {{NNRT_I64, rop_dims(2, 2, 3, 0, 0), x, false}},
                      NNRT_I64,           2};
        int64_t *y = rop_run(&c, NULL);
        assert_memory_equal(y, want[axis], sizeof want[axis]);
        free(y);
    }
    float *f = rop_floats(&rng, 5 * 700, 1.0f);
    nnrt_axis_params p = {1};
    rop_case c = {NNRT_ROP_ID_CUMSUM, &p, 1, {{NNRT_F32, rop_dims(3, 5, 7, 100, 0), f, false}},
                  NNRT_F32,           3};
    float *y = rop_run(&c, NULL);
    for (size_t i = 0; i < 3500; i++) {
        double sum = 0;
        for (size_t j = 0; j <= i / 100 % 7; j++)
            sum += (double)f[i / 700 * 700 + j * 100 + i % 100];
        rop_close("cumsum", i, (double)y[i], sum, 1e-5, 1e-5);
    }
    free(y);
    free(f);
}

static void test_lrn(void **state)
{
    (void)state;
    nnrt_shape s = rop_dims(4, 1, 6, 7, 23);
    for (uint32_t size = 1; size < 8; size++) {
        float *x = rop_floats(&rng, nnrt_shape_count(&s), 10.0f);
        nnrt_lrn_params p = {size, 0.1f, 0.75f, 2.0f};
        rop_case c = {NNRT_ROP_ID_LRN, &p, 1, {{NNRT_F32, s, x, false}}, NNRT_F32, 4};
        float *y = rop_run(&c, NULL);
        for (size_t i = 0; i < nnrt_shape_count(&s); i++) {
            double sum = 0;
            int ch = (int)(i % 23);
            for (int k = ch - (int)((size - 1) / 2); k <= ch + (int)(size / 2); k++)
                sum += k < 0 || k > 22 ? 0
                                       : (double)x[i - (size_t)ch + (size_t)k] *
                                             (double)x[i - (size_t)ch + (size_t)k];
            rop_close("lrn", i, (double)y[i],
                      (double)x[i] / pow(2.0 + (double)0.1f / size * sum, 0.75), 1e-5, 1e-7);
        }
        free(y);
        free(x);
    }
}

int main(void)
{
    nnc_rng_init(&rng, 3, 4);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reduce),          cmocka_unit_test(test_reduce_order),
        cmocka_unit_test(test_reduce_integers), cmocka_unit_test(test_softmax),
        cmocka_unit_test(test_layernorm),       cmocka_unit_test(test_instancenorm),
        cmocka_unit_test(test_channel_affine),  cmocka_unit_test(test_arg),
        cmocka_unit_test(test_cumsum),          cmocka_unit_test(test_lrn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
