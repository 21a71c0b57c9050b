/* Geometry of convolution and pooling windows. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/ops/window.h"

#define WINDOW_MAX 65535u

nnc_status nnrt_window_check(const nnrt_node_ctx *ctx, const nnrt_window *window)
{
    if (window->spatial != 1 && window->spatial != 2)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': window over %u dims, expected 1 or 2", ctx->name,
                 window->spatial);
    for (unsigned i = 0; i < 2; i++) {
        if (window->kernel[i] < 1 || window->kernel[i] > WINDOW_MAX || window->stride[i] < 1 ||
            window->stride[i] > WINDOW_MAX || window->dilation[i] < 1 ||
            window->dilation[i] > WINDOW_MAX)
            NNC_FAIL(NNC_ERR_MODEL,
                     "'%s': kernel %u, stride %u, dilation %u of dim %u, expected 1..65535",
                     ctx->name, window->kernel[i], window->stride[i], window->dilation[i], i);
    }
    for (unsigned i = 0; i < 4; i++) {
        if (window->pad[i] > WINDOW_MAX)
            NNC_FAIL(NNC_ERR_MODEL, "'%s': padding %u, expected at most 65535", ctx->name,
                     window->pad[i]);
    }
    if (window->spatial == 1 &&
        (window->kernel[0] != 1 || window->stride[0] != 1 || window->dilation[0] != 1 ||
         window->pad[0] != 0 || window->pad[2] != 0))
        NNC_FAIL(NNC_ERR_MODEL, "'%s': 1-D window with a kernel %u high", ctx->name,
                 window->kernel[0]);
    if (window->auto_pad > 2 || window->ceil_mode > 1)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': auto_pad %u, ceil_mode %u, expected 0..2 and 0..1",
                 ctx->name, window->auto_pad, window->ceil_mode);
    return NNC_OK;
}

/* One dim; ONNX: ceil mode drops a last window that would start in the end padding. */
static nnc_status resolve_dim(const nnrt_node_ctx *ctx, const nnrt_window *window, unsigned i,
                              int64_t in, int32_t *begin, int32_t *end, int64_t *out)
{
    int64_t k = ((int64_t)window->kernel[i] - 1) * window->dilation[i] + 1;
    int64_t stride = window->stride[i];
    *begin = (int32_t)window->pad[i];
    *end = (int32_t)window->pad[i + 2];
    if (window->auto_pad != 0) {
        int64_t o = (in + stride - 1) / stride;
        int64_t total = (o - 1) * stride + k - in;
        if (total < 0 || o == 0)
            total = 0;
        int32_t half = (int32_t)(total / 2);
        *begin = window->auto_pad == 1 ? half : (int32_t)(total - half);
        *end = (int32_t)(total - *begin);
    }
    int64_t room = in + *begin + *end - k;
    if (room < 0)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': window of %lld does not fit in %lld with padding", ctx->name,
                 (long long)k, (long long)(in + *begin + *end));
    *out = room / stride + 1;
    if (window->ceil_mode && window->auto_pad == 0) {
        *out = (room + stride - 1) / stride + 1;
        if ((*out - 1) * stride >= in + *begin)
            *out -= 1;
    }
    return NNC_OK;
}

nnc_status nnrt_window_resolve(nnrt_window_dims *out, const nnrt_node_ctx *ctx,
                               const nnrt_window *window, const nnrt_shape *x)
{
    if (x->rank != window->spatial + 2)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': input of rank %u, expected %u", ctx->name, x->rank,
                 window->spatial + 2);
    *out = (nnrt_window_dims){
        .n = x->dims[0],
        .h = window->spatial == 2 ? x->dims[1] : 1,
        .w = x->dims[x->rank - 2],
        .c = x->dims[x->rank - 1],
        .oh = 1,
        .r = (int32_t)window->kernel[0],
        .s = (int32_t)window->kernel[1],
        .sh = (int32_t)window->stride[0],
        .sw = (int32_t)window->stride[1],
        .dh = (int32_t)window->dilation[0],
        .dw = (int32_t)window->dilation[1],
    };
    if (window->spatial == 2)
        NNC_TRY(resolve_dim(ctx, window, 0, out->h, &out->top, &out->bottom, &out->oh));
    return resolve_dim(ctx, window, 1, out->w, &out->left, &out->right, &out->ow);
}

nnrt_window nnrt_window_whole(const nnrt_shape *x)
{
    nnrt_window w = {.spatial = x->rank - 2, .stride = {1, 1}, .dilation = {1, 1}};
    w.kernel[0] = x->rank == 4 ? (uint32_t)x->dims[1] : 1;
    w.kernel[1] = (uint32_t)x->dims[x->rank - 2];
    return w;
}

nnrt_shape nnrt_window_shape(const nnrt_window_dims *dims, const nnrt_window *window,
                             int64_t channels)
{
    if (window->spatial == 1)
        return (nnrt_shape){.rank = 3, .dims = {dims->n, dims->ow, channels}};
    return (nnrt_shape){.rank = 4, .dims = {dims->n, dims->oh, dims->ow, channels}};
}
