/* conv_q8 and gemm_q8 on the device: every tile, split of K and form against the reference tier,
 * byte for byte. SPDX-License-Identifier: Apache-2.0 */
#include "cuda/product_case.h"

#include "runtime_int8/cuda/lower_product.h"

static q8_layer gemm(uint32_t rows, uint32_t k, uint32_t n)
{
    return (q8_layer){.n = 1, .h = 1, .w = rows, .c_in = k, .c_out = n, .groups = 1};
}

/* {n, h, w, c_in, c_out, groups, r, s, sh, sw, dh, dw, pads, auto_pad} */
static const q8_layer layers[] = {
    {1, 7, 5, 16, 16, 1, 1, 1, 1, 1, 1, 1, {0}, 0},
    {2, 5, 7, 33, 70, 1, 1, 1, 1, 1, 1, 1, {0}, 0},
    {1, 9, 9, 20, 40, 1, 1, 1, 2, 2, 1, 1, {0}, 0},
    {1, 3, 3, 17, 9, 1, 1, 1, 1, 1, 1, 1, {1, 2, 0, 1}, 0},
    {3, 8, 9, 24, 31, 1, 3, 3, 2, 2, 1, 1, {1, 1, 1, 1}, 0},
    {1, 9, 8, 16, 17, 1, 3, 3, 1, 1, 1, 1, {1, 1, 1, 1}, 0},
    {1, 10, 11, 18, 66, 1, 3, 3, 1, 2, 2, 3, {2, 3, 2, 3}, 0},
    {1, 10, 9, 20, 20, 1, 4, 3, 3, 2, 1, 1, {0}, 1},
    {2, 9, 10, 32, 20, 1, 4, 4, 2, 3, 1, 1, {0}, 2},
    {1, 5, 5, 12, 8, 1, 3, 3, 1, 1, 1, 1, {6, 7, 8, 9}, 0},
    {1, 6, 9, 15, 17, 1, 3, 2, 1, 3, 2, 1, {4, 0, 2, 5}, 0},
    {1, 5, 4, 144, 50, 1, 3, 3, 1, 1, 1, 1, {1, 1, 1, 1}, 0},
    {1, 4, 4, 1100, 33, 1, 1, 1, 1, 1, 1, 1, {0}, 0},
    {2, 10, 10, 64, 70, 1, 3, 3, 1, 1, 1, 1, {1, 1, 1, 1}, 0},
    {1, 14, 14, 100, 144, 1, 1, 1, 1, 1, 1, 1, {0}, 0},
    /* windows that lie in the padding or reach over both sides */
    {1, 2, 2, 16, 16, 1, 5, 5, 1, 1, 1, 1, {4, 4, 4, 4}, 0},
    {1, 4, 4, 8, 16, 1, 3, 3, 2, 2, 3, 3, {3, 3, 3, 3}, 0},
    /* few channels with dilation along W, or one column: taps of single bytes */
    {1, 9, 11, 3, 20, 1, 3, 3, 1, 1, 2, 2, {2, 2, 2, 2}, 0},
    {2, 9, 7, 1, 5, 1, 3, 1, 1, 1, 1, 1, {1, 0, 1, 0}, 0},
    {1, 6, 6, 5, 8, 1, 2, 3, 1, 1, 1, 2, {1, 2, 1, 2}, 0},
    /* groups: wide, narrow, narrow enough to be merged, of odd width */
    {1, 7, 7, 64, 96, 2, 3, 3, 1, 1, 1, 1, {1, 1, 1, 1}, 0},
    {1, 7, 7, 32, 48, 4, 3, 3, 1, 1, 1, 1, {1, 1, 1, 1}, 0},
    {1, 5, 6, 128, 128, 32, 3, 3, 2, 2, 1, 1, {1, 1, 1, 1}, 0},
    {2, 6, 5, 6, 12, 6, 3, 3, 1, 1, 1, 1, {1, 1, 1, 1}, 0},
    {2, 6, 6, 40, 40, 2, 1, 1, 1, 1, 1, 1, {0}, 0},
    {1, 6, 6, 30, 42, 6, 3, 3, 2, 1, 1, 2, {1, 2, 1, 2}, 0},
    {1, 5, 5, 21, 14, 7, 2, 2, 1, 1, 1, 1, {0}, 0},
    /* 1-D */
    {2, 0, 37, 16, 20, 1, 1, 5, 1, 2, 1, 2, {0, 3, 0, 1}, 0},
    {1, 0, 130, 16, 7, 1, 1, 101, 1, 1, 1, 1, {0, 50, 0, 50}, 0},
    {1, 0, 30, 12, 12, 3, 1, 3, 1, 1, 1, 1, {0}, 2},
    /* gemm: n*h*w rows */
    {1, 1, 1, 64, 10, 1, 0, 0, 0, 0, 0, 0, {0}, 0},
    {1, 1, 1, 2047, 1000, 1, 0, 0, 0, 0, 0, 0, {0}, 0},
    {1, 1, 1, 2048, 1000, 1, 0, 0, 0, 0, 0, 0, {0}, 0},
    {2, 3, 17, 33, 47, 1, 0, 0, 0, 0, 0, 0, {0}, 0},
    {1, 4, 32, 192, 96, 1, 0, 0, 0, 0, 0, 0, {0}, 0},
    {1, 1, 3, 1, 1, 1, 0, 0, 0, 0, 0, 0, {0}, 0},
};

/* Few channels: one tap is a kernel row. */
static const q8_layer rows[] = {
    {1, 17, 15, 3, 64, 1, 7, 7, 2, 2, 1, 1, {3, 3, 3, 3}, 0},
    {2, 11, 13, 3, 24, 1, 3, 3, 2, 2, 1, 1, {0, 0, 1, 1}, 0},
    {1, 12, 12, 1, 6, 1, 5, 5, 1, 1, 1, 1, {0}, 0},
    {3, 12, 9, 1, 32, 1, 3, 3, 1, 1, 2, 1, {2, 1, 2, 1}, 0},
    {1, 11, 9, 4, 17, 1, 3, 4, 2, 1, 1, 1, {1, 2, 0, 0}, 1},
    {1, 9, 10, 7, 20, 1, 4, 4, 2, 3, 1, 1, {0}, 2},
    {1, 5, 5, 5, 8, 1, 3, 3, 1, 1, 1, 1, {6, 7, 8, 9}, 0},
    {1, 9, 40, 8, 33, 1, 3, 3, 1, 1, 1, 1, {1, 1, 1, 1}, 0},
    {2, 3, 70, 2, 100, 1, 2, 3, 1, 1, 1, 1, {1, 1, 1, 1}, 0},
    {1, 0, 150, 2, 18, 1, 1, 9, 1, 1, 1, 1, {0, 4, 0, 4}, 0},
    {2, 0, 141, 1, 33, 1, 1, 16, 1, 8, 1, 1, {0, 3, 0, 9}, 0},
    {1, 33, 3, 3, 16, 1, 3, 3, 1, 1, 1, 1, {1, 1, 1, 1}, 0},
};

static void chosen_tiles_equal_reference(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof layers / sizeof *layers; i++)
        for (unsigned e = 0; e < 3; e++)
            product_hold(&layers[i], (i + 3 * e) % Q8_EPILOGUES,
                         e < 2 ? Q8_RANDOM : (q8_fill)(1 + i % 2), NULL, "product_");
}

static void rows_equal_reference(void **state)
{
    (void)state;
    static const char *const force[] = {NULL, "rows_128x64", "rows_128x32", "product_fine_64x32",
                                        "product_fine_16x64/2"};
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
        for (unsigned f = 0; f < 5; f++)
            product_hold(&rows[i], (i + 3 * f) % Q8_EPILOGUES, f == 3 ? Q8_HIGH : Q8_RANDOM,
                         force[f], f < 3 ? "rows_" : "product_fine_");
}

/* A window too long for shared memory takes the bytes of its rows one by one. */
static void long_rows_equal_reference(void **state)
{
    (void)state;
    const q8_layer layer = {1, 0, 1000, 1, 5, 1, 1, 900, 1, 7, 1, 1, {0, 40, 0, 41}, 0};
    const q8_layer wide = {1, 3, 3000, 8, 5, 1, 2, 3, 1, 900, 1, 1, {1, 0, 0, 3}, 0};
    product_hold(&layer, 1, Q8_RANDOM, NULL, "rows_");
    product_hold(&wide, 1, Q8_RANDOM, NULL, "product_fine_");
}

/* Rows and columns around the tile, all epilogues and cuts of K in turn; C of every alignment. */
static void every_tile_equals_reference(void **state)
{
    (void)state;
    static const uint32_t coarse[] = {16, 64, 80, 128, 144}, fine[] = {8, 24, 100, 12, 3, 129, 70};
    for (unsigned t = 0; t < NNRT_CUDA_TILE_COUNT; t++) {
        const nnrt_cuda_tile *tile = &nnrt_cuda_tiles[t];
        const uint32_t m = tile->rows, n = tile->cols;
        const uint32_t row[] = {1, m - 1, m, m + 1, 2 * m + 1},
                       col[] = {1, n - 1, n, n + 1, 2 * n + 1};
        for (unsigned i = 0; i < 30; i++) {
            const unsigned epilogue = (i * 3 + t) % Q8_EPILOGUES;
            char force[64];
            snprintf(force, sizeof force, "%s/%u", tile->name, 1 + i % 4);
            const uint32_t k = tile->fine ? fine[(i + t) % 7] : coarse[(i + t) % 5];
            const q8_layer layer = gemm(row[i % 5], k * (1 + i % 3 * 2), col[(i + i / 5) % 5]);
            product_hold(&layer, epilogue, i == 7 ? Q8_LOW : Q8_RANDOM, force, tile->name);
        }
    }
}

static void every_tile_convolves(void **state)
{
    (void)state;
    for (unsigned t = 0; t < NNRT_CUDA_TILE_COUNT; t++) {
        const nnrt_cuda_tile *tile = &nnrt_cuda_tiles[t];
        static const uint32_t fine[] = {24, 20, 13, 1, 8, 3, 100, 12};
        for (unsigned i = 0; i < 8; i++) {
            const uint32_t c = tile->fine ? fine[i] : 16 * (i % 4 + 1);
            /* Dilation along W keeps few channels from being packed by rows. */
            const q8_layer layer = {
                2,         9, 8,         c, 40 + 8 * i,           1, 3, 2 + i % 2,
                1 + i % 2, 1, 1 + i / 4, 2, {i % 3, 1, 1, i % 4}, 0};
            char force[64];
            snprintf(force, sizeof force, "%s/%u", tile->name, 1 + i % 3);
            product_hold(&layer, i, Q8_RANDOM, force, tile->name);
        }
    }
}

static void every_epilogue_equals_reference(void **state)
{
    (void)state;
    static const uint32_t cols[] = {48, 40, 36, 35, 34};
    for (unsigned e = 0; e < Q8_EPILOGUES; e++)
        for (unsigned i = 0; i < 5; i++) {
            const q8_layer plain = gemm(70, 32, cols[i]), cut = gemm(33, 200, cols[i]);
            product_hold(&plain, e, Q8_RANDOM, "product_64x32", NULL);
            product_hold(&cut, e, (q8_fill)(i % 3), "product_fine_16x64/3", NULL);
        }
}

static void wrong_force_is_refused(void **state)
{
    (void)state;
    static const char *const force[] = {"nothing",         "product_fine_64x32",
                                        "product_64x64/0", "product_64x64/70000",
                                        "product_64x6",    "rows_128x64"};
    const q8_layer layer = gemm(5, 64, 9);
    q8_model m;
    q8_model_create(&m, &layer, q8_epilogue(0, 0), Q8_RANDOM, 1);
    for (unsigned i = 0; i < sizeof force / sizeof *force; i++) {
        assert_int_equal(setenv("NNRT_CUDA_PRODUCT", force[i], 1), 0);
        nnrt_session *session = product_session(&m, NNRT_DEVICE_CUDA);
        assert_int_equal(unsetenv("NNRT_CUDA_PRODUCT"), 0);
        if (session)
            fail_msg("%s was accepted", force[i]);
        assert_non_null(strstr(nnrt_error_message(), force[i]));
    }
    q8_model_destroy(&m);
}

/* A padded image of more than 2^31 bytes: the CPU's, where AUTO leaves it to the CPU. */
static void large_images_go_to_the_cpu(void **state)
{
    (void)state;
    const q8_layer layer = {1,     2, 2, 16, 16,
                            1,     2, 2, 65535, 65535,
                            1,     1, {65535, 65535, 65535, 65535}, 0};
    q8_model m;
    nnrt_view want, got;
    q8_model_create(&m, &layer, q8_epilogue(0, 7), Q8_RANDOM, 1);
    assert_null(product_session(&m, NNRT_DEVICE_CUDA));
    assert_non_null(strstr(nnrt_error_message(), "131072x131072x16"));
    nnrt_session *cpu = product_session(&m, NNRT_DEVICE_CPU);
    nnrt_session *chosen = product_session(&m, NNRT_DEVICE_AUTO);
    if (!cpu || !chosen)
        fail_msg("%s", nnrt_error_message());
    assert_int_equal(nnrt_session_device_of(chosen), NNRT_DEVICE_CPU);
    assert_non_null(strstr(nnrt_session_device_note(chosen), "131072x131072x16"));
    assert_int_equal(nnrt_session_output(cpu, 0, &want), NNRT_OK);
    assert_int_equal(nnrt_session_output(chosen, 0, &got), NNRT_OK);
    assert_int_equal(got.bytes, want.bytes);
    assert_memory_equal(got.data, want.data, want.bytes);
    nnrt_session_destroy(cpu);
    nnrt_session_destroy(chosen);
    q8_model_destroy(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chosen_tiles_equal_reference),
        cmocka_unit_test(rows_equal_reference),
        cmocka_unit_test(long_rows_equal_reference),
        cmocka_unit_test(every_tile_equals_reference),
        cmocka_unit_test(every_tile_convolves),
        cmocka_unit_test(every_epilogue_equals_reference),
        cmocka_unit_test(wrong_force_is_refused),
        cmocka_unit_test(large_images_go_to_the_cpu),
    };
    if (getenv("NNRT_CUDA_PLUGIN") == NULL) {
        puts("skipped: NNRT_CUDA_PLUGIN names no plug-in");
        return 77;
    }
    /* Of an H200; the largest tile with a residual needs more than the simulator's 99 KB. */
    setenv("NNRT_SIM_SHARED", "232448", 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
