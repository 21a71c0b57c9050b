/* Reshape, Flatten, Squeeze, Unsqueeze: other dims, same bytes. SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>

#include "ops/op_util.h"

/* Elements of a shape as a product of its numbers and a sorted list of its symbols: enough to
 * divide two shapes. */
typedef struct product {
    int64_t number;
    int64_t symbols[NNC_RANK_MAX];
    uint32_t count;
    bool overflow;
} product;

static product product_of(const int64_t *dims, uint32_t rank, int skip)
{
    product p = {.number = 1};
    for (uint32_t d = 0; d < rank; d++) {
        if ((int)d == skip) {
            continue;
        }
        if (dims[d] >= 0) {
            p.overflow |= !nnc_i64_mul(&p.number, p.number, dims[d]);
            continue;
        }
        uint32_t at = p.count++;
        while (at > 0 && p.symbols[at - 1] > dims[d]) {
            p.symbols[at] = p.symbols[at - 1];
            at--;
        }
        p.symbols[at] = dims[d];
    }
    return p;
}

/* a / b as one dim: a number, a symbol, or 0 when it is something else. */
static bool divide(int64_t *out, const product *a, const product *b)
{
    int64_t left = 0;
    uint32_t extra = 0, j = 0;
    for (uint32_t i = 0; i < a->count; i++) {
        if (j < b->count && a->symbols[i] == b->symbols[j]) {
            j++;
        } else {
            left = a->symbols[i];
            extra++;
        }
    }
    if (j != b->count || extra > 1 || a->overflow || b->overflow || b->number == 0 ||
        a->number % b->number != 0) {
        return false;
    }
    int64_t number = a->number / b->number;
    if (extra == 1 && number != 1) {
        return false;
    }
    *out = extra == 1 ? left : number;
    return true;
}

static nnc_status check_counts(nnc_infer_ctx *ctx, const nnc_shape *x, const nnc_shape *y)
{
    product a = product_of(x->dims, x->rank, -1), b = product_of(y->dims, y->rank, -1);
    if (a.count == 0 && b.count == 0 && (a.overflow || b.overflow || a.number != b.number)) {
        char sx[256], sy[256];
        return nnc_infer_fail(ctx, "%s cannot become %s", nnc_shape_format(sx, sizeof sx, x),
                              nnc_shape_format(sy, sizeof sy, y));
    }
    return NNC_OK;
}

/* -1: what is left of the input's elements. */
static nnc_status fill_rest(nnc_infer_ctx *ctx, nnc_shape *y, int rest)
{
    const nnc_value *x = nnc_infer_shaped(ctx, 0);
    if (!x) {
        y->dims[rest] = nnc_infer_fresh_dim(ctx);
        return NNC_OK;
    }
    product a = product_of(x->shape.dims, x->shape.rank, -1);
    product b = product_of(y->dims, y->rank, rest);
    int64_t dim;
    if (divide(&dim, &a, &b)) {
        y->dims[rest] = dim;
    } else if (a.count == 0 && b.count == 0) {
        char sx[256];
        return nnc_infer_fail(
            ctx, "%s has no whole number of elements left for dim %d: %" PRId64 " by %" PRId64,
            nnc_shape_format(sx, sizeof sx, &x->shape), rest, a.number, b.number);
    } else {
        y->dims[rest] = nnc_infer_fresh_dim(ctx);
    }
    return NNC_OK;
}

static const nnc_attr_schema reshape_attrs[] = {NNC_A_BOOL("allowzero")};

static nnc_status reshape_infer(nnc_infer_ctx *ctx)
{
    const nnc_value *x = nnc_infer_shaped(ctx, 0), *s = nnc_infer_shaped(ctx, 1);
    nnc_dtype dtype = nnc_infer_dtype(ctx, 0);
    bool allow_zero = nnc_node_int(nnc_infer_node(ctx), "allowzero", 0) != 0;
    nnc_ints want;
    NNC_TRY(nnc_infer_check_vector(ctx, 1, -1, "shape"));
    if (s && s->shape.dims[0] > NNC_RANK_MAX) {
        return nnc_infer_fail(ctx, "shape has %" PRId64 " elements, at most %d fit",
                              s->shape.dims[0], NNC_RANK_MAX);
    }
    if (!nnc_infer_known(ctx, 1, &want) || want.count > NNC_RANK_MAX) {
        int rank = s && s->shape.dims[0] >= 0 ? (int)s->shape.dims[0] : -1;
        return nnc_infer_output_unknown(ctx, 0, dtype, rank);
    }
    nnc_shape y = {.rank = (uint32_t)want.count};
    int rest = -1;
    for (uint32_t d = 0; d < y.rank; d++) {
        y.dims[d] = want.data[d];
        if (want.symbolic[d]) {
            continue;
        }
        if (want.data[d] == 0 && !allow_zero) {
            if (x && d >= x->shape.rank) {
                return nnc_infer_fail(ctx, "dim %u copies from an input of %u dims", (unsigned)d,
                                      (unsigned)x->shape.rank);
            }
            y.dims[d] = x ? x->shape.dims[d] : nnc_infer_fresh_dim(ctx);
        } else if (want.data[d] < -1 || (want.data[d] == -1 && rest >= 0)) {
            return nnc_infer_fail(ctx,
                                  want.data[d] == -1 ? "two dims are -1 (the second is dim %u)"
                                                     : "dim %u is negative",
                                  (unsigned)d);
        } else if (want.data[d] == -1) {
            rest = (int)d;
        }
    }
    if (rest >= 0) {
        NNC_TRY(fill_rest(ctx, &y, rest));
    } else if (x) {
        NNC_TRY(check_counts(ctx, &x->shape, &y));
    }
    NNC_TRY(nnc_infer_output(ctx, 0, dtype, &y));
    return y.rank <= 1 ? nnc_infer_int_copy(ctx) : NNC_OK;
}

/* Dims in front keep their place as long as they are equal; where a run of dims merges into one (or
 * one splits), the first dim of the run with more than one element is linked in blocks. */
static nnc_status reshape_dims(nnc_dim_links *links, const nnc_graph *graph, nnc_node_id node)
{
    const nnc_value *x = nnc_node_in(graph, node, 0), *y = nnc_node_out(graph, node, 0);
    if (!x->has_shape || !y || !y->has_shape) {
        return NNC_OK;
    }
    uint32_t i = 0, o = 0;
    while (i < x->shape.rank && o < y->shape.rank) {
        int64_t a = x->shape.dims[i], b = y->shape.dims[o];
        if (a == b) {
            NNC_TRY(nnc_dims_link(links, 0, i++, 0, o++));
            continue;
        }
        if (a <= 0 || b <= 0) {
            return NNC_OK;
        }
        uint32_t first_i = i++, first_o = o++;
        int64_t lead_a = a, lead_b = b;
        while (a != b) {
            if (a < b && i < x->shape.rank && x->shape.dims[i] > 0) {
                a *= x->shape.dims[i++];
            } else if (b < a && o < y->shape.rank && y->shape.dims[o] > 0) {
                b *= y->shape.dims[o++];
            } else {
                return NNC_OK;
            }
        }
        int64_t wide = lead_a > lead_b ? lead_a : lead_b, slim = lead_a > lead_b ? lead_b : lead_a;
        if (wide % slim == 0) {
            NNC_TRY(nnc_dim_links_add(links, (nnc_dim_link){0, first_i, 0, (int32_t)first_o, -1, -1,
                                                            NNC_DIM_LINK_BLOCK, wide / slim}));
        }
    }
    return NNC_OK;
}

static nnc_status reshape_lower(nnc_lower_ctx *ctx)
{
    nnc_form form = nnc_lower_moving_form(ctx, 0, false);
    nnrt_reshape_params params = {.allow_zero =
                                      nnc_node_int(nnc_lower_node(ctx), "allowzero", 0) != 0};
    uint32_t shape;
    NNC_TRY(nnc_lower_input(&shape, ctx, 1, NNC_FORM_LOGICAL));
    return nnc_lower_move(ctx, NNRT_ROP_ID_RESHAPE, &params, sizeof params, &shape, 1, form, form);
}

#define RESHAPE_OP(id, inputs_min, inputs_max, ...)                                                \
    const nnc_op nnc_op_##id = {                                                                   \
        .domain = "",                                                                              \
        .name = #id,                                                                               \
        .min_in = inputs_min,                                                                      \
        .max_in = inputs_max,                                                                      \
        .min_out = 1,                                                                              \
        .max_out = 1,                                                                              \
        __VA_ARGS__,                                                                               \
        .grad = NNC_NO_GRAD,                                                                       \
        .cost = NNC_NO_COST,                                                                       \
        .dims = reshape_dims,                                                                      \
        .layout = NNC_LAYOUT_LOGICAL,                                                              \
        .quant = NNC_QUANT_PRESERVE,                                                               \
    }

RESHAPE_OP(Reshape, 2, 2, NNC_ATTRS(reshape_attrs), .infer = reshape_infer, .lower = reshape_lower);

/* ---- Flatten ---- */

static const nnc_attr_schema flatten_attrs[] = {NNC_A_AXIS("axis")};

static nnc_status flatten_infer(nnc_infer_ctx *ctx)
{
    const nnc_value *x = nnc_infer_input(ctx, 0);
    if (!x->has_shape) {
        return nnc_infer_output_unknown(ctx, 0, x->dtype, 2);
    }
    int64_t rank = x->shape.rank, axis = nnc_node_int(nnc_infer_node(ctx), "axis", 1);
    if (axis < -rank || axis > rank) {
        return nnc_infer_fail(ctx, "axis %" PRId64 " is out of range for rank %" PRId64, axis,
                              rank);
    }
    axis = axis < 0 ? axis + rank : axis;
    product none = {.number = 1};
    product head = product_of(x->shape.dims, (uint32_t)axis, -1);
    product tail = product_of(x->shape.dims + axis, (uint32_t)(rank - axis), -1);
    nnc_shape y = {.rank = 2};
    if (!divide(&y.dims[0], &head, &none)) {
        y.dims[0] = nnc_infer_fresh_dim(ctx);
    }
    if (!divide(&y.dims[1], &tail, &none)) {
        y.dims[1] = nnc_infer_fresh_dim(ctx);
    }
    return nnc_infer_output(ctx, 0, x->dtype, &y);
}

static nnc_status flatten_lower(nnc_lower_ctx *ctx)
{
    nnrt_axis_params params;
    nnc_form form = nnc_lower_moving_form(ctx, 0, false);
    NNC_TRY(nnc_lower_input_axis(&params.axis, ctx, nnc_node_int(nnc_lower_node(ctx), "axis", 1),
                                 false));
    return nnc_lower_move(ctx, NNRT_ROP_ID_FLATTEN, &params, sizeof params, NULL, 0, form, form);
}
RESHAPE_OP(Flatten, 1, 1, NNC_ATTRS(flatten_attrs), .infer = flatten_infer, .lower = flatten_lower);

/* ---- Squeeze, Unsqueeze ---- */

/* Rank of the input and as many dims more, or fewer, as there are axes; -1 if unknown. */
static int other_rank(const nnc_infer_ctx *ctx, int sign)
{
    const nnc_value *x = nnc_infer_shaped(ctx, 0), *axes = nnc_infer_shaped(ctx, 1);
    if (!x || !axes || axes->shape.rank > 1 || (axes->shape.rank == 1 && axes->shape.dims[0] < 0)) {
        return -1;
    }
    int64_t n = axes->shape.rank == 0 ? 1 : axes->shape.dims[0];
    n = n > NNC_RANK_MAX ? -1 : (int64_t)x->shape.rank + sign * n;
    return n < 0 || n > NNC_RANK_MAX ? -1 : (int)n;
}

static nnc_status squeeze_infer(nnc_infer_ctx *ctx)
{
    const nnc_value *x = nnc_infer_input(ctx, 0);
    int64_t axes[NNC_RANK_MAX];
    size_t count = 0;
    bool given = nnc_infer_input(ctx, 1) != NULL;
    bool known = !given || nnc_infer_static_ints(ctx, 1, axes, NNC_RANK_MAX, &count);
    if (!x->has_shape || !known || (!given && !nnc_shape_is_static(&x->shape))) {
        return nnc_infer_output_unknown(ctx, 0, x->dtype, given ? other_rank(ctx, -1) : -1);
    }
    uint32_t mask;
    NNC_TRY(nnc_infer_axes_mask(ctx, &mask, axes, count, x->shape.rank));
    nnc_shape y = {.rank = 0};
    for (uint32_t d = 0; d < x->shape.rank; d++) {
        bool drop = given ? (mask & (1u << d)) != 0 : x->shape.dims[d] == 1;
        if (drop && x->shape.dims[d] >= 0 && x->shape.dims[d] != 1) {
            return nnc_infer_fail(ctx, "dim %u is %" PRId64 ", expected 1", (unsigned)d,
                                  x->shape.dims[d]);
        }
        if (!drop) {
            y.dims[y.rank++] = x->shape.dims[d];
        }
    }
    NNC_TRY(nnc_infer_output(ctx, 0, x->dtype, &y));
    return nnc_infer_int_copy(ctx);
}

static nnc_status unsqueeze_infer(nnc_infer_ctx *ctx)
{
    const nnc_value *x = nnc_infer_input(ctx, 0);
    int64_t axes[NNC_RANK_MAX];
    size_t count = 0;
    if (!x->has_shape || !nnc_infer_static_ints(ctx, 1, axes, NNC_RANK_MAX, &count)) {
        return nnc_infer_output_unknown(ctx, 0, x->dtype, other_rank(ctx, 1));
    }
    uint32_t mask, from = 0;
    nnc_shape y = {.rank = x->shape.rank + (uint32_t)count};
    if (y.rank > NNC_RANK_MAX) {
        return nnc_infer_fail(ctx, "output has %u dims, at most %d fit", (unsigned)y.rank,
                              NNC_RANK_MAX);
    }
    NNC_TRY(nnc_infer_axes_mask(ctx, &mask, axes, count, y.rank));
    for (uint32_t d = 0; d < y.rank; d++) {
        y.dims[d] = mask & (1u << d) ? 1 : x->shape.dims[from++];
    }
    NNC_TRY(nnc_infer_output(ctx, 0, x->dtype, &y));
    return nnc_infer_int_copy(ctx);
}

static nnc_status axes_lower(nnc_lower_ctx *ctx)
{
    const nnc_value *x = nnc_lower_in_value(ctx, 0);
    bool squeeze = nnc_node_is(nnc_lower_node(ctx), "Squeeze");
    int64_t axes[NNC_RANK_MAX];
    size_t count = 0;
    bool given = nnc_lower_in_value(ctx, 1) != NULL;
    if (given && (!x->has_shape || !nnc_lower_static_ints(ctx, 1, axes, NNC_RANK_MAX, &count))) {
        nnc_form moving = nnc_lower_moving_form(ctx, 0, false);
        uint32_t list;
        NNC_TRY(nnc_lower_input_as(&list, ctx, 1, NNRT_I64));
        return nnc_lower_move(ctx, squeeze ? NNRT_ROP_ID_SQUEEZE_AXES : NNRT_ROP_ID_UNSQUEEZE_AXES,
                              NULL, 0, &list, 1, moving, moving);
    }
    uint32_t rank = squeeze ? x->shape.rank : x->shape.rank + (uint32_t)count;
    nnrt_axes_params params = {.mask = 0};
    for (size_t i = 0; i < count; i++) {
        params.mask |= 1u << nnc_lower_axis(axes[i], rank, false);
    }
    if (count == 0 && (given || !squeeze)) {
        return nnc_lower_alias(ctx);
    }
    nnc_form form = nnc_lower_moving_form(ctx, 0, false);
    return nnc_lower_move(ctx, squeeze ? NNRT_ROP_ID_SQUEEZE : NNRT_ROP_ID_UNSQUEEZE, &params,
                          sizeof params, NULL, 0, form, form);
}
RESHAPE_OP(Squeeze, 1, 2, NNC_NO_ATTRS, .infer = squeeze_infer, .lower = axes_lower);
RESHAPE_OP(Unsqueeze, 2, 2, NNC_NO_ATTRS, .infer = unsqueeze_infer, .lower = axes_lower);
