/* Checks of a plan's values and nodes. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "base/mem.h"
#include "runtime_int8/ops/util.h"
#include "runtime_int8/plan.h"

static nnc_status check_dims(const nnrt_plan *plan, uint32_t id, const nnrt_plan_value *v)
{
    if (v->rank == NNRT_RANK_ANY)
        return NNC_OK;
    if (v->rank > NNRT_RANK_MAX || v->dims > plan->dim_count || v->rank > plan->dim_count - v->dims)
        NNC_FAIL(NNC_ERR_MODEL, "value %u: rank %u at dim %u of %zu", id, v->rank, v->dims,
                 plan->dim_count);
    for (uint32_t i = 0; i < v->rank; i++) {
        const nnrt_plan_dim *dim = &plan->dims[v->dims + i];
        if (dim->kind != NNRT_DIM_CONST && dim->kind != NNRT_DIM_SYMBOL)
            NNC_FAIL(NNC_ERR_UNSUPPORTED, "value %u: dim %u of kind %u", id, i, dim->kind);
        if (dim->name >= plan->string_bytes)
            NNC_FAIL(NNC_ERR_MODEL, "value %u: string at %u of %zu", id, dim->name,
                     plan->string_bytes);
        if (dim->kind == NNRT_DIM_CONST && (dim->value < 0 || dim->value > NNRT_DIM_MAX))
            NNC_FAIL(NNC_ERR_MODEL, "value %u: dim %u is %lld, expected 0..%d", id, i,
                     (long long)dim->value, NNRT_DIM_MAX);
    }
    return NNC_OK;
}

static nnc_status check_stored(const nnrt_plan *plan, uint32_t id, const nnrt_plan_value *v)
{
    nnrt_shape shape = nnrt_plan_shape(plan, id);
    if (v->rank == NNRT_RANK_ANY)
        NNC_FAIL(NNC_ERR_MODEL, "value %u: stored bytes of unknown rank", id);
    size_t want = nnrt_dtype_bytes(v->dtype);
    for (uint32_t i = 0; i < shape.rank; i++) {
        if (shape.dims[i] < 0 || !nnc_size_mul(&want, want, (size_t)shape.dims[i]))
            NNC_FAIL(NNC_ERR_MODEL, "value %u: stored bytes of unknown or too large shape", id);
    }
    uint64_t room = plan->constant_bytes - NNRT_PLAN_TAIL;
    if (v->bytes != want || v->data % NNRT_PLAN_ALIGN != 0 || v->data > room ||
        v->bytes > room - v->data)
        NNC_FAIL(NNC_ERR_MODEL, "value %u: %llu bytes at %llu of %llu stored, its shape needs %zu",
                 id, (unsigned long long)v->bytes, (unsigned long long)v->data,
                 (unsigned long long)room, want);
    return NNC_OK;
}

static nnc_status check_value(const nnrt_plan *plan, uint32_t id)
{
    const nnrt_plan_value *v = &plan->values[id];
    if (v->kind > NNRT_VALUE_TEMP)
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "value %u of kind %u", id, v->kind);
    if (nnrt_dtype_bytes(v->dtype) == 0)
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "value %u of type %u", id, v->dtype);
    if (v->name >= plan->string_bytes)
        NNC_FAIL(NNC_ERR_MODEL, "value %u: string at %u of %zu", id, v->name, plan->string_bytes);
    if (v->quant != NNRT_NONE && v->quant >= plan->quant_count)
        NNC_FAIL(NNC_ERR_MODEL, "value %u: quantization %u of %zu", id, v->quant,
                 plan->quant_count);
    NNC_TRY(check_dims(plan, id, v));
    if (v->kind == NNRT_VALUE_CONST || v->kind == NNRT_VALUE_VARIABLE)
        NNC_TRY(check_stored(plan, id, v));
    return NNC_OK;
}

nnc_status nnrt_plan_check_io(const nnrt_plan *plan, const char *what, size_t index, uint32_t io,
                              uint32_t in_count, uint32_t out_count)
{
    uint64_t n = (uint64_t)in_count + out_count;
    if (io > plan->io_count || n > plan->io_count - io)
        NNC_FAIL(NNC_ERR_MODEL, "%s %zu: %llu values at %u of %zu", what, index,
                 (unsigned long long)n, io, plan->io_count);
    for (uint64_t i = 0; i < n; i++) {
        if (plan->io[io + i] >= plan->value_count)
            NNC_FAIL(NNC_ERR_MODEL, "%s %zu: value %u of %zu", what, index, plan->io[io + i],
                     plan->value_count);
    }
    return NNC_OK;
}

/* The operator's own check, on what the plan declares. */
static nnc_status check_rop(const nnrt_plan *plan, const nnrt_plan_node *node, const nnrt_rop *rop,
                            nnrt_tensor *tensors)
{
    uint32_t n = node->in_count + node->out_count;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t id = plan->io[node->io + i];
        const nnrt_plan_value *v = &plan->values[id];
        tensors[i] =
            (nnrt_tensor){.dtype = (nnrt_dtype)v->dtype, .shape = nnrt_plan_shape(plan, id)};
        if (v->rank == NNRT_RANK_ANY)
            return NNC_OK; /* the session checks it when it knows the ranks */
        if (v->kind != NNRT_VALUE_CONST) {
            for (uint32_t d = 0; d < v->rank; d++)
                tensors[i].shape.dims[d] = -1;
        } else {
            tensors[i].data = (void *)(uintptr_t)(plan->constants + v->data);
            tensors[i].bytes = v->bytes;
        }
    }
    nnrt_node_ctx ctx = {
        .name = nnrt_plan_string(plan, node->name),
        .params = plan->params + node->params,
        .in_count = node->in_count,
        .out_count = node->out_count,
        .in = tensors,
        .out = tensors + node->in_count,
    };
    nnc_status status = rop->check(&ctx);
    return status == NNC_OK ? NNC_OK : nnc_error_prepend(status, "%s", rop->name);
}

static nnc_status check_node(const nnrt_plan *plan, size_t index, const nnrt_rop **out)
{
    const nnrt_plan_node *node = &plan->nodes[index];
    if (node->name >= plan->string_bytes)
        NNC_FAIL(NNC_ERR_MODEL, "node %zu: string at %u of %zu", index, node->name,
                 plan->string_bytes);
    const char *name = nnrt_plan_string(plan, node->name);
    const nnrt_rop *rop = nnrt_rop_find(node->rop);
    if (rop == NULL)
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "'%s': runtime operator %u is unknown to this build", name,
                 node->rop);
    if (node->in_count < rop->min_in || node->in_count > rop->max_in ||
        (node->out_count != rop->out_count &&
         (rop->out_count != NNRT_OUT_ANY || node->out_count > NNRT_OUT_ANY)))
        NNC_FAIL(NNC_ERR_MODEL, "%s '%s': %u inputs and %u outputs, expected %u..%u and %u",
                 rop->name, name, node->in_count, node->out_count, rop->min_in, rop->max_in,
                 rop->out_count);
    if (node->params_bytes != rop->params_bytes || node->params % 8 != 0 ||
        node->params > plan->param_bytes || node->params_bytes > plan->param_bytes - node->params)
        NNC_FAIL(NNC_ERR_MODEL, "%s '%s': %u bytes of parameters at %u of %zu, expected %u",
                 rop->name, name, node->params_bytes, node->params, plan->param_bytes,
                 rop->params_bytes);
    if (node->region != 0)
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "%s '%s': region %u", rop->name, name, node->region);
    *out = rop;
    return nnrt_plan_check_io(plan, "node", index, node->io, node->in_count, node->out_count);
}

#define READY_EVERYWHERE UINT32_MAX

/* Every value has one producer, which comes before its users in the same block. ready: block + 1 of the values
 * computed so far. */
static nnc_status check_order(const nnrt_plan *plan, const nnrt_plan_node *node, uint32_t *ready)
{
    const char *name = nnrt_plan_string(plan, node->name);
    const uint32_t *io = plan->io + node->io;
    for (uint32_t i = 0; i < node->in_count; i++) {
        if (ready[io[i]] != READY_EVERYWHERE && ready[io[i]] != node->block + 1)
            NNC_FAIL(NNC_ERR_MODEL, "'%s': value %u is used before it is computed, or in another block",
                     name, io[i]);
    }
    for (uint32_t i = node->in_count; i < node->in_count + node->out_count; i++) {
        uint32_t kind = plan->values[io[i]].kind;
        if (ready[io[i]] || (kind != NNRT_VALUE_TEMP && kind != NNRT_VALUE_OUTPUT))
            NNC_FAIL(NNC_ERR_MODEL, "'%s': value %u of kind %u is computed again", name, io[i],
                     kind);
        ready[io[i]] = node->block + 1;
    }
    return NNC_OK;
}

static nnc_status check_inputs(const nnrt_plan *plan, uint32_t b, uint32_t *ready)
{
    const nnrt_plan_block *block = &plan->blocks[b];
    for (uint32_t i = 0; i < block->in_count; i++) {
        uint32_t id = plan->io[block->io + i];
        if (plan->values[id].kind != NNRT_VALUE_INPUT || ready[id])
            NNC_FAIL(NNC_ERR_MODEL,
                     "input %u of block %u is value %u of kind %u or listed twice", i, b, id,
                     plan->values[id].kind);
        ready[id] = b + 1;
    }
    return NNC_OK;
}

static nnc_status check_block(const nnrt_plan *plan, uint32_t b, uint32_t *ready,
                              nnrt_tensor *tensors)
{
    const nnrt_plan_block *block = &plan->blocks[b];
    NNC_TRY(check_inputs(plan, b, ready));
    for (uint32_t i = block->first_node; i < block->first_node + block->node_count; i++) {
        const nnrt_rop *rop = NULL;
        NNC_TRY(check_node(plan, i, &rop));
        if (plan->nodes[i].block != b)
            NNC_FAIL(NNC_ERR_MODEL, "node %u of block %u says block %u", i, b,
                     plan->nodes[i].block);
        NNC_TRY(check_order(plan, &plan->nodes[i], ready));
        NNC_TRY(check_rop(plan, &plan->nodes[i], rop, tensors));
    }
    for (uint32_t i = 0; i < block->out_count; i++) {
        uint32_t id = plan->io[block->io + block->in_count + i];
        if (ready[id] != READY_EVERYWHERE && ready[id] != b + 1)
            NNC_FAIL(NNC_ERR_MODEL, "output %u of block %u is value %u, which nothing computes", i,
                     b, id);
    }
    return NNC_OK;
}

static nnc_status check_nodes(const nnrt_plan *plan, uint32_t *ready, nnrt_tensor *tensors)
{
    for (uint32_t id = 0; id < plan->value_count; id++) {
        if (plan->values[id].kind == NNRT_VALUE_CONST ||
            plan->values[id].kind == NNRT_VALUE_VARIABLE)
            ready[id] = READY_EVERYWHERE;
    }
    NNC_TRY(nnrt_plan_check_blocks(plan));
    for (uint32_t b = 0; b < plan->block_count; b++)
        NNC_TRY(check_block(plan, b, ready, tensors));
    return nnrt_plan_check_owners(plan);
}

nnc_status nnrt_plan_check_graph(const nnrt_plan *plan)
{
    for (uint32_t id = 0; id < plan->value_count; id++)
        NNC_TRY(check_value(plan, id));
    for (size_t i = 0; i < plan->quant_count; i++) {
        float scale = plan->quants[i].scale;
        if (!isfinite(scale) || scale <= 0.0f)
            NNC_FAIL(NNC_ERR_MODEL, "quantization %zu has scale %g", i, (double)scale);
    }
    /* No node may have more tensors than the list of all of them. */
    uint32_t *ready = nnc_calloc(plan->value_count + 1, sizeof *ready);
    nnrt_tensor *tensors = nnc_calloc(plan->io_count + 1, sizeof *tensors);
    nnc_status status = NNC_ERR_LIMIT;
    if (ready != NULL && tensors != NULL)
        status = check_nodes(plan, ready, tensors);
    nnc_free(ready);
    nnc_free(tensors);
    return status;
}
