/* Data movement on the device, held to the reference tier: any element size, units of 1 to 16
 * bytes, ranks up to 8. SPDX-License-Identifier: Apache-2.0 */
#include "cuda/device_case.h"

static const nnrt_dtype sizes[] = {NNRT_U8, NNRT_F16, NNRT_F32, NNRT_I64};
#define SIZES (sizeof sizes / sizeof *sizes)

static uint8_t *elements(nnc_rng *rng, nnrt_dtype dtype, const nnrt_shape *shape)
{
    return rop_u8(rng, nnrt_shape_count(shape) * nnrt_dtype_bytes(dtype));
}

/* Bytes compare as they are: a float type would let NaNs pass. */
static nnrt_dtype same_size(nnrt_dtype dtype)
{
    return dtype == NNRT_F32 ? NNRT_I32 : dtype;
}

static void test_concat(void **state)
{
    (void)state;
    nnc_rng rng;
    nnc_rng_init(&rng, 1, 0);
    static const struct {
        nnrt_shape first;
        int32_t axis;
        int64_t second, third; /* sizes along the axis */
    } cases[] = {
        {{4, {1, 5, 5, 58}}, 3, 58, 3}, {{4, {2, 3, 5, 16}}, 3, 32, 16},
        {{4, {2, 3, 5, 20}}, 3, 4, 12}, {{3, {4, 7, 6}}, 1, 1, 2},
        {{2, {3, 5}}, 0, 4, 0},         {{1, {7}}, 0, 9, 1},
        {{4, {2, 0, 3, 4}}, 1, 3, 0},   {{3, {5, 2, 1}}, 2, 2, 5},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (unsigned d = 0; d < SIZES; d++) {
            const nnrt_axis_params params = {cases[i].axis};
            const nnrt_dtype dtype = same_size(sizes[d]);
            nnrt_shape b = cases[i].first, c = b;
            b.dims[cases[i].axis] = cases[i].second;
            c.dims[cases[i].axis] = cases[i].third;
            uint8_t *xa = elements(&rng, dtype, &cases[i].first), *xb = elements(&rng, dtype, &b);
            uint8_t *xc = elements(&rng, dtype, &c);
            const rop_case join = {NNRT_ROP_ID_CONCAT,
                                   &params,
                                   3,
                                   {{dtype, cases[i].first, xa, false},
                                    {dtype, b, xb, i % 2 == 1},
                                    {dtype, c, xc, false}},
                                   dtype,
                                   b.rank};
            device_run(&join, NULL);
            free(xa);
            free(xb);
            free(xc);
        }
    }
}

static void test_slice(void **state)
{
    (void)state;
    nnc_rng rng;
    nnc_rng_init(&rng, 2, 0);
    static const struct {
        nnrt_shape x;
        int64_t count, starts[4], ends[4], axes[4], steps[4];
    } cases[] = {
        {{4, {1, 8, 8, 16}}, 2, {0, 0}, {99, 99}, {1, 2}, {2, 2}},
        {{4, {2, 10, 5, 12}}, 1, {2}, {-3}, {3}, {1}},
        {{4, {2, 10, 5, 12}}, 1, {5}, {10}, {1}, {1}},
        {{3, {7, 6, 9}}, 3, {-1, 0, 8}, {-99, 5, 1}, {0, 1, 2}, {-2, 1, -3}},
        {{2, {5, 64}}, 1, {16}, {48}, {1}, {1}},
        {{2, {5, 64}}, 1, {3}, {3}, {1}, {1}},
        {{1, {40}}, 1, {39}, {-99}, {0}, {-1}},
        {{8, {2, 3, 2, 2, 3, 2, 2, 4}}, 4, {0, 1, 0, 1}, {9, 9, 9, 9}, {1, 4, 6, 7}, {2, 1, 1, 2}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (unsigned d = 0; d < SIZES; d++) {
            const nnrt_dtype dtype = same_size(sizes[d]);
            const nnrt_shape amounts = {1, {cases[i].count}};
            uint8_t *x = elements(&rng, dtype, &cases[i].x);
            const rop_case c = {NNRT_ROP_ID_SLICE,
                                NULL,
                                5,
                                {{dtype, cases[i].x, x, false},
                                 {NNRT_I64, amounts, cases[i].starts, true},
                                 {NNRT_I64, amounts, cases[i].ends, true},
                                 {NNRT_I64, amounts, cases[i].axes, true},
                                 {NNRT_I64, amounts, cases[i].steps, true}},
                                dtype,
                                cases[i].x.rank};
            device_run(&c, NULL);
            free(x);
        }
    }
}

static void test_expand_tile(void **state)
{
    (void)state;
    nnc_rng rng;
    nnc_rng_init(&rng, 3, 0);
    const nnrt_shape x = {4, {2, 1, 3, 4}}, rank = {1, {4}};
    static const int64_t shape[4] = {2, 5, 3, 4}, repeats[4] = {1, 3, 2, 2};
    for (unsigned d = 0; d < SIZES; d++) {
        const nnrt_dtype dtype = same_size(sizes[d]);
        uint8_t *bytes = elements(&rng, dtype, &x);
        const rop_case expand = {NNRT_ROP_ID_EXPAND,
                                 NULL,
                                 2,
                                 {{dtype, x, bytes, false}, {NNRT_I64, rank, shape, true}},
                                 dtype,
                                 4};
        const rop_case tile = {NNRT_ROP_ID_TILE,
                               NULL,
                               2,
                               {{dtype, x, bytes, false}, {NNRT_I64, rank, repeats, true}},
                               dtype,
                               4};
        device_run(&expand, NULL);
        device_run(&tile, NULL);
        free(bytes);
    }
}

static void test_transpose(void **state)
{
    (void)state;
    nnc_rng rng;
    nnc_rng_init(&rng, 4, 0);
    static const struct {
        nnrt_shape x;
        nnrt_transpose_params p;
        bool copies; /* rows stay rows */
    } cases[] = {
        {{4, {1, 7, 9, 116}}, {4, {0, 3, 1, 2}}, false},
        {{4, {2, 33, 5, 7}}, {4, {0, 2, 3, 1}}, false},
        {{5, {1, 2, 58, 4, 4}}, {5, {0, 2, 1, 3, 4}}, true},
        {{5, {1, 2, 29, 7, 7}}, {5, {0, 2, 1, 3, 4}}, true},
        {{2, {32, 32}}, {2, {1, 0}}, false},
        {{2, {31, 65}}, {2, {1, 0}}, false},
        {{2, {1, 65}}, {2, {1, 0}}, true},
        {{3, {3, 4, 5}}, {3, {2, 1, 0}}, false},
        {{3, {6, 1, 40}}, {3, {1, 0, 2}}, true},
        {{1, {9}}, {1, {0}}, true},
        {{8, {2, 3, 2, 3, 2, 2, 3, 2}}, {8, {7, 5, 6, 3, 4, 1, 2, 0}}, false},
        {{8, {2, 3, 2, 3, 2, 2, 3, 2}}, {8, {1, 0, 3, 2, 5, 4, 6, 7}}, true},
        {{3, {5, 0, 3}}, {3, {2, 1, 0}}, true},
    };
    static const char *const names[] = {"transpose_1__cuda", "transpose_2__cuda",
                                        "transpose_4__cuda", "transpose_8__cuda"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (unsigned d = 0; d < SIZES; d++) {
            const nnrt_dtype dtype = same_size(sizes[d]);
            uint8_t *x = elements(&rng, dtype, &cases[i].x);
            const rop_case c = {NNRT_ROP_ID_TRANSPOSE,           &cases[i].p, 1,
                                {{dtype, cases[i].x, x, false}}, dtype,       cases[i].p.rank};
            device_run(&c, cases[i].copies ? NULL : names[d]);
            free(x);
        }
    }
}

static void test_pad(void **state)
{
    (void)state;
    nnc_rng rng;
    nnc_rng_init(&rng, 5, 0);
    static const struct {
        nnrt_shape x;
        int64_t pads[16];
    } cases[] = {
        {{4, {1, 4, 4, 16}}, {0, 0, 0, 8, 0, 0, 0, 8}},
        {{4, {2, 5, 6, 12}}, {0, 1, 2, 0, 0, 2, 1, 0}},
        {{4, {2, 5, 6, 3}}, {1, 1, 0, 2, 0, 2, 3, 1}},
        {{2, {6, 7}}, {-1, -2, 3, 2}},
        {{2, {6, 16}}, {2, -4, -3, 8}},
        {{1, {5}}, {4, 4}},
        {{3, {3, 4, 8}}, {0, 0, 0, 0, 0, 0}},
        {{8, {2, 2, 2, 2, 2, 2, 3, 4}}, {0, 1, 0, 0, 1, 0, 2, 0, 1, 0, 0, 1, 0, 0, 2, 0}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (unsigned d = 0; d < SIZES * 5; d++) {
            const nnrt_dtype dtype = same_size(sizes[d / 5]);
            const nnrt_shape amounts = {1, {2 * (int64_t)cases[i].x.rank}}, one = {0, {0}};
            /* Modes 0 to 3, then mode 0 with its value as an input. */
            const nnrt_pad_params params = {d % 5 % 4, dtype == NNRT_F16 ? 0.0f : 3.0f};
            const uint64_t value = UINT64_C(0x1122334455667788);
            uint8_t *x = elements(&rng, dtype, &cases[i].x);
            const rop_case c = {NNRT_ROP_ID_PAD,
                                &params,
                                d % 5 == 4 ? 3 : 2,
                                {{dtype, cases[i].x, x, false},
                                 {NNRT_I64, amounts, cases[i].pads, true},
                                 {dtype, one, &value, d / 5 % 2 == 0}},
                                dtype,
                                cases[i].x.rank};
            device_run(&c, NULL);
            free(x);
        }
    }
    /* The units that a pad of channels takes. */
    const nnrt_shape x = {4, {1, 4, 4, 16}}, amounts = {1, {8}};
    const nnrt_pad_params params = {0, 7.0f};
    uint8_t *bytes = elements(&rng, NNRT_U8, &x);
    const rop_case c = {NNRT_ROP_ID_PAD,
                        &params,
                        2,
                        {{NNRT_U8, x, bytes, false}, {NNRT_I64, amounts, cases[0].pads, true}},
                        NNRT_U8,
                        4};
    device_run(&c, "pad_8__cuda");
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_concat),      cmocka_unit_test(test_slice),
        cmocka_unit_test(test_expand_tile), cmocka_unit_test(test_transpose),
        cmocka_unit_test(test_pad),
    };
    return cmocka_run_group_tests(tests, device_setup, NULL);
}
