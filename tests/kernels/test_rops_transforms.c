/* Fourier transforms, losses, deformable and causal convolution, linear attention against oracles
 * in double. SPDX-License-Identifier: Apache-2.0 */
#include "kernels/rop_case.h"

static nnc_rng rng;

/* ---- dft, stft ---- */

static void transform(const double *re, const double *im, size_t n, size_t k, bool inverse,
                      double out[2])
{
    out[0] = out[1] = 0.0;
    for (size_t i = 0; i < n; i++) {
        double angle =
            (inverse ? 2.0 : -2.0) * 3.14159265358979323846 * (double)(i * k % n) / (double)n;
        out[0] += re[i] * cos(angle) - im[i] * sin(angle);
        out[1] += re[i] * sin(angle) + im[i] * cos(angle);
    }
}

/* x [2][in][3][parts], axis 1. */
static void check_dft(size_t in, size_t length, uint32_t parts, uint32_t inverse, uint32_t onesided)
{
    const nnrt_dft_params p = {inverse, onesided};
    const int64_t given = (int64_t)length, axis = -3;
    const size_t out_parts = inverse && onesided ? 1 : 2,
                 bins = onesided && !inverse ? length / 2 + 1 : length;
    float *f = rop_floats(&rng, 6 * in * parts, 1.0f);
    double *x = malloc((6 * in * parts + 1) * sizeof *x), *re = calloc(length, sizeof *re),
           *im = calloc(length, sizeof *im);
    for (size_t i = 0; i < 6 * in * parts; i++)
        x[i] = (double)f[i];
    rop_case c = {NNRT_ROP_ID_DFT,
                  &p,
                  3,
                  {{NNRT_F64, {4, {2, (int64_t)in, 3, parts}}, x, false},
                   {NNRT_I64, {0, {0}}, &given, true},
                   {NNRT_I64, {0, {0}}, &axis, true}},
                  NNRT_F64,
                  4};
    nnrt_shape got;
    double *y = rop_run(&c, &got);
    assert_int_equal(got.dims[1], bins);
    assert_int_equal(got.dims[3], out_parts);
    for (size_t line = 0; line < 6; line++) {
        size_t have = inverse && onesided ? length / 2 + 1 : length;
        for (size_t i = 0; i < length; i++) {
            size_t from = i < have ? i : length - i;
            bool there = from < in;
            size_t at = ((line / 3 * in + from) * 3 + line % 3) * parts;
            re[i] = there ? x[at] : 0.0;
            im[i] = there && parts == 2 ? (i < have ? x[at + 1] : -x[at + 1]) : 0.0;
        }
        for (size_t k = 0; k < bins; k++) {
            double want[2];
            transform(re, im, length, k, inverse != 0, want);
            for (size_t part = 0; part < out_parts; part++)
                rop_close("dft", k, y[((line / 3 * bins + k) * 3 + line % 3) * out_parts + part],
                          want[part] / (inverse ? (double)length : 1.0), 1e-12,
                          1e-12 * (double)length);
        }
    }
    free(f);
    free(x);
    free(re);
    free(im);
    free(y);
}

static void test_dft(void **state)
{
    static const size_t lengths[] = {1,  2,  3,  4,  5,  6,   7,   8,   12,  13,
                                     16, 17, 31, 60, 97, 128, 143, 289, 1009};
    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        size_t n = lengths[i];
        for (uint32_t inverse = 0; inverse < 2; inverse++) {
            check_dft(n, n, 2, inverse, 0);
            check_dft(n, n, 1, inverse, 0);
        }
        check_dft(n, n, 1, 0, 1);
        check_dft(n / 2 + 1, n, 2, 1, 1);
    }
    check_dft(5, 9, 1, 0, 0);  /* padded with zeros */
    check_dft(12, 9, 2, 1, 0); /* cut */
    check_dft(12, 9, 1, 0, 1);
    check_dft(3, 9, 2, 1, 1);
}

static void test_stft(void **state)
{
    enum { L = 53, N = 2, FRAME = 12, STEP = 5 };
    (void)state;
    for (uint32_t onesided = 0; onesided < 2; onesided++) {
        const nnrt_stft_params p = {onesided};
        const int64_t step = STEP, length = onesided ? 0 : FRAME; /* the window's own */
        float *x = rop_floats(&rng, N * L, 1.0f), *w = rop_floats(&rng, FRAME, 1.0f);
        rop_case c = {NNRT_ROP_ID_STFT,
                      &p,
                      4,
                      {{NNRT_F32, {3, {N, L, 1}}, x, false},
                       {NNRT_I64, {0, {0}}, &step, true},
                       {NNRT_I64, {0, {0}}, &length, true},
                       {NNRT_F32, {1, {FRAME}}, w, false}},
                      NNRT_F32,
                      4};
        nnrt_shape got;
        float *y = rop_run(&c, &got);
        size_t frames = (L - FRAME) / STEP + 1, bins = onesided ? FRAME / 2 + 1 : FRAME;
        assert_int_equal(got.dims[1], frames);
        assert_int_equal(got.dims[2], bins);
        for (size_t f = 0; f < N * frames; f++) {
            double re[FRAME], im[FRAME] = {0}, want[2];
            for (size_t i = 0; i < FRAME; i++)
                re[i] = (double)x[f / frames * L + f % frames * STEP + i] * (double)w[i];
            for (size_t k = 0; k < bins; k++) {
                transform(re, im, FRAME, k, false, want);
                rop_close("stft", k, (double)y[(f * bins + k) * 2], want[0], 1e-6, 1e-6);
                rop_close("stft", k, (double)y[(f * bins + k) * 2 + 1], want[1], 1e-6, 1e-6);
            }
        }
        free(x);
        free(w);
        free(y);
    }
}

/* ---- losses ---- */

static void test_nll(void **state)
{
    enum { N = 3, C = 5, D = 7 };
    float *x = rop_floats(&rng, N * C * D, 1.0f), *w = rop_floats(&rng, C, 1.0f);
    int64_t labels[N * D];
    (void)state;
    for (size_t i = 0; i < N * D; i++)
        labels[i] = (int64_t)nnc_rng_below(&rng, C + 1) -
                    (i == 4 ? 100 : 0); /* C and one below 0: no class */
    for (uint32_t reduction = 0; reduction <= NNRT_NLL_MEAN; reduction++) {
        for (uint32_t weighted = 0; weighted < 2; weighted++) {
            const nnrt_nll_params p = {reduction, 1, 2};
            rop_case c = {NNRT_ROP_ID_NLL,
                          &p,
                          2 + weighted,
                          {{NNRT_F32, {3, {N, C, D}}, x, false},
                           {NNRT_I64, {2, {N, D}}, labels, false},
                           {NNRT_F32, {1, {C}}, w, false}},
                          NNRT_F32,
                          reduction ? 0 : 2};
            float *y = rop_run(&c, NULL);
            double sum = 0.0, weights = 0.0;
            for (size_t i = 0; i < N * D; i++) {
                bool counts = labels[i] >= 0 && labels[i] < C && labels[i] != 2;
                double weight = !counts ? 0.0 : weighted ? (double)w[labels[i]] : 1.0;
                double loss =
                    counts ? -weight * (double)x[(i / D * C + (size_t)labels[i]) * D + i % D] : 0.0;
                sum += loss;
                weights += weight;
                if (reduction == NNRT_NLL_NONE)
                    rop_close("nll", i, (double)y[i], loss, 1e-6, 1e-7);
            }
            if (reduction != NNRT_NLL_NONE)
                rop_close("nll", reduction, (double)y[0],
                          reduction == NNRT_NLL_SUM ? sum : sum / weights, 1e-6, 1e-6);
            free(y);
        }
    }
    free(x);
    free(w);
}

/* ---- deform_conv ---- */

static double pixel(const float *x, size_t c, int64_t h, int64_t w, int64_t height, int64_t width,
                    size_t channels)
{
    return h < 0 || h >= height || w < 0 || w >= width
               ? 0.0
               : (double)x[(size_t)(h * width + w) * channels + c];
}

static double bilinear(const float *x, size_t c, double h, double w, int64_t height, int64_t width,
                       size_t channels)
{
    double fh = floor(h), fw = floor(w), a = h - fh, b = w - fw;
    int64_t i = (int64_t)fh, j = (int64_t)fw;
    return (1 - a) * (1 - b) * pixel(x, c, i, j, height, width, channels) +
           (1 - a) * b * pixel(x, c, i, j + 1, height, width, channels) +
           a * (1 - b) * pixel(x, c, i + 1, j, height, width, channels) +
           a * b * pixel(x, c, i + 1, j + 1, height, width, channels);
}

static void test_deform(void **state)
{
    enum { H = 7, W = 6, C = 8, K = 6, G = 2, OG = 4, R = 3, S = 2, OH = 4, OW = 6, TAPS = R * S };
    const nnrt_deform_conv_params p = {
        {2, {R, S, 1, 1, 1, 1}, {2, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1}, {1, 0}, {1, 1}, 0, 0},
        G,
        OG,
        C,
        K,
        1,
        1};
    float *x = rop_floats(&rng, 2 * H * W * C, 1.0f), *w = rop_floats(&rng, K * C / G * TAPS, 1.0f);
    float *offset = rop_floats(&rng, 2 * OG * TAPS * 2 * OH * OW, 2.0f),
          *bias = rop_floats(&rng, K, 1.0f);
    float *mask = rop_floats(&rng, 2 * OG * TAPS * OH * OW, 1.0f);
    offset[3] = 1e30f; /* far outside */
    offset[5] = -7.0f;
    rop_case c = {NNRT_ROP_ID_DEFORM_CONV,
                  &p,
                  5,
                  {{NNRT_F32, {4, {2, H, W, C}}, x, false},
                   {NNRT_F32, {4, {K, C / G, R, S}}, w, false},
                   {NNRT_F32, {4, {2, OG * TAPS * 2, OH, OW}}, offset, false},
                   {NNRT_F32, {1, {K}}, bias, false},
                   {NNRT_F32, {4, {2, OG * TAPS, OH, OW}}, mask, false}},
                  NNRT_F32,
                  4};
    (void)state;
    float *y = rop_run(&c, NULL);
    for (size_t o = 0; o < 2 * OH * OW * K; o++) {
        size_t k = o % K, at = o / K % (OH * OW), n = o / K / (OH * OW);
        double sum = (double)bias[k], scale = fabs(sum);
        for (size_t t = 0; t < TAPS; t++) {
            for (size_t j = 0; j < C / G; j++) {
                size_t ch = k / (K / G) * (C / G) + j, map = ch / (C / OG) * TAPS + t;
                double h = (double)(at / OW * 2) - 1.0 + (double)(t / S) +
                           (double)offset[((n * OG * TAPS + map) * 2) * OH * OW + at];
                double v = (double)(at % OW) + (double)(t % S) +
                           (double)offset[((n * OG * TAPS + map) * 2 + 1) * OH * OW + at];
                if (fabs(h) > 1e6 || fabs(v) > 1e6)
                    continue;
                double term = bilinear(x + n * H * W * C, ch, h, v, H, W, C) *
                              (double)mask[(n * OG * TAPS + map) * OH * OW + at] *
                              (double)w[(k * C / G + j) * TAPS + t];
                sum += term;
                scale += fabs(term);
            }
        }
        rop_close("deform", o, (double)y[o], sum, 1e-5, 1e-5 * scale);
    }
    free(x);
    free(w);
    free(offset);
    free(bias);
    free(mask);
    free(y);
}

/* A run of an op with two outputs. */
typedef struct pair_run {
    nnrt_model *model;
    void *image;
    nnrt_session *session;
    nnrt_view y, s;
} pair_run;

static nnrt_shape any_shape(uint32_t rank)
{
    nnrt_shape any = {.rank = rank};
    for (uint32_t d = 0; d < rank; d++)
        any.dims[d] = NNRT_DIM_UNKNOWN;
    return any;
}

static void run_pair(pair_run *r, const rop_case *c, uint32_t second_rank)
{
    nnrt_builder *b = nnrt_builder_create();
    uint32_t in[ROP_INPUTS], out[2];
    nnrt_shape shapes[ROP_INPUTS], any;
    for (uint32_t i = 0; i < c->in_count; i++) {
        const char name[2] = {(char)('a' + i), '\0'};
        any = any_shape(c->in[i].shape.rank);
        in[i] = nnrt_builder_value(b, NNRT_VALUE_INPUT, name, NNRT_F32, &any, 0, NULL);
        nnrt_builder_input(b, in[i]);
        shapes[i] = c->in[i].shape;
    }
    any = any_shape(c->out_rank);
    out[0] = nnrt_builder_value(b, NNRT_VALUE_OUTPUT, "y", NNRT_F32, &any, 0, NULL);
    any = any_shape(second_rank);
    out[1] = nnrt_builder_value(b, NNRT_VALUE_OUTPUT, "s", NNRT_F32, &any, 0, NULL);
    nnrt_builder_node(b, c->id, "op", c->params, nnrt_rop_find(c->id)->params_bytes, in,
                      c->in_count, out, 2);
    nnrt_builder_output(b, out[0], "y");
    nnrt_builder_output(b, out[1], "s");
    rop_load(&r->model, &r->image, b);
    assert_int_equal(nnrt_session_create(&r->session, r->model, NULL), NNRT_OK);
    assert_int_equal(nnrt_session_reshape(r->session, shapes, c->in_count), NNRT_OK);
    for (uint32_t i = 0; i < c->in_count; i++) {
        assert_int_equal(nnrt_session_input(r->session, i, &r->y), NNRT_OK);
        memcpy(r->y.data, c->in[i].data, r->y.bytes);
    }
    assert_int_equal(nnrt_session_run(r->session), NNRT_OK);
    assert_int_equal(nnrt_session_output(r->session, 0, &r->y), NNRT_OK);
    assert_int_equal(nnrt_session_output(r->session, 1, &r->s), NNRT_OK);
}

static void pair_drop(pair_run *r)
{
    nnrt_session_destroy(r->session);
    nnrt_model_destroy(r->model);
    nnc_free(r->image);
}

/* ---- causal_conv, linear_attention ---- */

static void check_causal(size_t length, size_t taps, bool past)
{
    enum { N = 2, C = 3 };
    const nnrt_causal_conv_params p = {1, past};
    float *x = rop_floats(&rng, N * C * length, 1.0f), *w = rop_floats(&rng, C * taps, 1.0f);
    float *bias = rop_floats(&rng, C, 1.0f), *old = rop_floats(&rng, N * C * taps, 1.0f);
    rop_case c = {NNRT_ROP_ID_CAUSAL_CONV,
                  &p,
                  3 + past,
                  {{NNRT_F32, {3, {N, C, (int64_t)length}}, x, false},
                   {NNRT_F32, {3, {C, 1, (int64_t)taps}}, w, false},
                   {NNRT_F32, {1, {C}}, bias, false},
                   {NNRT_F32, {3, {N, C, (int64_t)taps - 1}}, old, false}},
                  NNRT_F32,
                  3};
    pair_run r;
    run_pair(&r, &c, 3);
    const nnrt_view y = r.y, s = r.s;
    for (size_t row = 0; row < N * C; row++) {
        double all[64] = {0};
        for (size_t i = 0; i + 1 < taps; i++)
            all[i] = past ? (double)old[row * (taps - 1) + i] : 0.0;
        for (size_t i = 0; i < length; i++)
            all[taps - 1 + i] = (double)x[row * length + i];
        for (size_t i = 0; i < length; i++) {
            double sum = (double)bias[row % C];
            for (size_t t = 0; t < taps; t++)
                sum += all[i + t] * (double)w[row % C * taps + t];
            rop_close("causal", i, (double)((const float *)y.data)[row * length + i], sum, 1e-6,
                      1e-6);
        }
        for (size_t i = 0; i + 1 < taps; i++)
            assert_true((double)((const float *)s.data)[row * (taps - 1) + i] == all[length + i]);
    }
    pair_drop(&r);
    free(x);
    free(w);
    free(bias);
    free(old);
}

static void test_causal(void **state)
{
    (void)state;
    check_causal(20, 4, true);
    check_causal(20, 4, false);
    check_causal(2, 5, true); /* shorter than the kernel */
    check_causal(2, 5, false);
    check_causal(7, 1, true);
}

enum { B = 2, T = 5, HQ = 6, HK = 3, DK = 4, DV = 7 };

typedef struct linear_inputs {
    const float *q, *k, *v, *decay, *beta;
    size_t decays, betas;
} linear_inputs;

/* One token of one head on the state, and its outputs. */
static void linear_token(double state[DK][DV], const linear_inputs *x, size_t token, size_t head,
                         const float *y)
{
    double write[DV];
    for (size_t d = 0; x->decay && d < DK; d++) {
        size_t at = x->decays == HK ? head : head * DK + d;
        for (size_t i = 0; i < DV; i++)
            state[d][i] *= exp((double)x->decay[token * x->decays + at]);
    }
    for (size_t i = 0; i < DV; i++) {
        double read = 0.0, value = (double)x->v[(token * HK + head) * DV + i];
        for (size_t d = 0; d < DK; d++)
            read += state[d][i] * (double)x->k[(token * HK + head) * DK + d];
        write[i] = value;
        if (x->beta)
            write[i] =
                (double)x->beta[token * x->betas + (x->betas == 1 ? 0 : head)] * (value - read);
    }
    for (size_t i = 0; i < DK * DV; i++)
        state[i / DV][i % DV] += (double)x->k[(token * HK + head) * DK + i / DV] * write[i % DV];
    for (size_t o = 0; o < HQ / HK * DV; o++) {
        size_t q = token * HQ + head * (HQ / HK) + o / DV;
        double sum = 0.0;
        for (size_t d = 0; d < DK; d++)
            sum += (double)x->q[q * DK + d] * state[d][o % DV];
        rop_close("linear", o, (double)y[q * DV + o % DV], sum / sqrt(DK), 1e-4, 1e-5);
    }
}

static void linear_oracle(const pair_run *r, const linear_inputs *x, const float *past)
{
    for (size_t h = 0; h < B * HK; h++) {
        double state[DK][DV];
        for (size_t i = 0; i < DK * DV; i++)
            state[i / DV][i % DV] = (double)past[h * DK * DV + i];
        for (size_t t = 0; t < T; t++)
            linear_token(state, x, h / HK * T + t, h % HK, r->y.data);
        for (size_t i = 0; i < DK * DV; i++)
            rop_close("state", i, (double)((const float *)r->s.data)[h * DK * DV + i],
                      state[i / DV][i % DV], 1e-4, 1e-5);
    }
}

static void check_linear(uint32_t rule, uint32_t per_row, uint32_t one_beta)
{
    const bool gated = rule == NNRT_LINEAR_GATED || rule == NNRT_LINEAR_GATED_DELTA;
    const bool delta = rule == NNRT_LINEAR_DELTA || rule == NNRT_LINEAR_GATED_DELTA;
    const nnrt_linear_attention_params p = {rule, HQ, HK, 1, gated, delta, 0.0f};
    const int64_t decays = per_row ? HK * DK : HK, betas = one_beta ? 1 : HK;
    float *q = rop_floats(&rng, B * T * HQ * DK, 1.0f),
          *k = rop_floats(&rng, B * T * HK * DK, 0.5f);
    float *v = rop_floats(&rng, B * T * HK * DV, 1.0f),
          *past = rop_floats(&rng, B * HK * DK * DV, 1.0f);
    float *g = rop_floats(&rng, (size_t)(B * T * decays), 0.3f),
          *beta = rop_floats(&rng, (size_t)(B * T * betas), 0.5f);
    rop_case c = {NNRT_ROP_ID_LINEAR_ATTENTION,
                  &p,
                  4,
                  {{NNRT_F32, {3, {B, T, HQ * DK}}, q, false},
                   {NNRT_F32, {3, {B, T, HK * DK}}, k, false},
                   {NNRT_F32, {3, {B, T, HK * DV}}, v, false},
                   {NNRT_F32, {4, {B, HK, DK, DV}}, past, false}},
                  NNRT_F32,
                  3};
    if (gated)
        c.in[c.in_count++] = (rop_input){NNRT_F32, {3, {B, T, decays}}, g, false};
    if (delta)
        c.in[c.in_count++] = (rop_input){NNRT_F32, {3, {B, T, betas}}, beta, false};
    pair_run r;
    run_pair(&r, &c, 4);
    const linear_inputs inputs = {
        q, k, v, gated ? g : NULL, delta ? beta : NULL, (size_t)decays, (size_t)betas};
    linear_oracle(&r, &inputs, past);
    pair_drop(&r);
    free(q);
    free(k);
    free(v);
    free(past);
    free(g);
    free(beta);
}

static void test_linear(void **state)
{
    (void)state;
    for (uint32_t rule = 0; rule <= NNRT_LINEAR_GATED_DELTA; rule++) {
        check_linear(rule, 0, 0);
        check_linear(rule, 1, 1);
    }
}

int main(void)
{
    nnc_rng_init(&rng, 24, 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dft),    cmocka_unit_test(test_stft),   cmocka_unit_test(test_nll),
        cmocka_unit_test(test_deform), cmocka_unit_test(test_causal), cmocka_unit_test(test_linear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
