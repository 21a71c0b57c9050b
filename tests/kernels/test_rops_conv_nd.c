/* Convolutions and transposed convolutions over any number of dims against brute force in double.
 * SPDX-License-Identifier: Apache-2.0 Packed and plain weights give the same bits. */
#include "kernels/rop_case.h"

#include "runtime_int8/pack.h"

static nnc_rng rng;

typedef struct conv_case {
    uint32_t spatial, groups, c_in, c_out;
    int64_t n, in[6];
    uint32_t kernel[6], stride[6], dilation[6], begin[6], end[6], auto_pad;
    uint32_t extra[6], given[6]; /* transposed: output_padding, output_shape */
} conv_case;

static const conv_case convs[] = {
    {1, 1, 3, 5, 2, {9}, {3}, {2}, {1}, {1}, {0}, 0, {0}, {0}},
    {2, 2, 6, 10, 1, {7, 6}, {3, 2}, {1, 2}, {2, 1}, {2, 1}, {1, 0}, 0, {0}, {0}},
    {2, 1, 20, 33, 2, {6, 5}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 0, {0}, {0}},
    {3, 1, 4, 7, 1, {5, 4, 6}, {3, 2, 3}, {2, 1, 1}, {1, 2, 1}, {1, 0, 2}, {1, 1, 0}, 0, {0}, {0}},
    {3,
     1,
     17,
     16,
     2,
     {4, 5, 3},
     {3, 3, 3},
     {1, 1, 1},
     {1, 1, 1},
     {1, 1, 1},
     {1, 1, 1},
     0,
     {0},
     {0}},
    {3, 1, 9, 64, 1, {3, 3, 3}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {0}, {0}, 0, {0}, {0}},
    {3,
     70,
     70,
     70,
     1,
     {4, 3, 5},
     {3, 3, 3},
     {1, 2, 1},
     {1, 1, 1},
     {1, 1, 1},
     {1, 1, 1},
     0,
     {0},
     {0}},
    {3, 3, 3, 6, 1, {4, 4, 4}, {2, 2, 2}, {2, 2, 2}, {1, 1, 1}, {0}, {0}, 2, {0}, {0}},
    {2, 5, 5, 5, 2, {9, 9}, {9, 9}, {1, 1}, {1, 1}, {4, 4}, {4, 4}, 0, {0}, {0}},
    {4,
     1,
     2,
     3,
     1,
     {3, 2, 3, 2},
     {2, 1, 2, 2},
     {1, 1, 1, 1},
     {1, 1, 1, 1},
     {1, 0, 0, 0},
     {0},
     0,
     {0},
     {0}},
    {6,
     1,
     2,
     2,
     1,
     {2, 1, 2, 2, 1, 2},
     {2, 1, 1, 2, 1, 1},
     {1, 1, 1, 1, 1, 1},
     {1, 1, 1, 1, 1, 1},
     {0},
     {0},
     0,
     {0},
     {0}},
};

static const conv_case transposes[] = {
    {1, 1, 3, 5, 2, {6}, {4}, {2}, {1}, {1}, {1}, 0, {0}, {0}},
    {2, 1, 8, 20, 2, {5, 4}, {3, 3}, {2, 2}, {1, 1}, {1, 1}, {1, 1}, 0, {1, 1}, {0}},
    {2, 2, 6, 8, 1, {4, 5}, {3, 2}, {1, 3}, {2, 1}, {0, 1}, {1, 0}, 0, {0, 2}, {0}},
    {2, 1, 4, 6, 1, {3, 4}, {2, 2}, {3, 4}, {1, 1}, {0}, {0}, 0, {0}, {0}},
    {2, 1, 3, 3, 1, {3, 3}, {3, 3}, {2, 3}, {3, 2}, {1, 2}, {2, 0}, 0, {0}, {0}},
    {2, 1, 2, 2, 1, {3, 3}, {3, 3}, {2, 3}, {1, 1}, {0}, {0}, 0, {0}, {10, 8}},
    {2, 1, 2, 4, 1, {4, 5}, {4, 3}, {2, 2}, {1, 1}, {0}, {0}, 1, {0}, {0}},
    {2, 1, 2, 4, 1, {4, 5}, {4, 3}, {2, 2}, {1, 1}, {0}, {0}, 2, {0}, {7, 9}},
    {3, 1, 5, 18, 1, {2, 3, 2}, {3, 2, 4}, {2, 1, 2}, {1, 2, 1}, {1, 0, 1}, {0, 1, 1}, 0, {0}, {0}},
    {2, 19, 19, 19, 1, {4, 5}, {4, 4}, {2, 2}, {1, 1}, {1, 1}, {1, 1}, 0, {0}, {0}},
    {2, 3, 3, 3, 2, {5, 5}, {9, 9}, {1, 1}, {1, 1}, {4, 4}, {4, 4}, 0, {0}, {0}},
    {4, 2, 2, 4, 1, {2, 2, 1, 2}, {2, 1, 2, 3}, {1, 1, 2, 2}, {1, 1, 1, 1}, {0}, {0}, 0, {0}, {0}},
};

static nnrt_window_nd window_of(const conv_case *c)
{
    nnrt_window_nd w = {.spatial = c->spatial, .auto_pad = c->auto_pad};
    for (uint32_t i = 0; i < 6; i++) {
        w.kernel[i] = i < c->spatial ? c->kernel[i] : 1;
        w.stride[i] = i < c->spatial ? c->stride[i] : 1;
        w.dilation[i] = i < c->spatial ? c->dilation[i] : 1;
        w.begin[i] = c->begin[i];
        w.end[i] = c->end[i];
    }
    return w;
}

static void geometry(const conv_case *c, bool transposed, int64_t out[6], int64_t begin[6])
{
    for (uint32_t i = 0; i < c->spatial; i++) {
        int64_t span = (int64_t)(c->kernel[i] - 1) * c->dilation[i] + 1, s = c->stride[i], total;
        begin[i] = c->begin[i];
        if (!transposed) {
            out[i] = (c->in[i] + c->begin[i] + c->end[i] - span) / s + 1;
            if (c->auto_pad) {
                out[i] = (c->in[i] + s - 1) / s;
                total = (out[i] - 1) * s + span - c->in[i];
            }
        } else {
            int64_t full = s * (c->in[i] - 1) + c->extra[i] + span;
            out[i] = c->given[i]   ? c->given[i]
                     : c->auto_pad ? c->in[i] * s
                                   : full - c->begin[i] - c->end[i];
            total = full - out[i];
        }
        if (c->auto_pad || (transposed && c->given[i])) {
            total = total < 0 ? 0 : total;
            begin[i] = c->auto_pad == 1 ? total / 2 : total - total / 2;
        }
    }
}

static int64_t dot(const int64_t *at, const int64_t *dims, uint32_t rank)
{
    int64_t flat = 0;
    for (uint32_t i = 0; i < rank; i++)
        flat = flat * dims[i] + at[i];
    return flat;
}

/* y [N][K][out] from x [N][C][in] and w in ONNX order; *scale: sum of magnitudes. */
static double element(const conv_case *c, bool transposed, const float *x, const float *w,
                      const float *bias, const int64_t *out, const int64_t *begin, size_t o,
                      double *scale)
{
    int64_t at[6], pixels = 1, image = 1, taps = 1, kernel[6];
    for (uint32_t i = 0; i < c->spatial; i++) {
        pixels *= out[i];
        image *= c->in[i];
        kernel[i] = c->kernel[i];
        taps *= kernel[i];
    }
    int64_t rest = (int64_t)o % pixels, k = (int64_t)o / pixels % c->c_out,
            n = (int64_t)o / pixels / c->c_out;
    for (uint32_t i = c->spatial; i-- > 0; rest /= out[i])
        at[i] = rest % out[i];
    const int64_t cg = c->c_in / c->groups, kg = c->c_out / c->groups, g = k / kg;
    double sum = bias ? (double)bias[k] : 0.0;
    *scale = fabs(sum);
    for (int64_t t = 0; t < taps; t++) {
        int64_t tap[6], pos[6];
        bool inside = true;
        rest = t;
        for (uint32_t i = c->spatial; i-- > 0; rest /= kernel[i])
            tap[i] = rest % kernel[i];
        for (uint32_t i = 0; i < c->spatial; i++) {
            int64_t p = transposed ? at[i] + begin[i] - tap[i] * c->dilation[i]
                                   : at[i] * c->stride[i] - begin[i] + tap[i] * c->dilation[i];
            inside = inside && p >= 0 && (!transposed || p % c->stride[i] == 0);
            pos[i] = transposed ? p / (int64_t)c->stride[i] : p;
            inside = inside && pos[i] < c->in[i];
        }
        for (int64_t j = 0; inside && j < cg; j++) {
            double v = (double)x[(n * c->c_in + g * cg + j) * image + dot(pos, c->in, c->spatial)];
            double u = (double)(transposed ? w[((g * cg + j) * kg + k % kg) * taps + t]
                                           : w[(k * cg + j) * taps + t]);
            sum += v * u;
            *scale += fabs(v * u);
        }
    }
    return sum;
}

/* [N][C][pixels] -> [N][pixels][C]. */
static float *channels_last(const float *x, size_t n, size_t c, size_t pixels)
{
    float *y = malloc((n * c * pixels + 1) * sizeof *y);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < c; k++) {
            for (size_t p = 0; p < pixels; p++)
                y[(i * pixels + p) * c + k] = x[(i * c + k) * pixels + p];
        }
    }
    return y;
}

static double *widen(const float *x, size_t n)
{
    double *y = malloc((n + 1) * sizeof *y);
    for (size_t i = 0; i < n; i++)
        y[i] = (double)x[i];
    return y;
}

typedef struct operands {
    float *x, *w, *bias, *residual, *packed;
    size_t x_count, w_count, y_count, pixels, image, taps, packed_count;
    nnrt_shape x_shape, w_shape, y_shape; /* ONNX order */
    int64_t out[6], begin[6];
} operands;

static void make(operands *o, const conv_case *c, bool transposed)
{
    const nnrt_window_nd w = window_of(c);
    const bool depthwise = c->groups == c->c_in && c->c_in == c->c_out;
    memset(o, 0, sizeof *o);
    geometry(c, transposed, o->out, o->begin);
    o->x_shape = (nnrt_shape){.rank = c->spatial + 2, .dims = {c->n, c->c_in}};
    o->y_shape = (nnrt_shape){.rank = c->spatial + 2, .dims = {c->n, c->c_out}};
    o->w_shape = (nnrt_shape){
        .rank = c->spatial + 2,
        .dims = {transposed ? c->c_in : c->c_out, (transposed ? c->c_out : c->c_in) / c->groups}};
    for (uint32_t i = 0; i < c->spatial; i++) {
        o->x_shape.dims[i + 2] = c->in[i];
        o->y_shape.dims[i + 2] = o->out[i];
        o->w_shape.dims[i + 2] = c->kernel[i];
    }
    o->x_count = nnrt_shape_count(&o->x_shape);
    o->w_count = nnrt_shape_count(&o->w_shape);
    o->y_count = nnrt_shape_count(&o->y_shape);
    o->pixels = nnrt_shape_span(&o->y_shape, 2, o->y_shape.rank);
    o->image = nnrt_shape_span(&o->x_shape, 2, o->x_shape.rank);
    o->taps = nnrt_shape_span(&o->w_shape, 2, o->w_shape.rank);
    o->x = rop_floats(&rng, o->x_count, 1.0f);
    o->w = rop_floats(&rng, o->w_count, 1.0f);
    o->bias = rop_floats(&rng, c->c_out, 1.0f);
    o->residual = rop_floats(&rng, o->y_count, 1.0f);
    size_t bytes =
        depthwise ? o->w_count * sizeof(float)
                  : nnrt_pack_conv_f32_bytes(c->groups, c->c_in, c->c_out, (uint32_t)o->taps, 1);
    o->packed = calloc(bytes, 1);
    o->packed_count = bytes / sizeof(float);
    if (depthwise)
        nnrt_pack_taps_first(o->packed, o->w, c->c_in, o->taps);
    else if (transposed)
        nnrt_pack_conv_transpose(o->packed, o->w, &w, c->groups, c->c_in, c->c_out);
    else
        nnrt_pack_conv_f32(o->packed, o->w, c->groups, c->c_in, c->c_out, (uint32_t)o->taps, 1);
}

static void drop(operands *o)
{
    free(o->x);
    free(o->w);
    free(o->bias);
    free(o->residual);
    free(o->packed);
}

static nnrt_shape last_shape(const nnrt_shape *s)
{
    nnrt_shape y = *s;
    for (uint32_t i = 1; i + 1 < s->rank; i++)
        y.dims[i] = s->dims[i + 1];
    y.dims[s->rank - 1] = s->dims[1];
    return y;
}

/* Float32: packed weights, then plain ones, which give the same bits. bias, and a residual with
 * clamp for conv_nd. */
static void check_f32(const conv_case *c, bool transposed, bool extras)
{
    operands o;
    make(&o, c, transposed);
    const float lo = extras ? -1.5f : -INFINITY, hi = extras ? 2.0f : INFINITY;
    nnrt_conv_nd_params conv = {window_of(c), c->groups, c->c_in, c->c_out, 1,
                                extras,       extras,    {lo, hi}};
    nnrt_conv_transpose_nd_params trans = {.window = window_of(c),
                                           .groups = c->groups,
                                           .c_in = c->c_in,
                                           .c_out = c->c_out,
                                           .packed = 1,
                                           .has_bias = extras,
                                           .clamp = {lo, hi}};
    memcpy(trans.output_padding, c->extra, sizeof c->extra);
    memcpy(trans.output_shape, c->given, sizeof c->given);
    float *x = channels_last(o.x, (size_t)c->n, c->c_in, o.image);
    float *residual = channels_last(o.residual, (size_t)c->n, c->c_out, o.pixels);
    const nnrt_shape packed = {1, {(int64_t)o.packed_count}}, channels = {1, {c->c_out}};
    rop_case r = {transposed ? NNRT_ROP_ID_CONV_TRANSPOSE_ND : NNRT_ROP_ID_CONV_ND,
                  transposed ? (void *)&trans : (void *)&conv,
                  extras ? (transposed ? 3 : 4) : 2,
                  {{NNRT_F32, last_shape(&o.x_shape), x, false},
                   {NNRT_F32, packed, o.packed, true},
                   {NNRT_F32, channels, o.bias, false},
                   {NNRT_F32, last_shape(&o.y_shape), residual, false}},
                  NNRT_F32,
                  c->spatial + 2};
    nnrt_shape got;
    float *y = rop_run(&r, &got);
    nnrt_shape want_shape = last_shape(&o.y_shape);
    assert_true(nnrt_shape_same(&got, &want_shape));
    for (size_t i = 0; i < o.y_count; i++) {
        double scale, want = element(c, transposed, o.x, o.w, extras ? o.bias : NULL, o.out,
                                     o.begin, i, &scale);
        size_t n = i / o.pixels / c->c_out, k = i / o.pixels % c->c_out, p = i % o.pixels;
        size_t at = (n * o.pixels + p) * c->c_out + k;
        if (extras) {
            want += transposed ? 0.0 : (double)residual[at];
            want = fmin(fmax(want, (double)lo), (double)hi);
        }
        rop_close("conv", at, (double)y[at], want, 1e-6, 1e-6 * scale + 1e-6);
    }
    conv.packed = trans.packed = 0;
    r.in[1] = (rop_input){NNRT_F32, o.w_shape, o.w, false};
    float *z = rop_run(&r, NULL);
    assert_memory_equal(y, z, o.y_count * sizeof *y);
    free(y);
    free(z);
    free(x);
    free(residual);
    drop(&o);
}

static void check_f64(const conv_case *c, bool transposed)
{
    operands o;
    make(&o, c, transposed);
    nnrt_conv_nd_params conv = {window_of(c),         c->groups, c->c_in, c->c_out, 0, 1, 0,
                                {-INFINITY, INFINITY}};
    nnrt_conv_transpose_nd_params trans = {.window = window_of(c),
                                           .groups = c->groups,
                                           .c_in = c->c_in,
                                           .c_out = c->c_out,
                                           .has_bias = 1,
                                           .clamp = {-INFINITY, INFINITY}};
    memcpy(trans.output_padding, c->extra, sizeof c->extra);
    memcpy(trans.output_shape, c->given, sizeof c->given);
    double *x = widen(o.x, o.x_count), *w = widen(o.w, o.w_count), *b = widen(o.bias, c->c_out);
    rop_case r = {transposed ? NNRT_ROP_ID_CONV_TRANSPOSE_F64 : NNRT_ROP_ID_CONV_F64,
                  transposed ? (void *)&trans : (void *)&conv,
                  3,
                  {{NNRT_F64, o.x_shape, x, false},
                   {NNRT_F64, o.w_shape, w, false},
                   {NNRT_F64, {1, {c->c_out}}, b, false}},
                  NNRT_F64,
                  c->spatial + 2};
    double *y = rop_run(&r, NULL);
    for (size_t i = 0; i < o.y_count; i++) {
        double scale, want = element(c, transposed, o.x, o.w, o.bias, o.out, o.begin, i, &scale);
        rop_close("conv f64", i, y[i], want, 1e-13, 1e-14 * scale);
    }
    free(y);
    free(x);
    free(w);
    free(b);
    drop(&o);
}

static void test_conv(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof convs / sizeof *convs; i++) {
        check_f32(&convs[i], false, false);
        check_f32(&convs[i], false, true);
        check_f64(&convs[i], false);
    }
}

static void test_transpose(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof transposes / sizeof *transposes; i++) {
        check_f32(&transposes[i], true, false);
        check_f32(&transposes[i], true, true);
        check_f64(&transposes[i], true);
    }
}

static void test_refused(void **state)
{
    const conv_case c = convs[0];
    operands o;
    (void)state;
    make(&o, &c, false);
    nnrt_conv_nd_params p = {window_of(&c), 1, c.c_in, c.c_out, 0, 0, 0, {-INFINITY, INFINITY}};
    rop_case r = {
        NNRT_ROP_ID_CONV_ND,
        &p,
        2,
        {{NNRT_F32, last_shape(&o.x_shape), o.x, false}, {NNRT_F32, o.w_shape, o.w, false}},
        NNRT_F32,
        3};
    r.in[1].shape.dims[2] = 30;
    rop_refuse(&r, NNRT_ERR_MODEL); /* a kernel of 30 in 9 */
    r.in[1].shape.dims[2] = 0;
    rop_refuse(&r, NNRT_ERR_MODEL); /* no kernel */
    r.in[1].shape.dims[2] = 3;
    r.in[1].shape.dims[1] = 2;
    rop_refuse(&r, NNRT_ERR_MODEL); /* other channels */
    drop(&o);
}

int main(void)
{
    nnc_rng_init(&rng, 22, 1);
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_conv),
                                       cmocka_unit_test(test_transpose),
                                       cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
