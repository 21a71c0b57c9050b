/* Conversions between all element types, half types. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "cmocka_all.h"
#include "tensor/half.h"
#include "tensor/small.h"
#include "tensor/tensor.h"

static nnc_tensor make(nnc_dtype dtype, size_t n, const void *data)
{
    nnc_tensor t;
    int64_t dim = (int64_t)n;
    nnc_shape shape = nnc_shape_make(1, &dim);
    assert_int_equal(nnc_tensor_create_from(&t, dtype, &shape, data), NNC_OK);
    return t;
}

/* Converts n elements and compares the bytes. */
static void check(nnc_dtype from, nnc_dtype to, size_t n, const void *in, const void *expected)
{
    nnc_tensor x = make(from, n, in), y, want = make(to, n, expected);
    assert_int_equal(nnc_tensor_convert(&y, &x, to), NNC_OK);
    assert_int_equal(y.dtype, to);
    assert_memory_equal(nnc_tensor_data(&y), nnc_tensor_data(&want), nnc_tensor_bytes(&want));
    nnc_tensor_deinit(&x);
    nnc_tensor_deinit(&y);
    nnc_tensor_deinit(&want);
}

static void test_float_to_int(void **state)
{
    (void)state;
    const float in[10] = {1.9f, -1.9f, 127.6f, 128, -128.9f, -129, 300, NAN, INFINITY, -INFINITY};
    check(NNC_DTYPE_FLOAT, NNC_DTYPE_INT8, 10, in,
          (const int8_t[]){1, -1, 127, 127, -128, -128, 127, 0, 127, -128});
    check(NNC_DTYPE_FLOAT, NNC_DTYPE_UINT8, 10, in,
          (const uint8_t[]){1, 0, 127, 128, 0, 0, 255, 0, 255, 0});
    const double wide[8] = {9.3e18, -9.3e18, 2e19, -0.5, 4294967295.5, 4294967296.0, 9.2e18, -1};
    check(NNC_DTYPE_DOUBLE, NNC_DTYPE_INT64, 8, wide,
          (const int64_t[]){INT64_MAX, INT64_MIN, INT64_MAX, 0, 4294967295, 4294967296,
                            9200000000000000000, -1});
    check(NNC_DTYPE_DOUBLE, NNC_DTYPE_UINT64, 8, wide,
          (const uint64_t[]){9300000000000000000u, 0, UINT64_MAX, 0, 4294967295, 4294967296,
                             9200000000000000000u, 0});
    check(NNC_DTYPE_DOUBLE, NNC_DTYPE_UINT32, 8, wide,
          (const uint32_t[]){UINT32_MAX, 0, UINT32_MAX, 0, UINT32_MAX, UINT32_MAX, UINT32_MAX, 0});
    check(
        NNC_DTYPE_DOUBLE, NNC_DTYPE_INT32, 8, wide,
        (const int32_t[]){INT32_MAX, INT32_MIN, INT32_MAX, 0, INT32_MAX, INT32_MAX, INT32_MAX, -1});
    check(NNC_DTYPE_FLOAT, NNC_DTYPE_INT4, 4, (const float[]){7.5f, 9, -8.5f, -3}, "\x77\xD8");
    check(NNC_DTYPE_FLOAT, NNC_DTYPE_UINT2, 5, (const float[]){0, 1, 2, 5, -1}, "\xE4\x00");
    check(NNC_DTYPE_FLOAT, NNC_DTYPE_BOOL, 4, (const float[]){0, -0.0f, 0.1f, NAN}, "\0\0\1\1");
}

static void test_int_to_int(void **state)
{
    (void)state;
    check(NNC_DTYPE_INT16, NNC_DTYPE_INT8, 4, (const int16_t[]){200, -129, 127, -1},
          (const int8_t[]){-56, 127, 127, -1});
    check(NNC_DTYPE_INT8, NNC_DTYPE_UINT64, 2, (const int8_t[]){-1, 5},
          (const uint64_t[]){UINT64_MAX, 5});
    check(NNC_DTYPE_UINT64, NNC_DTYPE_INT64, 1, (const uint64_t[]){UINT64_MAX},
          (const int64_t[]){-1});
    check(NNC_DTYPE_INT4, NNC_DTYPE_INT32, 3, "\x8F\x07", (const int32_t[]){-1, -8, 7});
    check(NNC_DTYPE_UINT4, NNC_DTYPE_UINT8, 3, "\x8F\x07", "\x0F\x08\x07");
    check(NNC_DTYPE_INT2, NNC_DTYPE_INT8, 5, "\xE4\x03", (const int8_t[]){0, 1, -2, -1, -1});
    check(NNC_DTYPE_UINT2, NNC_DTYPE_INT8, 4, "\xE4", (const int8_t[]){0, 1, 2, 3});
    check(NNC_DTYPE_INT8, NNC_DTYPE_UINT4, 3, (const int8_t[]){17, -1, 3}, "\xF1\x03");
    check(NNC_DTYPE_INT64, NNC_DTYPE_BOOL, 3, (const int64_t[]){0, 256, -1}, "\0\1\1");
    check(NNC_DTYPE_BOOL, NNC_DTYPE_INT32, 3, "\0\1\2", (const int32_t[]){0, 1, 1});
    check(NNC_DTYPE_BOOL, NNC_DTYPE_FLOAT, 2, "\0\1", (const float[]){0, 1});
}

static void test_int_to_float(void **state)
{
    (void)state;
    check(NNC_DTYPE_UINT64, NNC_DTYPE_FLOAT, 2, (const uint64_t[]){UINT64_MAX, 3},
          (const float[]){0x1p64f, 3});
    check(NNC_DTYPE_INT64, NNC_DTYPE_DOUBLE, 2, (const int64_t[]){INT64_MIN, INT64_MAX},
          (const double[]){-0x1p63, 0x1p63});
    /* Once rounded to double this would look like a tie and go down to 2^60. */
    check(NNC_DTYPE_INT64, NNC_DTYPE_FLOAT, 2,
          (const int64_t[]){((int64_t)1 << 60) + ((int64_t)1 << 36) + 1,
                            -((int64_t)1 << 60) - ((int64_t)1 << 36) - 1},
          (const float[]){0x1.000002p60f, -0x1.000002p60f});
    check(NNC_DTYPE_INT32, NNC_DTYPE_FLOAT16, 4, (const int32_t[]){65519, 65520, -70000, 2049},
          (const uint16_t[]){0x7BFF, 0x7C00, 0xFC00, 0x6800});
}

static void test_float_to_half(void **state)
{
    (void)state;
    check(NNC_DTYPE_FLOAT, NNC_DTYPE_FLOAT16, 7,
          (const float[]){1, -2, 65504, 65520, 0x1p-24f, 0x1p-25f, 0x1.8p-25f},
          (const uint16_t[]){0x3C00, 0xC000, 0x7BFF, 0x7C00, 1, 0, 1});
    check(NNC_DTYPE_FLOAT, NNC_DTYPE_BFLOAT16, 5,
          (const float[]){1, 0x1.01p0f, 0x1.03p0f, 0x1.010002p0f, 3.4e38f},
          (const uint16_t[]){0x3F80, 0x3F80, 0x3F82, 0x3F81, 0x7F80});
    /* Double rounding: 1 + 2^-11 + 2^-40 is above the tie, but its float is the tie. */
    check(NNC_DTYPE_DOUBLE, NNC_DTYPE_FLOAT16, 2,
          (const double[]){1 + 0x1p-11 + 0x1p-40, -1 - 0x1p-11},
          (const uint16_t[]){0x3C01, 0xBC00});
    check(NNC_DTYPE_DOUBLE, NNC_DTYPE_BFLOAT16, 2, (const double[]){1 + 0x1p-8 + 0x1p-40, 1e300},
          (const uint16_t[]){0x3F81, 0x7F80});
    check(NNC_DTYPE_DOUBLE, NNC_DTYPE_FLOAT, 3, (const double[]){1e300, -1e300, 1e-300},
          (const float[]){INFINITY, -INFINITY, 0});
}

/* Every half is unchanged by half -> float -> half; NaN stays NaN. */
static void test_half_round_trip(void **state)
{
    (void)state;
    for (uint32_t bits = 0; bits < 65536; bits++) {
        float f = nnc_f16_to_f32((uint16_t)bits);
        bool is_nan = (bits & 0x7C00) == 0x7C00 && (bits & 0x3FF) != 0;
        assert_int_equal(isnan(f) != 0, is_nan);
        uint16_t back = nnc_f16_from_f32(f);
        assert_true(is_nan ? (back & 0x7C00) == 0x7C00 && (back & 0x3FF) != 0 : back == bits);
        f = nnc_bf16_to_f32((uint16_t)bits);
        is_nan = (bits & 0x7F80) == 0x7F80 && (bits & 0x7F) != 0;
        assert_int_equal(isnan(f) != 0, is_nan);
        back = nnc_bf16_from_f32(f);
        assert_true(is_nan ? (back & 0x7F80) == 0x7F80 && (back & 0x7F) != 0 : back == bits);
    }
    uint32_t low_nan = 0x7F800001;
    float f;
    memcpy(&f, &low_nan, sizeof f);
    assert_true(isnan(nnc_bf16_to_f32(nnc_bf16_from_f32(f))));
}

static void test_float8(void **state)
{
    (void)state;
    static const struct {
        nnc_dtype dtype;
        uint8_t bits;
        float value;
    } rows[] = {{NNC_DTYPE_FLOAT8E4M3FN, 0x7E, 448},
                {NNC_DTYPE_FLOAT8E4M3FN, 0x01, 0x1p-9f},
                {NNC_DTYPE_FLOAT8E4M3FN, 0x08, 0x1p-6f},
                {NNC_DTYPE_FLOAT8E4M3FN, 0xB8, -1},
                {NNC_DTYPE_FLOAT8E4M3FN, 0x7F, NAN},
                {NNC_DTYPE_FLOAT8E4M3FN, 0xFF, NAN},
                {NNC_DTYPE_FLOAT8E4M3FN, 0x78, 256},
                {NNC_DTYPE_FLOAT8E4M3FNUZ, 0x7F, 240},
                {NNC_DTYPE_FLOAT8E4M3FNUZ, 0x80, NAN},
                {NNC_DTYPE_FLOAT8E4M3FNUZ, 0x01, 0x1p-10f},
                {NNC_DTYPE_FLOAT8E4M3FNUZ, 0x40, 1},
                {NNC_DTYPE_FLOAT8E5M2, 0x7B, 57344},
                {NNC_DTYPE_FLOAT8E5M2, 0x7C, INFINITY},
                {NNC_DTYPE_FLOAT8E5M2, 0xFC, -INFINITY},
                {NNC_DTYPE_FLOAT8E5M2, 0x7D, NAN},
                {NNC_DTYPE_FLOAT8E5M2, 0x01, 0x1p-16f},
                {NNC_DTYPE_FLOAT8E5M2FNUZ, 0x7F, 57344},
                {NNC_DTYPE_FLOAT8E5M2FNUZ, 0x80, NAN},
                {NNC_DTYPE_FLOAT8E5M2FNUZ, 0x01, 0x1p-17f},
                {NNC_DTYPE_FLOAT8E8M0, 127, 1},
                {NNC_DTYPE_FLOAT8E8M0, 0, 0x1p-127f},
                {NNC_DTYPE_FLOAT8E8M0, 254, 0x1p127f},
                {NNC_DTYPE_FLOAT8E8M0, 255, NAN},
                {NNC_DTYPE_FLOAT4E2M1, 0x01, 0.5f},
                {NNC_DTYPE_FLOAT4E2M1, 0x07, 6},
                {NNC_DTYPE_FLOAT4E2M1, 0x0D, -3}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        nnc_tensor x = make(rows[i].dtype, 1, &rows[i].bits), y;
        assert_int_equal(nnc_tensor_convert(&y, &x, NNC_DTYPE_FLOAT), NNC_OK);
        float value = *(float *)nnc_tensor_data(&y);
        assert_true(isnan(rows[i].value) ? isnan(value) != 0 : value == rows[i].value);
        nnc_tensor_deinit(&x);
        nnc_tensor_deinit(&y);
    }
    check(NNC_DTYPE_FLOAT4E2M1, NNC_DTYPE_FLOAT, 3, "\xF2\x03", (const float[]){1, -6, 1.5f});
}

/* The 8-bit codes of a format grow with their value up to the largest finite one. */
static void test_float8_order(void **state)
{
    (void)state;
    static const nnc_dtype dtypes[] = {NNC_DTYPE_FLOAT8E4M3FN, NNC_DTYPE_FLOAT8E4M3FNUZ,
                                       NNC_DTYPE_FLOAT8E5M2, NNC_DTYPE_FLOAT8E5M2FNUZ,
                                       NNC_DTYPE_FLOAT8E8M0};
    uint8_t codes[256];
    for (int i = 0; i < 256; i++) {
        codes[i] = (uint8_t)i;
    }
    for (size_t d = 0; d < sizeof dtypes / sizeof *dtypes; d++) {
        nnc_tensor x = make(dtypes[d], 256, codes);
        for (size_t i = 1; i < 0x7C; i++) {
            assert_true(nnc_tensor_get_double(&x, i) > nnc_tensor_get_double(&x, i - 1));
        }
        nnc_tensor_deinit(&x);
    }
}

/* All pairs of types over more elements than one run: small values survive every way there and
 * back. */
static void test_all_pairs(void **state)
{
    (void)state;
    enum { N = 1501 };
    int64_t values[N];
    for (int i = 0; i < N; i++) {
        values[i] = i * 7 % 2;
    }
    nnc_tensor source = make(NNC_DTYPE_INT64, N, values);
    int pairs = 0;
    for (int from = 1; from < NNC_DTYPE_COUNT; from++) {
        nnc_tensor x;
        if (nnc_tensor_convert(&x, &source, (nnc_dtype)from) != NNC_OK) {
            continue;
        }
        for (int to = 1; to < NNC_DTYPE_COUNT; to++) {
            nnc_tensor y, back;
            if (nnc_tensor_convert(&y, &x, (nnc_dtype)to) != NNC_OK) {
                continue;
            }
            pairs++;
            assert_int_equal(nnc_tensor_convert(&back, &y, NNC_DTYPE_INT64), NNC_OK);
            assert_true(nnc_tensor_equal(&back, &source));
            assert_true(nnc_tensor_get_int(&y, N - 1) == values[N - 1]);
            nnc_tensor_deinit(&y);
            nnc_tensor_deinit(&back);
        }
        nnc_tensor_deinit(&x);
    }
    nnc_tensor_deinit(&source);
    assert_int_equal(pairs, 17 * 17);
}

static void test_unsupported(void **state)
{
    (void)state;
    nnc_tensor x = make(NNC_DTYPE_FLOAT, 1, (const float[]){1}), y;
    static const nnc_dtype refused[] = {NNC_DTYPE_STRING,       NNC_DTYPE_COMPLEX64,
                                        NNC_DTYPE_COMPLEX128,   NNC_DTYPE_UNDEFINED,
                                        NNC_DTYPE_FLOAT8E4M3FN, NNC_DTYPE_FLOAT4E2M1};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        assert_int_equal(nnc_tensor_convert(&y, &x, refused[i]), NNC_ERR_UNSUPPORTED);
        assert_null(y.buffer);
    }
    assert_int_equal(nnc_tensor_convert(&y, &x, (nnc_dtype)99), NNC_ERR_UNSUPPORTED);
    nnc_tensor_deinit(&x);
    const float complex_one[2] = {1, 0};
    x = make(NNC_DTYPE_COMPLEX64, 1, complex_one);
    assert_int_equal(nnc_tensor_convert(&y, &x, NNC_DTYPE_FLOAT), NNC_ERR_UNSUPPORTED);
    nnc_tensor_deinit(&x);
}

static void test_get(void **state)
{
    (void)state;
    nnc_tensor x = make(NNC_DTYPE_UINT64, 2, (const uint64_t[]){UINT64_MAX, 7});
    assert_true(nnc_tensor_get_double(&x, 0) == 0x1p64);
    assert_true(nnc_tensor_get_int(&x, 0) == INT64_MAX);
    assert_int_equal(nnc_tensor_get_int(&x, 1), 7);
    nnc_tensor_deinit(&x);
    x = make(NNC_DTYPE_FLOAT, 3, (const float[]){-2.7f, NAN, 1e30f});
    assert_int_equal(nnc_tensor_get_int(&x, 0), -2);
    assert_int_equal(nnc_tensor_get_int(&x, 1), 0);
    assert_true(nnc_tensor_get_int(&x, 2) == INT64_MAX);
    assert_true(nnc_tensor_get_double(&x, 0) == (double)-2.7f);
    nnc_tensor_deinit(&x);
    x = make(NNC_DTYPE_INT4, 2, "\x9C");
    assert_true(nnc_tensor_get_double(&x, 0) == -4);
    assert_int_equal(nnc_tensor_get_int(&x, 1), -7);
    nnc_tensor_deinit(&x);
}

/* Every finite number of a small float comes back from itself, and halfway cases go to even. */
static void test_small_floats(void **state)
{
    static const int types[] = {NNC_DTYPE_FLOAT8E4M3FN, NNC_DTYPE_FLOAT8E4M3FNUZ,
                                NNC_DTYPE_FLOAT8E5M2, NNC_DTYPE_FLOAT8E5M2FNUZ,
                                NNC_DTYPE_FLOAT4E2M1};
    (void)state;
    for (size_t t = 0; t < 5; t++) {
        unsigned count = types[t] == NNC_DTYPE_FLOAT4E2M1 ? 16 : 256;
        for (unsigned bits = 0; bits < count; bits++) {
            double x = nnc_small_to_double(types[t], bits);
            uint8_t back = nnc_small_from_float(types[t], (float)x, false);
            if (isnan(x)) {
                assert_true(isnan(nnc_small_to_double(types[t], back)));
            } else {
                assert_int_equal(back, bits);
            }
        }
    }
    assert_int_equal(nnc_small_from_float(NNC_DTYPE_FLOAT8E4M3FN, 17.0f, true), 0x58);  /* 16 */
    assert_int_equal(nnc_small_from_float(NNC_DTYPE_FLOAT8E4M3FN, 19.0f, true), 0x5a);  /* 20 */
    assert_int_equal(nnc_small_from_float(NNC_DTYPE_FLOAT8E4M3FN, 1e6f, true), 0x7e);   /* 448 */
    assert_int_equal(nnc_small_from_float(NNC_DTYPE_FLOAT8E4M3FN, 1e6f, false), 0x7f);  /* NaN */
    assert_int_equal(nnc_small_from_float(NNC_DTYPE_FLOAT8E5M2, -INFINITY, false), 0xfc);
    assert_int_equal(nnc_small_from_float(NNC_DTYPE_FLOAT8E5M2, -INFINITY, true), 0xfb);
    assert_int_equal(nnc_small_from_float(NNC_DTYPE_FLOAT8E5M2FNUZ, -0.0f, true), 0);
    assert_int_equal(nnc_small_from_float(NNC_DTYPE_FLOAT4E2M1, -5.0f, true), 0xe); /* -4 */
    assert_int_equal(nnc_small_from_float(NNC_DTYPE_FLOAT4E2M1, 99.0f, false), 0x7); /* 6 */
}

static void test_small_pack(void **state)
{
    uint8_t bytes[5], packed[3];
    (void)state;
    nnc_small_unpack(bytes, NNC_DTYPE_INT4, "\x87\x1f\x03", 5);
    assert_memory_equal(bytes, "\x07\xf8\xff\x01\x03", 5);
    nnc_small_pack(packed, NNC_DTYPE_INT4, bytes, 5);
    assert_memory_equal(packed, "\x87\x1f\x03", 3);
    nnc_small_unpack(bytes, NNC_DTYPE_UINT2, "\xe4\x02", 5);
    assert_memory_equal(bytes, "\0\1\2\3\2", 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_float_to_int),    cmocka_unit_test(test_int_to_int),
        cmocka_unit_test(test_int_to_float),    cmocka_unit_test(test_float_to_half),
        cmocka_unit_test(test_half_round_trip), cmocka_unit_test(test_float8),
        cmocka_unit_test(test_float8_order),    cmocka_unit_test(test_all_pairs),
        cmocka_unit_test(test_unsupported),     cmocka_unit_test(test_get),
        cmocka_unit_test(test_small_floats),    cmocka_unit_test(test_small_pack)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
