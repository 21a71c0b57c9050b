/* window_function, mel_weights, det: small matrices from formulas. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "runtime_int8/ops/elements.h"
#include "runtime_int8/ops/util.h"

#define TWO_PI 6.28318530717958647693

static void store_one(const nnrt_tensor *y, size_t at, double v)
{
    int64_t whole;
    if (nnrt_wide_of(y->dtype) != NNRT_WIDE_INT) {
        nnrt_store_doubles(y->data, y->dtype, at, &v, 1);
        return;
    }
    whole = nnrt_double_to_int(v, y->dtype);
    nnrt_store_ints(y->data, y->dtype, at, &whole, 1);
}

/* Integer scalar input i, which is known; NNC_ERR_MODEL outside of lo..INT32_MAX. */
static nnc_status count_of(int64_t *out, const nnrt_node_ctx *ctx, uint32_t i, int64_t lo)
{
    NNC_TRY(nnrt_check_count(ctx, i, 1));
    nnrt_load_ints(out, ctx->in[i].data, ctx->in[i].dtype, 0, 1, 1);
    if (*out < lo || *out > INT32_MAX - 1)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': input %u is %lld, expected %lld or more", ctx->name, i, (long long)*out,
                 (long long)lo);
    return NNC_OK;
}

/* ---- window_function: size -> [size] ---- */

static nnc_status window_check(const nnrt_node_ctx *ctx)
{
    const nnrt_window_function_params *p = ctx->params;
    if (p->dtype > 31 || !((NNRT_SET_FLOAT | NNRT_SET_INTEGER) >> p->dtype & 1u) || p->periodic > 1)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': window of type %u, periodic %u", ctx->name, p->dtype, p->periodic);
    for (int i = 0; i < 3; i++) {
        if (!(fabsf(p->a[i]) <= 1.0f))
            NNC_FAIL(NNC_ERR_MODEL, "'%s': coefficient %g", ctx->name, (double)p->a[i]);
    }
    return nnrt_check_dtype(ctx, 0, NNRT_SET(NNRT_I32) | NNRT_SET(NNRT_I64));
}

static nnc_status window_reshape(nnrt_node_ctx *ctx)
{
    const nnrt_window_function_params *p = ctx->params;
    nnrt_shape y = {.rank = 1};
    NNC_TRY(count_of(&y.dims[0], ctx, 0, 0));
    nnrt_set_output(ctx, (nnrt_dtype)p->dtype, &y);
    return NNC_OK;
}

static void window_run(const nnrt_node_ctx *ctx)
{
    const nnrt_window_function_params *p = ctx->params;
    int64_t n = ctx->out[0].shape.dims[0];
    double period = (double)(p->periodic ? n : n - 1);
    for (int64_t i = 0; i < n; i++) {
        double turn = period > 0.0 ? TWO_PI * (double)i / period : 0.5 * TWO_PI; /* one element: the peak */
        store_one(&ctx->out[0], (size_t)i,
                  (double)p->a[0] - (double)p->a[1] * cos(turn) + (double)p->a[2] * cos(2.0 * turn));
    }
}

const nnrt_rop nnrt_rop_window_function = {
    .name = "window_function",
    .params_bytes = sizeof(nnrt_window_function_params),
    .min_in = 1,
    .max_in = 1,
    .out_count = 1,
    .host_inputs = 0x1,
    .check = window_check,
    .reshape = window_reshape,
    .run = window_run,
};

/* ---- mel_weights: bins, DFT length, sample rate, lower and upper edge in Hz -> [length / 2 + 1, bins] ---- */

static nnc_status mel_check(const nnrt_node_ctx *ctx)
{
    const nnrt_cast_params *p = ctx->params;
    if (p->dtype > 31 || !((NNRT_SET_FLOAT | NNRT_SET_INTEGER) >> p->dtype & 1u))
        NNC_FAIL(NNC_ERR_MODEL, "'%s': weights of type %u", ctx->name, p->dtype);
    for (uint32_t i = 0; i < 3; i++)
        NNC_TRY(nnrt_check_dtype(ctx, i, NNRT_SET(NNRT_I32) | NNRT_SET(NNRT_I64)));
    NNC_TRY(nnrt_check_dtype(ctx, 3, NNRT_SET_FLOAT));
    return nnrt_check_dtype(ctx, 4, NNRT_SET_FLOAT);
}

static nnc_status mel_reshape(nnrt_node_ctx *ctx)
{
    const nnrt_cast_params *p = ctx->params;
    int64_t bins, length, rate;
    NNC_TRY(count_of(&bins, ctx, 0, 0));
    NNC_TRY(count_of(&length, ctx, 1, 0));
    NNC_TRY(count_of(&rate, ctx, 2, 1));
    for (uint32_t i = 3; i < 5; i++) {
        double hertz;
        NNC_TRY(nnrt_check_count(ctx, i, 1));
        nnrt_load_doubles(&hertz, ctx->in[i].data, ctx->in[i].dtype, 0, 1, 1);
        if (!(hertz >= 0.0 && hertz <= 1e9))
            NNC_FAIL(NNC_ERR_MODEL, "'%s': edge at %g Hz", ctx->name, hertz);
    }
    nnrt_shape y = {.rank = 2, .dims = {length / 2 + 1, bins}};
    nnrt_set_output(ctx, (nnrt_dtype)p->dtype, &y);
    return NNC_OK;
}

static double scalar_of(const nnrt_node_ctx *ctx, uint32_t i)
{
    double v;
    nnrt_load_doubles(&v, ctx->in[i].data, ctx->in[i].dtype, 0, 1, 1);
    return v;
}

/* Spectrogram bin of edge i of the triangles, within 0..rows. */
static int64_t edge(const nnrt_node_ctx *ctx, int64_t i)
{
    double bins = scalar_of(ctx, 0), length = scalar_of(ctx, 1), rate = scalar_of(ctx, 2);
    double low = 2595.0 * log10(1.0 + scalar_of(ctx, 3) / 700.0);
    double high = 2595.0 * log10(1.0 + scalar_of(ctx, 4) / 700.0);
    double mel = (double)i * ((high - low) / (bins + 2.0)) + low;
    double bin = floor((length + 1.0) * (700.0 * (pow(10.0, mel / 2595.0) - 1.0)) / rate);
    double rows = (double)ctx->out[0].shape.dims[0];
    return (int64_t)(bin < 0.0 ? 0.0 : (bin > rows ? rows : bin));
}

static double triangle(int64_t row, int64_t lower, int64_t center, int64_t higher)
{
    if (row >= center && row < higher)
        return (double)(higher - row) / (double)(higher - center);
    if (row == center)
        return 1.0;
    return row >= lower && row < center ? (double)(row - lower) / (double)(center - lower) : 0.0;
}

static void mel_run(const nnrt_node_ctx *ctx)
{
    const nnrt_shape *y = &ctx->out[0].shape;
    for (int64_t c = 0; c < y->dims[1]; c++) {
        int64_t lower = edge(ctx, c), center = edge(ctx, c + 1), higher = edge(ctx, c + 2);
        for (int64_t r = 0; r < y->dims[0]; r++)
            store_one(&ctx->out[0], (size_t)(r * y->dims[1] + c), triangle(r, lower, center, higher));
    }
}

const nnrt_rop nnrt_rop_mel_weights = {
    .name = "mel_weights",
    .params_bytes = sizeof(nnrt_cast_params),
    .min_in = 5,
    .max_in = 5,
    .out_count = 1,
    .host_inputs = 0x1f,
    .check = mel_check,
    .reshape = mel_reshape,
    .run = mel_run,
};

/* ---- det: [..., M, M] -> [...], elimination with pivots in double ---- */

static nnc_status det_check(const nnrt_node_ctx *ctx)
{
    if (ctx->in[0].shape.rank < 2)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': input 0 has rank %u, expected 2 or more", ctx->name, ctx->in[0].shape.rank);
    return nnrt_check_dtype(ctx, 0, NNRT_SET_FLOAT);
}

static nnc_status det_reshape(nnrt_node_ctx *ctx)
{
    nnrt_shape y = ctx->in[0].shape;
    int64_t m = y.dims[y.rank - 1];
    if (m != y.dims[y.rank - 2] || m > 16384)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': matrices of %lld x %lld, expected square ones of up to 16384", ctx->name,
                 (long long)y.dims[y.rank - 2], (long long)m);
    y.rank -= 2;
    nnrt_set_output(ctx, ctx->in[0].dtype, &y);
    ctx->scratch_bytes = (size_t)(m * m) * sizeof(double);
    ctx->macs = (uint64_t)(m * m * m) / 3 * nnrt_shape_count(&y);
    return NNC_OK;
}

static void swap_rows(double *a, double *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double t = a[i];
        a[i] = b[i];
        b[i] = t;
    }
}

static double determinant(double *a, size_t m)
{
    double det = 1.0;
    for (size_t k = 0; k < m; k++) {
        size_t pivot = k;
        for (size_t r = k + 1; r < m; r++)
            pivot = fabs(a[r * m + k]) > fabs(a[pivot * m + k]) ? r : pivot;
        if (a[pivot * m + k] == 0.0)
            return 0.0;
        if (pivot != k) {
            swap_rows(a + pivot * m, a + k * m, m);
            det = -det;
        }
        det *= a[k * m + k];
        for (size_t r = k + 1; r < m; r++) {
            double f = a[r * m + k] / a[k * m + k];
            for (size_t c = k + 1; c < m; c++)
                a[r * m + c] -= f * a[k * m + c];
        }
    }
    return det;
}

static void det_run(const nnrt_node_ctx *ctx)
{
    const nnrt_shape *x = &ctx->in[0].shape;
    size_t m = (size_t)x->dims[x->rank - 1], count = nnrt_shape_count(&ctx->out[0].shape);
    for (size_t i = 0; i < count; i++) {
        nnrt_load_doubles(ctx->scratch, ctx->in[0].data, ctx->in[0].dtype, i * m * m, 1, m * m);
        store_one(&ctx->out[0], i, determinant(ctx->scratch, m));
    }
}

const nnrt_rop nnrt_rop_det = {
    .name = "det",
    .min_in = 1,
    .max_in = 1,
    .out_count = 1,
    .check = det_check,
    .reshape = det_reshape,
    .run = det_run,
};
