/* conv_f32, dwconv_f32, gemm_f32, matmul_f32 through a session: against sums in double with a bound
 * that follows from K, and the same bytes from every tier and thread count.
 * SPDX-License-Identifier: Apache-2.0 */
#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "kernels/f32_case.h"
#include "runtime_int8/builder.h"
#include "runtime_int8/ops/rop.h"
#include "runtime_int8/pack.h"

/* A product as a node: inputs[0], inputs[1] and a residual are graph inputs or constants; w, bias
 * are constants. */
typedef struct node_case {
    uint32_t rop;
    const void *params;
    size_t params_bytes;
    uint32_t count;
    bool constant[4];
    nnrt_shape shape[4];
    const float *data[4];
    nnrt_shape y_shape;
    const double *low, *high; /* [y] what each output may be */
    char text[200];
} node_case;

static size_t count_of(const nnrt_shape *s)
{
    size_t n = 1;
    for (uint32_t i = 0; i < s->rank; i++)
        n *= (size_t)s->dims[i];
    return n;
}

/* A first node that leaves 256 KB of numbers in the scratch memory that all nodes share. */
static void soil_scratch(nnrt_builder *b)
{
    enum { K = 512, N = 128 };
    const nnrt_shape shape[3] = {{2, {1, K}}, {2, {K, N}}, {2, {1, N}}};
    const nnrt_matmul_f32_params params = {0, 0, 1.0f, {-INFINITY, INFINITY}};
    float *ones = malloc(K * N * sizeof(float));
    uint32_t in[2], out;
    assert_non_null(ones);
    for (size_t i = 0; i < K * N; i++)
        ones[i] = 1.0f;
    for (uint32_t i = 0; i < 2; i++)
        in[i] = nnrt_builder_const(b, i ? "soil_b" : "soil_a", NNRT_F32, &shape[i], ones,
                                   (i ? K * N : K) * sizeof(float));
    out = nnrt_builder_value(b, NNRT_VALUE_OUTPUT, "soil", NNRT_F32, &shape[2], 0, NULL);
    nnrt_builder_node(b, NNRT_ROP_ID_MATMUL_F32, "soil", &params, sizeof(params), in, 2, &out, 1);
    nnrt_builder_output(b, out, "soil");
    free(ones);
}

static void *build(const node_case *c, size_t *bytes)
{
    nnrt_builder *b = nnrt_builder_create();
    uint32_t in[4], out;
    void *image = NULL;
    assert_non_null(b);
    for (uint32_t i = 0; i < c->count; i++) {
        if (c->constant[i]) {
            in[i] = nnrt_builder_const(b, "c", NNRT_F32, &c->shape[i], c->data[i],
                                       count_of(&c->shape[i]) * sizeof(float));
        } else {
            char name[16];
            snprintf(name, sizeof(name), "x%u", i);
            in[i] = nnrt_builder_value(b, NNRT_VALUE_INPUT, name, NNRT_F32, &c->shape[i], 0, NULL);
            nnrt_builder_input(b, in[i]);
        }
    }
    soil_scratch(b);
    out = nnrt_builder_value(b, NNRT_VALUE_OUTPUT, "y", NNRT_F32, &c->y_shape, 0, NULL);
    nnrt_builder_node(b, c->rop, "node", c->params, c->params_bytes, in, c->count, &out, 1);
    nnrt_builder_output(b, out, "y");
    if (nnrt_builder_finish(b, &image, bytes) != NNC_OK)
        fail_msg("%s: %s", c->text, nnrt_error_message());
    nnrt_builder_destroy(b);
    return image;
}

/* Runs twice (the second time over used scratch) and returns the output's bytes. */
static float *run(const node_case *c, const nnrt_model *model, uint32_t isa, uint32_t threads,
                  uint32_t device)
{
    const nnrt_session_options options = {
        .size = sizeof(options), .threads = threads, .isa_max = isa, .device = device};
    nnrt_session *session = NULL;
    nnrt_view view;
    const size_t n = count_of(&c->y_shape);
    float *y = malloc(n * sizeof(float) + 1);
    assert_non_null(y);
    assert_int_equal(nnrt_session_create(&session, model, &options), NNRT_OK);
    for (int repeat = 0; repeat < 2; repeat++) {
        for (uint32_t i = 0, k = 0; i < c->count; i++) {
            if (c->constant[i])
                continue;
            if (nnrt_session_input(session, k++, &view) != NNRT_OK)
                fail_msg("%s: %s", c->text, nnrt_error_message());
            memcpy(view.data, c->data[i], count_of(&c->shape[i]) * sizeof(float));
        }
        if (nnrt_session_run(session) != NNRT_OK)
            fail_msg("%s: %s", c->text, nnrt_error_message());
    }
    assert_int_equal(nnrt_session_output(session, 1, &view), NNRT_OK);
    if (view.bytes != n * sizeof(float))
        fail_msg("%s: %zu bytes of output, expected %zu", c->text, view.bytes, n * sizeof(float));
    memcpy(y, view.data, view.bytes);
    nnrt_session_destroy(session);
    return y;
}

/* A GPU or the simulator, where there is one, gives the same bits; AUTO leaves ops without a device form to the CPU. */
static void hold_device(const node_case *c, const nnrt_model *model, const float *ref, size_t n)
{
    if (getenv("NNRT_CUDA_PLUGIN") == NULL)
        return;
    float *y = run(c, model, NNRT_ISA_BEST, 1, NNRT_DEVICE_AUTO);
    for (size_t i = 0; i < n; i++)
        if (memcmp(&y[i], &ref[i], sizeof y[i]) != 0)
            fail_msg("%s: y[%zu] is %.9g on the device, expected %.9g", c->text, i, (double)y[i],
                     (double)ref[i]);
    free(y);
}

static void check(const node_case *c)
{
    size_t bytes = 0;
    const size_t n = count_of(&c->y_shape);
    void *image = build(c, &bytes);
    nnrt_model *model = NULL;
    if (nnrt_model_load_memory(&model, image, bytes, NNRT_VERIFY) != NNRT_OK)
        fail_msg("%s: %s", c->text, nnrt_error_message());
    float *ref = run(c, model, NNRT_ISA_REF, 1, NNRT_DEVICE_CPU);
    for (size_t i = 0; i < n; i++)
        if (!((double)ref[i] >= c->low[i] && (double)ref[i] <= c->high[i]))
            fail_msg("%s: y[%zu] is %.9g, expected %.9g to %.9g", c->text, i, (double)ref[i],
                     c->low[i], c->high[i]);
    for (uint32_t isa = NNRT_ISA_REF; isa <= NNRT_ISA_AVX512VNNI; isa++)
        for (uint32_t threads = 1; threads <= 3; threads++) {
            float *y = run(c, model, isa, threads, NNRT_DEVICE_CPU);
            if (memcmp(y, ref, n * sizeof(float)) != 0)
                fail_msg("%s: %s with %u threads gives other bytes than ref", c->text,
                         nnrt_isa_name(isa), threads);
            free(y);
        }
    hold_device(c, model, ref, n);
    free(ref);
    nnrt_model_destroy(model);
    nnc_free(image);
}

typedef struct conv_case {
    uint32_t n, h, w, c_in, c_out, groups; /* h == 0: 1-D */
    uint32_t r, s, sh, sw, dh, dw;
    uint32_t pad[4], auto_pad;
    uint32_t flags; /* 1 bias, 2 residual, 4 clamp */
} conv_case;

static const conv_case conv_cases[] = {
    {1, 7, 5, 16, 16, 1, 1, 1, 1, 1, 1, 1, {0}, 0, 1},
    {2, 5, 7, 33, 70, 1, 1, 1, 1, 1, 1, 1, {0}, 0, 7},
    {1, 9, 9, 20, 40, 1, 1, 1, 2, 2, 1, 1, {0}, 0, 3},
    {1, 1, 1, 19, 5, 1, 1, 1, 1, 1, 1, 1, {0}, 0, 0},
    {1, 3, 3, 17, 9, 1, 1, 1, 1, 1, 1, 1, {1, 2, 0, 1}, 0, 1},
    {1, 17, 15, 3, 64, 1, 7, 7, 2, 2, 1, 1, {3, 3, 3, 3}, 0, 5},
    {2, 11, 13, 3, 24, 1, 3, 3, 2, 2, 1, 1, {0, 0, 1, 1}, 0, 5},
    {1, 12, 12, 1, 6, 1, 5, 5, 1, 1, 1, 1, {0}, 0, 1},
    {1, 6, 9, 15, 17, 1, 3, 2, 1, 3, 2, 1, {4, 0, 2, 5}, 0, 3},
    {1, 9, 8, 16, 17, 1, 3, 3, 1, 1, 1, 1, {1, 1, 1, 1}, 0, 7},
    {3, 8, 9, 24, 31, 1, 3, 3, 2, 2, 1, 1, {1, 1, 1, 1}, 0, 2},
    {1, 10, 11, 18, 66, 1, 3, 3, 1, 2, 2, 3, {2, 3, 2, 3}, 0, 1},
    {1, 10, 9, 20, 20, 1, 4, 3, 3, 2, 1, 1, {0}, 1, 1},
    {1, 9, 10, 7, 20, 1, 4, 4, 2, 3, 1, 1, {0}, 2, 1},
    {1, 5, 5, 5, 8, 1, 3, 3, 1, 1, 1, 1, {6, 7, 8, 9}, 0, 1},
    {1, 7, 7, 32, 48, 4, 3, 3, 1, 1, 1, 1, {1, 1, 1, 1}, 0, 7},
    {2, 6, 5, 6, 12, 6, 3, 3, 1, 1, 1, 1, {1, 1, 1, 1}, 0, 3},
    {1, 6, 6, 40, 40, 2, 1, 1, 1, 1, 1, 1, {0}, 0, 1},
    {2, 0, 37, 16, 20, 1, 1, 5, 1, 2, 1, 2, {0, 3, 0, 1}, 0, 5},
    {1, 0, 50, 2, 18, 1, 1, 9, 1, 1, 1, 1, {0, 4, 0, 4}, 0, 1},
    {1, 0, 130, 16, 7, 1, 1, 101, 1, 1, 1, 1, {0, 50, 0, 50}, 0, 1},
    {1, 5, 4, 150, 50, 1, 3, 3, 1, 1, 1, 1, {1, 1, 1, 1}, 0, 7},
    {1, 4, 4, 1100, 33, 1, 1, 1, 1, 1, 1, 1, {0}, 0, 7},
    {1, 3, 4, 1030, 20, 1, 2, 2, 1, 1, 1, 1, {0, 1, 1, 0}, 0, 7},
    {1, 28, 27, 64, 72, 1, 3, 3, 1, 1, 1, 1, {1, 1, 1, 1}, 0, 7},
    {2, 40, 40, 3, 64, 1, 7, 7, 2, 2, 1, 1, {3, 3, 3, 3}, 0, 5},
    {1, 30, 31, 64, 96, 2, 3, 3, 1, 1, 1, 1, {1, 1, 1, 1}, 0, 3},
};

static const conv_case dw_cases[] = {
    {1, 9, 8, 16, 16, 16, 3, 3, 1, 1, 1, 1, {1, 1, 1, 1}, 0, 7},
    {2, 9, 10, 19, 19, 19, 3, 3, 2, 2, 1, 1, {0, 1, 1, 0}, 0, 3},
    {1, 7, 7, 40, 40, 40, 5, 5, 1, 1, 1, 1, {2, 2, 2, 2}, 0, 5},
    {1, 15, 13, 7, 7, 7, 5, 5, 2, 2, 1, 1, {2, 2, 2, 2}, 0, 0},
    {1, 9, 9, 8, 8, 8, 3, 3, 1, 1, 3, 2, {3, 2, 3, 2}, 0, 1},
    {1, 9, 12, 33, 33, 33, 2, 3, 2, 3, 1, 1, {0}, 1, 1},
    {1, 9, 12, 5, 5, 5, 3, 2, 2, 3, 1, 1, {0}, 2, 1},
    {1, 2, 2, 3, 3, 3, 3, 3, 1, 1, 1, 1, {4, 5, 6, 7}, 0, 1},
    {2, 0, 40, 20, 20, 20, 1, 4, 1, 2, 1, 2, {0, 3, 0, 2}, 0, 7},
    {1, 56, 57, 72, 72, 72, 3, 3, 1, 1, 1, 1, {1, 1, 1, 1}, 0, 7},
    {3, 20, 20, 130, 130, 130, 3, 3, 1, 1, 1, 1, {1, 1, 1, 1}, 0, 5},
};

/* Output size and begin padding of one dim, as ONNX says. */
static uint32_t conv_size(uint32_t in, uint32_t k, uint32_t stride, uint32_t dilation,
                          uint32_t auto_pad, uint32_t begin, uint32_t end, int64_t *first)
{
    const int64_t span = (int64_t)(k - 1) * dilation + 1;
    *first = begin;
    if (auto_pad == 0)
        return (uint32_t)((in + begin + end - span) / stride + 1);
    const int64_t out = (in + stride - 1) / stride;
    const int64_t total = (out - 1) * stride + span > in ? (out - 1) * stride + span - in : 0;
    *first = auto_pad == 1 ? total / 2 : total - total / 2;
    return (uint32_t)out;
}

typedef struct conv_data {
    uint32_t h, oh, ow;
    int64_t top, left;
    float *x, *w, *bias, *residual, *packed, *bias_padded;
    double *low, *high;
} conv_data;

#define CLAMP_HIGH 60.0f

/* Of exact numbers: where the sum is clearly outside, only the bound itself is allowed. */
static double clamp(double v, uint32_t flags)
{
    return !(flags & 4) ? v : v < 0.0 ? 0.0 : v > (double)CLAMP_HIGH ? (double)CLAMP_HIGH : v;
}

/* y[.., o] at one output position in double. */
static void conv_point(const conv_case *g, conv_data *d, size_t row, uint32_t o)
{
    const uint32_t cg = g->c_in / g->groups, ng = g->c_out / g->groups, group = o / ng;
    const int64_t ox = (int64_t)(row % d->ow), oy = (int64_t)(row / d->ow % d->oh);
    const size_t n = row / d->ow / d->oh, at = row * g->c_out + o;
    double sum = g->flags & 1 ? d->bias[o] : 0.0, size = fabs(sum);
    for (uint32_t c = 0; c < cg; c++)
        for (uint32_t r = 0; r < g->r; r++)
            for (uint32_t s = 0; s < g->s; s++) {
                const int64_t iy = oy * g->sh - d->top + (int64_t)r * g->dh;
                const int64_t ix = ox * g->sw - d->left + (int64_t)s * g->dw;
                if (iy < 0 || iy >= d->h || ix < 0 || ix >= g->w)
                    continue;
                const size_t xi = ((n * d->h + (size_t)iy) * g->w + (size_t)ix) * g->c_in;
                const double v = (double)d->x[xi + group * cg + c] *
                                 (double)d->w[(((size_t)o * cg + c) * g->r + r) * g->s + s];
                sum += v;
                size += fabs(v);
            }
    if (g->flags & 2) {
        sum += d->residual[at];
        size += fabs((double)d->residual[at]);
    }
    const double error = (double)(cg * g->r * g->s + 2) * (FLT_EPSILON / 2) * 1.01 * size;
    d->low[at] = clamp(sum - error, g->flags);
    d->high[at] = clamp(sum + error, g->flags);
}

static void conv_data_init(conv_data *d, const conv_case *g, uint64_t seed)
{
    nnc_rng rng;
    nnc_rng_init(&rng, seed, 3);
    d->h = g->h ? g->h : 1;
    d->oh = conv_size(d->h, g->r, g->sh, g->dh, g->auto_pad, g->pad[0], g->pad[2], &d->top);
    d->ow = conv_size(g->w, g->s, g->sw, g->dw, g->auto_pad, g->pad[1], g->pad[3], &d->left);
    if (!g->h)
        d->oh = 1, d->top = 0;
    const size_t rows = (size_t)g->n * d->oh * d->ow, cg = g->c_in / g->groups;
    const size_t ng = g->c_out / g->groups, np = (ng + 15) / 16 * 16;
    d->x = f32_random((size_t)g->n * d->h * g->w * g->c_in, &rng);
    d->w = f32_random((size_t)g->c_out * cg * g->r * g->s, &rng);
    d->bias = f32_random(g->c_out, &rng);
    d->residual = f32_random(rows * g->c_out, &rng);
    d->low = calloc(rows * g->c_out, sizeof(double));
    d->high = calloc(rows * g->c_out, sizeof(double));
    d->bias_padded = calloc(g->groups * np, sizeof(float));
    assert_true(d->low && d->high && d->bias_padded);
    for (size_t o = 0; o < g->c_out; o++)
        d->bias_padded[o / ng * np + o % ng] = d->bias[o];
    for (size_t row = 0; row < rows; row++)
        for (uint32_t o = 0; o < g->c_out; o++)
            conv_point(g, d, row, o);
}

static void conv_data_drop(conv_data *d)
{
    void *all[] = {d->x, d->w, d->bias, d->residual, d->packed, d->bias_padded, d->low, d->high};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        free(all[i]);
}

static void check_conv(const conv_case *g, bool depthwise, uint64_t seed)
{
    conv_data d = {0};
    conv_data_init(&d, g, seed);
    const uint32_t ng = depthwise ? g->c_out : g->c_out / g->groups, np = (ng + 15) / 16 * 16;
    const size_t bytes = depthwise
                             ? nnrt_pack_dwconv_f32_bytes(g->c_in, g->r, g->s)
                             : nnrt_pack_conv_f32_bytes(g->groups, g->c_in, g->c_out, g->r, g->s);
    d.packed = calloc(bytes, 1);
    if (depthwise) {
        nnrt_pack_dwconv_f32(d.packed, d.w, g->c_in, g->r, g->s);
        free(d.bias_padded);
        d.bias_padded = calloc(np, sizeof(float));
        memcpy(d.bias_padded, d.bias, g->c_out * sizeof(float));
    } else {
        nnrt_pack_conv_f32(d.packed, d.w, g->groups, g->c_in, g->c_out, g->r, g->s);
    }
    const nnrt_conv_f32_params params = {
        .window = {.spatial = g->h ? 2 : 1,
                   .kernel = {g->r, g->s},
                   .stride = {g->sh, g->sw},
                   .dilation = {g->dh, g->dw},
                   .pad = {g->pad[0], g->pad[1], g->pad[2], g->pad[3]},
                   .auto_pad = g->auto_pad},
        .groups = g->groups,
        .c_in = g->c_in,
        .c_out = g->c_out,
        .has_bias = g->flags & 1,
        .has_residual = g->flags >> 1 & 1,
        .clamp = {g->flags & 4 ? 0.0f : -INFINITY, g->flags & 4 ? CLAMP_HIGH : INFINITY},
    };
    node_case c = {.rop = depthwise ? NNRT_ROP_ID_DWCONV_F32 : NNRT_ROP_ID_CONV_F32,
                   .params = &params,
                   .params_bytes = sizeof(params),
                   .count = 2,
                   .constant = {false, true},
                   .data = {d.x, d.packed},
                   .low = d.low,
                   .high = d.high};
    c.shape[0] = g->h ? (nnrt_shape){4, {g->n, g->h, g->w, g->c_in}}
                      : (nnrt_shape){3, {g->n, g->w, g->c_in}};
    c.y_shape = g->h ? (nnrt_shape){4, {g->n, d.oh, d.ow, g->c_out}}
                     : (nnrt_shape){3, {g->n, d.ow, g->c_out}};
    c.shape[1] = (nnrt_shape){1, {(int64_t)(bytes / sizeof(float))}};
    if (params.has_bias) {
        c.shape[2] = (nnrt_shape){1, {depthwise ? np : g->groups * np}};
        c.constant[2] = true;
        c.data[c.count++] = d.bias_padded;
    }
    if (params.has_residual) {
        c.shape[c.count] = c.y_shape;
        c.data[c.count++] = d.residual;
    }
    snprintf(c.text, sizeof(c.text), "%s %u x %ux%ux%u -> %u, groups %u, kernel %ux%u, seed %llu",
             depthwise ? "dwconv" : "conv", g->n, g->h, g->w, g->c_in, g->c_out, g->groups, g->r,
             g->s, (unsigned long long)seed);
    check(&c);
    conv_data_drop(&d);
}

static void conv_f32(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(conv_cases) / sizeof(conv_cases[0]); i++)
        check_conv(&conv_cases[i], false, i);
}

static void dwconv_f32(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(dw_cases) / sizeof(dw_cases[0]); i++)
        check_conv(&dw_cases[i], true, i + 100);
}

/* A depthwise convolution is a grouped one: both ops give the same bytes' worth of numbers. */
static void dwconv_as_conv(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++)
        check_conv(&dw_cases[i], false, i + 200);
}

/* gemm: y[m][n] = x[m][k] w[k][n]; sizes as {m, k, n, flags}. */
static void gemm_f32(void **state)
{
    static const uint32_t cases[][4] = {{1, 1, 1, 0},      {1, 37, 100, 1},   {5, 64, 64, 7},
                                        {7, 33, 17, 3},    {13, 1030, 65, 7}, {1, 2100, 1000, 1},
                                        {64, 256, 300, 7}, {31, 70, 16, 4}};
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const uint32_t m = cases[i][0], k = cases[i][1], n = cases[i][2], flags = cases[i][3];
        /* One output pixel row of a 1x1 convolution computes the same. */
        const conv_case g = {1, 1, m, k, n, 1, 1, 1, 1, 1, 1, 1, {0}, 0, flags};
        const uint32_t np = (n + 15) / 16 * 16;
        conv_data d = {0};
        conv_data_init(&d, &g, i + 300);
        const size_t bytes = nnrt_pack_conv_f32_bytes(1, k, n, 1, 1);
        d.packed = calloc(bytes, 1);
        nnrt_pack_conv_f32(d.packed, d.w, 1, k, n, 1, 1);
        const nnrt_gemm_f32_params params = {
            k,
            n,
            flags & 1,
            flags >> 1 & 1,
            {flags & 4 ? 0.0f : -INFINITY, flags & 4 ? CLAMP_HIGH : INFINITY}};
        node_case c = {.rop = NNRT_ROP_ID_GEMM_F32,
                       .params = &params,
                       .params_bytes = sizeof(params),
                       .count = 2,
                       .constant = {false, true, flags & 1},
                       .shape = {{3, {1, m, k}}, {1, {np * k}}, {1, {np}}},
                       .data = {d.x, d.packed, d.bias_padded},
                       .y_shape = {3, {1, m, n}},
                       .low = d.low,
                       .high = d.high};
        c.count += flags & 1;
        if (flags & 2) {
            c.shape[c.count] = c.y_shape;
            c.constant[c.count] = false;
            c.data[c.count++] = d.residual;
        }
        snprintf(c.text, sizeof(c.text), "gemm %u x %u x %u flags %u", m, k, n, flags);
        check(&c);
        conv_data_drop(&d);
    }
}

typedef struct matmul_case {
    nnrt_shape a, b, y;
    uint32_t trans_a, trans_b;
    float alpha;
    size_t m, n, k;
    uint32_t batch[3], a_step[3], b_step[3]; /* matrices to advance per batch dim */
} matmul_case;

static void check_matmul(const matmul_case *g, uint64_t seed)
{
    nnc_rng rng;
    nnc_rng_init(&rng, seed, 4);
    const size_t count = count_of(&g->y);
    float *a = f32_random(count_of(&g->a), &rng), *b = f32_random(count_of(&g->b), &rng);
    double *low = calloc(count + 1, sizeof(double)), *high = calloc(count + 1, sizeof(double));
    size_t at = 0;
    for (uint32_t i = 0; i < g->batch[0] * g->batch[1] * g->batch[2]; i++) {
        const uint32_t j[3] = {i / g->batch[2] / g->batch[1], i / g->batch[2] % g->batch[1],
                               i % g->batch[2]};
        const float *ai = a, *bi = b;
        for (int d = 0; d < 3; d++) {
            ai += j[d] * g->a_step[d] * g->m * g->k;
            bi += j[d] * g->b_step[d] * g->k * g->n;
        }
        for (size_t m = 0; m < g->m; m++)
            for (size_t n = 0; n < g->n; n++, at++) {
                double sum = 0, size = 0;
                for (size_t k = 0; k < g->k; k++) {
                    const double v = (double)ai[g->trans_a ? k * g->m + m : m * g->k + k] *
                                     (double)bi[g->trans_b ? n * g->k + k : k * g->n + n];
                    sum += v;
                    size += fabs(v);
                }
                const double error = (double)(g->k + 2) * (FLT_EPSILON / 2) * 1.01 * size;
                low[at] = (sum - error) * (double)g->alpha;
                high[at] = (sum + error) * (double)g->alpha;
            }
    }
    const nnrt_matmul_f32_params params = {g->trans_a, g->trans_b, g->alpha, {-INFINITY, INFINITY}};
    node_case c = {.rop = NNRT_ROP_ID_MATMUL_F32,
                   .params = &params,
                   .params_bytes = sizeof(params),
                   .count = 2,
                   .shape = {g->a, g->b},
                   .data = {a, b},
                   .y_shape = g->y,
                   .low = low,
                   .high = high};
    snprintf(c.text, sizeof(c.text), "matmul seed %llu", (unsigned long long)seed);
    check(&c);
    free(a);
    free(b);
    free(low);
    free(high);
}

static void matmul_f32(void **state)
{
    static const matmul_case cases[] = {
        {{2, {5, 7}}, {2, {7, 9}}, {2, {5, 9}}, 0, 0, 1, 5, 9, 7, {1, 1, 1}, {0}, {0}},
        {{2, {7, 5}}, {2, {9, 7}}, {2, {5, 9}}, 1, 1, 0.5f, 5, 9, 7, {1, 1, 1}, {0}, {0}},
        {{1, {7}}, {2, {7, 20}}, {1, {20}}, 0, 0, 1, 1, 20, 7, {1, 1, 1}, {0}, {0}},
        {{2, {6, 7}}, {1, {7}}, {1, {6}}, 0, 0, 1, 6, 1, 7, {1, 1, 1}, {0}, {0}},
        {{1, {40}}, {1, {40}}, {0, {0}}, 0, 0, 1, 1, 1, 40, {1, 1, 1}, {0}, {0}},
        {{4, {2, 3, 17, 33}},
         {4, {2, 3, 33, 18}},
         {4, {2, 3, 17, 18}},
         0,
         0,
         0.125f,
         17,
         18,
         33,
         {1, 2, 3},
         {0, 3, 1},
         {0, 3, 1}},
        {{4, {2, 1, 6, 8}},
         {3, {3, 8, 5}},
         {4, {2, 3, 6, 5}},
         0,
         0,
         1,
         6,
         5,
         8,
         {1, 2, 3},
         {0, 1, 0},
         {0, 0, 1}},
        {{3, {4, 11, 6}},
         {5, {2, 3, 1, 7, 11}},
         {5, {2, 3, 4, 6, 7}},
         1,
         1,
         1,
         6,
         7,
         11,
         {2, 3, 4},
         {0, 0, 1},
         {3, 1, 0}},
        {{4, {1, 4, 96, 64}},
         {4, {1, 4, 96, 64}},
         {4, {1, 4, 96, 96}},
         0,
         1,
         0.125f,
         96,
         96,
         64,
         {1, 1, 4},
         {0, 0, 1},
         {0, 0, 1}},
        {{2, {3, 1500}},
         {2, {1500, 130}},
         {2, {3, 130}},
         0,
         0,
         0.5f,
         3,
         130,
         1500,
         {1, 1, 1},
         {0},
         {0}},
        {{2, {130, 200}},
         {2, {200, 140}},
         {2, {130, 140}},
         0,
         0,
         2.0f,
         130,
         140,
         200,
         {1, 1, 1},
         {0},
         {0}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check_matmul(&cases[i], i + 400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conv_f32), cmocka_unit_test(dwconv_f32), cmocka_unit_test(dwconv_as_conv),
        cmocka_unit_test(gemm_f32), cmocka_unit_test(matmul_f32),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
