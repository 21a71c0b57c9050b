/* Lowering of LSTM, GRU and RNN: constant weights are packed here. SPDX-License-Identifier:
 * Apache-2.0 */
#include <math.h>
#include <string.h>

#include "ops/epilogue.h"
#include "ops/recurrent.h"
#include "runtime_int8/pack.h"

/* Weights [D][G*H][k] of input i, packed for each direction. */
static nnc_status packed_weights(uint32_t *out, nnc_lower_ctx *ctx, uint32_t i,
                                 const nnrt_recurrent_params *p, uint32_t gates)
{
    const uint32_t k = i == NNC_RECURRENT_W ? p->input : p->hidden;
    const size_t bytes = nnrt_pack_recurrent_bytes(gates, p->hidden, k);
    nnc_tensor w = {0};
    NNC_TRY(nnc_const_float(&w, nnc_lower_in_value(ctx, i)));
    const float *from = nnc_tensor_data(&w);
    uint8_t *packed = nnc_calloc(p->directions, bytes);
    nnc_status status = packed ? NNC_OK : NNC_ERR_LIMIT;
    for (uint32_t d = 0; status == NNC_OK && d < p->directions; d++) {
        nnrt_pack_recurrent((float *)(void *)(packed + d * bytes),
                            from + (size_t)d * gates * p->hidden * k, gates, p->hidden, k);
    }
    if (status == NNC_OK) {
        const size_t all = p->directions * bytes;
        int64_t dims[1] = {(int64_t)(all / sizeof(float))};
        status = nnc_lower_const(out, ctx, NNRT_F32, 1, dims, packed, all);
    }
    nnc_free(packed);
    nnc_tensor_deinit(&w);
    return status;
}

/* Constants of the shapes that the packing goes by. */
static bool can_pack(const nnc_lower_ctx *ctx, const nnrt_recurrent_params *p, uint32_t gates)
{
    for (uint32_t i = NNC_RECURRENT_W; i <= NNC_RECURRENT_R; i++) {
        const nnc_value *v = nnc_lower_in_value(ctx, i);
        const int64_t k = i == NNC_RECURRENT_W ? p->input : p->hidden;
        if (v->kind != NNC_VALUE_CONST || v->tensor.shape.rank != 3 ||
            v->tensor.shape.dims[0] != p->directions ||
            v->tensor.shape.dims[1] != (int64_t)gates * p->hidden || v->tensor.shape.dims[2] != k) {
            return false;
        }
    }
    return true;
}

static nnc_status read_params(nnrt_recurrent_params *p, const nnc_lower_ctx *ctx)
{
    const nnc_node *node = nnc_lower_node(ctx);
    const nnc_value *w = nnc_lower_in_value(ctx, NNC_RECURRENT_W);
    const nnc_value *r = nnc_lower_in_value(ctx, NNC_RECURRENT_R);
    const nnc_attr *clip = nnc_node_attr(node, "clip");
    if (!w->has_shape || !r->has_shape || w->shape.dims[2] <= 0 || r->shape.dims[2] <= 0 ||
        w->shape.dims[2] > INT32_MAX || r->shape.dims[2] > INT32_MAX) {
        return nnc_lower_fail(ctx, "the shapes of W and R are unknown");
    }
    if (w->dtype != NNC_DTYPE_FLOAT) {
        return nnc_lower_fail(ctx, "W is %s, only float32 can run", nnc_dtype_name((int)w->dtype));
    }
    *p = (nnrt_recurrent_params){
        .hidden = (uint32_t)r->shape.dims[2],
        .input = (uint32_t)w->shape.dims[2],
        .directions = nnc_recurrent_directions(node),
        .reverse = strcmp(nnc_node_string(node, "direction", "forward"), "reverse") == 0,
        .batch_first = nnc_node_int(node, "layout", 0) != 0,
        .linear_before_reset = nnc_node_int(node, "linear_before_reset", 0) != 0,
        .input_forget = nnc_node_int(node, "input_forget", 0) != 0,
        .clip = clip && clip->type == NNC_ATTR_FLOAT && clip->f > 0 ? clip->f : INFINITY,
    };
    const char *wrong = nnc_cell_functions(p->function, node);
    return wrong ? nnc_lower_fail(ctx, "%s", wrong) : NNC_OK;
}

nnc_status nnc_recurrent_lower(nnc_lower_ctx *ctx)
{
    static const uint32_t bits[] = {[NNC_RECURRENT_B] = NNRT_RECURRENT_BIAS,
                                    [NNC_RECURRENT_LENS] = NNRT_RECURRENT_LENGTHS,
                                    [NNC_RECURRENT_H0] = NNRT_RECURRENT_H0,
                                    [NNC_RECURRENT_C0] = NNRT_RECURRENT_C0,
                                    [NNC_RECURRENT_P] = NNRT_RECURRENT_PEEPHOLE};
    const nnc_cell *cell = nnc_cell_of(nnc_lower_node(ctx));
    nnrt_recurrent_params params;
    uint32_t in[8], count = 3, out[3];
    NNC_TRY(read_params(&params, ctx));
    NNC_TRY(nnc_lower_input(&in[0], ctx, NNC_RECURRENT_X, NNC_FORM_LOGICAL));
    const bool pack = can_pack(ctx, &params, cell->gates);
    params.inputs = pack ? NNRT_RECURRENT_PACKED : 0;
    for (uint32_t i = NNC_RECURRENT_W; i <= NNC_RECURRENT_R; i++) {
        NNC_TRY(pack ? packed_weights(&in[i], ctx, i, &params, cell->gates)
                     : nnc_lower_input(&in[i], ctx, i, NNC_FORM_LOGICAL));
    }
    for (uint32_t i = NNC_RECURRENT_B; i <= NNC_RECURRENT_P; i++) {
        if (nnc_lower_in_value(ctx, i)) {
            params.inputs |= bits[i];
            NNC_TRY(nnc_lower_input(&in[count++], ctx, i, NNC_FORM_LOGICAL));
        }
    }
    for (uint32_t i = 0; i <= cell->states; i++) {
        NNC_TRY(nnc_lower_out_value(ctx, i)
                    ? nnc_lower_output(&out[i], ctx, i, NNC_FORM_LOGICAL)
                    : nnc_lower_temp(&out[i], ctx, NNRT_F32, i == 0 ? 4 : 3));
    }
    return nnc_lower_emit(ctx, cell->rop, &params, sizeof params, in, count, out, cell->states + 1);
}
