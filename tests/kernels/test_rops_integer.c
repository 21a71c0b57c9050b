/* Products of integers on grids known at run time, and quantization to every type.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/rop_case.h"

#include "runtime_int8/pack.h"
#include "tensor/dtype.h"
#include "tensor/small.h"

static nnc_rng rng;

static int32_t at(nnrt_dtype dtype, const void *x, size_t i)
{
    return dtype == NNRT_U8 ? ((const uint8_t *)x)[i] : ((const int8_t *)x)[i];
}

static void test_matmul_integer(void **state)
{
    static const size_t sizes[][3] = {{1, 1, 1}, {3, 7, 5}, {17, 64, 33}, {4, 130, 16}};
    (void)state;
    for (size_t c = 0; c < 8; c++) {
        size_t m = sizes[c / 2][0], k = sizes[c / 2][1], n = sizes[c / 2][2];
        nnrt_dtype ta = c % 2 ? NNRT_I8 : NNRT_U8, tb = c % 3 ? NNRT_I8 : NNRT_U8;
        uint8_t *a = rop_u8(&rng, 2 * m * k), *b = rop_u8(&rng, k * n), za = 77;
        uint8_t *zb = rop_u8(&rng, n);
        nnrt_matmul_integer_params p = {.has_za = 1, .has_zb = 1};
        rop_case test = {NNRT_ROP_ID_MATMUL_INTEGER,
                         &p,
                         4,
                         {{ta, rop_dims(3, 2, (int64_t)m, (int64_t)k, 0), a, false},
                          {tb, rop_dims(2, (int64_t)k, (int64_t)n, 0, 0), b, c % 2 == 0},
                          {ta, rop_dims(0, 0, 0, 0, 0), &za, false},
                          {tb, rop_dims(1, (int64_t)n, 0, 0, 0), zb, true}},
                         NNRT_I32,
                         3};
        int32_t *y = rop_run(&test, NULL);
        for (size_t i = 0; i < 2 * m; i++) {
            for (size_t j = 0; j < n; j++) {
                int32_t sum = 0;
                for (size_t l = 0; l < k; l++)
                    sum += (at(ta, a, i * k + l) - 77) * (at(tb, b, l * n + j) - at(tb, zb, j));
                assert_int_equal(y[i * n + j], sum);
            }
        }
        free(y);
        free(a);
        free(b);
        free(zb);
    }
}

/* Two spatial dims, groups, stride, dilation; padding reads the zero point. */
static void test_conv_integer(void **state)
{
    enum { C = 4, M = 6, H = 9, W = 7, KH = 3, KW = 2, OH = 5, OW = 7 };
    (void)state;
    uint8_t *x = rop_u8(&rng, C * H * W), *w = rop_u8(&rng, M * C / 2 * KH * KW), zx = 9;
    int8_t *zw = (int8_t *)rop_u8(&rng, M);
    nnrt_conv_integer_params p = {.spatial = 2,
                                  .groups = 2,
                                  .stride = {2, 1},
                                  .dilation = {1, 2},
                                  .pad_begin = {1, 1},
                                  .pad_end = {1, 1},
                                  .has_zx = 1,
                                  .has_zw = 1};
    rop_case test = {NNRT_ROP_ID_CONV_INTEGER,
                     &p,
                     4,
                     {{NNRT_U8, rop_dims(4, 1, C, H, W), x, false},
                      {NNRT_I8, rop_dims(4, M, C / 2, KH, KW), w, true},
                      {NNRT_U8, rop_dims(0, 0, 0, 0, 0), &zx, true},
                      {NNRT_I8, rop_dims(1, M, 0, 0, 0), zw, true}},
                     NNRT_I32,
                     4};
    nnrt_shape shape;
    int32_t *y = rop_run(&test, &shape);
    assert_int_equal(shape.dims[2], OH);
    assert_int_equal(shape.dims[3], OW);
    for (int m = 0; m < M; m++) {
        for (int o = 0; o < OH * OW; o++) {
            int32_t sum = 0;
            for (int t = 0; t < C / 2 * KH * KW; t++) {
                int c = m / 3 * 2 + t / (KH * KW), ih = o / OW * 2 - 1 + t / KW % KH;
                int iw = o % OW - 1 + t % KW * 2;
                bool inside = ih >= 0 && ih < H && iw >= 0 && iw < W;
                int32_t q = inside ? x[(c * H + ih) * W + iw] : zx;
                sum += (q - zx) * (((int8_t *)w)[m * (C / 2 * KH * KW) + t] - zw[m]);
            }
            assert_int_equal(y[m * OH * OW + o], sum);
        }
    }
    free(y);
    free(x);
    free(w);
    free(zw);
}

static void test_requantize(void **state)
{
    enum { N = 3, C = 5, P = 40 };
    (void)state;
    int32_t acc[N * C * P], bias[C], zy = -3;
    float sa = 0.02f, sb[C], sy = 0.37f;
    for (size_t i = 0; i < N * C * P; i++)
        acc[i] = (int32_t)(nnc_rng_normal(&rng) * 20000.0f);
    for (size_t c = 0; c < C; c++) {
        bias[c] = (int32_t)(nnc_rng_normal(&rng) * 9000.0f);
        sb[c] = 0.01f + 0.003f * (float)c;
    }
    nnrt_requantize_params p = {.axis = 1, .dtype = NNRT_I8, .has_bias = 1};
    rop_case test = {NNRT_ROP_ID_REQUANTIZE,
                     &p,
                     6,
                     {{NNRT_I32, rop_dims(3, N, C, P, 0), acc, false},
                      {NNRT_F32, rop_dims(0, 0, 0, 0, 0), &sa, false},
                      {NNRT_F32, rop_dims(1, C, 0, 0, 0), sb, false},
                      {NNRT_F32, rop_dims(0, 0, 0, 0, 0), &sy, true},
                      {NNRT_I32, rop_dims(0, 0, 0, 0, 0), &zy, true},
                      {NNRT_I32, rop_dims(1, C, 0, 0, 0), bias, true}},
                     NNRT_I8,
                     3};
    int8_t *y = rop_run(&test, NULL);
    for (size_t i = 0; i < N * C * P; i++) {
        size_t c = i / P % C;
        float t = (float)(acc[i] + bias[c]) * ((sa * sb[c]) / sy);
        long q = lrintf(t) + zy;
        assert_int_equal(y[i], q < -128 ? -128 : q > 127 ? 127 : q);
    }
    free(y);
}

/* The same integers, converted and scaled as the nodes of the unfused form do it. */
static void test_gemm_dynamic(void **state)
{
    enum { M = 7, K = 37, N = 21, CHANNELS = 32 };
    (void)state;
    uint8_t *x = rop_u8(&rng, M * K), zx = 131;
    int8_t *w = (int8_t *)rop_u8(&rng, N * K);
    float sx = 0.031f, sw[CHANNELS] = {0}, bias[CHANNELS] = {0};
    int32_t sum[CHANNELS] = {0};
    size_t bytes = nnrt_pack_conv_q8_bytes(NNRT_CONV_PACK_TAPS, 1, K, N, 1, 1);
    int8_t *packed = calloc(bytes, 1);
    assert_non_null(packed);
    nnrt_pack_conv_q8(packed, NNRT_CONV_PACK_TAPS, w, 1, K, N, 1, 1);
    for (size_t n = 0; n < N; n++) {
        sw[n] = 0.01f + 0.001f * (float)n;
        bias[n] = nnc_rng_normal(&rng);
        for (size_t k = 0; k < K; k++)
            sum[n] += w[n * K + k];
    }
    for (unsigned c = 0; c < 4; c++) {
        const unsigned b = c % 2;
        const int32_t zw = c < 2 ? 0 : -77;
        nnrt_gemm_dynamic_params p = {
            .k = K, .n = N, .zw = zw, .has_bias = b, .clamp = {-1.0f, INFINITY}};
        rop_case test = {NNRT_ROP_ID_GEMM_DYNAMIC,
                         &p,
                         6 + b,
                         {{NNRT_U8, rop_dims(2, M, K, 0, 0), x, false},
                          {NNRT_F32, rop_dims(0, 0, 0, 0, 0), &sx, false},
                          {NNRT_U8, rop_dims(0, 0, 0, 0, 0), &zx, false},
                          {NNRT_I8, rop_dims(1, (int64_t)bytes, 0, 0, 0), packed, true},
                          {NNRT_I32, rop_dims(1, CHANNELS, 0, 0, 0), sum, true},
                          {NNRT_F32, rop_dims(1, CHANNELS, 0, 0, 0), sw, true},
                          {NNRT_F32, rop_dims(1, CHANNELS, 0, 0, 0), bias, true}},
                         NNRT_F32,
                         2};
        float *y = rop_run(&test, NULL);
        for (size_t i = 0; i < M * N; i++) {
            int32_t acc = 0;
            for (size_t k = 0; k < K; k++)
                acc += (x[i / N * K + k] - zx) * (w[i % N * K + k] - zw);
            float product = sx * sw[i % N], t = (float)acc * product;
            t = b ? t + bias[i % N] : t;
            assert_true(y[i] == (t > -1.0f ? t : -1.0f));
        }
        free(y);
    }
    free(packed);
    free(x);
    free(w);
}

/* Every type there and back, in blocks of 3 along the middle dim of 2 x 7 x 5. */
static void test_quantize_types(void **state)
{
    static const nnrt_dtype types[] = {
        NNRT_U8, NNRT_I8,       NNRT_U16,        NNRT_I16,    NNRT_U4,         NNRT_I4,    NNRT_U2,
        NNRT_I2, NNRT_F8E4M3FN, NNRT_F8E4M3FNUZ, NNRT_F8E5M2, NNRT_F8E5M2FNUZ, NNRT_F4E2M1};
    enum { COUNT = 70, SCALES = 2 * 3 * 5 };
    (void)state;
    float *x = rop_floats(&rng, COUNT, 3.0f), scale[SCALES];
    for (size_t i = 0; i < SCALES; i++)
        scale[i] = 0.05f + 0.01f * (float)i;
    for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
        bool small = nnc_small_is_float((int)types[t]), wide = nnrt_dtype_bytes(types[t]) == 2;
        uint8_t zero[2 * SCALES] = {0};
        int32_t z = small ? 0 : 1;
        for (size_t i = 0; i < SCALES; i++)
            zero[wide ? 2 * i : i] = (uint8_t)z;
        nnrt_quantize_linear_params p = {
            .axis = 1, .block = 3, .dtype = types[t], .saturate = 1, .precision = NNRT_F32};
        rop_case test = {NNRT_ROP_ID_QUANTIZE_LINEAR,
                         &p,
                         3,
                         {{NNRT_F32, rop_dims(3, 2, 7, 5, 0), x, false},
                          {NNRT_F32, rop_dims(3, 2, 3, 5, 0), scale, false},
                          {types[t], rop_dims(3, 2, 3, 5, 0), zero, false}},
                         types[t],
                         3};
        void *q = rop_run(&test, NULL);
        nnrt_dequantize_linear_params back = {.axis = 1, .block = 3};
        rop_case other = {NNRT_ROP_ID_DEQUANTIZE_LINEAR,
                          &back,
                          3,
                          {{types[t], rop_dims(3, 2, 7, 5, 0), q, false}, test.in[1], test.in[2]},
                          NNRT_F32,
                          3};
        float *y = rop_run(&other, NULL);
        bool is_signed = nnc_dtype_class_of((int)types[t]) == NNC_DTYPE_CLASS_SINT;
        double bits = nnc_dtype_bits((int)types[t]);
        double hi = exp2(bits - is_signed) - 1, lo = is_signed ? -exp2(bits - 1) : 0;
        for (size_t i = 0; i < COUNT; i++) {
            float s = scale[(i / 35 * 3 + i / 5 % 7 / 3) * 5 + i % 5];
            float want = rintf(x[i] / s) + (float)z;
            want = want < (float)lo ? (float)lo : want > (float)hi ? (float)hi : want;
            if (small)
                want = (float)nnc_small_to_double(
                    (int)types[t], nnc_small_from_float((int)types[t], x[i] / s, true));
            assert_true(y[i] == (want - (float)z) * s);
        }
        free(q);
        free(y);
    }
    free(x);
}

static void test_refusals(void **state)
{
    (void)state;
    static const uint8_t bytes[64];
    nnrt_matmul_integer_params p = {.has_zb = 1};
    rop_case matmul = {NNRT_ROP_ID_MATMUL_INTEGER,
                       &p,
                       3,
                       {{NNRT_U8, rop_dims(2, 2, 3, 0, 0), bytes, false},
                        {NNRT_I8, rop_dims(2, 3, 4, 0, 0), bytes, false},
                        {NNRT_I8, rop_dims(1, 3, 0, 0, 0), bytes, false}},
                       NNRT_I32,
                       2};
    rop_refuse(&matmul, NNRT_ERR_MODEL);
    nnrt_conv_integer_params c = {.spatial = 1, .groups = 2, .stride = {1}, .dilation = {1}};
    rop_case conv = {NNRT_ROP_ID_CONV_INTEGER,
                     &c,
                     2,
                     {{NNRT_U8, rop_dims(3, 1, 3, 8, 0), bytes, false},
                      {NNRT_I8, rop_dims(3, 4, 1, 3, 0), bytes, false}},
                     NNRT_I32,
                     3};
    rop_refuse(&conv, NNRT_ERR_MODEL);
    float scales[3] = {1, 1, 1};
    nnrt_dequantize_linear_params d = {.axis = 1};
    rop_case dequantize = {NNRT_ROP_ID_DEQUANTIZE_LINEAR,
                           &d,
                           2,
                           {{NNRT_U4, rop_dims(2, 2, 4, 0, 0), bytes, false},
                            {NNRT_F32, rop_dims(1, 3, 0, 0, 0), scales, false}},
                           NNRT_F32,
                           2};
    rop_refuse(&dequantize, NNRT_ERR_MODEL);
}

int main(void)
{
    nnc_rng_init(&rng, 3, 4);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matmul_integer), cmocka_unit_test(test_conv_integer),
        cmocka_unit_test(test_requantize),     cmocka_unit_test(test_gemm_dynamic),
        cmocka_unit_test(test_quantize_types), cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
