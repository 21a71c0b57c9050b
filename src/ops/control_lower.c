/* If, Loop, Scan: blocks of the plan. SPDX-License-Identifier: Apache-2.0
 * A Scan is a loop whose body takes its elements from the scanned inputs. */
#include "base/mem.h"
#include "ops/control.h"
#include "ops/op_util.h"

typedef struct io {
    uint32_t *in, *out;
    uint32_t in_count, out_count;
} io;

static uint32_t captures_of(const nnc_lower_ctx *ctx)
{
    return (uint32_t)nnc_node_int(nnc_lower_node(ctx), NNC_CAPTURES, 0);
}

static nnc_status io_init(io *lists, const nnc_node *node, uint32_t more_outputs)
{
    /* A scanned input comes with its number of steps. */
    lists->in = nnc_calloc(2 * (size_t)node->input_count + 1, sizeof *lists->in);
    lists->out = nnc_calloc((size_t)node->output_count + more_outputs + 1, sizeof *lists->out);
    return lists->in && lists->out ? NNC_OK : NNC_ERR_LIMIT;
}

static void io_deinit(io *lists)
{
    nnc_free(lists->in);
    nnc_free(lists->out);
}

static nnc_status add_inputs(io *lists, nnc_lower_ctx *ctx, uint32_t first, uint32_t count)
{
    for (uint32_t i = first; i < first + count; i++) {
        NNC_TRY(nnc_lower_input(&lists->in[lists->in_count++], ctx, i, NNC_FORM_LOGICAL));
    }
    return NNC_OK;
}

/* Output i, or a value that nobody reads, of the type of the subgraph's output. rank_more: dims that the loop adds. */
static nnc_status add_output(io *lists, nnc_lower_ctx *ctx, uint32_t i, const nnc_graph *sub,
                             size_t output, uint32_t rank_more)
{
    uint32_t *out = &lists->out[lists->out_count++];
    if (nnc_lower_out_value(ctx, i)) {
        return nnc_lower_output(out, ctx, i, NNC_FORM_LOGICAL);
    }
    const nnc_value *v = nnc_graph_value_const(sub, nnc_graph_output(sub, output));
    return nnc_lower_temp(out, ctx, nnc_lower_dtype(v),
                          v->has_shape ? v->shape.rank + rank_more : NNRT_RANK_ANY);
}

static const nnc_graph *sub_of(const nnc_lower_ctx *ctx, const char *attr)
{
    return nnc_node_attr(nnc_lower_node(ctx), attr)->graphs[0];
}

static nnc_status if_lists(io *lists, nnc_lower_ctx *ctx)
{
    const nnc_node *node = nnc_lower_node(ctx);
    const nnc_graph *then = sub_of(ctx, "then_branch"), *other = sub_of(ctx, "else_branch");
    nnrt_if_params params;
    NNC_TRY(add_inputs(lists, ctx, 0, node->input_count));
    NNC_TRY(nnc_lower_block(&params.then_block, ctx, then, node->output_count, NULL));
    NNC_TRY(nnc_lower_block(&params.else_block, ctx, other, node->output_count, NULL));
    for (uint32_t i = 0; i < node->output_count; i++) {
        NNC_TRY(add_output(lists, ctx, i, then, i, 0));
    }
    return nnc_lower_emit(ctx, NNRT_ROP_ID_IF, &params, sizeof params, lists->in, lists->in_count,
                          lists->out, lists->out_count);
}

nnc_status nnc_if_lower(nnc_lower_ctx *ctx)
{
    io lists = {0};
    nnc_status status = io_init(&lists, nnc_lower_node(ctx), 0);
    status = status == NNC_OK ? if_lists(&lists, ctx) : status;
    io_deinit(&lists);
    return status;
}

static nnc_status loop_lists(io *lists, nnc_lower_ctx *ctx)
{
    const nnc_node *node = nnc_lower_node(ctx);
    const nnc_graph *body = sub_of(ctx, "body");
    const uint32_t captures = captures_of(ctx), plain = node->input_count - captures;
    nnrt_loop_params params = {.carried = plain > 2 ? plain - 2 : 0};
    if (plain > 0 && nnc_lower_in_value(ctx, 0)) {
        params.trips = 1;
        NNC_TRY(add_inputs(lists, ctx, 0, 1));
    }
    if (plain > 1 && nnc_lower_in_value(ctx, 1)) {
        params.has_cond = 1;
        NNC_TRY(add_inputs(lists, ctx, 1, 1));
    }
    const uint32_t outputs = node->output_count > params.carried ? node->output_count : params.carried;
    params.scans = outputs - params.carried;
    NNC_TRY(add_inputs(lists, ctx, plain > 2 ? 2 : plain, params.carried + captures));
    NNC_TRY(nnc_lower_block(&params.body, ctx, body, 1 + outputs, NULL));
    for (uint32_t i = 0; i < outputs; i++) {
        NNC_TRY(add_output(lists, ctx, i, body, 1 + i, i >= params.carried));
    }
    return nnc_lower_emit(ctx, NNRT_ROP_ID_LOOP, &params, sizeof params, lists->in, lists->in_count,
                          lists->out, lists->out_count);
}

nnc_status nnc_loop_lower(nnc_lower_ctx *ctx)
{
    io lists = {0};
    nnc_status status = io_init(&lists, nnc_lower_node(ctx), nnc_lower_node(ctx)->input_count);
    status = status == NNC_OK ? loop_lists(&lists, ctx) : status;
    io_deinit(&lists);
    return status;
}

/* Steps of every scanned input. */
static nnc_status add_steps(io *lists, nnc_lower_ctx *ctx, nnc_block_scan *scan)
{
    const nnc_node *node = nnc_lower_node(ctx);
    for (uint32_t j = 0; j < scan->inputs; j++) {
        const nnc_value *x = nnc_lower_in_value(ctx, scan->states + j);
        if (!x || !x->has_shape) {
            return nnc_lower_fail(ctx, "the rank of scan input %u is unknown", (unsigned)j);
        }
        const int32_t axis = nnc_lower_axis(nnc_scan_entry(node, "scan_input_axes", j),
                                            x->shape.rank, false);
        nnrt_shape_params params = {axis, axis + 1};
        uint32_t from;
        uint32_t *steps = &lists->in[lists->in_count++];
        NNC_TRY(nnc_lower_input(&from, ctx, scan->states + j, NNC_FORM_LOGICAL));
        NNC_TRY(nnc_lower_temp(steps, ctx, NNRT_I64, 1));
        NNC_TRY(nnc_lower_emit(ctx, NNRT_ROP_ID_SHAPE, &params, sizeof params, &from, 1, steps, 1));
        scan->axes[j] = axis;
        scan->reverse[j] = nnc_scan_entry(node, "scan_input_directions", j) == 1;
    }
    return NNC_OK;
}

/* Brings a scan output from iterations in front, ascending, to the axis and order asked for. */
static nnc_status place_scan(nnc_lower_ctx *ctx, uint32_t i, uint32_t states, uint32_t from)
{
    const nnc_node *node = nnc_lower_node(ctx);
    const nnc_value *y = nnc_lower_out_value(ctx, i);
    const bool reverse = nnc_scan_entry(node, "scan_output_directions", i - states) == 1;
    nnrt_transpose_params params = {.rank = y->shape.rank};
    const int32_t axis = nnc_lower_axis(nnc_scan_entry(node, "scan_output_axes", i - states),
                                        params.rank, false);
    uint32_t turned = from, to;
    if (reverse) {
        NNC_TRY(nnc_lower_temp(&turned, ctx, nnc_lower_dtype(y), params.rank));
        NNC_TRY(nnc_lower_slice(ctx, from, turned, 0, -1, INT64_MIN, -1));
    }
    for (int32_t d = 0; d < (int32_t)params.rank; d++) {
        params.perm[d] = d == axis ? 0 : (uint32_t)(d < axis ? d + 1 : d);
    }
    NNC_TRY(nnc_lower_output(&to, ctx, i, NNC_FORM_LOGICAL));
    return nnc_lower_emit(ctx, NNRT_ROP_ID_TRANSPOSE, &params, sizeof params, &turned, 1, &to, 1);
}

static nnc_status scan_lists(io *lists, nnc_lower_ctx *ctx, nnc_block_scan *scan)
{
    const nnc_node *node = nnc_lower_node(ctx);
    const nnc_graph *body = sub_of(ctx, "body");
    const uint32_t outputs = node->output_count > scan->states ? node->output_count : scan->states;
    nnrt_loop_params params = {.trips = scan->inputs,
                               .ignore_cond = 1,
                               .carried = scan->states,
                               .scans = outputs - scan->states};
    NNC_TRY(add_steps(lists, ctx, scan));
    NNC_TRY(add_inputs(lists, ctx, 0, node->input_count));
    NNC_TRY(nnc_lower_block(&params.body, ctx, body, outputs, scan));
    for (uint32_t i = 0; i < outputs; i++) {
        const nnc_value *y = nnc_lower_out_value(ctx, i);
        if (i < scan->states || !y) {
            NNC_TRY(add_output(lists, ctx, i, body, i, i >= scan->states));
            continue;
        }
        if (!y->has_shape) {
            return nnc_lower_fail(ctx, "the rank of scan output %u is unknown", (unsigned)i);
        }
        NNC_TRY(nnc_lower_temp(&lists->out[lists->out_count++], ctx, nnc_lower_dtype(y),
                               y->shape.rank));
    }
    NNC_TRY(nnc_lower_emit(ctx, NNRT_ROP_ID_LOOP, &params, sizeof params, lists->in,
                           lists->in_count, lists->out, lists->out_count));
    for (uint32_t i = scan->states; i < outputs; i++) {
        if (nnc_lower_out_value(ctx, i)) {
            NNC_TRY(place_scan(ctx, i, scan->states, lists->out[i]));
        }
    }
    return NNC_OK;
}

nnc_status nnc_scan_lower(nnc_lower_ctx *ctx)
{
    const nnc_node *node = nnc_lower_node(ctx);
    io lists = {0};
    nnc_block_scan scan = {.inputs = (uint32_t)nnc_node_int(node, "num_scan_inputs", 1)};
    scan.states = node->input_count - captures_of(ctx) - scan.inputs;
    scan.axes = nnc_calloc(scan.inputs, sizeof *scan.axes);
    scan.reverse = nnc_calloc(scan.inputs, sizeof *scan.reverse);
    nnc_status status = scan.axes && scan.reverse ? io_init(&lists, node, node->input_count)
                                                  : NNC_ERR_LIMIT;
    status = status == NNC_OK ? scan_lists(&lists, ctx, &scan) : status;
    io_deinit(&lists);
    nnc_free(scan.axes);
    nnc_free(scan.reverse);
    return status;
}
