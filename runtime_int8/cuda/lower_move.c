/* Lowering of data movement. SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "runtime_int8/cuda/lower_util.h"
#include "runtime_int8/ops/strided.h"
#include "runtime_int8/ops/util.h"

#define UNIT_MAX 16u
#define TILE 32u /* of a transpose, in elements */

/* Kernels by the binary logarithm of their unit. */
static const nnrt_cuda_kernel copies[] = {NNRT_CUDA_K_copy_1, NNRT_CUDA_K_copy_2,
                                          NNRT_CUDA_K_copy_4, NNRT_CUDA_K_copy_8,
                                          NNRT_CUDA_K_copy_16};
static const nnrt_cuda_kernel transposes[] = {NNRT_CUDA_K_transpose_1, NNRT_CUDA_K_transpose_2,
                                              NNRT_CUDA_K_transpose_4, NNRT_CUDA_K_transpose_8};
static const nnrt_cuda_kernel pads[] = {NNRT_CUDA_K_pad_1, NNRT_CUDA_K_pad_2, NNRT_CUDA_K_pad_4,
                                        NNRT_CUDA_K_pad_8, NNRT_CUDA_K_pad_16};

static uint32_t log2_of(size_t n)
{
    uint32_t bits = 0;
    while (n >> bits > 1)
        bits++;
    return bits;
}

/* Lowers *unit to what `bytes` is a multiple of. */
static void divide_into(size_t *unit, size_t bytes)
{
    while (bytes % *unit != 0)
        *unit /= 2;
}

static size_t magnitude(ptrdiff_t n)
{
    return n < 0 ? (size_t)0 - (size_t)n : (size_t)n;
}

/* The largest unit of a copy whose rows are contiguous on both sides; else an element. */
static size_t copy_unit(const nnrt_strided *s, const void *y, const void *x)
{
    const uint32_t last = s->rank - 1;
    size_t unit = UNIT_MAX;
    if (s->xs[last] != 1 || s->ys[last] != 1)
        return s->size;
    divide_into(&unit, s->dims[last] * s->size);
    divide_into(&unit, (size_t)(uintptr_t)x);
    divide_into(&unit, (size_t)(uintptr_t)y);
    for (uint32_t i = 0; i < last; i++) {
        divide_into(&unit, magnitude(s->xs[i]) * s->size);
        divide_into(&unit, magnitude(s->ys[i]) * s->size);
    }
    return unit;
}

nnc_status nnrt_cuda_emit_copy(nnrt_cuda_lowering *low, nnrt_node_ctx *ctx, const char *op, void *y,
                               const void *x, const nnrt_strided *s)
{
    const size_t unit = copy_unit(s, y, x);
    const uint32_t last = s->rank - 1;
    const ptrdiff_t size = (ptrdiff_t)s->size, by = (ptrdiff_t)unit;
    const bool rows = s->xs[last] == 1 && s->ys[last] == 1;
    nnrt_cuda_copy_args args = {.y = y, .x = x, .rank = s->rank};
    size_t count = 1;
    for (uint32_t i = 0; i < s->rank; i++) {
        const size_t dim = rows && i == last ? s->dims[i] * s->size / unit : s->dims[i];
        uint32_t d;
        count *= dim;
        NNC_TRY(nnrt_cuda_fit(&d, ctx, op, "elements", dim));
        if (d == 0)
            return NNC_OK;
        args.dim[i] = nnrt_cuda_divider_make(d);
        args.xs[i] = rows && i == last ? 1 : s->xs[i] * size / by;
        args.ys[i] = rows && i == last ? 1 : s->ys[i] * size / by;
    }
    NNC_TRY(nnrt_cuda_fit(&args.count, ctx, op, "elements", count));
    return nnrt_cuda_emit_threads(low, ctx, copies[log2_of(unit)], count, &args, sizeof args);
}

static nnc_status lower_view(nnrt_cuda_lowering *low, nnrt_node_ctx *ctx, const char *op)
{
    const nnrt_strided_view *view = ctx->state;
    const void *x;
    if (nnrt_shape_count(&ctx->out[0].shape) == 0)
        return NNC_OK;
    NNC_TRY(nnrt_cuda_input(&x, low, 0));
    const uint8_t *from = (const uint8_t *)x + view->start * (ptrdiff_t)view->copy.size;
    return nnrt_cuda_emit_copy(low, ctx, op, nnrt_cuda_output(low, 0), from, &view->copy);
}

nnc_status nnrt_cuda_lower_slice(nnrt_cuda_lowering *low, nnrt_node_ctx *ctx)
{
    return lower_view(low, ctx, "slice");
}

nnc_status nnrt_cuda_lower_expand(nnrt_cuda_lowering *low, nnrt_node_ctx *ctx)
{
    return lower_view(low, ctx, "expand");
}

nnc_status nnrt_cuda_lower_tile(nnrt_cuda_lowering *low, nnrt_node_ctx *ctx)
{
    return lower_view(low, ctx, "tile");
}

/* Slabs of the output, each a piece of every input: a strided copy per input. */
nnc_status nnrt_cuda_lower_concat(nnrt_cuda_lowering *low, nnrt_node_ctx *ctx)
{
    const nnrt_axis_params *p = ctx->params;
    const nnrt_shape *shape = &ctx->out[0].shape;
    const size_t slabs = nnrt_shape_span(shape, 0, (uint32_t)p->axis);
    const size_t unit = nnrt_dtype_bytes(ctx->out[0].dtype) *
                        nnrt_shape_span(shape, (uint32_t)p->axis + 1, shape->rank);
    const size_t slab = unit * (size_t)shape->dims[p->axis];
    uint8_t *y = nnrt_cuda_output(low, 0);
    for (uint32_t i = 0; i < ctx->in_count; i++) {
        const size_t piece = unit * (size_t)ctx->in[i].shape.dims[p->axis];
        const void *x;
        if (piece == 0 || slabs == 0)
            continue;
        nnrt_strided s;
        nnrt_strided_init(&s, 1);
        nnrt_strided_dim(&s, slabs, (ptrdiff_t)piece, (ptrdiff_t)slab);
        nnrt_strided_dim(&s, piece, 1, 1);
        nnrt_strided_finish(&s);
        NNC_TRY(nnrt_cuda_input(&x, low, i));
        NNC_TRY(nnrt_cuda_emit_copy(low, ctx, "concat", y, x, &s));
        y += piece;
    }
    return NNC_OK;
}

/* Dims that stay neighbours are merged; the plane of the input's and the output's innermost dims is
 * transposed. */
static nnc_status emit_transpose(nnrt_cuda_lowering *low, nnrt_node_ctx *ctx, void *y,
                                 const void *x, const nnrt_strided *s)
{
    const uint32_t last = s->rank - 1;
    uint32_t inner = 0, unused;
    while (s->xs[inner] != 1)
        inner++;
    nnrt_cuda_transpose_args args = {
        .y = y, .x = x, .x_stride = (uint64_t)s->xs[last], .y_stride = (uint64_t)s->ys[inner]};
    size_t tiles = 1;
    NNC_TRY(nnrt_cuda_fit(&args.rows, ctx, "transpose", "rows", s->dims[last]));
    NNC_TRY(nnrt_cuda_fit(&args.cols, ctx, "transpose", "columns", s->dims[inner]));
    for (uint32_t i = 0; i < last; i++) {
        if (i == inner)
            continue;
        tiles *= s->dims[i];
        NNC_TRY(nnrt_cuda_fit(&unused, ctx, "transpose", "tiles", tiles));
        args.dim[args.rank] = nnrt_cuda_divider_make((uint32_t)s->dims[i]);
        args.xs[args.rank] = s->xs[i];
        args.ys[args.rank++] = s->ys[i];
    }
    const uint32_t col_tiles = (args.cols + TILE - 1) / TILE,
                   row_tiles = (args.rows + TILE - 1) / TILE;
    args.col_tiles = nnrt_cuda_divider_make(col_tiles);
    args.row_tiles = nnrt_cuda_divider_make(row_tiles);
    uint32_t blocks;
    NNC_TRY(nnrt_cuda_fit(&blocks, ctx, "transpose", "tiles", tiles * row_tiles));
    NNC_TRY(nnrt_cuda_fit(&blocks, ctx, "transpose", "tiles", (size_t)blocks * col_tiles));
    return nnrt_cuda_emit_blocks(low, ctx, transposes[log2_of(s->size)], blocks,
                                 (size_t)TILE * (TILE + 1) * s->size, &args, sizeof args);
}

nnc_status nnrt_cuda_lower_transpose(nnrt_cuda_lowering *low, nnrt_node_ctx *ctx)
{
    const nnrt_transpose_params *p = ctx->params;
    const nnrt_shape *x = &ctx->in[0].shape;
    ptrdiff_t stride[NNRT_RANK_MAX], step = 1, ys = (ptrdiff_t)nnrt_shape_count(x);
    const void *from;
    if (nnrt_shape_count(x) == 0)
        return NNC_OK;
    for (uint32_t i = p->rank; i-- > 0;) {
        stride[i] = step;
        step *= (ptrdiff_t)x->dims[i];
    }
    nnrt_strided s;
    nnrt_strided_init(&s, nnrt_dtype_bytes(ctx->in[0].dtype));
    for (uint32_t i = 0; i < p->rank; i++) {
        const int64_t dim = x->dims[p->perm[i]];
        ys /= (ptrdiff_t)dim;
        nnrt_strided_dim(&s, (size_t)dim, stride[p->perm[i]], ys);
    }
    nnrt_strided_finish(&s);
    NNC_TRY(nnrt_cuda_input(&from, low, 0));
    void *y = nnrt_cuda_output(low, 0);
    if (s.xs[s.rank - 1] == 1)
        return nnrt_cuda_emit_copy(low, ctx, "transpose", y, from, &s);
    return emit_transpose(low, ctx, y, from, &s);
}

/* One dim of a padded tensor, in elements: y's size, x's size, leading padding, x's stride. */
typedef struct pad_dim {
    int64_t y, n, begin, stride;
} pad_dim;

static bool untouched(const pad_dim *d)
{
    return d->begin == 0 && d->y == d->n;
}

/* Merged dims, outermost first. With a constant, an untouched dim merges into the one outside of
 * it. */
static uint32_t pad_dims(pad_dim dims[NNRT_RANK_MAX], const nnrt_node_ctx *ctx)
{
    const nnrt_pad_params *p = ctx->params;
    const nnrt_shape *x = &ctx->in[0].shape, *y = &ctx->out[0].shape;
    const int64_t *amounts = ctx->in[1].data;
    uint32_t rank = 0;
    for (uint32_t i = 0; i < x->rank; i++) {
        const pad_dim d = {y->dims[i], x->dims[i], amounts[i],
                           (int64_t)nnrt_shape_span(x, i + 1, x->rank)};
        if (rank > 0 && untouched(&d) && (p->mode == 0 || untouched(&dims[rank - 1]))) {
            pad_dim *outer = &dims[rank - 1];
            *outer = (pad_dim){outer->y * d.y, outer->n * d.n, outer->begin * d.y, d.stride};
        } else {
            dims[rank++] = d;
        }
    }
    return rank;
}

static size_t pad_unit(const pad_dim *inner, uint32_t mode, size_t size, const void *x,
                       const void *y)
{
    size_t unit = UNIT_MAX;
    if (mode != 0 && !untouched(inner))
        return size;
    divide_into(&unit, (size_t)inner->y * size);
    divide_into(&unit, (size_t)inner->n * size);
    divide_into(&unit, magnitude((ptrdiff_t)inner->begin) * size);
    divide_into(&unit, (size_t)(uintptr_t)x);
    divide_into(&unit, (size_t)(uintptr_t)y);
    return unit;
}

nnc_status nnrt_cuda_lower_pad(nnrt_cuda_lowering *low, nnrt_node_ctx *ctx)
{
    const nnrt_pad_params *p = ctx->params;
    const size_t size = nnrt_dtype_bytes(ctx->in[0].dtype);
    pad_dim dims[NNRT_RANK_MAX];
    if (nnrt_shape_count(&ctx->out[0].shape) == 0)
        return NNC_OK;
    nnrt_cuda_pad_args args = {.y = nnrt_cuda_output(low, 0),
                               .bits = nnrt_value_bits(ctx->in[0].dtype, p->value),
                               .rank = pad_dims(dims, ctx),
                               .mode = p->mode,
                               .element = (uint32_t)size};
    NNC_TRY(nnrt_cuda_input(&args.x, low, 0));
    if (ctx->in_count > 2)
        NNC_TRY(nnrt_cuda_input(&args.value, low, 2));
    size_t unit = size;
    if (args.rank > 0)
        unit = pad_unit(&dims[args.rank - 1], p->mode, size, args.x, args.y);
    const int64_t by = (int64_t)(unit / size);
    for (uint32_t i = 0; i < args.rank; i++) {
        const int64_t part = i + 1 == args.rank ? by : 1;
        uint32_t y, n, begin;
        NNC_TRY(nnrt_cuda_fit(&y, ctx, "pad", "elements", (size_t)(dims[i].y / part)));
        NNC_TRY(nnrt_cuda_fit(&n, ctx, "pad", "elements", (size_t)(dims[i].n / part)));
        NNC_TRY(nnrt_cuda_fit(&begin, ctx, "pad", "elements of padding",
                              magnitude((ptrdiff_t)(dims[i].begin / part))));
        args.dim[i] = nnrt_cuda_divider_make(y);
        args.n[i] = (int32_t)n;
        args.begin[i] = (int32_t)(dims[i].begin / part);
        args.xs[i] = i + 1 == args.rank ? 1 : dims[i].stride / by;
    }
    const size_t count = nnrt_shape_count(&ctx->out[0].shape) * size / unit;
    NNC_TRY(nnrt_cuda_fit(&args.count, ctx, "pad", "elements", count));
    return nnrt_cuda_emit_threads(low, ctx, pads[log2_of(unit)], count, &args, sizeof args);
}
