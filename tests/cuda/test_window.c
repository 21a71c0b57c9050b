/* Depthwise convolution and pooling on the device, held to the reference tier.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cuda/device_case.h"

/* As the special kernels cut them: {n, h, w, c, c, c, r, s, sh, sw, dh, dw, pads, auto_pad}, and
 * the kernel. */
#define DW(n, h, w, c, ...)                                                                        \
    {                                                                                              \
        n, h, w, c, c, c, __VA_ARGS__                                                              \
    }
typedef struct dwconv_case {
    q8_layer layer;
    const char *kernel;
} dwconv_case;
static const dwconv_case dwconvs[] = {
    {DW(1, 7, 7, 32, 3, 3, 1, 1, 1, 1, {1, 1, 1, 1}, 0), "dwconv_3x3_s1_short__cuda"},
    {DW(2, 5, 6, 4, 3, 3, 1, 1, 1, 1, {1, 1, 1, 1}, 0), "dwconv_3x3_s1_short__cuda"},
    {DW(1, 3, 1, 20, 3, 3, 1, 1, 1, 1, {2, 2, 2, 2}, 0), "dwconv_3x3_s1_short__cuda"},
    {DW(1, 9, 11, 36, 3, 3, 2, 1, 1, 1, {1, 1, 1, 1}, 0), "dwconv_3x3_s1_short__cuda"},
    {DW(1, 8, 9, 8, 3, 3, 1, 1, 2, 1, {2, 0, 2, 1}, 0), "dwconv_3x3_s1_short__cuda"},
    {DW(3, 7, 9, 16, 3, 3, 2, 2, 1, 1, {0, 0, 1, 1}, 0), "dwconv_3x3_s2_short__cuda"},
    {DW(1, 6, 8, 12, 3, 3, 1, 2, 1, 1, {0}, 1), "dwconv_3x3_s2_short__cuda"},
    {DW(1, 6, 7, 58, 3, 3, 1, 1, 1, 1, {1, 1, 1, 1}, 0), "dwconv_3x3_s1_bytes__cuda"},
    {DW(2, 5, 9, 3, 3, 3, 1, 1, 1, 1, {1, 1, 1, 1}, 0), "dwconv_3x3_s1_bytes__cuda"},
    {DW(2, 9, 10, 17, 3, 3, 2, 2, 1, 1, {1, 1, 1, 1}, 0), "dwconv_3x3_s2_bytes__cuda"},
    {DW(1, 4, 5, 1, 3, 3, 2, 2, 1, 1, {0}, 2), "dwconv_3x3_s2_bytes__cuda"},
    {DW(1, 6, 9, 40, 5, 5, 1, 1, 1, 1, {2, 2, 2, 2}, 0), "dwconv_5x5_s1__cuda"},
    {DW(2, 5, 5, 4, 5, 5, 2, 1, 1, 1, {2, 3, 2, 4}, 0), "dwconv_5x5_s1__cuda"},
    {DW(1, 9, 9, 24, 5, 5, 2, 2, 1, 1, {2, 2, 2, 2}, 0), "dwconv_5x5_s2__cuda"},
    {DW(1, 5, 6, 10, 5, 5, 1, 1, 1, 1, {2, 2, 2, 2}, 0), "dwconv_any__cuda"},
    {DW(1, 9, 8, 24, 3, 3, 1, 1, 2, 2, {0}, 2), "dwconv_any__cuda"},
    {DW(2, 8, 9, 20, 3, 3, 3, 3, 1, 1, {1, 1, 1, 1}, 0), "dwconv_any__cuda"},
    {DW(1, 6, 6, 7, 2, 4, 1, 1, 1, 1, {0}, 1), "dwconv_any__cuda"},
    {DW(2, 0, 21, 12, 1, 9, 1, 2, 1, 1, {0, 4, 0, 4}, 0), "dwconv_any__cuda"},
    {DW(1, 0, 19, 5, 1, 3, 1, 1, 1, 3, {0, 3, 0, 3}, 0), "dwconv_any__cuda"},
};

/* Bytes of one run; the kernel's name in `kernel`. */
static uint8_t *run_layer(const q8_model *m, uint32_t device, char kernel[64], size_t *bytes)
{
    const nnrt_session_options o = {
        .size = sizeof o, .threads = 1, .isa_max = NNRT_ISA_REF, .device = device};
    nnrt_session *session;
    nnrt_node_info info;
    nnrt_view view;
    if (nnrt_session_create(&session, m->model, &o) != NNRT_OK ||
        nnrt_session_input(session, 0, &view) != NNRT_OK)
        fail_msg("session: %s", nnrt_error_message());
    memcpy(view.data, m->x, m->x_count);
    if (m->epilogue.residual) {
        assert_int_equal(nnrt_session_input(session, 1, &view), NNRT_OK);
        memcpy(view.data, m->residual, m->y_count);
    }
    if (nnrt_session_run(session) != NNRT_OK)
        fail_msg("run: %s", nnrt_error_message());
    assert_int_equal(nnrt_session_node(session, 0, &info), NNRT_OK);
    snprintf(kernel, 64, "%s", info.kernel);
    assert_int_equal(nnrt_session_output(session, 0, &view), NNRT_OK);
    uint8_t *y = malloc(view.bytes + 1);
    assert_non_null(y);
    memcpy(y, view.data, view.bytes);
    *bytes = view.bytes;
    nnrt_session_destroy(session);
    return y;
}

static void hold_layer(const dwconv_case *c, nnrt_q8_epilogue epilogue, q8_fill fill, uint64_t seed)
{
    q8_model m;
    char want_kernel[64], kernel[64];
    size_t bytes, other_bytes;
    q8_model_create(&m, &c->layer, epilogue, fill, seed);
    if (m.model == NULL)
        fail_msg("layer: %s", nnrt_error_message());
    /* One channel is no depthwise convolution to q8_model. */
    if (m.depthwise) {
        uint8_t *want = run_layer(&m, NNRT_DEVICE_CPU, want_kernel, &bytes);
        uint8_t *y = run_layer(&m, NNRT_DEVICE_CUDA, kernel, &other_bytes);
        assert_int_equal(bytes, other_bytes);
        assert_string_equal(kernel, c->kernel);
        for (size_t i = 0; i < bytes; i++) {
            if (y[i] != want[i])
                fail_msg("%s, %u channels: byte %zu of %zu is %u, expected %u", kernel,
                         c->layer.c_in, i, bytes, y[i], want[i]);
        }
        free(want);
        free(y);
    }
    q8_model_destroy(&m);
}

static void test_dwconv(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof dwconvs / sizeof *dwconvs; i++) {
        for (unsigned e = 0; e < Q8_EPILOGUES; e++)
            hold_layer(&dwconvs[i], q8_epilogue(e, (int32_t)(37 * e % 256)), Q8_RANDOM,
                       100 * i + e);
        hold_layer(&dwconvs[i], q8_epilogue(0, 255), Q8_HIGH, i);
        hold_layer(&dwconvs[i], q8_epilogue(3, 0), Q8_LOW, i);
    }
}

/* A device of few multiprocessors is full with long strips. */
static void test_dwconv_long(void **state)
{
    (void)state;
    static const dwconv_case cases[] = {
        {DW(1, 12, 13, 16, 3, 3, 1, 1, 1, 1, {1, 1, 1, 1}, 0), "dwconv_3x3_s1__cuda"},
        {DW(3, 9, 10, 12, 3, 3, 2, 1, 3, 1, {1, 2, 5, 1}, 0), "dwconv_3x3_s1__cuda"},
        {DW(1, 19, 22, 16, 3, 3, 2, 2, 1, 1, {0, 0, 1, 1}, 0), "dwconv_3x3_s2__cuda"},
        {DW(2, 20, 37, 8, 3, 3, 1, 2, 1, 1, {1, 2, 1, 2}, 0), "dwconv_3x3_s2__cuda"},
    };
    setenv("NNRT_SIM_SMS", "0", 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (unsigned e = 0; e < Q8_EPILOGUES; e++)
            hold_layer(&cases[i], q8_epilogue(e, (int32_t)(91 * e % 256)), Q8_RANDOM, 77 * i + e);
    }
    unsetenv("NNRT_SIM_SMS");
}

typedef struct pool_case {
    int64_t n, h, w, c;
    nnrt_window window;
    const char *u8, *f32, *q8; /* kernels of maxpool and avgpool_q8 */
} pool_case;

#define WINDOW(r, s, sh, sw, dh, dw, ...)                                                          \
    {                                                                                              \
        .spatial = 2, .kernel = {r, s}, .stride = {sh, sw}, .dilation = {dh, dw}, __VA_ARGS__      \
    }
static const pool_case pools[] = {
    {1, 8, 9, 32, WINDOW(2, 2, 2, 2, 1, 1, .ceil_mode = 0), "maxpool_u8_words__cuda",
     "maxpool_f32_4__cuda", "avgpool_q8_words__cuda"},
    {2, 9, 7, 20, WINDOW(3, 3, 2, 2, 1, 1, .pad = {1, 1, 1, 1}), "maxpool_u8_words__cuda",
     "maxpool_f32_4__cuda", "avgpool_q8_words__cuda"},
    {2, 7, 6, 7, WINDOW(3, 2, 1, 2, 1, 1, .pad = {1, 0, 2, 1}, .ceil_mode = 1),
     "maxpool_u8_bytes__cuda", "maxpool_f32_1__cuda", "avgpool_q8_bytes__cuda"},
    {1, 9, 9, 1, WINDOW(3, 3, 2, 3, 2, 3, .auto_pad = 1), "maxpool_u8_bytes__cuda",
     "maxpool_f32_1__cuda", "avgpool_q8_bytes__cuda"},
    {1, 6, 5, 16, WINDOW(2, 3, 3, 1, 1, 2, .auto_pad = 2), "maxpool_u8_words__cuda",
     "maxpool_f32_4__cuda", "avgpool_q8_words__cuda"},
    /* windows that lie in the padding alone */
    {1, 3, 3, 4, WINDOW(2, 2, 2, 2, 1, 1, .pad = {4, 3, 4, 3}), "maxpool_u8_words__cuda",
     "maxpool_f32_4__cuda", "avgpool_q8_words__cuda"},
    {1, 14, 11, 200, WINDOW(7, 6, 7, 2, 1, 1, .pad = {3, 2, 3, 2}), "maxpool_u8_words__cuda",
     "maxpool_f32_4__cuda", "avgpool_q8_block__cuda"},
    {3, 8, 9, 9, WINDOW(8, 8, 1, 1, 1, 1, .ceil_mode = 0), "maxpool_u8_bytes__cuda",
     "maxpool_f32_1__cuda", "avgpool_q8_block_bytes__cuda"},
};

static void test_maxpool(void **state)
{
    (void)state;
    nnc_rng rng;
    nnc_rng_init(&rng, 5, 0);
    for (size_t i = 0; i < sizeof pools / sizeof *pools; i++) {
        const pool_case *p = &pools[i];
        const nnrt_maxpool_params params = {p->window};
        const nnrt_shape shape = {4, {p->n, p->h, p->w, p->c}};
        const size_t count = nnrt_shape_count(&shape);
        uint8_t *bytes = rop_u8(&rng, count);
        float *floats = rop_floats(&rng, count, 3.0f);
        floats[count / 2] = NAN;
        floats[count / 3] = -INFINITY;
        const rop_case u8 = {
            NNRT_ROP_ID_MAXPOOL, &params, 1, {{NNRT_U8, shape, bytes, false}}, NNRT_U8, 4};
        const rop_case f32 = {
            NNRT_ROP_ID_MAXPOOL, &params, 1, {{NNRT_F32, shape, floats, false}}, NNRT_F32, 4};
        device_run(&u8, p->u8);
        device_run(&f32, p->f32);
        free(bytes);
        free(floats);
    }
}

/* A device of few multiprocessors is full with wide threads. */
static void test_maxpool_wide(void **state)
{
    (void)state;
    nnc_rng rng;
    nnc_rng_init(&rng, 7, 0);
    setenv("NNRT_SIM_SMS", "0", 1);
    for (size_t i = 0; i < sizeof pools / sizeof *pools; i++) {
        const nnrt_maxpool_params params = {pools[i].window};
        const nnrt_shape shape = {4, {pools[i].n, pools[i].h, pools[i].w, 16 + 32 * (int64_t)i}};
        uint8_t *x = rop_u8(&rng, nnrt_shape_count(&shape));
        const rop_case c = {NNRT_ROP_ID_MAXPOOL,          &params, 1,
                            {{NNRT_U8, shape, x, false}}, NNRT_U8, 4};
        device_run(&c, "maxpool_u8_16__cuda");
        free(x);
    }
    unsetenv("NNRT_SIM_SMS");
}

/* Both dtypes, with and without counted padding. */
static void run_avgpool(const nnrt_shape *shape, nnrt_avgpool_params *params, const char *q8,
                        const char *f32, nnc_rng *rng)
{
    const size_t count = nnrt_shape_count(shape);
    uint8_t *bytes = rop_u8(rng, count);
    float *floats = rop_floats(rng, count, 3.0f);
    for (uint32_t include = 0; include < 2; include++) {
        params->count_include_pad = include;
        params->zx = 131;
        params->zy = 17;
        params->sx = 0.031f;
        params->sy = 0.027f;
        params->lo = -17;
        params->hi = 200;
        const rop_case u8 = {NNRT_ROP_ID_AVGPOOL_Q8,
                             params,
                             1,
                             {{NNRT_U8, *shape, bytes, false}},
                             NNRT_U8,
                             shape->rank};
        device_run(&u8, q8);
        params->lo = -1.5f;
        params->hi = INFINITY;
        const rop_case f = {NNRT_ROP_ID_AVGPOOL_F32,
                            params,
                            1,
                            {{NNRT_F32, *shape, floats, false}},
                            NNRT_F32,
                            shape->rank};
        device_run(&f, f32);
    }
    free(bytes);
    free(floats);
}

static void test_avgpool(void **state)
{
    (void)state;
    nnc_rng rng;
    nnc_rng_init(&rng, 6, 0);
    for (size_t i = 0; i < sizeof pools / sizeof *pools; i++) {
        const nnrt_shape shape = {4, {pools[i].n, pools[i].h, pools[i].w, pools[i].c}};
        nnrt_avgpool_params params = {.window = pools[i].window};
        run_avgpool(&shape, &params, pools[i].q8, "avgpool_f32__cuda", &rng);
    }
    static const nnrt_shape whole[] = {
        {4, {1, 7, 7, 1280}}, {4, {2, 8, 60, 8}},   {4, {1, 13, 13, 1000}},
        {4, {3, 3, 3, 33}},   {3, {2, 25, 64}},     {3, {2, 100, 5}},
        {4, {1, 1, 1, 4}},    {4, {2, 17, 2, 132}}, {4, {1, 1, 2000, 1}},
    };
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
        nnrt_avgpool_params params = {.global = 1};
        run_avgpool(&whole[i], &params, NULL, NULL, &rng);
    }
}

static void test_window_empty(void **state)
{
    (void)state;
    const nnrt_maxpool_params params = {WINDOW(2, 2, 2, 2, 1, 1, .ceil_mode = 0)};
    static const nnrt_shape shapes[] = {{4, {0, 4, 4, 16}}, {4, {2, 4, 4, 0}}};
    for (unsigned i = 0; i < 2; i++) {
        const rop_case c = {
            NNRT_ROP_ID_MAXPOOL, &params, 1, {{NNRT_U8, shapes[i], "", false}}, NNRT_U8, 4};
        device_run(&c, NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dwconv),  cmocka_unit_test(test_dwconv_long),
        cmocka_unit_test(test_maxpool), cmocka_unit_test(test_maxpool_wide),
        cmocka_unit_test(test_avgpool), cmocka_unit_test(test_window_empty),
    };
    return cmocka_run_group_tests(tests, device_setup, NULL);
}
