/* Geometry of windows over any number of spatial dims. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/ops/window_nd.h"

#define WINDOW_MAX 65535u

nnc_status nnrt_window_nd_check(const nnrt_node_ctx *ctx, const nnrt_window_nd *window)
{
    if (window->spatial < 1 || window->spatial > NNRT_SPATIAL_MAX)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': window over %u dims, expected 1 to %d", ctx->name,
                 window->spatial, NNRT_SPATIAL_MAX);
    for (uint32_t i = 0; i < NNRT_SPATIAL_MAX; i++) {
        uint32_t most = i < window->spatial ? WINDOW_MAX : 1;
        if (window->kernel[i] < 1 || window->kernel[i] > most || window->stride[i] < 1 ||
            window->stride[i] > most || window->dilation[i] < 1 || window->dilation[i] > most)
            NNC_FAIL(NNC_ERR_MODEL,
                     "'%s': kernel %u, stride %u, dilation %u of dim %u, expected 1..%u", ctx->name,
                     window->kernel[i], window->stride[i], window->dilation[i], i, most);
        most = i < window->spatial ? WINDOW_MAX : 0;
        if (window->begin[i] > most || window->end[i] > most)
            NNC_FAIL(NNC_ERR_MODEL, "'%s': padding %u and %u of dim %u, expected at most %u",
                     ctx->name, window->begin[i], window->end[i], i, most);
    }
    if (window->auto_pad > 2 || window->ceil_mode > 1)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': auto_pad %u, ceil_mode %u, expected 0..2 and 0..1",
                 ctx->name, window->auto_pad, window->ceil_mode);
    return NNC_OK;
}

/* ONNX: ceil mode drops a last window that would start in the end padding. */
static nnc_status resolve_axis(const nnrt_node_ctx *ctx, nnrt_axis_window *a, uint32_t auto_pad,
                               bool ceil_mode)
{
    const int64_t span = (a->kernel - 1) * a->dilation + 1;
    if (a->in == 0) {
        a->out = 0;
        return NNC_OK;
    }
    if (auto_pad != 0) {
        int64_t windows = (a->in + a->stride - 1) / a->stride;
        int64_t total = (windows - 1) * a->stride + span - a->in;
        total = total < 0 || windows == 0 ? 0 : total;
        a->begin = auto_pad == 1 ? total / 2 : total - total / 2;
        a->end = total - a->begin;
    }
    const int64_t room = a->in + a->begin + a->end - span;
    if (room < 0)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': window of %lld does not fit in %lld with padding", ctx->name,
                 (long long)span, (long long)(a->in + a->begin + a->end));
    a->out = room / a->stride + 1;
    if (ceil_mode && auto_pad == 0) {
        a->out = (room + a->stride - 1) / a->stride + 1;
        if ((a->out - 1) * a->stride >= a->in + a->begin)
            a->out -= 1;
    }
    return NNC_OK;
}

nnc_status nnrt_window_nd_resolve(nnrt_axis_window out[NNRT_SPATIAL_MAX], const nnrt_node_ctx *ctx,
                                  const nnrt_window_nd *window, const int64_t *in)
{
    for (uint32_t i = 0; i < NNRT_SPATIAL_MAX; i++) {
        out[i] = (nnrt_axis_window){.in = i < window->spatial ? in[i] : 1,
                                    .kernel = window->kernel[i],
                                    .stride = window->stride[i],
                                    .dilation = window->dilation[i],
                                    .begin = window->begin[i],
                                    .end = window->end[i],
                                    .out = 1};
        if (i < window->spatial)
            NNC_TRY(resolve_axis(ctx, &out[i], window->auto_pad, window->ceil_mode != 0));
    }
    return NNC_OK;
}

void nnrt_axis_taps(const nnrt_axis_window *axis, int64_t start, int64_t in, int64_t *first,
                    int64_t *end)
{
    *first = start < 0 ? (-start + axis->dilation - 1) / axis->dilation : 0;
    *end = in > start ? (in - start + axis->dilation - 1) / axis->dilation : 0;
    *end = *end > axis->kernel ? axis->kernel : *end;
    *first = *first > *end ? *end : *first;
}
