/* Geometry of transposed convolutions, and their packed weights. SPDX-License-Identifier:
 * Apache-2.0 */
#include "runtime_int8/ops/transpose_geometry.h"

#include "runtime_int8/ops/util.h"
#include "runtime_int8/pack.h"

int64_t nnrt_transpose_period(int64_t stride, int64_t dilation)
{
    int64_t a = stride, b = dilation;
    while (b != 0) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return stride / a;
}

int64_t nnrt_transpose_classes(const nnrt_axis_window *axis)
{
    int64_t period = nnrt_transpose_period(axis->stride, axis->dilation);
    return period < axis->kernel ? period : axis->kernel;
}

nnrt_tap_class nnrt_transpose_class(const nnrt_axis_window *axis, int64_t r)
{
    nnrt_tap_class c = {.first = r};
    c.period = nnrt_transpose_period(axis->stride, axis->dilation);
    c.taps = (axis->kernel - r + c.period - 1) / c.period;
    c.back = c.period * axis->dilation / axis->stride;
    const int64_t remainder = r * axis->dilation % axis->stride;
    c.out0 = ((remainder - axis->begin) % axis->stride + axis->stride) % axis->stride;
    c.outs = c.out0 < axis->out ? (axis->out - 1 - c.out0) / axis->stride + 1 : 0;
    c.in0 = (c.out0 + axis->begin - r * axis->dilation) / axis->stride;
    return c;
}

static nnc_status resolve_axis(nnrt_axis_window *a, const nnrt_node_ctx *ctx, uint32_t i,
                               uint32_t auto_pad, int64_t extra, int64_t given)
{
    const int64_t full = a->stride * (a->in - 1) + extra + (a->kernel - 1) * a->dilation + 1;
    a->out = full - a->begin - a->end;
    if (given != 0 || auto_pad != 0) {
        a->out = given != 0 ? given : a->in * a->stride;
        const int64_t total = full > a->out ? full - a->out : 0;
        a->begin = auto_pad == 1 ? total / 2 : total - total / 2;
        a->end = total - a->begin;
    }
    if (a->in < 1 || a->out < 1 || a->out > INT32_MAX)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': dim %u of %lld becomes %lld", ctx->name, i, (long long)a->in,
                 (long long)a->out);
    return NNC_OK;
}

nnc_status nnrt_transpose_resolve(nnrt_axis_window out[NNRT_SPATIAL_MAX], const nnrt_node_ctx *ctx,
                                  const nnrt_conv_transpose_nd_params *params,
                                  const nnrt_window_nd *window, const int64_t *in)
{
    for (uint32_t i = 0; i < NNRT_SPATIAL_MAX; i++) {
        out[i] = (nnrt_axis_window){.in = i < window->spatial ? in[i] : 1,
                                    .out = 1,
                                    .kernel = window->kernel[i],
                                    .stride = window->stride[i],
                                    .dilation = window->dilation[i],
                                    .begin = window->begin[i],
                                    .end = window->end[i]};
        if (i < window->spatial)
            NNC_TRY(resolve_axis(&out[i], ctx, i, window->auto_pad, params->output_padding[i],
                                 params->output_shape[i]));
    }
    return NNC_OK;
}

nnc_status nnrt_transpose_check(const nnrt_node_ctx *ctx, nnrt_dtype dtype)
{
    const nnrt_conv_transpose_nd_params *p = ctx->params;
    NNC_TRY(nnrt_window_nd_check(ctx, &p->window));
    NNC_TRY(nnrt_check_clamp(ctx, p->clamp.lo, p->clamp.hi));
    if (p->groups == 0 || p->c_in == 0 || p->c_out == 0 || p->c_in > INT32_MAX ||
        p->c_out > INT32_MAX || p->c_in % p->groups != 0 || p->c_out % p->groups != 0)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': %u to %u channels in %u groups", ctx->name, p->c_in,
                 p->c_out, p->groups);
    if (p->packed > 1 || p->has_bias > 1 || ctx->in_count != 2 + p->has_bias)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': %u inputs with packed %u and bias %u", ctx->name,
                 ctx->in_count, p->packed, p->has_bias);
    for (uint32_t i = 0; i < NNRT_SPATIAL_MAX; i++) {
        if (p->output_padding[i] > UINT16_MAX || p->output_shape[i] > INT32_MAX)
            NNC_FAIL(NNC_ERR_MODEL, "'%s': output padding %u and output_shape %u of dim %u",
                     ctx->name, p->output_padding[i], p->output_shape[i], i);
    }
    for (uint32_t i = 0; i < ctx->in_count; i++)
        NNC_TRY(nnrt_check_dtype(ctx, i, NNRT_SET(dtype)));
    return nnrt_check_rank(ctx, 0, p->window.spatial + 2);
}

nnc_status nnrt_transpose_kernel(nnrt_window_nd *window, const nnrt_node_ctx *ctx)
{
    const nnrt_conv_transpose_nd_params *p = ctx->params;
    const nnrt_shape *shape = &ctx->in[1].shape;
    *window = p->window;
    if (p->packed)
        return NNC_OK;
    if (shape->rank != window->spatial + 2 || shape->dims[0] != p->c_in ||
        shape->dims[1] != p->c_out / p->groups) {
        char text[NNRT_SHAPE_TEXT];
        NNC_FAIL(NNC_ERR_MODEL, "'%s': weight %s for %u to %u channels in %u groups over %u dims",
                 ctx->name, nnrt_shape_text(text, shape), p->c_in, p->c_out, p->groups,
                 window->spatial);
    }
    for (uint32_t i = 0; i < window->spatial; i++)
        window->kernel[i] =
            shape->dims[i + 2] > UINT16_MAX ? UINT32_MAX : (uint32_t)shape->dims[i + 2];
    return nnrt_window_nd_check(ctx, window);
}

void nnrt_pack_taps_first(float *out, const float *w, size_t channels, size_t taps)
{
    for (size_t c = 0; c < channels; c++) {
        for (size_t t = 0; t < taps; t++)
            out[t * channels + c] = w[c * taps + t];
    }
}

/* Panel of 16 columns from `first` on of one group and phase: [taps of the phase][C][16]. */
static void pack_panel(float *out, const float *w, const nnrt_tap_class *classes,
                       const nnrt_axis_window *axis, uint32_t spatial, size_t c, size_t n,
                       size_t first)
{
    const size_t cols = n - first < 16 ? n - first : 16;
    int64_t at[NNRT_SPATIAL_MAX], taps[NNRT_SPATIAL_MAX];
    size_t all = 1;
    for (uint32_t i = 0; i < spatial; i++) {
        taps[i] = classes[i].taps;
        all *= (size_t)axis[i].kernel;
    }
    nnrt_index_init(at, 0, taps, spatial);
    do {
        size_t tap = 0;
        for (uint32_t i = 0; i < spatial; i++)
            tap = tap * (size_t)axis[i].kernel +
                  (size_t)(classes[i].first + at[i] * classes[i].period);
        for (size_t k = 0; k < c; k++, out += 16) {
            for (size_t j = 0; j < 16; j++)
                out[j] = j < cols ? w[(k * n + first + j) * all + tap] : 0.0f;
        }
    } while (!nnrt_index_next(at, taps, spatial));
}

void nnrt_pack_conv_transpose(float *out, const float *w, const nnrt_window_nd *window,
                              uint32_t groups, uint32_t c_in, uint32_t c_out)
{
    nnrt_axis_window axis[NNRT_SPATIAL_MAX];
    nnrt_tap_class classes[NNRT_SPATIAL_MAX];
    int64_t at[NNRT_SPATIAL_MAX], counts[NNRT_SPATIAL_MAX];
    const size_t c = c_in / groups, n = c_out / groups;
    size_t all = 1;
    for (uint32_t i = 0; i < window->spatial; i++) {
        axis[i] = (nnrt_axis_window){.in = 1,
                                     .out = 1,
                                     .kernel = window->kernel[i],
                                     .stride = window->stride[i],
                                     .dilation = window->dilation[i]};
        counts[i] = nnrt_transpose_classes(&axis[i]);
        all *= window->kernel[i];
    }
    nnrt_index_init(at, 0, counts, window->spatial);
    do {
        size_t taps = 1;
        for (uint32_t i = 0; i < window->spatial; i++) {
            classes[i] = nnrt_transpose_class(&axis[i], at[i]);
            taps *= (size_t)classes[i].taps;
        }
        for (uint32_t g = 0; g < groups; g++) {
            for (size_t first = 0; first < n; first += 16, out += taps * c * 16)
                pack_panel(out, w + g * c * n * all, classes, axis, window->spatial, c, n, first);
        }
    } while (!nnrt_index_next(at, counts, window->spatial));
}
