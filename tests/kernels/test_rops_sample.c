/* resize_nd, grid_sample, affine_grid, roi_align, max_roi_pool against oracles in double.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/rop_case.h"

static nnc_rng rng;

/* ---- resize ---- */

static double cubic(double a, double t)
{
    t = fabs(t);
    return t <= 1  ? ((a + 2) * t - (a + 3)) * t * t + 1
           : t < 2 ? ((a * t - 5 * a) * t + 8 * a) * t - 4 * a
                   : 0;
}

typedef struct axis_case {
    int64_t in, out;
    double scale, length, begin, end;
} axis_case;

static double source(const nnrt_resize_nd_params *p, const axis_case *a, int64_t i)
{
    switch (p->coordinate) {
    case 1:
        return (double)i / a->scale;
    case 2:
        return a->length == 1 ? 0 : (double)i * (double)(a->in - 1) / (a->length - 1);
    case 3:
        return a->out > 1 ? ((double)i + 0.5) / a->scale - 0.5 : 0;
    case 5:
        return (double)a->in / 2 * (1 - (double)a->out / a->length) + ((double)i + 0.5) / a->scale -
               0.5;
    case 6:
        return a->begin * (double)(a->in - 1) +
               (a->out == 1
                    ? 0.5 * (a->end - a->begin) * (double)(a->in - 1)
                    : (double)i * (a->end - a->begin) * (double)(a->in - 1) / (a->length - 1));
    default:
        return ((double)i + 0.5) / a->scale - 0.5;
    }
}

static int64_t inside(int64_t i, int64_t n)
{
    return i < 0 ? 0 : i >= n ? n - 1 : i;
}

/* One line of `in` numbers to `out`, as the ONNX text says; *outside: beyond the crop. */
static double resized(const nnrt_resize_nd_params *p, const axis_case *a, const double *x,
                      int64_t i, bool *outside)
{
    double at = source(p, a, i), sum = 0, total = 0;
    *outside = p->coordinate == 6 && (at < 0 || at > (double)(a->in - 1));
    if (p->mode == 0) {
        double v = p->nearest == 0   ? ceil(at - 0.5)
                   : p->nearest == 1 ? floor(at + 0.5)
                   : p->nearest == 2 ? floor(at)
                                     : ceil(at);
        return x[inside((int64_t)v, a->in)];
    }
    double stretch = p->antialias && a->scale < 1 ? a->scale : 1;
    for (int64_t k = (int64_t)floor(at) - 40; k <= (int64_t)floor(at) + 41; k++) {
        double t = ((double)k - at) * stretch;
        double w = p->mode == 2 ? cubic((double)p->cubic_a, t) : fmax(0, 1 - fabs(t));
        if (p->exclude_outside && (k < 0 || k >= a->in))
            w = 0;
        sum += w * x[inside(k, a->in)];
        total += w;
    }
    return p->exclude_outside || p->antialias ? sum / total : sum;
}

/* y [n0,n1,o2,o3] of x [n0,n1,i2,i3], dims 2 and 3 resized. */
static double *resize_oracle(const nnrt_resize_nd_params *p, const float *x, int64_t planes,
                             const axis_case *h, const axis_case *w)
{
    double *y = malloc((size_t)(planes * h->out * w->out + 1) * sizeof *y);
    for (int64_t n = 0; n < planes; n++) {
        for (int64_t i = 0; i < h->out; i++) {
            for (int64_t k = 0; k < w->out; k++) {
                double column[64], line[64];
                bool out_h, out_w = false;
                for (int64_t r = 0; r < h->in; r++) {
                    for (int64_t s = 0; s < w->in; s++)
                        line[s] = (double)x[(n * h->in + r) * w->in + s];
                    column[r] = resized(p, w, line, k, &out_w);
                }
                double v = resized(p, h, column, i, &out_h);
                y[(n * h->out + i) * w->out + k] = out_h || out_w ? (double)p->extrapolation : v;
            }
        }
    }
    return y;
}

static void check_resize(nnrt_resize_nd_params *p, const float scales[2], const int64_t sizes[2])
{
    const nnrt_shape s = {4, {2, 3, 11, 16}}, two = {1, {2}}, four = {1, {4}};
    const float roi[4] = {0.1f, -0.2f, 0.8f, 1.1f};
    float *x = rop_floats(&rng, 2 * 3 * 11 * 16, 1.0f);
    axis_case a[2];
    for (unsigned d = 0; d < 2; d++) {
        a[d].in = s.dims[2 + d];
        a[d].length = sizes ? (double)sizes[d] : (double)((float)a[d].in * scales[d]);
        a[d].out = (int64_t)floor(a[d].length);
        a[d].scale = sizes ? (double)a[d].out / (double)a[d].in : (double)scales[d];
        a[d].begin = (double)roi[d];
        a[d].end = (double)roi[2 + d];
    }
    p->axis_count = 2;
    p->axes[0] = 2;
    p->axes[1] = 3;
    p->extrapolation = 9.5f;
    rop_case c = {NNRT_ROP_ID_RESIZE_ND,
                  p,
                  3,
                  {{NNRT_F32, s, x, false},
                   {sizes ? NNRT_I64 : NNRT_F32, two,
                    sizes ? (const void *)sizes : (const void *)scales, true},
                   {NNRT_F32, four, roi, true}},
                  NNRT_F32,
                  4};
    nnrt_shape got;
    float *y = rop_run(&c, &got);
    assert_true(got.dims[2] == a[0].out && got.dims[3] == a[1].out);
    double *want = resize_oracle(p, x, 6, &a[0], &a[1]);
    for (size_t i = 0; i < nnrt_shape_count(&got); i++)
        rop_close("resize", i, (double)y[i], want[i], 2e-5, 2e-5);
    free(want);
    free(y);
    free(x);
}

static void test_resize(void **state)
{
    (void)state;
    const float scales[][2] = {{2.0f, 0.6f}, {0.3f, 1.7f}, {1.0f, 1.0f}};
    const int64_t sizes[][2] = {{7, 40}, {1, 1}, {11, 5}};
    static const uint32_t coordinates[] = {0, 1, 2, 3, 5, 6};
    for (uint32_t i = 0; i < 3 * 6 * 2; i++) {
        nnrt_resize_nd_params p = {.mode = i % 3,
                                   .coordinate = coordinates[i / 3 % 6],
                                   .nearest = i % 4,
                                   .antialias = i / 18 % 2,
                                   .exclude_outside = i / 2 % 2,
                                   .cubic_a = -0.75f};
        /* Near a tie a nearest oracle is as good as its rounding. */
        uint32_t k = p.mode == 0 ? 0 : i / 3 % 3;
        check_resize(&p, scales[k], NULL);
        check_resize(&p, NULL, sizes[k]);
    }
}

/* Other types: integers round and saturate, half types round, double keeps its digits. */
static void test_resize_types(void **state)
{
    (void)state;
    const nnrt_shape s = {1, {2}}, one = {1, {1}};
    const int64_t four = 4;
    nnrt_resize_nd_params p = {.mode = 1, .coordinate = 2, .cubic_a = -0.75f, .axis_count = 1};
    const struct {
        nnrt_dtype t;
        uint64_t x[2], want[4];
    } cases[] = {
        {NNRT_U8, {0, 255}, {0, 85, 170, 255}},
        {NNRT_I8, {0x80, 0x7f}, {0x80, 0xd5, 0x2a, 0x7f}},
        {NNRT_U16, {0, 65535}, {0, 21845, 43690, 65535}},
        {NNRT_I16, {0xffff, 1}, {0xffff, 0, 0, 1}},
        {NNRT_I32, {0x80000000, 0x7fffffff}, {0x80000000, 0xd5555555, 0x2aaaaaaa, 0x7fffffff}},
        {NNRT_U32, {0, 0xffffffff}, {0, 0x55555555, 0xaaaaaaaa, 0xffffffff}},
        {NNRT_I64, {0, 3000000000}, {0, 1000000000, 2000000000, 3000000000}},
        {NNRT_U64, {3, 0}, {3, 2, 1, 0}},
        {NNRT_F16, {0, 0x4200}, {0, 0x3c00, 0x4000, 0x4200}},
        {NNRT_BF16, {0, 0x4040}, {0, 0x3f80, 0x4000, 0x4040}},
        {NNRT_F64,
         {0, 0x4008000000000000},
         {0, 0x3ff0000000000000, 0x4000000000000000, 0x4008000000000000}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t size = nnrt_dtype_bytes(cases[i].t);
        uint8_t x[16];
        memcpy(x, &cases[i].x[0], size);
        memcpy(x + size, &cases[i].x[1], size);
        rop_case c = {NNRT_ROP_ID_RESIZE_ND,
                      &p,
                      2,
                      {{cases[i].t, s, x, false}, {NNRT_I64, one, &four, true}},
                      cases[i].t,
                      1};
        uint8_t *y = rop_run(&c, NULL);
        for (size_t k = 0; k < 4; k++) {
            double got = 0, want;
            memcpy(&got, y + k * size, cases[i].t == NNRT_F64 ? 8 : 0);
            memcpy(&want, &cases[i].want[k], 8);
            if (cases[i].t == NNRT_F64)
                rop_close("double", k, got, want, 1e-15, 0);
            else if (memcmp(y + k * size, &cases[i].want[k], size) != 0)
                fail_msg("type %u, element %zu", cases[i].t, k);
        }
        free(y);
    }
}

/* Rank 5, any axes, the policies. */
static void test_resize_nd(void **state)
{
    (void)state;
    const nnrt_shape s = {5, {2, 3, 4, 2, 5}}, three = {1, {3}};
    const int64_t sizes[3] = {4, 10, 6};
    const int64_t want[3][3] = {{4, 10, 6}, {4, 8, 6}, {6, 10, 8}}; /* axes 0 (2), 4 (5), 1 (3) */
    uint8_t *x = rop_u8(&rng, 240 * 4);
    for (uint32_t policy = 0; policy < 3; policy++) {
        nnrt_resize_nd_params p = {.mode = 0,
                                   .coordinate = 1,
                                   .nearest = 2,
                                   .policy = policy,
                                   .cubic_a = -0.75f,
                                   .axis_count = 3,
                                   .axes = {0, 4, 1}};
        /* 4/2 = 2, 10/5 = 2, 6/3 = 2 under all policies; then with 8 instead of 10. */
        int64_t list[3] = {sizes[0], policy == 1 ? 8 : 10, sizes[2]};
        rop_case c = {NNRT_ROP_ID_RESIZE_ND,
                      &p,
                      2,
                      {{NNRT_F32, s, x, false}, {NNRT_I64, three, list, false}},
                      NNRT_F32,
                      5};
        nnrt_shape got;
        uint8_t *y = rop_run(&c, &got);
        if (policy == 0) {
            for (unsigned i = 0; i < 3; i++)
                assert_int_equal(got.dims[p.axes[i]], want[0][i]);
            for (size_t i = 0; i < nnrt_shape_count(&got); i++) {
                size_t d[5], rest = i;
                for (unsigned k = 5; k-- > 0; rest /= (size_t)got.dims[k])
                    d[k] = rest % (size_t)got.dims[k];
                size_t at = (((d[0] / 2 * 3 + d[1] / 2) * 4 + d[2]) * 2 + d[3]) * 5 + d[4] / 2;
                assert_memory_equal(y + i * 4, x + at * 4, 4);
            }
        } else {
            /* Least of 2, 1.6, 2 or greatest of 2, 2, 2. */
            double scale = policy == 1 ? 1.6 : 2.0;
            for (unsigned i = 0; i < 3; i++)
                assert_int_equal(got.dims[p.axes[i]],
                                 (int64_t)floor(scale * (double)s.dims[p.axes[i]] + 0.5));
        }
        free(y);
    }
    free(x);
}

static void test_resize_hostile(void **state)
{
    (void)state;
    const nnrt_shape s = {2, {3, 4}}, two = {1, {2}}, four = {1, {4}};
    const float x[12] = {0}, wild[4] = {NAN, -1e30f, 1e30f, INFINITY};
    const float tiny[2] = {1e-38f, 1.0f}, huge[2] = {1e30f, 2.0f}, nan[2] = {NAN, 1.0f};
    const int64_t sizes[2] = {5, 5}, negative[2] = {-1, 5}, giant[2] = {INT32_MAX, INT32_MAX};
    nnrt_resize_nd_params p = {
        .mode = 1, .coordinate = 6, .cubic_a = -0.75f, .axis_count = 2, .axes = {0, 1}};
    rop_case c = {
        NNRT_ROP_ID_RESIZE_ND,
        &p,
        3,
        {{NNRT_F32, s, x, false}, {NNRT_I64, two, sizes, true}, {NNRT_F32, four, wild, true}},
        NNRT_F32,
        2};
    free(rop_run(&c, NULL));
    c.in[1].data = negative;
    rop_refuse(&c, NNRT_ERR_MODEL);
    c.in[1].data = giant;
    rop_refuse(&c, NNRT_ERR_LIMIT);
    c.in[1] = (rop_input){NNRT_F32, two, huge, true};
    rop_refuse(&c, NNRT_ERR_MODEL);
    c.in[1].data = nan;
    rop_refuse(&c, NNRT_ERR_MODEL);
    nnrt_shape got;
    c.in[1].data = tiny; /* nothing is left */
    free(rop_run(&c, &got));
    assert_int_equal(got.dims[0], 0);
    c.in_count = 2;
    rop_refuse_plan(&c, "cropping needs 3");
    p.coordinate = 7;
    rop_refuse_plan(&c, "coordinates 7");
    p = (nnrt_resize_nd_params){.mode = 3, .axis_count = 1};
    rop_refuse_plan(&c, "mode 3");
    p = (nnrt_resize_nd_params){.axis_count = 2, .axes = {1, 1}};
    rop_refuse_plan(&c, "given twice");
    p = (nnrt_resize_nd_params){.axis_count = 3};
    rop_refuse_plan(&c, "3 axes of rank 2");
    p = (nnrt_resize_nd_params){.axis_count = 1, .cubic_a = NAN};
    rop_refuse_plan(&c, "mode 0");
}

/* ---- grid_sample ---- */

static double reflected(double v, double lo, double hi)
{
    if (hi <= lo)
        return lo;
    while (v < lo || v > hi)
        v = v < lo ? 2 * lo - v : 2 * hi - v;
    return v;
}

/* Value of plane x [d,h,w] at tap (z, y, x) under the padding. */
static double pixel(const nnrt_grid_sample_params *p, const float *x, const int64_t n[3],
                    const int64_t at[3])
{
    size_t index = 0;
    for (unsigned d = 0; d < 3; d++) {
        int64_t k = at[d];
        if (p->padding == 0 && (k < 0 || k >= n[d]))
            return 0;
        if (p->padding == 2)
            k = (int64_t)reflected((double)k, p->align_corners ? 0 : -0.5,
                                   p->align_corners ? (double)(n[d] - 1) : (double)n[d] - 0.5);
        index = index * (size_t)n[d] + (size_t)inside(k, n[d]);
    }
    return (double)x[index];
}

static double sampled(const nnrt_grid_sample_params *p, const float *x, const int64_t n[3],
                      const float *grid, unsigned dims)
{
    double at[3] = {0, 0, 0}, sum = 0;
    int64_t base[3] = {0, 0, 0};
    for (unsigned d = 3 - dims; d < 3; d++) {
        double g = (double)grid[2 - d], size = (double)n[d];
        double v = p->align_corners ? (g + 1) / 2 * (size - 1) : ((g + 1) * size - 1) / 2;
        if (p->padding == 1 && p->mode != 2)
            v = fmin(fmax(v, 0), size - 1);
        if (p->padding == 2)
            v = reflected(v, p->align_corners ? 0 : -0.5, p->align_corners ? size - 1 : size - 0.5);
        base[d] = (int64_t)(p->mode == 0 ? nearbyint(v) : floor(v));
        at[d] = v;
    }
    int64_t lo = p->mode == 2 ? -1 : 0, hi = p->mode == 0 ? 0 : p->mode == 1 ? 1 : 2;
    for (int64_t a = dims > 2 ? lo : 0; a <= (dims > 2 ? hi : 0); a++) {
        for (int64_t b = dims > 1 ? lo : 0; b <= (dims > 1 ? hi : 0); b++) {
            for (int64_t c = lo; c <= hi; c++) {
                const int64_t tap[3] = {base[0] + a, base[1] + b, base[2] + c};
                double w = 1;
                for (unsigned d = 3 - dims; d < 3 && p->mode > 0; d++) {
                    double t = fabs(at[d] - (double)tap[d]);
                    w *= p->mode == 1 ? 1 - t : cubic(-0.75, t);
                }
                sum += w * pixel(p, x, n, tap);
            }
        }
    }
    return sum;
}

/* x [2,3,n..], grid [2,points..,dims]; both layouts. */
static void check_grid(nnrt_grid_sample_params *p, unsigned dims, const int64_t n[3])
{
    size_t pixels = (size_t)(n[0] * n[1] * n[2]), points = 35;
    nnrt_shape xs = {.rank = dims + 2}, gs = {.rank = dims + 2};
    for (unsigned d = 0; d < dims; d++) {
        xs.dims[2 + d] = n[3 - dims + d];
        gs.dims[1 + d] = d == 0 ? 7 : d == 1 ? 5 : 1;
    }
    points = dims == 1 ? 7 : 35;
    xs.dims[0] = gs.dims[0] = 2;
    xs.dims[1] = 3;
    gs.dims[1 + dims] = dims;
    float *x = rop_floats(&rng, 6 * pixels, 1.0f), *last = malloc(6 * pixels * 4);
    float *grid = rop_floats(&rng, 2 * points * dims, 0.8f);
    for (size_t i = 0; i < 6 * pixels; i++)
        last[(i / pixels / 3 * pixels + i % pixels) * 3 + i / pixels % 3] = x[i];
    for (p->channels_last = 0; p->channels_last < 2; p->channels_last++) {
        if (p->channels_last) {
            memmove(xs.dims + 1, xs.dims + 2, dims * sizeof xs.dims[0]);
            xs.dims[dims + 1] = 3;
        }
        rop_case c = {
            NNRT_ROP_ID_GRID_SAMPLE,
            p,
            2,
            {{NNRT_F32, xs, p->channels_last ? last : x, false}, {NNRT_F32, gs, grid, false}},
            NNRT_F32,
            dims + 2};
        float *y = rop_run(&c, NULL);
        for (size_t i = 0; i < 6 * points; i++) {
            size_t b = i / points / 3, ch = i / points % 3, at = i % points;
            double want =
                sampled(p, x + i / points * pixels, n, grid + (b * points + at) * dims, dims);
            size_t k = p->channels_last ? (b * points + at) * 3 + ch : i;
            rop_close("grid_sample", i, (double)y[k], want, 1e-5, 1e-5);
        }
        free(y);
    }
    free(grid);
    free(last);
    free(x);
}

static void test_grid_sample(void **state)
{
    (void)state;
    const int64_t sizes[][3] = {{1, 1, 9}, {1, 6, 9}, {3, 5, 4}, {1, 1, 1}};
    for (uint32_t i = 0; i < 3 * 3 * 2; i++) {
        nnrt_grid_sample_params p = {i % 3, i / 3 % 3, i / 9, 0};
        unsigned dims = 1 + (i + i / 9) % 3;
        check_grid(&p, dims, sizes[dims - 1]);
        if (dims == 2)
            check_grid(&p, 2, sizes[3]);
    }
}

static void test_grid_hostile(void **state)
{
    (void)state;
    const nnrt_shape xs = {4, {1, 1, 2, 2}}, gs = {4, {1, 2, 2, 2}};
    const float x[4] = {1, 2, 3, INFINITY},
                grid[8] = {NAN, 0, INFINITY, -INFINITY, 1e30f, -1e30f, 5, -3};
    for (uint32_t i = 0; i < 18; i++) {
        nnrt_grid_sample_params p = {i % 3, i / 3 % 3, i / 9, 0};
        rop_case c = {NNRT_ROP_ID_GRID_SAMPLE,
                      &p,
                      2,
                      {{NNRT_F32, xs, x, false}, {NNRT_F32, gs, grid, false}},
                      NNRT_F32,
                      4};
        free(rop_run(&c, NULL));
        c.in[1].shape.dims[3] = 3;
        rop_refuse(&c, NNRT_ERR_MODEL);
        p.padding = 3;
        rop_refuse_plan(&c, "padding 3");
    }
}

static void test_affine_grid(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        unsigned dims = 2 + i / 2;
        const int64_t size[5] = {2, 3, 4, 5, 6};
        const nnrt_shape ts = {3, {2, dims, dims + 1}}, list = {1, {dims + 2}};
        float *theta = rop_floats(&rng, 24, 1.0f);
        nnrt_affine_grid_params p = {i % 2};
        rop_case c = {NNRT_ROP_ID_AFFINE_GRID,
                      &p,
                      2,
                      {{NNRT_F32, ts, theta, false}, {NNRT_I64, list, size, i < 2}},
                      NNRT_F32,
                      dims + 2};
        nnrt_shape got;
        float *y = rop_run(&c, &got);
        size_t points = nnrt_shape_span(&got, 1, 1 + dims);
        assert_true(points == (dims == 2 ? 20u : 120u) && got.dims[dims + 1] == dims);
        for (size_t k = 0; k < 2 * points * dims; k++) {
            size_t at = k / dims % points, row = k % dims;
            const float *t = theta + (k / dims / points * dims + row) * (dims + 1);
            double want = (double)t[dims];
            for (unsigned d = 0; d < dims; d++) {
                size_t n = (size_t)size[dims + 1 - d], v = at % n;
                at /= n;
                want += (double)t[d] * (p.align_corners ? -1 + 2.0 * (double)v / (double)(n - 1)
                                                        : -1 + (2.0 * (double)v + 1) / (double)n);
            }
            rop_close("affine_grid", k, (double)y[k], want, 1e-6, 1e-6);
        }
        free(y);
        free(theta);
    }
}

/* ---- regions ---- */

static double bilinear(const float *x, int64_t h, int64_t w, size_t channels, size_t c, double y,
                       double u, bool max)
{
    if (y < -1 || y > (double)h || u < -1 || u > (double)w)
        return 0;
    y = fmax(y, 0);
    u = fmax(u, 0);
    int64_t y0 = (int64_t)y, x0 = (int64_t)u, y1 = y0 + 1, x1 = x0 + 1;
    if (y0 >= h - 1) {
        y0 = y1 = h - 1;
        y = (double)y0;
    }
    if (x0 >= w - 1) {
        x0 = x1 = w - 1;
        u = (double)x0;
    }
    double fy = y - (double)y0, fx = u - (double)x0;
#define AT(i, k) (double)x[((i)*w + (k)) * (int64_t)channels + (int64_t)c]
    const double v[4] = {(1 - fy) * (1 - fx) * AT(y0, x0), (1 - fy) * fx * AT(y0, x1),
                         fy * (1 - fx) * AT(y1, x0), fy * fx * AT(y1, x1)};
    return max ? fmax(fmax(v[0], v[1]), fmax(v[2], v[3])) : v[0] + v[1] + v[2] + v[3];
}

static void test_roi_align(void **state)
{
    (void)state;
    const nnrt_shape xs = {4, {2, 9, 12, 5}}, rs = {2, {3, 4}}, bs = {1, {3}};
    const float rois[12] = {2, 3, 17, 15, -4, 0, 8, 40, 5, 5, 5.5f, 6};
    const int64_t batch[3] = {1, 0, -1};
    float *x = rop_floats(&rng, 2 * 9 * 12 * 5, 1.0f);
    for (uint32_t i = 0; i < 8; i++) {
        nnrt_roi_align_params p = {3, 2, i / 4 ? 2 : 0, i % 2, i / 2 % 2, 0.5f};
        rop_case c = {
            NNRT_ROP_ID_ROI_ALIGN,
            &p,
            3,
            {{NNRT_F32, xs, x, false}, {NNRT_F32, rs, rois, false}, {NNRT_I64, bs, batch, false}},
            NNRT_F32,
            4};
        float *y = rop_run(&c, NULL);
        for (size_t k = 0; k < 3 * 3 * 2 * 5; k++) {
            size_t ch = k % 5, ow = k / 5 % 2, oh = k / 10 % 3, r = k / 30;
            const float *roi = rois + r * 4, *image = x + (batch[r] == 0 ? 0 : 540);
            double off = p.half_pixel ? 0.5 : 0;
            double x0 = (double)roi[0] * 0.5 - off, y0 = (double)roi[1] * 0.5 - off;
            double w = (double)roi[2] * 0.5 - off - x0, h = (double)roi[3] * 0.5 - off - y0;
            w = p.half_pixel ? w : fmax(w, 1);
            h = p.half_pixel ? h : fmax(h, 1);
            int gh = p.sampling ? 2 : (int)ceil(h / 3), gw = p.sampling ? 2 : (int)ceil(w / 2);
            double sum = p.max ? -INFINITY : 0;
            for (int a = 0; a < gh; a++) {
                for (int b = 0; b < gw; b++) {
                    double v =
                        bilinear(image, 9, 12, 5, ch, y0 + h / 3 * ((double)oh + (a + 0.5) / gh),
                                 x0 + w / 2 * ((double)ow + (b + 0.5) / gw), p.max);
                    sum = p.max ? fmax(sum, v) : sum + v;
                }
            }
            rop_close("roi_align", k, (double)y[k], p.max ? sum : sum / (gh * gw), 1e-4, 1e-5);
        }
        free(y);
        p.out_w = 0;
        rop_refuse_plan(&c, "3 x 0 bins");
        p = (nnrt_roi_align_params){1, 1, 2000, 0, 0, 1};
        rop_refuse_plan(&c, "2000 samples");
        p = (nnrt_roi_align_params){1, 1, 0, 0, 0, NAN};
        rop_refuse_plan(&c, "scale nan");
    }
    free(x);
}

static void test_max_roi_pool(void **state)
{
    (void)state;
    const nnrt_shape xs = {4, {2, 6, 8, 3}}, rs = {2, {4, 5}};
    const float rois[20] = {1, 2, 1, 9, 7, 0,   -3,       -3,        30,  30,
                            0, 4, 4, 4, 4, NAN, INFINITY, -INFINITY, NAN, 1e30f};
    float *x = rop_floats(&rng, 2 * 6 * 8 * 3, 1.0f);
    nnrt_max_roi_pool_params p = {2, 3, 0.5f};
    rop_case c = {NNRT_ROP_ID_MAX_ROI_POOL,
                  &p,
                  2,
                  {{NNRT_F32, xs, x, false}, {NNRT_F32, rs, rois, false}},
                  NNRT_F32,
                  4};
    float *y = rop_run(&c, NULL);
    for (size_t k = 0; k < 3 * 2 * 3 * 3; k++) {
        size_t ch = k % 3, ow = k / 3 % 3, oh = k / 9 % 2, r = k / 18;
        const float *roi = rois + r * 5, *image = x + (size_t)roi[0] * 144;
        double x0 = round((double)roi[1] * 0.5), y0 = round((double)roi[2] * 0.5);
        double bw = fmax(round((double)roi[3] * 0.5) - x0 + 1, 1) / 3;
        double bh = fmax(round((double)roi[4] * 0.5) - y0 + 1, 1) / 2;
        double best = -INFINITY;
        for (int64_t i = 0; i < 6; i++) {
            for (int64_t j = 0; j < 8; j++) {
                bool in = (double)i >= y0 + floor((double)oh * bh) &&
                          (double)i < y0 + ceil((double)(oh + 1) * bh) &&
                          (double)j >= x0 + floor((double)ow * bw) &&
                          (double)j < x0 + ceil((double)(ow + 1) * bw);
                best = in ? fmax(best, (double)image[(i * 8 + j) * 3 + (int64_t)ch]) : best;
            }
        }
        assert_true((double)y[k] == (isinf(best) ? 0 : best));
    }
    free(y);
    c.in[1].shape.dims[1] = 4;
    rop_refuse(&c, NNRT_ERR_MODEL);
    p.out_h = UINT32_MAX;
    rop_refuse_plan(&c, "4294967295 x 3 bins");
    free(x);
}

int main(void)
{
    nnc_rng_init(&rng, 24, 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resize),       cmocka_unit_test(test_resize_types),
        cmocka_unit_test(test_resize_nd),    cmocka_unit_test(test_resize_hostile),
        cmocka_unit_test(test_grid_sample),  cmocka_unit_test(test_grid_hostile),
        cmocka_unit_test(test_affine_grid),  cmocka_unit_test(test_roi_align),
        cmocka_unit_test(test_max_roi_pool),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
