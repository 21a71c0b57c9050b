/* Elementwise ops on the device, held to the reference tier: sizes around the words that threads
 * take, broadcasts of any rank, values at the edges of the functions. SPDX-License-Identifier:
 * Apache-2.0 */
#include "cuda/device_case.h"
#include "tensor/half.h"

static const int64_t counts[] = {1, 3, 4, 5, 15, 16, 17, 31, 33, 64, 255, 2047, 2049, 5000};
#define COUNTS (sizeof counts / sizeof *counts)

/* Normal numbers with what functions treat specially among them. */
static float *special_floats(nnc_rng *rng, size_t n)
{
    static const float special[] = {0.0f,  -0.0f,   INFINITY, -INFINITY, NAN,   1e-41f, -3e-39f,
                                    88.8f, -104.5f, 0.5f,     1.5f,      2.5f,  -0.5f,  1.0f,
                                    -1.0f, 2.0f,    1e30f,    -1e30f,    3e-8f, 100.0f, 0.625f,
                                    0.92f, 4.1f,    1e9f,     -7.0f,     254.5f};
    float *x = rop_floats(rng, n, 3.0f);
    for (size_t i = 0; i < n; i += 3)
        x[i] = special[nnc_rng_below(rng, sizeof special / sizeof *special)];
    return x;
}

static void test_quantize(void **state)
{
    (void)state;
    nnc_rng rng;
    nnc_rng_init(&rng, 1, 0);
    const nnrt_quantize_params params = {0.037f, 110, 0, 255, 0}, narrow = {1.7f, 0, 1, 127, 0};
    for (size_t i = 0; i < COUNTS; i++) {
        const nnrt_shape shape = {1, {counts[i]}};
        float *x = special_floats(&rng, (size_t)counts[i]);
        rop_case c = {NNRT_ROP_ID_QUANTIZE, &params, 1, {{NNRT_F32, shape, x, false}}, NNRT_U8, 1};
        device_run(&c, "quantize__cuda");
        c.params = &narrow;
        device_run(&c, "quantize__cuda");
        free(x);
    }
}

static void test_quantize_pixels(void **state)
{
    (void)state;
    nnc_rng rng;
    nnc_rng_init(&rng, 2, 0);
    const nnrt_quantize_params params = {0.021f, 128, 0, 255, 1};
    static const struct {
        nnrt_shape shape;
        const char *kernel;
    } cases[] = {{{4, {1, 3, 8, 6}}, "quantize_rgb__cuda"},
                 {{4, {3, 3, 5, 4}}, "quantize_rgb__cuda"},
                 {{4, {2, 3, 5, 5}}, "quantize_pixels__cuda"},
                 {{4, {2, 1, 7, 5}}, "quantize__cuda"},
                 {{3, {2, 4, 37}}, "quantize_pixels__cuda"},
                 {{4, {1, 7, 3, 11}}, "quantize_pixels__cuda"},
                 {{3, {3, 17, 300}}, "quantize_pixels__cuda"},
                 {{4, {2, 2, 9, 9}}, "quantize_pixels__cuda"},
                 {{4, {1, 40, 16, 5}}, "quantize_pixels__cuda"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const nnrt_shape shape = cases[i].shape;
        float *x = special_floats(&rng, nnrt_shape_count(&shape));
        const rop_case c = {NNRT_ROP_ID_QUANTIZE,          &params, 1,
                            {{NNRT_F32, shape, x, false}}, NNRT_U8, shape.rank};
        device_run(&c, cases[i].kernel);
        free(x);
    }
}

/* x of a type, scales and zero points per tensor (axis -1) or along an axis; constant or not. */
static void run_dequantize(nnrt_dtype dtype, nnrt_shape shape, int32_t axis, bool constant,
                           nnc_rng *rng)
{
    const size_t count = nnrt_shape_count(&shape),
                 entries = axis < 0 ? 1 : (size_t)shape.dims[axis];
    const nnrt_dequantize_params params = {axis};
    const nnrt_shape entry_shape = {1, {(int64_t)entries}};
    uint8_t *x = rop_u8(rng, count * nnrt_dtype_bytes(dtype));
    float *scale = rop_floats(rng, entries, 0.1f);
    int32_t zero[64];
    for (size_t i = 0; i < entries; i++)
        zero[i] = (int32_t)nnc_rng_below(rng, 256) - (dtype == NNRT_U8 ? 0 : 128);
    const rop_case c = {NNRT_ROP_ID_DEQUANTIZE,
                        &params,
                        3,
                        {{dtype, shape, x, false},
                         {NNRT_F32, entry_shape, scale, constant},
                         {NNRT_I32, entry_shape, zero, constant}},
                        NNRT_F32,
                        shape.rank};
    device_run(&c, dtype == NNRT_U8 && axis < 0 ? "dequantize_u8__cuda" : "dequantize_any__cuda");
    free(x);
    free(scale);
}

static void test_dequantize(void **state)
{
    (void)state;
    nnc_rng rng;
    nnc_rng_init(&rng, 3, 0);
    static const nnrt_dtype dtypes[] = {NNRT_U8, NNRT_I8, NNRT_I32};
    for (unsigned d = 0; d < 3; d++) {
        for (size_t i = 0; i < COUNTS; i++)
            run_dequantize(dtypes[d], (nnrt_shape){1, {counts[i]}}, -1, i % 2 == 0, &rng);
        for (int32_t axis = 0; axis < 4; axis++)
            run_dequantize(dtypes[d], (nnrt_shape){4, {3, 5, 2, 7}}, axis, axis % 2 == 0, &rng);
    }
}

static void test_quantize_axis(void **state)
{
    (void)state;
    nnc_rng rng;
    nnc_rng_init(&rng, 4, 0);
    static const nnrt_quantize_axis_params params[] = {{-1, NNRT_U8, 0, 255},
                                                       {0, NNRT_I8, -128, 127},
                                                       {1, NNRT_U8, 3, 200},
                                                       {2, NNRT_I32, INT32_MIN, INT32_MAX}};
    const nnrt_shape shape = {3, {4, 5, 33}};
    for (unsigned i = 0; i < 4; i++) {
        const int64_t entries = params[i].axis < 0 ? 1 : shape.dims[params[i].axis];
        const nnrt_shape entry_shape = {1, {entries}};
        float *x = special_floats(&rng, nnrt_shape_count(&shape)), scale[40];
        int32_t zero[40];
        for (int64_t k = 0; k < entries; k++) {
            scale[k] = 0.01f + nnc_rng_uniform(&rng);
            zero[k] = params[i].dtype == NNRT_U8 ? (int32_t)nnc_rng_below(&rng, 256) : -5;
        }
        const rop_case c = {NNRT_ROP_ID_QUANTIZE_AXIS,
                            &params[i],
                            3,
                            {{NNRT_F32, shape, x, false},
                             {NNRT_F32, entry_shape, scale, true},
                             {NNRT_I32, entry_shape, zero, false}},
                            (nnrt_dtype)params[i].dtype,
                            3};
        device_run(&c, "quantize_axis__cuda");
        free(x);
    }
}

static void test_lut(void **state)
{
    (void)state;
    nnc_rng rng;
    nnc_rng_init(&rng, 5, 0);
    const nnrt_shape entries = {1, {256}};
    uint8_t *bytes = rop_u8(&rng, 256);
    float *floats = rop_floats(&rng, 256, 1.0f);
    for (size_t i = 0; i < COUNTS; i++) {
        const nnrt_shape shape = {1, {counts[i]}};
        uint8_t *x = rop_u8(&rng, (size_t)counts[i]);
        const rop_case u8 = {NNRT_ROP_ID_LUT_U8,
                             NULL,
                             2,
                             {{NNRT_U8, shape, x, false}, {NNRT_U8, entries, bytes, true}},
                             NNRT_U8,
                             1};
        const rop_case f32 = {NNRT_ROP_ID_LUT_U8,
                              NULL,
                              2,
                              {{NNRT_U8, shape, x, false}, {NNRT_F32, entries, floats, true}},
                              NNRT_F32,
                              1};
        device_run(&u8, "lut_u8__cuda");
        device_run(&f32, "lut_f32__cuda");
        free(x);
    }
    free(bytes);
    free(floats);
}

/* Pairs of shapes and whether they are one run of equal elements. */
static const struct {
    nnrt_shape a, b;
    bool flat;
} pairs[] = {
    {{1, {1}}, {1, {1}}, false},
    {{1, {16}}, {1, {16}}, true},
    {{1, {17}}, {1, {17}}, true},
    {{4, {2, 5, 7, 13}}, {4, {2, 5, 7, 13}}, true},
    {{3, {2, 3, 8}}, {1, {1}}, false},
    {{1, {1}}, {3, {2, 3, 7}}, false},
    {{0, {0}}, {2, {3, 5}}, false},
    {{4, {2, 5, 6, 12}}, {4, {2, 1, 1, 12}}, false}, /* squeeze and excite */
    {{4, {2, 5, 6, 10}}, {4, {2, 1, 1, 10}}, false},
    {{4, {2, 1, 1, 16}}, {4, {2, 3, 4, 16}}, false},
    {{3, {3, 4, 5}}, {2, {4, 1}}, false},
    {{2, {9, 1}}, {2, {1, 20}}, false},
    {{2, {1, 20}}, {2, {9, 1}}, false},
    {{8, {2, 1, 2, 1, 3, 1, 2, 4}}, {8, {1, 2, 1, 3, 1, 2, 1, 4}}, false},
    {{8, {2, 1, 2, 1, 3, 1, 2, 1}}, {8, {1, 2, 1, 3, 1, 2, 1, 5}}, false},
    {{4, {1, 1, 5, 1}}, {4, {3, 1, 1, 7}}, false},
    {{2, {5, 6}}, {2, {5, 6}}, true},
};
#define PAIRS (sizeof pairs / sizeof *pairs)

static uint32_t pair_rank(size_t i)
{
    return pairs[i].a.rank > pairs[i].b.rank ? pairs[i].a.rank : pairs[i].b.rank;
}

/* No multiple of 4: words of 16 and an end in bytes are better than bytes alone. */
static bool rows_of_bytes(size_t i)
{
    return nnrt_shape_count(&pairs[i].a) % 4 != 0;
}

/* As on a device of few multiprocessors, which is full with wide threads. */
static void device_run_full(const rop_case *c, const char *kernel)
{
    setenv("NNRT_SIM_SMS", "0", 1);
    device_run(c, kernel);
    unsetenv("NNRT_SIM_SMS");
}

static void test_add_mul(void **state)
{
    (void)state;
    nnc_rng rng;
    nnc_rng_init(&rng, 6, 0);
    const nnrt_add_q8_params add = {120, 3, 77, 0.61f, -0.83f, -77, 178};
    const nnrt_mul_q8_params mul = {0, 200, 128, 0.0041f, -128, 127};
    for (size_t i = 0; i < PAIRS; i++) {
        uint8_t *a = rop_u8(&rng, nnrt_shape_count(&pairs[i].a)),
                *b = rop_u8(&rng, nnrt_shape_count(&pairs[i].b));
        for (unsigned constant = 0; constant < 2; constant++) {
            rop_case c = {
                NNRT_ROP_ID_ADD_Q8,
                &add,
                2,
                {{NNRT_U8, pairs[i].a, a, false}, {NNRT_U8, pairs[i].b, b, constant != 0}},
                NNRT_U8,
                pair_rank(i)};
            device_run(&c,
                       pairs[i].flat && rows_of_bytes(i) ? "add_q8__cuda" : "add_q8_walk__cuda");
            if (pairs[i].flat)
                device_run_full(&c, "add_q8__cuda");
            c.id = NNRT_ROP_ID_MUL_Q8;
            c.params = &mul;
            device_run(&c,
                       pairs[i].flat && rows_of_bytes(i) ? "mul_q8__cuda" : "mul_q8_walk__cuda");
            if (pairs[i].flat)
                device_run_full(&c, "mul_q8__cuda");
        }
        free(a);
        free(b);
    }
}

static void test_unary(void **state)
{
    (void)state;
    nnc_rng rng;
    nnc_rng_init(&rng, 7, 0);
    for (uint32_t op = 0; op < NNRT_UNARY_NOT; op++) {
        const nnrt_unary_params params = {op, 0.37f, 1.9f};
        for (size_t i = 0; i < COUNTS; i += 3) {
            const nnrt_shape shape = {1, {counts[i]}};
            float *x = special_floats(&rng, (size_t)counts[i]);
            const rop_case c = {NNRT_ROP_ID_UNARY, &params, 1, {{NNRT_F32, shape, x, false}},
                                NNRT_F32,          1};
            device_run(&c, NULL);
            free(x);
        }
    }
}

static void test_binary(void **state)
{
    (void)state;
    nnc_rng rng;
    nnc_rng_init(&rng, 8, 0);
    for (uint32_t op = 0; op <= NNRT_BINARY_PRELU; op++) {
        nnrt_binary_params params = {op, {-INFINITY, INFINITY}};
        for (size_t i = 0; i < PAIRS; i++) {
            float *a = special_floats(&rng, nnrt_shape_count(&pairs[i].a));
            float *b = special_floats(&rng, nnrt_shape_count(&pairs[i].b));
            rop_case c = {NNRT_ROP_ID_BINARY,
                          &params,
                          2,
                          {{NNRT_F32, pairs[i].a, a, false}, {NNRT_F32, pairs[i].b, b, i % 2 == 0}},
                          NNRT_F32,
                          pair_rank(i)};
            device_run(&c, NULL);
            params.clamp = (nnrt_clamp){0.0f, 6.0f};
            device_run(&c, NULL);
            free(a);
            free(b);
        }
    }
}

/* A value of the chain below. */
static uint32_t chain_value(nnrt_builder *b, uint32_t kind, const char *name, nnrt_dtype dtype,
                            const nnrt_shape *shape)
{
    return nnrt_builder_value(b, (nnrt_value_kind)kind, name, dtype, shape, 0, NULL);
}

/* Operators that overwrite their input: of each only the next one reads the result. */
static void test_in_place(void **state)
{
    (void)state;
    const nnrt_shape shape = {4, {2, 3, 5, 7}}, row = {1, {7}}, entries = {1, {256}};
    const nnrt_add_q8_params add = {120, 3, 77, 0.61f, -0.83f, -77, 178};
    const nnrt_mul_q8_params mul = {0, 200, 128, 0.0041f, -128, 127};
    const nnrt_dequantize_params per_tensor = {-1};
    const nnrt_unary_params gelu = {NNRT_UNARY_GELU, 0, 0}, relu = {NNRT_UNARY_RELU, 0, 0};
    const nnrt_binary_params plus = {NNRT_BINARY_ADD, {-INFINITY, INFINITY}};
    const nnrt_softmax_params softmax = {3, 0};
    nnc_rng rng;
    nnc_rng_init(&rng, 9, 0);
    uint8_t *x = rop_u8(&rng, 210), *table = rop_u8(&rng, 256), *bytes = rop_u8(&rng, 7);
    float *floats = rop_floats(&rng, 7, 1.0f);
    const float scale = 0.02f;
    const int32_t zero = 128;
    nnrt_builder *b = nnrt_builder_create();
    assert_non_null(b);
    const uint32_t in = chain_value(b, NNRT_VALUE_INPUT, "x", NNRT_U8, &shape);
    nnrt_builder_input(b, in);
    const nnrt_shape one = {1, {1}};
    const uint32_t lut = nnrt_builder_const(b, "table", NNRT_U8, &entries, table, 256);
    const uint32_t by = nnrt_builder_const(b, "bytes", NNRT_U8, &row, bytes, 7);
    const uint32_t fb = nnrt_builder_const(b, "floats", NNRT_F32, &row, floats, 28);
    const uint32_t sc = nnrt_builder_const(b, "scale", NNRT_F32, &one, &scale, 4);
    const uint32_t zp = nnrt_builder_const(b, "zero", NNRT_I32, &one, &zero, 4);
    const struct {
        nnrt_rop_id rop;
        const void *params;
        size_t bytes;
        uint32_t more[2], count;
        nnrt_dtype dtype;
    } steps[] = {
        {NNRT_ROP_ID_LUT_U8, NULL, 0, {lut}, 1, NNRT_U8},
        {NNRT_ROP_ID_LUT_U8, NULL, 0, {lut}, 1, NNRT_U8},
        {NNRT_ROP_ID_ADD_Q8, &add, sizeof add, {by}, 1, NNRT_U8},
        {NNRT_ROP_ID_MUL_Q8, &mul, sizeof mul, {in}, 1, NNRT_U8},
        {NNRT_ROP_ID_DEQUANTIZE, &per_tensor, sizeof per_tensor, {sc, zp}, 2, NNRT_F32},
        {NNRT_ROP_ID_UNARY, &gelu, sizeof gelu, {0}, 0, NNRT_F32},
        {NNRT_ROP_ID_BINARY, &plus, sizeof plus, {fb}, 1, NNRT_F32},
        {NNRT_ROP_ID_UNARY, &relu, sizeof relu, {0}, 0, NNRT_F32},
        {NNRT_ROP_ID_SOFTMAX, &softmax, sizeof softmax, {0}, 0, NNRT_F32},
    };
    const size_t count = sizeof steps / sizeof *steps;
    uint32_t last = in;
    for (size_t i = 0; i < count; i++) {
        char name[16];
        uint32_t ins[3] = {last, steps[i].more[0], steps[i].more[1]};
        snprintf(name, sizeof name, "t%zu", i);
        last = chain_value(b, i + 1 == count ? NNRT_VALUE_OUTPUT : NNRT_VALUE_TEMP, name,
                           steps[i].dtype, &shape);
        nnrt_builder_node(b, steps[i].rop, name, steps[i].params, steps[i].bytes, ins,
                          1 + steps[i].count, &last, 1);
    }
    nnrt_builder_output(b, last, "y");
    nnrt_model *model;
    void *image;
    rop_load(&model, &image, b);
    const rop_case c = {NNRT_ROP_ID_SOFTMAX, NULL, 1, {{NNRT_U8, shape, x, false}}, NNRT_F32, 4};
    size_t size, other_size;
    void *y = rop_run_on(&c, model, NNRT_ISA_REF, 1, NNRT_DEVICE_CPU, NULL, &size);
    void *other = rop_run_on(&c, model, NNRT_ISA_REF, 1, NNRT_DEVICE_CUDA, NULL, &other_size);
    assert_non_null(other);
    assert_int_equal(size, other_size);
    assert_memory_equal(y, other, size);
    free(y);
    free(other);
    nnrt_model_destroy(model);
    nnc_free(image);
    free(x);
    free(table);
    free(bytes);
    free(floats);
}

/* All halves; floats around every rounding step of a half. */
static void test_cast(void **state)
{
    (void)state;
    const nnrt_shape shape = {1, {65536}};
    uint16_t *half = malloc(65536 * sizeof *half);
    float *single = malloc(65536 * sizeof *single);
    assert_non_null(half);
    assert_non_null(single);
    for (uint32_t i = 0; i < 65536; i++)
        half[i] = (uint16_t)i;
    const nnrt_cast_params widen = {NNRT_F32}, narrow = {NNRT_F16};
    const rop_case up = {NNRT_ROP_ID_CAST, &widen, 1, {{NNRT_F16, shape, half, false}},
                         NNRT_F32,         1};
    device_run(&up, "cast_f16_f32__cuda");
    for (int step = -1; step <= 1; step++) {
        for (uint32_t i = 0; i < 65536; i++) {
            /* Halfway between a half and the next, and its neighbours. */
            const float a = nnc_f16_to_f32((uint16_t)i), b = nnc_f16_to_f32((uint16_t)(i + 1));
            single[i] = a + (b - a) / 2;
            if (step != 0)
                single[i] = nextafterf(single[i], (float)step * INFINITY);
        }
        const rop_case down = {NNRT_ROP_ID_CAST, &narrow, 1, {{NNRT_F32, shape, single, false}},
                               NNRT_F16,         1};
        device_run(&down, "cast_f32_f16__cuda");
    }
    const rop_case same = {NNRT_ROP_ID_CAST, &narrow, 1, {{NNRT_F16, shape, half, false}},
                           NNRT_F16,         1};
    device_run(&same, "copy_16__cuda");
    free(half);
    free(single);
}

/* Forms without a kernel say so. */
static void test_unsupported(void **state)
{
    (void)state;
    const nnrt_shape shape = {1, {5}};
    const int64_t x[5] = {1, 2, 3, 4, 5};
    const nnrt_unary_params relu = {NNRT_UNARY_RELU, 0, 0};
    const nnrt_cast_params to_f32 = {NNRT_F32};
    const rop_case cases[] = {
        {NNRT_ROP_ID_UNARY, &relu, 1, {{NNRT_I64, shape, x, false}}, NNRT_I64, 1},
        {NNRT_ROP_ID_CAST, &to_f32, 1, {{NNRT_I64, shape, x, false}}, NNRT_F32, 1},
    };
    static const char *const lines[] = {
        "CUDA: unary 'op': function 15 of int64 has no kernel",
        "CUDA: cast 'op': int64 to float32 has no kernel",
    };
    for (unsigned i = 0; i < 2; i++) {
        nnrt_model *model;
        void *image;
        nnrt_session *session;
        const nnrt_session_options o = {.size = sizeof o, .threads = 1, .device = NNRT_DEVICE_CUDA};
        rop_build(&cases[i], &model, &image);
        assert_int_equal(nnrt_session_create(&session, model, &o), NNRT_OK);
        assert_int_equal(nnrt_session_reshape(session, &shape, 1), NNRT_ERR_UNSUPPORTED);
        assert_non_null(strstr(nnrt_error_message(), lines[i]));
        nnrt_session_destroy(session);
        nnrt_model_destroy(model);
        nnc_free(image);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quantize),    cmocka_unit_test(test_quantize_pixels),
        cmocka_unit_test(test_dequantize),  cmocka_unit_test(test_quantize_axis),
        cmocka_unit_test(test_lut),         cmocka_unit_test(test_add_mul),
        cmocka_unit_test(test_unary),       cmocka_unit_test(test_binary),
        cmocka_unit_test(test_in_place),    cmocka_unit_test(test_cast),
        cmocka_unit_test(test_unsupported),
    };
    return cmocka_run_group_tests(tests, device_setup, NULL);
}
