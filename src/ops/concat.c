/* Concat and Split along one axis. SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "ops/op_util.h"
#include "tensor/requant.h"

/* ---- Concat ---- */

static const nnc_attr_schema concat_attrs[] = {
    NNC_A_INT_REQUIRED("axis", -NNC_RANK_MAX, NNC_RANK_MAX)};

static nnc_status concat_known(nnc_infer_ctx *ctx)
{
    nnc_ints part, all = {.count = 0};
    for (uint32_t i = 0; i < nnc_infer_input_count(ctx); i++) {
        if (!nnc_infer_known(ctx, i, &part) || all.count + part.count > NNC_KNOWN_MAX) {
            return NNC_OK;
        }
        memcpy(all.data + all.count, part.data, part.count * sizeof part.data[0]);
        memcpy(all.symbolic + all.count, part.symbolic, part.count * sizeof part.symbolic[0]);
        all.count += part.count;
    }
    return nnc_infer_set_known(ctx, 0, &all);
}

static nnc_status concat_infer(nnc_infer_ctx *ctx)
{
    const nnc_value *first = nnc_infer_input(ctx, 0);
    NNC_TRY(nnc_infer_same_dtype(ctx, 0));
    for (uint32_t i = 0; i < nnc_infer_input_count(ctx); i++) {
        const nnc_value *v = nnc_infer_input(ctx, i);
        if (!v) {
            return nnc_infer_fail(ctx, "input %u is missing", (unsigned)i);
        }
        if (!v->has_shape) {
            return nnc_infer_output_unknown(ctx, 0, first->dtype,
                                            first->has_shape ? (int)first->shape.rank : -1);
        }
    }
    uint32_t axis;
    nnc_shape y = first->shape;
    int64_t sum = 0;
    bool known = true;
    NNC_TRY(nnc_infer_axis(ctx, &axis, nnc_node_int(nnc_infer_node(ctx), "axis", 0), y.rank));
    for (uint32_t i = 0; i < nnc_infer_input_count(ctx); i++) {
        const nnc_value *v = nnc_infer_input(ctx, i);
        if (v->shape.rank != y.rank) {
            return nnc_infer_fail(ctx, "input '%s' has %u dims, the first has %u", v->name,
                                  (unsigned)v->shape.rank, (unsigned)y.rank);
        }
        known &= v->shape.dims[axis] >= 0;
        if (known && !nnc_i64_add(&sum, sum, v->shape.dims[axis])) {
            return nnc_infer_fail(ctx, "the concatenated dim is too large");
        }
        for (uint32_t d = 0; d < y.rank; d++) {
            if (d != axis && nnc_infer_merge_dim(ctx, &y.dims[d], v->shape.dims[d], "a dim")) {
                char sa[256], sb[256];
                return nnc_infer_fail(ctx, "inputs of shape %s and %s differ beside axis %u",
                                      nnc_shape_format(sa, sizeof sa, &first->shape),
                                      nnc_shape_format(sb, sizeof sb, &v->shape), (unsigned)axis);
            }
        }
    }
    if (known) {
        y.dims[axis] = sum;
    } else if (nnc_infer_input_count(ctx) > 1) {
        y.dims[axis] = nnc_infer_fresh_dim(ctx);
    }
    NNC_TRY(nnc_infer_output(ctx, 0, first->dtype, &y));
    return y.rank == 1 ? concat_known(ctx) : NNC_OK;
}

static nnc_status concat_dims(nnc_dim_links *links, const nnc_graph *graph, nnc_node_id node)
{
    const nnc_node *n = nnc_graph_node_const(graph, node);
    int64_t axis = nnc_node_int(n, "axis", 0), at = 0;
    for (uint32_t i = 0; i < n->input_count; i++) {
        const nnc_value *v = nnc_node_in(graph, node, i);
        if (!v || !v->has_shape) {
            return NNC_OK;
        }
        uint32_t a = (uint32_t)(axis < 0 ? axis + v->shape.rank : axis);
        for (uint32_t d = 0; d < v->shape.rank; d++) {
            if (d != a) {
                NNC_TRY(nnc_dims_link(links, i, d, 0, d));
            } else if (at >= 0) {
                NNC_TRY(nnc_dim_links_add(
                    links, (nnc_dim_link){i, d, 0, (int32_t)d, -1, -1, NNC_DIM_LINK_OFFSET, at}));
            }
        }
        /* After a symbolic length the offsets are not numbers any more. */
        at = at < 0 || v->shape.dims[a] < 0 ? -1 : at + v->shape.dims[a];
    }
    return NNC_OK;
}

/* u8 form of a grid: signed ones are stored +128. */
typedef struct byte_grid {
    float scale;
    int32_t zero, lo, hi;
} byte_grid;

static byte_grid byte_grid_of(const nnc_qparams *q)
{
    bool is_signed = nnc_dtype_class_of((int)q->dtype) == NNC_DTYPE_CLASS_SINT;
    int32_t shift = is_signed ? 128 : 0;
    byte_grid g = {q->scale[0], q->zero_point[0] + shift, q->qmin + shift, q->qmax + shift};
    return g;
}

/* Exactly dequantize, then quantize, for each of the 256 integers. */
static void requant_table(uint8_t table[256], const nnc_qparams *from, const nnc_qparams *to)
{
    byte_grid a = byte_grid_of(from), b = byte_grid_of(to);
    for (int32_t q = 0; q < 256; q++) {
        float x = (float)(q - a.zero) * a.scale;
        table[q] = (uint8_t)nnc_quantize(x, b.scale, (float)(b.lo - b.zero), (float)(b.hi - b.zero),
                                         b.zero);
    }
}

/* Input i as integers of the output's grid. */
static nnc_status requantized_input(uint32_t *out, nnc_lower_ctx *ctx, uint32_t i, nnc_form form)
{
    const nnc_qparams *from = nnc_lower_in_value(ctx, i)->qparams;
    const nnc_qparams *to = nnc_lower_out_value(ctx, 0)->qparams;
    if (nnc_qparams_equal(from, to)) {
        return nnc_lower_input(out, ctx, i, form);
    }
    const int64_t dim = 256;
    uint8_t table[256];
    uint32_t in[2];
    requant_table(table, from, to);
    NNC_TRY(nnc_lower_input(&in[0], ctx, i, form));
    NNC_TRY(nnc_lower_const(&in[1], ctx, NNRT_U8, 1, &dim, table, sizeof table));
    NNC_TRY(nnc_lower_temp(out, ctx, NNRT_U8, nnc_lower_in_value(ctx, i)->shape.rank));
    return nnc_lower_emit(ctx, NNRT_ROP_ID_LUT_U8, NULL, 0, in, 2, out, 1);
}

static nnc_status concat_emit(nnc_lower_ctx *ctx, uint32_t *ids)
{
    const nnc_node *node = nnc_lower_node(ctx);
    const nnc_value *y = nnc_lower_out_value(ctx, 0);
    bool nhwc = y->has_shape && nnc_rank_has_nhwc(y->shape.rank) && nnc_lower_prefer_nhwc(ctx);
    bool integers = nnc_on_byte_grid(y);
    for (uint32_t i = 0; i < node->input_count; i++) {
        integers &= nnc_on_byte_grid(nnc_lower_in_value(ctx, i));
    }
    nnc_form form = integers ? (nhwc ? NNC_FORM_Q8_NHWC : NNC_FORM_Q8)
                             : (nhwc ? NNC_FORM_NHWC : NNC_FORM_LOGICAL);
    for (uint32_t i = 0; i < node->input_count; i++) {
        NNC_TRY(integers ? requantized_input(&ids[i], ctx, i, form)
                         : nnc_lower_input(&ids[i], ctx, i, form));
    }
    nnrt_axis_params params = {
        .axis = nnc_lower_axis(nnc_node_int(node, "axis", 0), y->shape.rank, nhwc)};
    uint32_t out;
    NNC_TRY(nnc_lower_output(&out, ctx, 0, form));
    return nnc_lower_emit(ctx, NNRT_ROP_ID_CONCAT, &params, sizeof params, ids, node->input_count,
                          &out, 1);
}

static nnc_status concat_lower(nnc_lower_ctx *ctx)
{
    if (!nnc_lower_out_value(ctx, 0)->has_shape &&
        nnc_node_int(nnc_lower_node(ctx), "axis", 0) < 0) {
        return nnc_lower_fail(ctx, "an axis from the end of an unknown rank");
    }
    uint32_t *ids = nnc_calloc(nnc_lower_node(ctx)->input_count, sizeof *ids);
    nnc_status status = ids ? concat_emit(ctx, ids) : NNC_ERR_LIMIT;
    nnc_free(ids);
    return status;
}

const nnc_op nnc_op_Concat = {
    .domain = "",
    .name = "Concat",
    .min_in = 1,
    .max_in = NNC_VARIADIC,
    .min_out = 1,
    .max_out = 1,
    NNC_ATTRS(concat_attrs),
    .infer = concat_infer,
    .lower = concat_lower,
    .grad = NNC_NO_GRAD,
    .cost = NNC_NO_COST,
    .dims = concat_dims,
    .layout = NNC_LAYOUT_AXIS,
    .quant = NNC_QUANT_PRESERVE,
};

/* ---- Split ---- */

static const nnc_attr_schema split_attrs[] = {
    NNC_A_AXIS("axis"),
    NNC_A_INT("num_outputs", 1, NNC_DIM_LIMIT),
};

/* Lengths of the parts: the second input, or equal parts (the last one shorter). False: not known.
 */
static bool split_sizes(int64_t *sizes, uint32_t count, const int64_t *given, size_t given_count,
                        int64_t dim)
{
    if (given) {
        memcpy(sizes, given, count * sizeof *sizes);
        return given_count == count;
    }
    if (dim < 0) {
        return false;
    }
    int64_t part = (dim + count - 1) / count;
    for (uint32_t i = 0; i < count; i++) {
        int64_t left = dim - part * i;
        sizes[i] = left < 0 ? 0 : left < part ? left : part;
    }
    return true;
}

static nnc_status split_known(nnc_infer_ctx *ctx, const int64_t *sizes, uint32_t count)
{
    nnc_ints all, part;
    size_t at = 0;
    if (!nnc_infer_known(ctx, 0, &all)) {
        return NNC_OK;
    }
    for (uint32_t i = 0; i < count && at + (size_t)sizes[i] <= all.count; i++) {
        part.count = (size_t)sizes[i];
        memcpy(part.data, all.data + at, part.count * sizeof part.data[0]);
        memcpy(part.symbolic, all.symbolic + at, part.count * sizeof part.symbolic[0]);
        NNC_TRY(nnc_infer_set_known(ctx, i, &part));
        at += part.count;
    }
    return NNC_OK;
}

static nnc_status split_unknown(nnc_infer_ctx *ctx, const nnc_value *x, uint32_t axis)
{
    for (uint32_t i = 0; i < nnc_infer_node(ctx)->output_count; i++) {
        nnc_shape y = x->shape;
        if (x->has_shape) {
            y.dims[axis] = nnc_infer_fresh_dim(ctx);
            NNC_TRY(nnc_infer_output(ctx, i, x->dtype, &y));
        } else {
            NNC_TRY(nnc_infer_output_unknown(ctx, i, x->dtype, -1));
        }
    }
    return NNC_OK;
}

static nnc_status split_outputs(nnc_infer_ctx *ctx, uint32_t axis, const int64_t *sizes)
{
    const nnc_shape x = nnc_infer_input(ctx, 0)->shape;
    nnc_dtype dtype = nnc_infer_dtype(ctx, 0);
    uint32_t count = nnc_infer_node(ctx)->output_count;
    int64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        nnc_shape y = x;
        y.dims[axis] = sizes[i];
        if (sizes[i] < 0 || !nnc_i64_add(&sum, sum, sizes[i])) {
            return nnc_infer_fail(ctx, "split[%u] is %" PRId64, (unsigned)i, sizes[i]);
        }
        NNC_TRY(nnc_infer_output(ctx, i, dtype, &y));
    }
    if (x.dims[axis] >= 0 && sum != x.dims[axis]) {
        return nnc_infer_fail(ctx, "split sums to %" PRId64 ", dim %u has %" PRId64, sum,
                              (unsigned)axis, x.dims[axis]);
    }
    return x.rank == 1 ? split_known(ctx, sizes, count) : NNC_OK;
}

static nnc_status split_infer(nnc_infer_ctx *ctx)
{
    const nnc_node *node = nnc_infer_node(ctx);
    const nnc_value *x = nnc_infer_input(ctx, 0);
    uint32_t count = node->output_count, axis = 0;
    int64_t parts = nnc_node_int(node, "num_outputs", count);
    int64_t given[NNC_KNOWN_MAX], sizes[NNC_KNOWN_MAX];
    size_t given_count = 0;
    bool has = nnc_infer_input(ctx, 1) != NULL;
    if (parts != (int64_t)count) {
        return nnc_infer_fail(ctx, "num_outputs is %" PRId64 ", the node has %u outputs", parts,
                              (unsigned)count);
    }
    if (x->has_shape) {
        NNC_TRY(nnc_infer_axis(ctx, &axis, nnc_node_int(node, "axis", 0), x->shape.rank));
    }
    bool known = !has || nnc_infer_static_ints(ctx, 1, given, NNC_KNOWN_MAX, &given_count);
    if (has && known && given_count != count) {
        return nnc_infer_fail(ctx, "split has %zu elements, the node has %u outputs", given_count,
                              (unsigned)count);
    }
    if (!x->has_shape || !known || count > NNC_KNOWN_MAX ||
        !split_sizes(sizes, count, has ? given : NULL, given_count, x->shape.dims[axis])) {
        return split_unknown(ctx, x, axis);
    }
    return split_outputs(ctx, axis, sizes);
}

static nnc_status split_dims(nnc_dim_links *links, const nnc_graph *graph, nnc_node_id node)
{
    const nnc_node *n = nnc_graph_node_const(graph, node);
    const nnc_value *x = nnc_node_in(graph, node, 0);
    int64_t axis = nnc_node_int(n, "axis", 0), at = 0;
    if (!x->has_shape) {
        return NNC_OK;
    }
    uint32_t a = (uint32_t)(axis < 0 ? axis + x->shape.rank : axis);
    for (uint32_t i = 0; i < n->output_count; i++) {
        const nnc_value *y = nnc_node_out(graph, node, i);
        for (uint32_t d = 0; d < x->shape.rank; d++) {
            if (d != a) {
                NNC_TRY(nnc_dims_link(links, 0, d, i, d));
            } else if (at >= 0) {
                /* Output index o is input index o - arg: the offset of the input within the output
                 * is negative. */
                NNC_TRY(nnc_dim_links_add(links, (nnc_dim_link){0, d, (int32_t)i, (int32_t)d, -1,
                                                                -1, NNC_DIM_LINK_OFFSET, -at}));
            }
        }
        at = at < 0 || !y || !y->has_shape || y->shape.dims[a] < 0 ? -1 : at + y->shape.dims[a];
    }
    return NNC_OK;
}

/* Lengths or a dim that are computed at run time. */
static nnc_status split_dynamic(nnc_lower_ctx *ctx)
{
    const nnc_node *node = nnc_lower_node(ctx);
    const nnc_value *x = nnc_lower_in_value(ctx, 0);
    bool nhwc = x->has_shape && nnc_rank_has_nhwc(x->shape.rank) && !nnc_lower_in_value(ctx, 1) &&
                nnc_lower_prefer_nhwc(ctx);
    nnc_form form = nnc_lower_moving_form(ctx, 0, nhwc);
    nnrt_split_part_params params = {.count = node->output_count};
    uint32_t in[2], count = 1, out;
    NNC_TRY(nnc_lower_input_axis(&params.axis, ctx, nnc_node_int(node, "axis", 0), nhwc));
    NNC_TRY(nnc_lower_input(&in[0], ctx, 0, form));
    if (nnc_lower_in_value(ctx, 1)) {
        NNC_TRY(nnc_lower_input_as(&in[count++], ctx, 1, NNRT_I64));
    }
    for (; params.index < params.count; params.index++) {
        if (nnc_lower_out_value(ctx, params.index)) {
            NNC_TRY(nnc_lower_output(&out, ctx, params.index, form));
            NNC_TRY(nnc_lower_emit(ctx, NNRT_ROP_ID_SPLIT_PART, &params, sizeof params, in, count,
                                   &out, 1));
        }
    }
    return NNC_OK;
}

static nnc_status split_lower(nnc_lower_ctx *ctx)
{
    const nnc_node *node = nnc_lower_node(ctx);
    const nnc_value *x = nnc_lower_in_value(ctx, 0);
    int64_t given[NNC_KNOWN_MAX], sizes[NNC_KNOWN_MAX], at = 0;
    size_t given_count = 0;
    bool has = nnc_lower_in_value(ctx, 1) != NULL;
    if (!x->has_shape || node->output_count > NNC_KNOWN_MAX ||
        (has && !nnc_lower_static_ints(ctx, 1, given, NNC_KNOWN_MAX, &given_count))) {
        return split_dynamic(ctx);
    }
    int32_t logical = nnc_lower_axis(nnc_node_int(node, "axis", 0), x->shape.rank, false);
    if (!split_sizes(sizes, node->output_count, has ? given : NULL, given_count,
                     x->shape.dims[logical])) {
        return split_dynamic(ctx);
    }
    bool nhwc = nnc_rank_has_nhwc(x->shape.rank) && nnc_lower_prefer_nhwc(ctx);
    nnc_form form = nnc_lower_moving_form(ctx, 0, nhwc);
    int32_t axis = nnc_lower_axis(logical, x->shape.rank, nhwc);
    uint32_t in, out;
    NNC_TRY(nnc_lower_input(&in, ctx, 0, form));
    for (uint32_t i = 0; i < node->output_count; i++) {
        if (nnc_lower_out_value(ctx, i)) {
            NNC_TRY(nnc_lower_output(&out, ctx, i, form));
            NNC_TRY(nnc_lower_slice(ctx, in, out, axis, at, at + sizes[i], 1));
        }
        at += sizes[i];
    }
    return NNC_OK;
}

const nnc_op nnc_op_Split = {
    .domain = "",
    .name = "Split",
    .min_in = 1,
    .max_in = 2,
    .min_out = 1,
    .max_out = NNC_VARIADIC,
    NNC_ATTRS(split_attrs),
    .infer = split_infer,
    .lower = split_lower,
    .grad = NNC_NO_GRAD,
    .cost = NNC_NO_COST,
    .dims = split_dims,
    .layout = NNC_LAYOUT_AXIS,
    .quant = NNC_QUANT_PRESERVE,
};
