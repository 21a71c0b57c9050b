/* Quantization parameters, quantize and dequantize. SPDX-License-Identifier: Apache-2.0 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "cmocka_all.h"
#include "tensor/qparams.h"
#include "tensor/requant.h"

#define SHAPE(...)                                                                                 \
    nnc_shape_make(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t),                             \
                   (const int64_t[]){__VA_ARGS__})

static nnc_qparams *make(nnc_dtype dtype, int32_t axis, size_t count, const float *scale,
                         const int32_t *zero)
{
    nnc_qparams *q;
    assert_int_equal(nnc_qparams_create(&q, dtype, axis, count, scale, zero), NNC_OK);
    return q;
}

static nnc_tensor floats(nnc_shape shape, const float *data)
{
    nnc_tensor t;
    assert_int_equal(nnc_tensor_create_from(&t, NNC_DTYPE_FLOAT, &shape, data), NNC_OK);
    return t;
}

static void test_create(void **state)
{
    (void)state;
    const float scale[2] = {0.5f, 0.25f};
    const int32_t zero[2] = {0, -3};
    nnc_qparams *q = make(NNC_DTYPE_INT8, 1, 2, scale, zero), *copy;
    assert_int_equal(q->qmin, -128);
    assert_int_equal(q->qmax, 127);
    assert_int_equal(q->zero_point[1], -3);
    assert_false(nnc_qparams_per_tensor(q));
    q->qmin = -127;
    assert_int_equal(nnc_qparams_copy(&copy, q), NNC_OK);
    assert_true(nnc_qparams_equal(q, copy));
    copy->scale[1] = 0.26f;
    assert_false(nnc_qparams_equal(q, copy));
    nnc_qparams_destroy(copy);
    nnc_qparams_destroy(q);
    q = make(NNC_DTYPE_UINT4, -1, 1, scale, NULL);
    assert_int_equal(q->qmin, 0);
    assert_int_equal(q->qmax, 15);
    assert_int_equal(q->zero_point[0], 0);
    assert_true(nnc_qparams_per_tensor(q));
    nnc_qparams_destroy(q);
    q = make(NNC_DTYPE_INT32, -1, 1, scale, NULL);
    assert_true(q->qmin == INT32_MIN && q->qmax == INT32_MAX);
    nnc_qparams_destroy(q);
    nnc_qparams_destroy(NULL);
}

static void test_create_fails(void **state)
{
    (void)state;
    nnc_qparams *q;
    static const float bad[] = {0, -1, NAN, INFINITY, 1e-40f, -0.0f};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(nnc_qparams_create(&q, NNC_DTYPE_INT8, -1, 1, &bad[i], NULL),
                         NNC_ERR_MODEL);
        assert_null(q);
    }
    const float one = 1;
    static const int32_t outside[] = {-129, 128, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
        assert_int_equal(nnc_qparams_create(&q, NNC_DTYPE_INT8, -1, 1, &one, &outside[i]),
                         NNC_ERR_MODEL);
    }
    const float two[2] = {1, 1};
    assert_int_equal(nnc_qparams_create(&q, NNC_DTYPE_INT8, -1, 2, two, NULL), NNC_ERR_MODEL);
    assert_int_equal(nnc_qparams_create(&q, NNC_DTYPE_INT8, -2, 1, two, NULL), NNC_ERR_MODEL);
    assert_int_equal(nnc_qparams_create(&q, NNC_DTYPE_FLOAT, -1, 1, &one, NULL),
                     NNC_ERR_UNSUPPORTED);
    assert_int_equal(nnc_qparams_create(&q, NNC_DTYPE_INT64, -1, 1, &one, NULL),
                     NNC_ERR_UNSUPPORTED);
    assert_int_equal(nnc_qparams_create(&q, (nnc_dtype)-5, -1, 1, &one, NULL), NNC_ERR_UNSUPPORTED);
    assert_int_equal(nnc_qparams_create(&q, NNC_DTYPE_INT8, 0, SIZE_MAX / 2, &one, NULL),
                     NNC_ERR_LIMIT);
}

static void test_rounding(void **state)
{
    (void)state;
    const float in[12] = {0.5f,   1.5f, 2.5f,     -0.5f,     -1.5f,  1e30f,
                          -1e30f, NAN,  INFINITY, -INFINITY, 126.5f, 127.5f};
    const float one = 1;
    nnc_tensor x = floats(SHAPE(12), in), y;
    nnc_qparams *q = make(NNC_DTYPE_INT8, -1, 1, &one, NULL);
    assert_int_equal(nnc_quantize_tensor(&y, &x, q), NNC_OK);
    const int8_t expected[12] = {0, 2, 2, 0, -2, 127, -128, 127, 127, -128, 126, 127};
    assert_memory_equal(nnc_tensor_data(&y), expected, 12);
    nnc_tensor_deinit(&y);
    q->qmin = -127;
    assert_int_equal(nnc_quantize_tensor(&y, &x, q), NNC_OK);
    assert_int_equal(((int8_t *)nnc_tensor_data(&y))[6], -127);
    nnc_tensor_deinit(&y);
    nnc_qparams_destroy(q);
    const int32_t zero = 128;
    q = make(NNC_DTYPE_UINT8, -1, 1, &one, &zero);
    assert_int_equal(nnc_quantize_tensor(&y, &x, q), NNC_OK);
    const uint8_t unsigned_expected[12] = {128, 130, 130, 128, 126, 255, 0, 255, 255, 0, 254, 255};
    assert_memory_equal(nnc_tensor_data(&y), unsigned_expected, 12);
    nnc_tensor_deinit(&y);
    nnc_tensor_deinit(&x);
    nnc_qparams_destroy(q);
}

/* x / s and x * (1 / s) differ: 4.5 * 3 steps of the scale 1/3 show it. */
static void test_true_division(void **state)
{
    (void)state;
    nnc_rng rng;
    nnc_rng_init(&rng, 11, 0);
    int differ = 0;
    for (int i = 0; i < 200000; i++) {
        float scale = 0.001f + nnc_rng_uniform(&rng);
        float x = ((float)nnc_rng_below(&rng, 250) + 0.5f) * scale;
        int32_t q = nnc_quantize(x, scale, 0, 255, 0);
        differ += q != (int32_t)lrintf(x * (1 / scale));
        assert_int_equal(q, (int32_t)lrintf(x / scale));
    }
    assert_true(differ > 0);
}

static void test_int32(void **state)
{
    (void)state;
    const float scale = 0x1p-20f;
    const float in[6] = {1e9f, -1e9f, 2047.9999f, NAN, 3 * 0x1p-21f, -2048};
    nnc_tensor x = floats(SHAPE(6), in), y;
    nnc_qparams *q = make(NNC_DTYPE_INT32, -1, 1, &scale, NULL);
    assert_int_equal(nnc_quantize_tensor(&y, &x, q), NNC_OK);
    const int32_t *v = nnc_tensor_data(&y);
    assert_true(v[0] == INT32_MAX && v[1] == INT32_MIN && v[3] == INT32_MAX && v[4] == 2 &&
                v[5] == INT32_MIN);
    assert_int_equal(v[2], (int32_t)llrint((double)2047.9999f * 0x1p20));
    nnc_tensor_deinit(&y);
    nnc_tensor_deinit(&x);
    nnc_qparams_destroy(q);
}

static void test_per_axis(void **state)
{
    (void)state;
    const float in[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    const float scale[3] = {1, 2, 4};
    const int32_t zero[3] = {0, 1, -1};
    nnc_tensor x = floats(SHAPE(2, 3, 2), in), y, back;
    nnc_qparams *q = make(NNC_DTYPE_INT8, 1, 3, scale, zero);
    assert_int_equal(nnc_quantize_tensor(&y, &x, q), NNC_OK);
    const int8_t expected[12] = {1, 2, 3, 3, 0, 1 - 0, 7, 8, 5, 6, 2, 2};
    assert_memory_equal(nnc_tensor_data(&y), expected, 12);
    assert_int_equal(nnc_dequantize_tensor(&back, &y, q), NNC_OK);
    const float reals[12] = {1, 2, 4, 4, 4, 8, 7, 8, 8, 10, 12, 12};
    assert_memory_equal(nnc_tensor_data(&back), reals, sizeof reals);
    nnc_tensor_deinit(&back);
    q->axis = 0;
    assert_int_equal(nnc_dequantize_tensor(&back, &y, q), NNC_ERR_MODEL);
    q->axis = 5;
    assert_int_equal(nnc_dequantize_tensor(&back, &y, q), NNC_ERR_MODEL);
    q->axis = 1;
    q->dtype = NNC_DTYPE_UINT8;
    assert_int_equal(nnc_dequantize_tensor(&back, &y, q), NNC_ERR_MODEL);
    nnc_tensor_deinit(&y);
    nnc_qparams_destroy(q);
    q = make(NNC_DTYPE_INT8, -1, 1, scale, NULL);
    nnc_tensor integers;
    nnc_shape shape = SHAPE(2);
    assert_int_equal(nnc_tensor_create(&integers, NNC_DTYPE_INT32, &shape), NNC_OK);
    assert_int_equal(nnc_quantize_tensor(&y, &integers, q), NNC_ERR_UNSUPPORTED);
    nnc_tensor_deinit(&integers);
    nnc_tensor_deinit(&x);
    nnc_qparams_destroy(q);
}

/* Blocks of ONNX: value [5, 2], axis 0, blocks of 2 -> scales [3, 2]; and along the last axis. */
static void test_blocked(void **state)
{
    (void)state;
    const float in[10] = {2, 4, 2, 4, 6, 10, 6, 10, 14, 22};
    const float scale[6] = {1, 2, 3, 5, 7, 11};
    nnc_tensor x = floats(SHAPE(5, 2), in), y, back;
    nnc_qparams *q = make(NNC_DTYPE_INT4, 0, 6, scale, NULL);
    q->group = 2;
    assert_int_equal(nnc_quantize_tensor(&y, &x, q), NNC_OK);
    assert_int_equal(nnc_tensor_bytes(&y), 5);
    for (size_t i = 0; i < 10; i++) {
        assert_int_equal(nnc_tensor_get_int(&y, i), 2);
    }
    assert_int_equal(nnc_dequantize_tensor(&back, &y, q), NNC_OK);
    assert_memory_equal(nnc_tensor_data(&back), in, sizeof in);
    nnc_tensor_deinit(&back);
    nnc_tensor_deinit(&y);
    nnc_tensor_deinit(&x);
    nnc_qparams_destroy(q);
    const float rows[10] = {1, 1, 2, 2, 3, 5, 5, 7, 7, 11};
    x = floats(SHAPE(2, 5), rows);
    q = make(NNC_DTYPE_UINT2, 1, 6, (const float[]){1, 2, 3, 5, 7, 11}, NULL);
    q->group = 2;
    assert_int_equal(nnc_quantize_tensor(&y, &x, q), NNC_OK);
    for (size_t i = 0; i < 10; i++) {
        assert_int_equal(nnc_tensor_get_int(&y, i), 1);
    }
    nnc_tensor_deinit(&y);
    q->group = 3;
    assert_int_equal(nnc_quantize_tensor(&y, &x, q), NNC_ERR_MODEL);
    q->group = INT64_MAX;
    assert_int_equal(nnc_quantize_tensor(&y, &x, q), NNC_ERR_MODEL);
    nnc_tensor_deinit(&x);
    nnc_qparams_destroy(q);
}

static void test_empty(void **state)
{
    (void)state;
    const float one[2] = {1, 1};
    nnc_tensor x = floats(SHAPE(0, 2), NULL), y;
    nnc_qparams *q = make(NNC_DTYPE_INT8, 1, 2, one, NULL);
    assert_int_equal(nnc_quantize_tensor(&y, &x, q), NNC_OK);
    assert_int_equal(nnc_tensor_count(&y), 0);
    nnc_tensor_deinit(&y);
    q->axis = 0;
    assert_int_equal(nnc_quantize_tensor(&y, &x, q), NNC_ERR_MODEL);
    nnc_tensor_deinit(&x);
    nnc_qparams_destroy(q);
}

/* Larger than one run, 16 bits: dequantize(quantize(x)) is within half a step, and a second round
 * is exact. */
static void test_round_trip(void **state)
{
    (void)state;
    enum { N = 3000 };
    float in[N];
    nnc_rng rng;
    nnc_rng_init(&rng, 9, 9);
    for (int i = 0; i < N; i++) {
        in[i] = nnc_rng_normal(&rng);
    }
    const float scale = 1.0f / 4096;
    const int32_t zero = 12345;
    nnc_tensor x = floats(SHAPE(N), in), y, back, again;
    nnc_qparams *q = make(NNC_DTYPE_UINT16, -1, 1, &scale, &zero);
    assert_int_equal(nnc_quantize_tensor(&y, &x, q), NNC_OK);
    assert_int_equal(nnc_dequantize_tensor(&back, &y, q), NNC_OK);
    const float *b = nnc_tensor_data(&back);
    for (int i = 0; i < N; i++) {
        float low = (float)(0 - zero) * scale;
        float clipped = in[i] < low ? low : in[i];
        assert_true(fabsf(b[i] - clipped) <= scale / 2);
    }
    assert_int_equal(nnc_quantize_tensor(&again, &back, q), NNC_OK);
    assert_true(nnc_tensor_equal(&again, &y));
    nnc_tensor_deinit(&again);
    nnc_tensor_deinit(&back);
    nnc_tensor_deinit(&y);
    nnc_tensor_deinit(&x);
    nnc_qparams_destroy(q);
}

static void test_requant(void **state)
{
    (void)state;
    assert_int_equal(nnc_requant(3, 0.5f, -128, 127, 0), 2);
    assert_int_equal(nnc_requant(5, 0.5f, -128, 127, 0), 2);
    assert_int_equal(nnc_requant(INT32_MAX, 1.0f, -128, 127, 0), 127);
    assert_int_equal(nnc_requant(INT32_MIN, 1.0f, -138, 117, 10), -128);
    assert_int_equal(nnc_requant_add(10, 0.25f, 4, 0.5f, -128, 127, 1), 5);
    assert_int_equal(nnc_round_clamp(NAN, -5, 6, 1), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create),     cmocka_unit_test(test_create_fails),
        cmocka_unit_test(test_rounding),   cmocka_unit_test(test_true_division),
        cmocka_unit_test(test_int32),      cmocka_unit_test(test_per_axis),
        cmocka_unit_test(test_blocked),    cmocka_unit_test(test_empty),
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_requant)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
