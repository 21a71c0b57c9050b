/* Operators of com.microsoft against float64 oracles. SPDX-License-Identifier: Apache-2.0 */
#include "contrib_case.h"

#define MS "com.microsoft"

static double gelu(double x)
{
    return 0.5 * x * (1 + erf(x / sqrt(2.0)));
}

static double gelu_tanh(double x)
{
    return 0.5 * x * (1 + tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));
}

static double sum_at(const case_input *in, size_t k, size_t i)
{
    return in[k].count ? (double)in[k].f[i % in[k].count] : 0;
}

static void pointwise(const contrib_case *c, const case_input *in, double *y, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        double x = sum_at(in, 0, i);
        if (strcmp(c->op, "FastGelu") == 0) {
            y[i] = gelu_tanh(x + (in[1].f ? sum_at(in, 1, i) : 0));
        } else if (strcmp(c->op, "QuickGelu") == 0) {
            y[i] = x / (1 + exp(-case_number(c, "alpha", 1.702) * x));
        } else if (strcmp(c->op, "BiasGelu") == 0) {
            y[i] = gelu(x + sum_at(in, 1, i));
        } else { /* BiasAdd, BiasDropout */
            y[i] = x + sum_at(in, 1, i) + sum_at(in, 2, i);
        }
    }
}

static void split_gelu(const contrib_case *c, const case_input *in, double *y, size_t count)
{
    const size_t half = in[1].count / 2;
    (void)c;
    for (size_t i = 0; i < count; i++) {
        const size_t row = i / half * half * 2, k = i % half;
        y[i] = (sum_at(in, 0, row + k) + sum_at(in, 1, k)) *
               gelu(sum_at(in, 0, row + half + k) + sum_at(in, 1, half + k));
    }
}

/* x [2,3,4,5] + bias [2,1,1,5] or [1,1,4,5]; softmax over all dims from the axis on. */
static void bias_softmax(const contrib_case *c, const case_input *in, double *y, size_t count)
{
    const size_t block = case_number(c, "axis", 1) == 3 ? 5 : 20;
    for (size_t i = 0; i < count; i++) {
        const size_t b = in[1].dims[0] == 2 ? i / 60 * 5 + i % 5 : i % 20;
        y[i] = exp(sum_at(in, 0, i) + sum_at(in, 1, b));
    }
    for (size_t i = 0; i < count; i += block) {
        double sum = 0;
        for (size_t k = 0; k < block; k++) {
            sum += y[i + k];
        }
        for (size_t k = 0; k < block; k++) {
            y[i + k] /= sum;
        }
    }
}

static double activate(const contrib_case *c, double x)
{
    if (case_has(c, "LeakyRelu")) {
        return x < 0 ? 0.25 * x : x;
    }
    if (case_has(c, "HardSigmoid")) {
        return fmin(fmax(0.25 * x + 0.5, 0), 1);
    }
    return case_has(c, "Clip") ? fmin(fmax(x, -0.25), 0.5) : (case_has(c, "Relu") ? fmax(x, 0) : x);
}

/* x [1,2,5,5] (NHWC: [1,5,5,2]), w [3,2,3,3], b [3], z like y; padding 1. */
static void conv(const contrib_case *c, const case_input *in, double *y, size_t count)
{
    const bool last = strncmp(c->op, "Nhwc", 4) == 0;
    for (size_t i = 0; i < count; i++) {
        const int m = (int)(last ? i % 3 : i / 25), at = (int)(last ? i / 3 : i % 25);
        double sum = (double)in[2].f[m];
        for (int k = 0; k < 18; k++) {
            const int ch = k / 9, r = at / 5 + k / 3 % 3 - 1, s = at % 5 + k % 3 - 1;
            if (r >= 0 && r < 5 && s >= 0 && s < 5) {
                sum += (double)in[0].f[last ? (r * 5 + s) * 2 + ch : (ch * 5 + r) * 5 + s] *
                       (double)in[1].f[m * 18 + k];
            }
        }
        y[i] = activate(c, sum + (in[3].f ? (double)in[3].f[i] : 0));
    }
}

/* Gemm: a [3,4] (or its transpose), b [4,5] (or its transpose), c [5]. */
static void gemm(const contrib_case *c, const case_input *in, double *y, size_t count)
{
    const bool tb = case_number(c, "transB", 0) != 0;
    for (size_t i = 0; i < count; i++) {
        double sum = 0;
        for (size_t k = 0; k < 4; k++) {
            sum += (double)in[0].f[i / 5 * 4 + k] *
                   (double)in[1].f[tb ? i % 5 * 4 + k : k * 5 + i % 5];
        }
        sum = case_number(c, "alpha", 1) * sum + (in[2].f ? (double)in[2].f[i % 5] : 0);
        y[i] = strcmp(c->op, "GemmFastGelu") == 0 ? gelu_tanh(sum) : activate(c, sum);
    }
}

/* a [B=2,M=3,K=4], b [2,K,N=5], in the places that the flags say. */
static void matmul(const contrib_case *c, const case_input *in, double *y, size_t count)
{
    const bool ta = case_number(c, "transA", 0) != 0, tb = case_number(c, "transB", 0) != 0;
    const bool ba = case_number(c, "transBatchA", 0) != 0;
    for (size_t i = 0; i < count; i++) {
        const size_t b = i / 15, m = i / 5 % 3, n = i % 5;
        double sum = 0;
        for (size_t k = 0; k < 4; k++) {
            const size_t row = ta ? k : m, col = ta ? m : k, rows = ta ? 4 : 3, cols = ta ? 3 : 4;
            sum +=
                (double)in[0].f[ba ? (row * 2 + b) * cols + col : (b * rows + row) * cols + col] *
                (double)in[1].f[b * 20 + (tb ? n * 4 + k : k * 5 + n)];
        }
        y[i] = activate(c, case_number(c, "alpha", 1) * sum);
    }
}

/* Rows of 8: normalized sum of x, skip and bias, times gamma, plus beta. */
static void normalize_rows(double *x, size_t count, const case_input *gamma, const case_input *beta,
                           bool rms, double epsilon)
{
    for (size_t r = 0; r < count; r += 8) {
        double mean = 0, var = 0;
        for (size_t k = 0; k < 8; k++) {
            mean += rms ? 0 : x[r + k] / 8;
        }
        for (size_t k = 0; k < 8; k++) {
            var += (x[r + k] - mean) * (x[r + k] - mean) / 8;
        }
        for (size_t k = 0; k < 8; k++) {
            x[r + k] = (x[r + k] - mean) / sqrt(var + epsilon) * (double)gamma->f[k] +
                       (beta && beta->f ? (double)beta->f[k] : 0);
        }
    }
}

static void skip_norm(const contrib_case *c, const case_input *in, double *y, size_t count)
{
    const bool rms = strstr(c->op, "Simplified") != NULL, skip = strstr(c->op, "Skip") != NULL;
    const size_t bias = rms ? 3 : 4;
    for (size_t i = 0; i < count; i++) {
        y[i] = sum_at(in, 0, i) + (skip ? sum_at(in, 1, i) : 0) +
               (skip && in[bias].f ? sum_at(in, bias, i) : 0);
    }
    if (c->out == 0) {
        normalize_rows(y, count, &in[skip ? 2 : 1], rms ? NULL : &in[3], rms,
                       case_number(c, "epsilon", 1e-5));
    }
}

/* ids [2,4] int64 0..3, segments, word [4,8], position [6,8], segment [4,8], gamma, beta, -,
 * positions. */
static void embed(const contrib_case *c, const case_input *in, double *y, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const size_t token = i / 8, k = i % 8;
        const size_t place = in[8].i ? (size_t)in[8].i[token] : token % 4;
        y[i] = (double)in[2].f[(size_t)in[0].i[token] * 8 + k] + (double)in[3].f[place * 8 + k] +
               (in[1].i ? (double)in[4].f[(size_t)in[1].i[token] * 8 + k] : 0);
    }
    normalize_rows(y, count, &in[5], &in[6], false, case_number(c, "epsilon", 1e-12));
}

/* x [1,2,3,8] channels-last, 2 groups. */
static void group_norm(const contrib_case *c, const case_input *in, double *y, size_t count)
{
    const bool skip = strcmp(c->op, "SkipGroupNorm") == 0;
    double x[48];
    assert_int_equal(count, 48);
    for (size_t i = 0; i < count; i++) {
        x[i] = sum_at(in, 0, i) + (skip ? sum_at(in, 3, i) + sum_at(in, 4, i) : 0);
    }
    for (size_t i = 0; i < count; i++) {
        const size_t first = i % 8 / 4 * 4;
        double mean = 0, var = 0;
        for (size_t k = 0; k < 24; k++) {
            mean += x[k / 4 * 8 + first + k % 4] / 24;
        }
        for (size_t k = 0; k < 24; k++) {
            var += pow(x[k / 4 * 8 + first + k % 4] - mean, 2) / 24;
        }
        y[i] =
            (x[i] - mean) / sqrt(var + case_number(c, "epsilon", 1e-5)) * (double)in[1].f[i % 8] +
            (double)in[2].f[i % 8];
        y[i] = case_number(c, "activation", 0) == 1 ? y[i] / (1 + exp(-y[i])) : y[i];
    }
}

/* ---- attention: B = 2, N = 2 heads of D = 4, S queries, L keys ---- */

typedef struct heads {
    double q[2][8][8], k[2][8][8], v[2][8][8]; /* [B][position][N*D] */
    size_t s, l, past;
} heads;

/* What the mask input adds for query i and key t of sequence b. */
static double mask_of(const contrib_case *c, const case_input *m, size_t b, size_t i, size_t t,
                      size_t s, size_t l)
{
    const double filter = case_number(c, "mask_filter_value", -10000);
    if (!m->n || m->kind == '-') {
        return 0;
    }
    if (m->rank == 1) {
        return (int32_t)t < m->n[b] ? 0 : filter;
    }
    return m->n[m->rank == 2 ? b * l + t : (b * s + i) * l + t] ? 0 : filter;
}

static void attend(const contrib_case *c, const heads *h, const case_input *mask, double *y)
{
    const double scale = case_number(c, "scale", 0.5);
    for (size_t j = 0; j < 2 * h->s * 2; j++) {
        const size_t b = j / (h->s * 2), i = j / 2 % h->s, first = j % 2 * 4;
        double w[8], sum = 0, most = -INFINITY;
        for (size_t t = 0; t < h->l; t++) {
            w[t] = 0;
            for (size_t d = first; d < first + 4; d++) {
                w[t] += h->q[b][i][d] * h->k[b][t][d];
            }
            w[t] = scale * w[t] + mask_of(c, mask, b, i, t, h->s, h->l);
            if (case_has(c, "unidirectional=1") && t > i + h->past) {
                w[t] = -INFINITY;
            }
            most = fmax(most, w[t]);
        }
        for (size_t t = 0; t < h->l; t++) {
            sum += w[t] = exp(w[t] - most);
        }
        for (size_t d = first; d < first + 4; d++) {
            double v = 0;
            for (size_t t = 0; t < h->l; t++) {
                v += w[t] / sum * h->v[b][t][d];
            }
            y[(b * h->s + i) * 8 + d] = v;
        }
    }
}

/* x [2,3,8], w [8,24], b [24], [mask], [past [2,2,2,P,4]]. */
static void attention(const contrib_case *c, const case_input *in, double *y, size_t count)
{
    heads h = {.s = 3, .l = 3};
    assert_int_equal(count, 48);
    h.past = in[4].f ? (size_t)in[4].dims[3] : 0;
    h.l += h.past;
    for (size_t b = 0; b < 2; b++) {
        for (size_t n = 0; n < 3 * 24; n++) {
            const size_t i = n / 24, col = n % 24;
            double sum = (double)in[2].f[col];
            for (size_t k = 0; k < 8; k++) {
                sum += (double)in[0].f[(b * 3 + i) * 8 + k] * (double)in[1].f[k * 24 + col];
            }
            *(col < 8 ? &h.q[b][i][col]
                      : (col < 16 ? &h.k[b][i + h.past][col - 8] : &h.v[b][i + h.past][col - 16])) =
                sum;
        }
        for (size_t t = 0; t < h.past; t++) {
            for (size_t d = 0; d < 8; d++) {
                const size_t at = ((b * 2 + d / 4) * h.past + t) * 4 + d % 4;
                h.k[b][t][d] = (double)in[4].f[at];
                h.v[b][t][d] = (double)in[4].f[2 * 2 * h.past * 4 + at];
            }
        }
    }
    attend(c, &h, &in[3], y);
}

/* q [2,3,8], k, v [2,5,8], [b [24]], [mask]; or packed [2,3,2,3,4]. */
static void multi_head(const contrib_case *c, const case_input *in, double *y, size_t count)
{
    heads h = {.s = 3, .l = in[1].f ? 5 : 3};
    assert_int_equal(count, 48);
    for (size_t n = 0; n < 2 * 8 * 8; n++) {
        const size_t b = n / 64, i = n / 8 % 8, d = n % 8;
        const double bq = in[3].f ? (double)in[3].f[d] : 0,
                     bk = in[3].f ? (double)in[3].f[8 + d] : 0;
        const double bv = in[3].f ? (double)in[3].f[16 + d] : 0;
        const size_t packed = (((b * 3 + i) * 2 + d / 4) * 3) * 4 + d % 4;
        if (i < h.s) {
            h.q[b][i][d] = bq + (double)in[0].f[in[1].f ? (b * 3 + i) * 8 + d : packed];
        }
        if (i < h.l) {
            h.k[b][i][d] =
                bk + (double)(in[1].f ? in[1].f[(b * 5 + i) * 8 + d] : in[0].f[packed + 4]);
            h.v[b][i][d] =
                bv + (double)(in[1].f ? in[2].f[(b * 5 + i) * 8 + d] : in[0].f[packed + 8]);
        }
    }
    attend(c, &h, &in[4], y);
}

/* x [2,3,8] in 2 heads, first position, tables [8,2]. */
static void rotary(const contrib_case *c, const case_input *in, double *y, size_t count)
{
    const bool pairs = case_has(c, "interleaved=1");
    for (size_t i = 0; i < count; i++) {
        const size_t k = i % 4, pair = pairs ? k / 2 : k % 2;
        const bool second = pairs ? k % 2 : k >= 2;
        const size_t step = pairs ? 1 : 2, other = second ? i - step : i + step;
        const size_t t =
            ((size_t)in[1].i[in[1].count > 1 ? i / 8 : 0] + (in[1].count > 1 ? 0 : i / 8 % 3)) * 2 +
            pair;
        y[i] = (double)in[2].f[t] * (double)in[0].f[i] +
               (second ? 1 : -1) * (double)in[3].f[t] * (double)in[0].f[other];
    }
}

/* The pair of element d of a head of 4, turned by the angle of `place` in tables [8,2]. */
static double turned(const case_input *in, const float *x, size_t d, size_t place, bool turn)
{
    const double t = (double)in[7].f[place * 2 + d % 2], u = (double)in[8].f[place * 2 + d % 2];
    return turn ? t * (double)x[d] + (d < 2 ? -u * (double)x[d + 2] : u * (double)x[d - 2])
                : (double)x[d];
}

/* q [2,1,8] in 2 heads, k, v [2,1,4] in one (or all of it in q [2,1,16]), past [2,1,6,4], n: keys
 * less one of each, 7 in all. */
static void group_query(const contrib_case *c, const case_input *in, double *y, size_t count)
{
    const bool turn = case_has(c, "do_rotary=1"), packed = in[1].f == NULL;
    static const float none[16] = {0};
    assert_int_equal(count, 16);
    for (size_t i = 0; i < count; i++) {
        const size_t b = i / 8, h = i / 4 % 2, place = (size_t)in[5].n[b];
        const float *q = in[0].f + b * (packed ? 16 : 8) + h * 4;
        const float *k = packed ? in[0].f + b * 16 + 8 : in[1].f + b * 4;
        const float *v = packed ? k + 4 : in[2].f + b * 4;
        const case_input *tables = in;
        case_input empty[9] = {{0}};
        empty[7].f = empty[8].f = (float *)(uintptr_t)none;
        tables = turn ? in : empty;
        double sum = 0, out = 0;
        for (size_t t = 0; t <= place; t++) {
            const float *row = t < place ? in[3].f + (b * 6 + t) * 4 : k;
            double score = 0;
            for (size_t d = 0; d < 4; d++) {
                score +=
                    turned(tables, q, d, turn ? place : 0, turn) *
                    (t < place ? (double)row[d] : turned(tables, k, d, turn ? place : 0, turn));
            }
            const double w = exp(0.5 * score);
            sum += w;
            out += w * (double)(t < place ? in[4].f[(b * 6 + t) * 4 + i % 4] : v[i % 4]);
        }
        y[i] = out / sum;
    }
}

static const contrib_case cases[] = {
    {MS, "FastGelu", "f:3,5", "", "y", 0, pointwise},
    {MS, "FastGelu", "f:3,5 c:5", "", "y", 0, pointwise},
    {MS, "QuickGelu", "f:3,5", "", "y", 0, pointwise},
    {MS, "QuickGelu", "f:3,5", "alpha~1.0", "y", 0, pointwise},
    {MS, "BiasGelu", "f:3,5 c:5", "", "y", 0, pointwise},
    {MS, "BiasAdd", "f:2,3,5 c:5 f:2,3,5", "", "y", 0, pointwise},
    {MS, "BiasDropout", "f:3,5 c:5 f:3,5", "", "y", 0, pointwise},
    {MS, "BiasSplitGelu", "f:2,3,8 c:8", "", "y", 0, split_gelu},
    {MS, "BiasSoftmax", "f:2,3,4,5 f:2,1,1,5", "axis=3 is_inner_broadcast=1", "y", 0, bias_softmax},
    {MS, "BiasSoftmax", "f:2,3,4,5 f:1,1,4,5", "axis=2 is_inner_broadcast=0", "y", 0, bias_softmax},
    {MS, "FusedConv", "f:1,2,5,5 c:3,2,3,3 c:3", "activation=Relu pads=[1,1,1,1]", "y", 0, conv},
    {MS, "FusedConv", "f:1,2,5,5 c:3,2,3,3 c:3 f:1,3,5,5",
     "activation=LeakyRelu activation_params=(0.25) pads=[1,1,1,1]", "y", 0, conv},
    {MS, "FusedConv", "f:1,2,5,5 c:3,2,3,3 c:3",
     "activation=HardSigmoid activation_params=(0.25,0.5) pads=[1,1,1,1]", "y", 0, conv},
    {MS, "FusedConv", "f:1,2,5,5 c:3,2,3,3 c:3",
     "activation=Clip activation_params=(-0.25,0.5) pads=[1,1,1,1]", "y", 0, conv},
    {MS, "NhwcFusedConv", "f:1,5,5,2 c:3,2,3,3 c:3 f:1,5,5,3", "activation=Relu pads=[1,1,1,1]",
     "y", 0, conv},
    {MS, "FusedGemm", "f:3,4 c:5,4 c:5", "activation=LeakyRelu activation_alpha~0.25 transB=1", "y",
     0, gemm},
    {MS, "GemmFastGelu", "f:3,4 c:4,5 c:5", "", "y", 0, gemm},
    {MS, "FusedMatMul", "f:2,3,4 f:2,4,5", "alpha~0.5", "y", 0, matmul},
    {MS, "FusedMatMul", "f:2,4,3 c:2,5,4", "transA=1 transB=1", "y", 0, matmul},
    {MS, "FusedMatMul", "f:3,2,4 f:2,4,5", "transBatchA=1", "y", 0, matmul},
    {MS, "FusedMatMul", "f:4,2,3 f:2,4,5", "transBatchA=1 transA=1", "y", 0, matmul},
    {MS, "FusedMatMulActivation", "f:2,3,4 f:2,4,5", "alpha~0.5 activation=Relu", "y", 0, matmul},
    {MS, "TransposeMatMul", "f:2,3,4 f:2,5,4", "transB=1", "y", 0, matmul},
    {"", "SimplifiedLayerNormalization", "f:3,8 c:8", "axis=-1", "y", 0, skip_norm},
    {MS, "SkipLayerNormalization", "f:3,8 f:3,8 c:8", "epsilon~0.01", "y", 0, skip_norm},
    {MS, "SkipLayerNormalization", "f:3,8 f:3,8 c:8 c:8 c:8", "epsilon~0.01", "y,,,s", 0,
     skip_norm},
    {MS, "SkipLayerNormalization", "f:3,8 f:3,8 c:8 c:8", "", "y,,,s", 1, skip_norm},
    {MS, "SkipSimplifiedLayerNormalization", "f:3,8 f:3,8 c:8 c:8", "", "y,,,s", 0, skip_norm},
    {MS, "EmbedLayerNormalization", "i:2,4 i:2,4 c:4,8 c:6,8 c:4,8 c:8 c:8", "", "y", 0, embed},
    {MS, "EmbedLayerNormalization", "i:2,4 - c:4,8 c:6,8 - c:8 c:8 - i:2,4", "", "y", 0, embed},
    {MS, "GroupNorm", "f:1,2,3,8 c:8 c:8", "groups=2 activation=1 channels_last=1", "y", 0,
     group_norm},
    {MS, "SkipGroupNorm", "f:1,2,3,8 c:8 c:8 f:1,8 c:8", "groups=2 activation=0", "y", 0,
     group_norm},
    {MS, "Attention", "f:2,3,8 c:8,24 c:24", "num_heads=2", "y", 0, attention},
    {MS, "Attention", "f:2,3,8 c:8,24 c:24", "num_heads=2 scale~0.3 unidirectional=1", "y", 0,
     attention},
    {MS, "Attention", "f:2,3,8 c:8,24 c:24 m:2,3", "num_heads=2", "y", 0, attention},
    {MS, "Attention", "f:2,3,8 c:8,24 c:24 n:2", "num_heads=2 unidirectional=1", "y", 0, attention},
    {MS, "Attention", "f:2,3,8 c:8,24 c:24 m:2,3,3", "num_heads=2 mask_filter_value~-5", "y", 0,
     attention},
    {MS, "Attention", "f:2,3,8 c:8,24 c:24 m:2,5 f:2,2,2,2,4", "num_heads=2 unidirectional=1",
     "y,p", 0, attention},
    {MS, "MultiHeadAttention", "f:2,3,8 f:2,5,8 f:2,5,8", "num_heads=2", "y", 0, multi_head},
    {MS, "MultiHeadAttention", "f:2,3,8 f:2,5,8 f:2,5,8 c:24 n:2", "num_heads=2", "y", 0,
     multi_head},
    {MS, "MultiHeadAttention", "f:2,3,8 f:2,5,8 f:2,5,8 - m:2,5", "num_heads=2", "y", 0,
     multi_head},
    {MS, "MultiHeadAttention", "f:2,3,2,3,4", "num_heads=2", "y", 0, multi_head},
    {MS, "GroupQueryAttention", "f:2,1,8 f:2,1,4 f:2,1,4 f:2,1,6,4 f:2,1,6,4 n:2 t",
     "num_heads=2 kv_num_heads=1", "y,k,v", 0, group_query},
    {MS, "GroupQueryAttention", "f:2,1,16 - - f:2,1,6,4 f:2,1,6,4 n:2 t c:8,2 c:8,2",
     "num_heads=2 kv_num_heads=1 do_rotary=1", "y,k,v", 0, group_query},
    {MS, "RotaryEmbedding", "f:2,3,8 i:2,3 c:8,2 c:8,2", "", "y", 0, rotary},
    {MS, "RotaryEmbedding", "f:2,3,8 i:1 c:8,2 c:8,2", "interleaved=1", "y", 0, rotary},
};

static void test_operators(void **state)
{
    (void)state;
    nnc_rng_init(&rng, 5, 6);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        case_run(&cases[i]);
    }
}

typedef struct refused {
    const char *domain, *op, *inputs, *attrs, *outputs;
    nnc_status status;
    const char *message;
} refused;

static void test_refused(void **state)
{
    static const refused bad[] = {
        {"com.microsoft.nchwc", "Conv", "f:1,8,5,5 c:8,8,3,3", "", "y", NNC_ERR_UNSUPPORTED,
         "ORT_ENABLE_EXTENDED"},
        {MS, "FusedConv", "f:1,2,5,5 c:3,2,3,3", "activation=Cosh", "y", NNC_ERR_UNSUPPORTED,
         "has the activation 'Cosh'"},
        {MS, "Attention", "f:2,3,8 c:8,24 c:24", "", "y", NNC_ERR_MODEL, "num_heads is 0"},
        {MS, "Attention", "f:2,3,8 c:8,24 c:24", "num_heads=2 do_rotary=1", "y",
         NNC_ERR_UNSUPPORTED, "has do_rotary=1"},
        {MS, "Attention", "f:2,3,8 c:8,24 c:24 n:4", "num_heads=2", "y", NNC_ERR_UNSUPPORTED,
         "has a mask of 4 numbers for 2 sequences"},
        {MS, "SkipLayerNormalization", "f:3,8 f:3,8 c:8", "", "y,m", NNC_ERR_UNSUPPORTED,
         "output 1 'm' cannot be computed"},
        {MS, "BiasSoftmax", "f:2,3 f:2,3", "axis=2", "y", NNC_ERR_MODEL, "axis is 2 for rank 2"},
        {MS, "GridSample", "f:1,1,3,3 f:1,2,2,2", "mode=round", "y", NNC_ERR_MODEL,
         "has the mode 'round'"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        case_input in[CASE_INPUTS] = {{0}};
        const contrib_case c = {bad[i].domain,  bad[i].op, bad[i].inputs, bad[i].attrs,
                                bad[i].outputs, 0,         NULL};
        REFUSE(case_model(&c, in), bad[i].status, bad[i].message);
        for (size_t k = 0; k < CASE_INPUTS; k++) {
            free(in[k].f);
            free(in[k].n);
            free(in[k].i);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_operators),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
