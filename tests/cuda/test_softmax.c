/* Softmax and reductions on the device, held to the reference tier. SPDX-License-Identifier:
 * Apache-2.0 */
#include "cuda/device_case.h"

static void run_softmax(const nnrt_shape *shape, int32_t axis, const float *x, const char *kernel)
{
    for (uint32_t log = 0; log < 2; log++) {
        const nnrt_softmax_params params = {axis, log};
        const rop_case c = {
            NNRT_ROP_ID_SOFTMAX, &params, 1, {{NNRT_F32, *shape, x, false}}, NNRT_F32, shape->rank};
        device_run(&c, kernel);
    }
}

static void test_softmax(void **state)
{
    (void)state;
    nnc_rng rng;
    nnc_rng_init(&rng, 1, 0);
    static const struct {
        nnrt_shape shape;
        int32_t axis;
        const char *kernel;
    } cases[] = {
        {{2, {1, 2}}, 1, "softmax_warp__cuda"},
        {{2, {1, 1}}, 1, "softmax_warp__cuda"},
        {{2, {5, 12}}, 1, "softmax_warp__cuda"},
        {{2, {3, 16}}, 1, "softmax_warp__cuda"},
        {{2, {9, 31}}, 1, "softmax_warp__cuda"},
        {{2, {2, 33}}, 1, "softmax_warp__cuda"},
        {{2, {2, 255}}, 1, "softmax_warp__cuda"},
        {{2, {1, 256}}, 1, "softmax_block__cuda"},
        {{2, {1, 1000}}, 1, "softmax_block__cuda"},
        {{2, {2, 1001}}, 1, "softmax_block__cuda"},
        {{2, {1, 4096}}, 1, "softmax_block__cuda"},
        {{2, {1, 9001}}, 1, "softmax_block__cuda"},
        {{4, {1, 1000, 1, 1}}, 1, "softmax_block__cuda"},
        {{3, {2, 21, 7}}, 1, "softmax_columns__cuda"},
        {{3, {2, 16, 32}}, 1, "softmax_columns__cuda"},
        {{3, {3, 100, 70}}, 1, "softmax_columns__cuda"},
        {{2, {9, 33}}, 0, "softmax_columns__cuda"},
        {{4, {2, 3, 4, 5}}, 0, "softmax_columns__cuda"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const size_t count = nnrt_shape_count(&cases[i].shape);
        float *x = rop_floats(&rng, count, 4.0f);
        run_softmax(&cases[i].shape, cases[i].axis, x, cases[i].kernel);
        /* Far apart, zeros of both signs, infinities; a NaN spoils its row alone. */
        x[count / 2] = 300.0f;
        x[count - 1] = -0.0f;
        x[0] = 0.0f;
        run_softmax(&cases[i].shape, cases[i].axis, x, cases[i].kernel);
        x[count / 2] = -INFINITY;
        x[count / 3] = -200.0f;
        run_softmax(&cases[i].shape, cases[i].axis, x, cases[i].kernel);
        x[count / 3] = NAN;
        run_softmax(&cases[i].shape, cases[i].axis, x, cases[i].kernel);
        free(x);
    }
}

/* Many rows go to warps, however long. */
static void test_softmax_many(void **state)
{
    (void)state;
    nnc_rng rng;
    nnc_rng_init(&rng, 2, 0);
    const nnrt_shape shape = {2, {17, 300}};
    float *x = rop_floats(&rng, nnrt_shape_count(&shape), 2.0f);
    setenv("NNRT_SIM_SMS", "2", 1);
    run_softmax(&shape, 1, x, "softmax_warp__cuda");
    unsetenv("NNRT_SIM_SMS");
    free(x);
}

static void test_reduce(void **state)
{
    (void)state;
    nnc_rng rng;
    nnc_rng_init(&rng, 3, 0);
    static const struct {
        nnrt_shape shape;
        uint32_t mask;
        const char *kernel;
    } cases[] = {
        {{4, {1, 7, 7, 100}}, 6, "reduce_columns__cuda"},
        {{4, {2, 5, 3, 4}}, 12, "reduce_rows__cuda"},
        {{3, {3, 1, 33}}, 4, "reduce_rows__cuda"},
        {{3, {4, 65, 2}}, 2, "reduce_columns__cuda"},
        {{2, {19, 40}}, 0, "reduce_rows__cuda"},
        {{2, {3, 7}}, 1, "reduce_columns__cuda"},
        {{4, {2, 1, 8, 1}}, 5, "reduce_rows__cuda"},
        {{2, {5, 16}}, 2, "reduce_rows__cuda"},
        {{2, {2, 17}}, 2, "reduce_rows__cuda"},
        {{1, {1}}, 1, NULL},
        {{2, {3, 0}}, 2, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const size_t count = nnrt_shape_count(&cases[i].shape);
        float *x = rop_floats(&rng, count, 2.0f);
        for (uint32_t op = 0; op < NNRT_REDUCE_COUNT; op++) {
            const nnrt_reduce_params params = {op, cases[i].mask, 1};
            const rop_case c = {
                NNRT_ROP_ID_REDUCE, &params, 1, {{NNRT_F32, cases[i].shape, x, false}}, NNRT_F32,
                cases[i].shape.rank};
            device_run(&c, cases[i].kernel);
        }
        free(x);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_softmax),
        cmocka_unit_test(test_softmax_many),
        cmocka_unit_test(test_reduce),
    };
    return cmocka_run_group_tests(tests, device_setup, NULL);
}
