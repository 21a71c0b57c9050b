/* Pooling, resize and transposed convolution against direct oracles. SPDX-License-Identifier:
 * Apache-2.0 */
#include "kernels/rop_case.h"

#include "tensor/requant.h"

static nnc_rng rng;

typedef struct pool_case {
    nnrt_shape x;
    nnrt_window w;
    uint32_t global, include_pad;
} pool_case;

static const pool_case pools[] = {
    {{4, {1, 112, 112, 64}}, {2, {3, 3}, {2, 2}, {1, 1}, {1, 1, 1, 1}, 0, 0}, 0, 0},
    {{4, {2, 9, 11, 3}}, {2, {3, 2}, {2, 1}, {1, 1}, {1, 0, 1, 1}, 0, 0}, 0, 1},
    {{4, {1, 10, 10, 17}}, {2, {3, 3}, {2, 2}, {1, 1}, {0, 0, 0, 0}, 0, 1}, 0, 0},
    {{4, {1, 10, 10, 17}}, {2, {3, 3}, {2, 2}, {1, 1}, {1, 1, 1, 1}, 0, 1}, 0, 1},
    {{4, {1, 13, 7, 5}}, {2, {3, 3}, {1, 2}, {2, 3}, {2, 3, 2, 3}, 0, 0}, 0, 0},
    {{4, {1, 13, 7, 80}}, {2, {3, 3}, {2, 2}, {1, 1}, {0, 0, 0, 0}, 1, 0}, 0, 0},
    {{4, {1, 14, 8, 80}}, {2, {5, 5}, {2, 2}, {1, 1}, {0, 0, 0, 0}, 2, 0}, 0, 1},
    {{3, {2, 50, 9}}, {1, {1, 4}, {1, 3}, {1, 1}, {0, 2, 0, 1}, 0, 0}, 0, 1},
    {{4, {2, 7, 7, 1280}}, {0}, 1, 0},
    {{4, {1, 56, 56, 33}}, {0}, 1, 0},
    {{3, {2, 77, 19}}, {0}, 1, 0},
};
#define POOLS (sizeof pools / sizeof *pools)

typedef struct geometry {
    int64_t n, h, w, c, oh, ow, r, s, sh, sw, dh, dw, top, left, bottom, right;
} geometry;

static void pool_dim(const nnrt_window *w, int i, int64_t in, int64_t *out, int64_t *begin,
                     int64_t *end)
{
    int64_t k = (int64_t)(w->kernel[i] - 1) * w->dilation[i] + 1, s = w->stride[i];
    *begin = w->pad[i];
    *end = w->pad[i + 2];
    if (w->auto_pad) {
        *out = (in + s - 1) / s;
        int64_t total = (*out - 1) * s + k - in;
        total = total < 0 ? 0 : total;
        *begin = w->auto_pad == 1 ? total / 2 : total - total / 2;
        *end = total - *begin;
        return;
    }
    double room = (double)(in + *begin + *end - k) / (double)s;
    *out = (int64_t)(w->ceil_mode ? ceil(room) : floor(room)) + 1;
    if (w->ceil_mode && (*out - 1) * s >= in + *begin)
        *out -= 1;
}

static geometry resolve(const pool_case *p)
{
    const nnrt_shape *x = &p->x;
    geometry g = {.n = x->dims[0],
                  .h = x->rank == 4 ? x->dims[1] : 1,
                  .w = x->dims[x->rank - 2],
                  .c = x->dims[x->rank - 1],
                  .oh = 1,
                  .ow = 1,
                  .sh = 1,
                  .sw = 1,
                  .dh = 1,
                  .dw = 1};
    g.r = g.h;
    g.s = g.w;
    if (p->global)
        return g;
    g.r = p->w.kernel[0];
    g.s = p->w.kernel[1];
    g.sh = p->w.stride[0];
    g.sw = p->w.stride[1];
    g.dh = p->w.dilation[0];
    g.dw = p->w.dilation[1];
    if (x->rank == 4)
        pool_dim(&p->w, 0, g.h, &g.oh, &g.top, &g.bottom);
    pool_dim(&p->w, 1, g.w, &g.ow, &g.left, &g.right);
    return g;
}

typedef struct window_sum {
    double sum, most;
    int64_t isum;
    size_t taps, padded;
} window_sum;

/* Sum and maximum of the window of one output element. */
static window_sum window_at(const geometry *g, const void *x, nnrt_dtype t, size_t i)
{
    int64_t c = (int64_t)i % g->c, ow = (int64_t)i / g->c % g->ow,
            oh = (int64_t)i / g->c / g->ow % g->oh, n = (int64_t)i / g->c / g->ow / g->oh;
    window_sum r = {.most = -INFINITY};
    for (int64_t a = 0; a < g->r; a++) {
        for (int64_t b = 0; b < g->s; b++) {
            int64_t h = oh * g->sh - g->top + a * g->dh, w = ow * g->sw - g->left + b * g->dw;
            r.padded += h < g->h + g->bottom && w < g->w + g->right;
            if (h < 0 || h >= g->h || w < 0 || w >= g->w)
                continue;
            size_t at = (size_t)(((n * g->h + h) * g->w + w) * g->c + c);
            double v = t == NNRT_U8 ? ((const uint8_t *)x)[at] : (double)((const float *)x)[at];
            r.sum += v;
            r.isum += (int64_t)v;
            r.most = v > r.most ? v : r.most;
            r.taps++;
        }
    }
    return r;
}

static void test_maxpool(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2 * POOLS; k++) {
        const pool_case *p = &pools[k / 2];
        if (p->global)
            continue;
        geometry g = resolve(p);
        nnrt_dtype t = k % 2 ? NNRT_F32 : NNRT_U8;
        size_t n = nnrt_shape_count(&p->x);
        void *x = k % 2 ? (void *)rop_floats(&rng, n, 3.0f) : (void *)rop_u8(&rng, n);
        nnrt_maxpool_params params = {p->w};
        rop_case c = {NNRT_ROP_ID_MAXPOOL, &params, 1, {{t, p->x, x, false}}, t, p->x.rank};
        nnrt_shape got;
        void *y = rop_run(&c, &got);
        assert_int_equal(nnrt_shape_count(&got), g.n * g.oh * g.ow * g.c);
        for (size_t i = 0; i < nnrt_shape_count(&got); i++) {
            window_sum r = window_at(&g, x, t, i);
            double v = t == NNRT_U8 ? ((uint8_t *)y)[i] : (double)((float *)y)[i];
            assert_true(v == r.most);
        }
        free(y);
        free(x);
    }
}

static void test_avgpool(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2 * POOLS; k++) {
        const pool_case *p = &pools[k / 2];
        geometry g = resolve(p);
        bool q8 = k % 2;
        size_t n = nnrt_shape_count(&p->x);
        void *x = q8 ? (void *)rop_u8(&rng, n) : (void *)rop_floats(&rng, n, 3.0f);
        nnrt_avgpool_params a = {.window = p->w,
                                 .global = p->global,
                                 .count_include_pad = p->include_pad,
                                 .zx = 100,
                                 .zy = 20,
                                 .sx = 0.05f,
                                 .sy = 0.04f,
                                 .lo = q8 ? -20 : -INFINITY,
                                 .hi = q8 ? 200 : INFINITY};
        nnrt_dtype t = q8 ? NNRT_U8 : NNRT_F32;
        rop_case c = {q8 ? NNRT_ROP_ID_AVGPOOL_Q8 : NNRT_ROP_ID_AVGPOOL_F32,
                      &a,
                      1,
                      {{t, p->x, x, false}},
                      t,
                      p->x.rank};
        nnrt_shape got;
        void *y = rop_run(&c, &got);
        assert_int_equal(nnrt_shape_count(&got), g.n * g.oh * g.ow * g.c);
        for (size_t i = 0; i < nnrt_shape_count(&got); i++) {
            window_sum r = window_at(&g, x, t, i);
            size_t count = p->include_pad ? r.padded : r.taps;
            if (q8) {
                int32_t acc = (int32_t)(r.isum - (int64_t)r.taps * a.zx);
                assert_int_equal(((uint8_t *)y)[i],
                                 nnc_requant(acc, a.sx / (a.sy * (float)count), a.lo, a.hi, a.zy));
            } else {
                rop_close("avgpool", i, (double)((float *)y)[i], r.sum / (double)count, 1e-5, 1e-5);
            }
        }
        free(y);
        free(x);
    }
}

static void test_conv_transpose(void **state)
{
    (void)state;
    const struct {
        nnrt_shape x;
        nnrt_conv_transpose_f32_params p;
    } cases[] = {
        {{4, {1, 5, 6, 4}},
         {{2, {3, 3}, {2, 2}, {1, 1}, {1, 1, 1, 1}, 0, 0},
          1,
          4,
          6,
          {1, 1},
          1,
          {-INFINITY, INFINITY}}},
        {{4, {2, 3, 4, 6}},
         {{2, {2, 4}, {3, 1}, {2, 1}, {0, 1, 0, 2}, 0, 0}, 2, 6, 4, {0, 0}, 0, {0, 4}}},
        {{3, {2, 9, 3}},
         {{1, {1, 4}, {1, 2}, {1, 1}, {0, 1, 0, 1}, 0, 0},
          1,
          3,
          17,
          {0, 0},
          1,
          {-INFINITY, INFINITY}}},
        {{4, {1, 4, 4, 2}},
         {{2, {3, 3}, {2, 2}, {1, 1}, {0, 0, 0, 0}, 1, 0},
          1,
          2,
          3,
          {0, 0},
          0,
          {-INFINITY, INFINITY}}},
    };
    for (size_t k = 0; k < 4; k++) {
        const nnrt_conv_transpose_f32_params *p = &cases[k].p;
        const nnrt_shape *sx = &cases[k].x;
        size_t r = p->window.kernel[0], s = p->window.kernel[1], kg = p->c_out / p->groups,
               cg = p->c_in / p->groups;
        float *x = rop_floats(&rng, nnrt_shape_count(sx), 1.0f),
              *w = rop_floats(&rng, r * s * p->c_in * kg, 1.0f),
              *b = rop_floats(&rng, p->c_out, 1.0f);
        rop_case c = {NNRT_ROP_ID_CONV_TRANSPOSE_F32,
                      p,
                      2 + p->has_bias,
                      {{NNRT_F32, *sx, x, false},
                       {NNRT_F32, rop_dims(3, (int64_t)(r * s), p->c_in, (int64_t)kg, 0), w, true},
                       {NNRT_F32, rop_dims(1, p->c_out, 0, 0, 0), b, true}},
                      NNRT_F32,
                      sx->rank};
        nnrt_shape got;
        float *y = rop_run(&c, &got);
        size_t n = nnrt_shape_count(&got);
        int64_t oh = got.rank == 4 ? got.dims[1] : 1, ow = got.dims[got.rank - 2],
                h = sx->rank == 4 ? sx->dims[1] : 1, wd = sx->dims[sx->rank - 2];
        int64_t top = p->window.pad[0], left = p->window.pad[1];
        if (p->window.auto_pad == 1) {
            top =
                ((int64_t)p->window.stride[0] * (h - 1) + (int64_t)r - h * p->window.stride[0]) / 2;
            left = top;
            assert_int_equal(oh, h * p->window.stride[0]);
        } else {
            assert_int_equal(ow, (wd - 1) * p->window.stride[1] +
                                     (int64_t)((s - 1) * p->window.dilation[1]) + 1 +
                                     p->output_padding[1] - p->window.pad[1] - p->window.pad[3]);
        }
        double *want = calloc(n, sizeof *want);
        /* Scatter: every input adds its window. */
        for (size_t i = 0; i < nnrt_shape_count(sx); i++) {
            size_t ci = i % p->c_in, g = ci / cg;
            int64_t iw = (int64_t)(i / p->c_in) % wd, ih = (int64_t)(i / p->c_in) / wd % h,
                    image = (int64_t)(i / p->c_in) / wd / h;
            for (size_t t = 0; t < r * s; t++) {
                int64_t yh =
                    ih * p->window.stride[0] - top + (int64_t)(t / s) * p->window.dilation[0];
                int64_t yw =
                    iw * p->window.stride[1] - left + (int64_t)(t % s) * p->window.dilation[1];
                if (yh < 0 || yh >= oh || yw < 0 || yw >= ow)
                    continue;
                for (size_t j = 0; j < kg; j++)
                    want[((size_t)((image * oh + yh) * ow + yw)) * p->c_out + g * kg + j] +=
                        (double)x[i] * (double)w[(t * p->c_in + ci) * kg + j];
            }
        }
        for (size_t i = 0; i < n; i++) {
            double v = want[i] + (p->has_bias ? (double)b[i % p->c_out] : 0);
            v = fmin(fmax(v, (double)p->clamp.lo), (double)p->clamp.hi);
            rop_close("conv_transpose", i, (double)y[i], v, 1e-5, 1e-5);
        }
        free(want);
        free(y);
        free(x);
        free(w);
        free(b);
    }
}

static void test_resize_nearest(void **state)
{
    (void)state;
    const float x[] = {1, 2, 3, 4};
    const int64_t sizes[] = {4, 4};
    nnrt_resize_params p = {0, 1, 2, 0.0f, 0};
    rop_case c = {NNRT_ROP_ID_RESIZE,
                  &p,
                  2,
                  {{NNRT_F32, rop_dims(4, 1, 2, 2, 1), x, false},
                   {NNRT_I64, rop_dims(1, 2, 0, 0, 0), sizes, true}},
                  NNRT_F32,
                  4};
    float *y = rop_run(&c, NULL);
    const float want[] = {1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4};
    assert_memory_equal(y, want, sizeof want);
    free(y);
}

/* The values of the ONNX operator documentation for a 4x4 ramp, linear, half pixel, scale 0.6. */
static void test_resize_linear(void **state)
{
    (void)state;
    float x[16];
    uint8_t bytes[16];
    for (int i = 0; i < 16; i++) {
        x[i] = (float)(i + 1);
        bytes[i] = (uint8_t)(i + 1);
    }
    const float scales[] = {0.6f, 0.6f};
    const float want[] = {2.6666665f, 4.3333331f, 9.333333f, 11.f};
    nnrt_resize_params p = {1, 0, 0, -0.75f, 0};
    rop_case c = {NNRT_ROP_ID_RESIZE,
                  &p,
                  2,
                  {{NNRT_F32, rop_dims(4, 1, 4, 4, 1), x, false},
                   {NNRT_F32, rop_dims(1, 2, 0, 0, 0), scales, true}},
                  NNRT_F32,
                  4};
    nnrt_shape got;
    float *y = rop_run(&c, &got);
    assert_int_equal(got.dims[1], 2);
    for (size_t i = 0; i < 4; i++)
        rop_close("resize", i, (double)y[i], (double)want[i], 1e-6, 1e-6);
    free(y);
    c.in[0].dtype = NNRT_U8;
    c.in[0].data = bytes;
    c.out_dtype = NNRT_U8;
    uint8_t *q = rop_run(&c, NULL);
    const uint8_t want_q[] = {3, 4, 9, 11};
    assert_memory_equal(q, want_q, 4);
    free(q);
}

/* A plane a + b*h + c*w is reproduced by linear and cubic interpolation away from the border, in
 * every coordinate system. */
static void test_resize_plane(void **state)
{
    (void)state;
    enum { H = 12, W = 10, OH = 25, OW = 17, C = 3 };
    float x[H * W * C];
    for (int i = 0; i < H * W * C; i++)
        x[i] = (float)(i / C / W) * 2.0f - (float)(i / C % W) * 0.5f + (float)(i % C);
    const int64_t sizes[] = {OH, OW};
    for (uint32_t v = 0; v < 12; v++) {
        nnrt_resize_params p = {1 + v % 2, v / 2, 0, -0.75f, v % 3 == 0};
        rop_case c = {NNRT_ROP_ID_RESIZE,
                      &p,
                      2,
                      {{NNRT_F32, rop_dims(4, 1, H, W, C), x, false},
                       {NNRT_I64, rop_dims(1, 2, 0, 0, 0), sizes, true}},
                      NNRT_F32,
                      4};
        float *y = rop_run(&c, NULL);
        for (int i = 0; i < OH * OW; i++) {
            double src[2];
            for (int d = 0; d < 2; d++) {
                double o = d ? i % OW : i / OW, in = d ? W : H, out = d ? OW : OH, scale = out / in;
                src[d] = p.coordinate == 1
                             ? o / scale
                             : (p.coordinate == 2 ? o * (in - 1) / (out - 1)
                                                  : (p.coordinate == 4 ? (o + 0.5) / scale
                                                                       : (o + 0.5) / scale - 0.5));
            }
            if (src[0] < 1 || src[0] > H - 3 || src[1] < 1 || src[1] > W - 3)
                continue;
            for (int ch = 0; ch < C; ch++)
                rop_close("resize", (size_t)i, (double)y[i * C + ch],
                          src[0] * 2 - src[1] * 0.5 + ch, 1e-5, p.mode == 2 ? 0.2 : 1e-5);
        }
        free(y);
    }
}

static void test_refusals(void **state)
{
    (void)state;
    float x[16] = {0};
    nnrt_maxpool_params p = {{2, {5, 5}, {1, 1}, {1, 1}, {0, 0, 0, 0}, 0, 0}};
    rop_case c = {
        NNRT_ROP_ID_MAXPOOL, &p, 1, {{NNRT_F32, rop_dims(4, 1, 4, 4, 1), x, false}}, NNRT_F32, 4};
    rop_refuse(&c, NNRT_ERR_MODEL);
}

int main(void)
{
    nnc_rng_init(&rng, 5, 6);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_maxpool),        cmocka_unit_test(test_avgpool),
        cmocka_unit_test(test_conv_transpose), cmocka_unit_test(test_resize_nearest),
        cmocka_unit_test(test_resize_linear),  cmocka_unit_test(test_resize_plane),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
