/* Checks of a plan's blocks. SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "runtime_int8/ops/util.h"
#include "runtime_int8/plan.h"

nnc_status nnrt_plan_check_blocks(const nnrt_plan *plan)
{
    uint64_t next = 0;
    if (plan->block_count > 2 * plan->node_count + 1)
        NNC_FAIL(NNC_ERR_MODEL, "%zu blocks of %zu nodes", plan->block_count, plan->node_count);
    for (size_t b = 0; b < plan->block_count; b++) {
        const nnrt_plan_block *block = &plan->blocks[b];
        if (block->first_node != next || block->node_count > plan->node_count - next)
            NNC_FAIL(NNC_ERR_MODEL, "block %zu holds nodes %u+%u of %zu, expected from %llu on", b,
                     block->first_node, block->node_count, plan->node_count,
                     (unsigned long long)next);
        next += block->node_count;
        if (block->name >= plan->string_bytes)
            NNC_FAIL(NNC_ERR_MODEL, "block %zu: string at %u of %zu", b, block->name,
                     plan->string_bytes);
        NNC_TRY(nnrt_plan_check_io(plan, "block", b, block->io, block->in_count, block->out_count));
    }
    if (next != plan->node_count)
        NNC_FAIL(NNC_ERR_MODEL, "the blocks hold %llu nodes of %zu", (unsigned long long)next,
                 plan->node_count);
    return NNC_OK;
}

/* What a node demands of a block: inputs and outputs by position, with the node's value of the same type or
 * NNRT_NONE. */
typedef struct demand {
    const nnrt_plan *plan;
    const nnrt_plan_node *node;
    uint32_t block;
} demand;

static nnc_status check_counts(const demand *d, uint32_t inputs, uint32_t outputs)
{
    const nnrt_plan_block *block = &d->plan->blocks[d->block];
    if (block->in_count != inputs || block->out_count != outputs)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': block %u has %u inputs and %u outputs, expected %u and %u",
                 nnrt_plan_string(d->plan, d->node->name), d->block, block->in_count,
                 block->out_count, inputs, outputs);
    return NNC_OK;
}

/* The block's input or output `io` has this type. */
static nnc_status check_type(const demand *d, uint32_t io, uint32_t dtype)
{
    const nnrt_plan_block *block = &d->plan->blocks[d->block];
    const uint32_t have = d->plan->values[d->plan->io[block->io + io]].dtype;
    const bool input = io < block->in_count;
    if (have != dtype)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': %s %u of block %u is %s, expected %s",
                 nnrt_plan_string(d->plan, d->node->name), input ? "input" : "output",
                 input ? io : io - block->in_count, d->block, nnrt_dtype_name(have),
                 nnrt_dtype_name(dtype));
    return NNC_OK;
}

static uint32_t type_of(const demand *d, uint32_t io)
{
    return d->plan->values[d->plan->io[d->node->io + io]].dtype;
}

static nnc_status check_if(const demand *d)
{
    const nnrt_plan_node *node = d->node;
    NNC_TRY(check_counts(d, node->in_count - 1, node->out_count));
    for (uint32_t i = 1; i < node->in_count + node->out_count; i++)
        NNC_TRY(check_type(d, i - 1, type_of(d, i)));
    return NNC_OK;
}

static nnc_status check_loop(const demand *d, const nnrt_loop_params *p)
{
    const nnrt_plan_node *node = d->node;
    const uint64_t first = (uint64_t)p->trips + p->has_cond;
    const uint32_t cond = p->ignore_cond ? 0 : 1;
    if (first + p->carried > node->in_count ||
        (uint64_t)p->carried + p->scans != node->out_count)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': %u inputs and %u outputs for %u carried values and %u scans",
                 nnrt_plan_string(d->plan, node->name), node->in_count, node->out_count, p->carried,
                 p->scans);
    const uint32_t inputs = 2 + node->in_count - (uint32_t)first;
    NNC_TRY(check_counts(d, inputs, cond + node->out_count));
    NNC_TRY(check_type(d, 0, NNRT_I64));
    NNC_TRY(check_type(d, 1, NNRT_BOOL));
    for (uint32_t i = (uint32_t)first; i < node->in_count; i++)
        NNC_TRY(check_type(d, 2 + i - (uint32_t)first, type_of(d, i)));
    if (cond)
        NNC_TRY(check_type(d, inputs, NNRT_BOOL));
    for (uint32_t k = 0; k < p->carried; k++) {
        NNC_TRY(check_type(d, inputs + cond + k, type_of(d, (uint32_t)first + k)));
        if (type_of(d, node->in_count + k) != type_of(d, (uint32_t)first + k))
            NNC_FAIL(NNC_ERR_MODEL, "'%s': carried value %u changes its type",
                     nnrt_plan_string(d->plan, node->name), k);
    }
    for (uint32_t k = p->carried; k < node->out_count; k++)
        NNC_TRY(check_type(d, inputs + cond + k, type_of(d, node->in_count + k)));
    return NNC_OK;
}

/* Takes a block for a node of a block before it. */
static nnc_status take_block(const demand *d, uint32_t *depth)
{
    const char *name = nnrt_plan_string(d->plan, d->node->name);
    if (d->block >= d->plan->block_count || d->block <= d->node->block)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': block %u within block %u of %zu", name, d->block,
                 d->node->block, d->plan->block_count);
    if (depth[d->block] != 0)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': block %u belongs to another node too", name, d->block);
    depth[d->block] = depth[d->node->block] + 1;
    if (depth[d->block] > NNRT_BLOCK_DEPTH_MAX)
        NNC_FAIL(NNC_ERR_LIMIT, "'%s': blocks are nested deeper than %u", name,
                 NNRT_BLOCK_DEPTH_MAX);
    return NNC_OK;
}

static nnc_status check_node(const nnrt_plan *plan, const nnrt_plan_node *node, uint32_t *depth)
{
    demand d = {.plan = plan, .node = node};
    const void *params = plan->params + node->params;
    if (node->rop == NNRT_ROP_ID_LOOP) {
        const nnrt_loop_params *p = params;
        d.block = p->body;
        NNC_TRY(take_block(&d, depth));
        return check_loop(&d, p);
    }
    if (node->rop != NNRT_ROP_ID_IF)
        return NNC_OK;
    const nnrt_if_params *p = params;
    const uint32_t blocks[2] = {p->then_block, p->else_block};
    for (int i = 0; i < 2; i++) {
        d.block = blocks[i];
        NNC_TRY(take_block(&d, depth));
        NNC_TRY(check_if(&d));
    }
    return NNC_OK;
}

nnc_status nnrt_plan_check_owners(const nnrt_plan *plan)
{
    nnc_status status = NNC_OK;
    uint32_t *depth = nnc_calloc(plan->block_count, sizeof *depth);
    if (depth == NULL)
        return NNC_ERR_LIMIT;
    for (size_t i = 0; status == NNC_OK && i < plan->node_count; i++)
        status = check_node(plan, &plan->nodes[i], depth);
    for (size_t b = 1; status == NNC_OK && b < plan->block_count; b++) {
        if (depth[b] == 0)
            status = nnc_error_set(NNC_ERR_MODEL, "block %zu belongs to no node", b);
    }
    nnc_free(depth);
    return status;
}
