/* Planning: regions, shapes and memory of a frame. SPDX-License-Identifier: Apache-2.0
 * Nodes are visited in execution order. A node whose inputs are all known on the host is computed
 * here and skipped at run. A node whose reshape needs data that only a run gives begins a region:
 * it is planned when the regions before have run. */
#include "runtime_int8/session.h"

#include <string.h>

#include "runtime_int8/ops/util.h"
#include "runtime_int8/session_device.h"

static uint32_t add_block(session_frame *f, size_t bytes, uint32_t first, uint32_t last)
{
    f->blocks[f->block_count] = (nnrt_memory_block){.bytes = bytes, .first = first, .last = last};
    return f->block_count++;
}

static uint32_t end_of(const session_frame *f)
{
    return f->block->first_node + f->block->node_count;
}

bool nnrt_frame_complete(const session_frame *f)
{
    return f->region_count > 0 && f->regions[f->region_count - 1].end == end_of(f);
}

/* Memory of input i that later regions leave alone. */
static nnc_status own_input(session_frame *f, uint32_t i, session_value *value)
{
    const size_t bytes = value->tensor.bytes;
    if (f->inputs[i] == NULL || bytes > f->input_caps[i]) {
        nnc_free(f->inputs[i]);
        f->input_caps[i] = 0;
        f->inputs[i] = nnc_alloc_aligned(bytes);
        if (f->inputs[i] == NULL)
            return NNC_ERR_LIMIT;
        f->input_caps[i] = bytes;
    }
    value->tensor.data = f->inputs[i];
    return NNC_OK;
}

static nnc_status start_inputs(nnrt_session *s, session_frame *f)
{
    const nnrt_plan *plan = s->plan;
    for (uint32_t i = 0; i < f->block->in_count; i++) {
        const uint32_t id = plan->io[f->block->io + i];
        session_value *value = &s->values[id];
        value->tensor.dtype = (nnrt_dtype)plan->values[id].dtype;
        value->tensor.shape = f->shapes[i];
        value->known = false;
        value->block = SESSION_NO_BLOCK;
        value->source = id; /* an inner frame has its data already */
        NNC_TRY(nnrt_tensor_size(&value->tensor, nnrt_plan_string(plan, plan->values[id].name)));
        if (f->split && !f->inner)
            NNC_TRY(own_input(f, i, value));
        else if (!f->inner)
            value->block = add_block(f, value->tensor.bytes, f->block->first_node, SESSION_END);
    }
    return NNC_OK;
}

static uint32_t last_step(const session_value *v, uint32_t index)
{
    return v->read ? v->last_use : index;
}

/* Gives an output the bytes of input 0 (alias, or in place when nobody reads input 0 afterwards) or
 * its own block. */
static void place_output(nnrt_session *s, session_frame *f, uint32_t index, uint32_t i)
{
    const session_node *node = &s->nodes[index];
    const uint32_t *io = s->plan->io + s->plan->nodes[index].io;
    session_value *out = &s->values[io[node->ctx.in_count + i]];
    uint32_t last = last_step(out, index);
    const session_value *in = node->ctx.in_count > 0 ? &s->values[io[0]] : NULL;
    bool share = i == 0 && in != NULL && (node->rop->flags & NNRT_ROP_ALIAS);
    if (i == 0 && in != NULL && (node->rop->flags & NNRT_ROP_INPLACE) &&
        in->block != SESSION_NO_BLOCK && out->tensor.bytes == in->tensor.bytes &&
        f->blocks[in->block].last <= index) {
        share = true;
        for (uint32_t k = 1; k < node->ctx.in_count; k++)
            share = share && s->values[io[k]].block != in->block;
    }
    if (!share) {
        out->block = add_block(f, out->tensor.bytes, index, last);
        return;
    }
    out->block = in->block;
    out->source = in->source;
    out->tensor.data = in->tensor.data;
    if (in->block != SESSION_NO_BLOCK && f->blocks[in->block].last < last)
        f->blocks[in->block].last = last;
}

static void take_outputs(nnrt_session *s, uint32_t index)
{
    const nnrt_node_ctx *ctx = &s->nodes[index].ctx;
    const uint32_t *out = s->plan->io + s->plan->nodes[index].io + ctx->in_count;
    for (uint32_t i = 0; i < ctx->out_count; i++) {
        session_value *v = &s->values[out[i]];
        v->tensor = ctx->out[i];
        v->known = false;
        v->block = SESSION_NO_BLOCK;
        v->source = out[i];
    }
}

static nnc_status plan_node(nnrt_session *s, session_frame *f, session_region *region,
                            uint32_t index)
{
    session_node *node = &s->nodes[index];
    nnrt_node_ctx *ctx = &node->ctx;
    bool done;
    if (index != f->fresh)
        NNC_TRY(nnrt_node_reshape(s, index, node->dynamic));
    take_outputs(s, index);
    node->bytes = 0;
    for (uint32_t i = 0; i < ctx->in_count + ctx->out_count; i++)
        node->bytes += ctx->in[i].bytes;
    NNC_TRY(nnrt_node_try_host(&done, s, index));
    node->skip = done || node->rop->run == NULL;
    if (done)
        return NNC_OK;
    if (ctx->scratch_bytes > region->scratch)
        region->scratch = ctx->scratch_bytes;
    for (uint32_t i = 0; i < ctx->out_count; i++)
        place_output(s, f, index, i);
    return NNC_OK;
}

/* Memory for the activations, on the device that runs them. keep: what is there stays. */
static nnc_status take_arena(nnrt_session *s, session_frame *f, size_t bytes, bool keep)
{
    if (s->device != NULL) {
        void *arena;
        NNC_TRY(nnrt_session_device_arena(s, bytes, &arena));
        f->base = arena;
        return NNC_OK;
    }
    if (bytes > f->arena_cap || f->arena == NULL) {
        if (!keep) {
            nnc_free(f->arena);
            f->arena = NULL;
            f->arena_cap = 0;
        }
        uint8_t *arena = nnc_alloc_aligned(bytes);
        if (arena == NULL)
            return NNC_ERR_LIMIT;
        if (f->arena_cap > 0)
            memcpy(arena, f->arena, f->arena_cap);
        nnc_free(f->arena);
        f->arena = arena;
        f->arena_cap = bytes;
    }
    f->base = f->arena;
    return NNC_OK;
}

static void place_value(nnrt_session *s, const session_frame *f, uint32_t id)
{
    session_value *v = &s->values[id];
    if (v->block != SESSION_NO_BLOCK)
        v->tensor.data = f->base + f->blocks[v->block].offset;
    else if (v->source != id)
        v->tensor.data = s->values[v->source].tensor.data;
}

/* Addresses of the inputs and of what the nodes before `end` compute. */
static void place_values(nnrt_session *s, session_frame *f, uint32_t end)
{
    const nnrt_plan *plan = s->plan;
    for (uint32_t i = 0; i < f->block->in_count; i++)
        place_value(s, f, plan->io[f->block->io + i]);
    for (uint32_t i = f->block->first_node; i < end; i++) {
        const nnrt_plan_node *node = &plan->nodes[i];
        for (uint32_t k = 0; k < node->out_count; k++)
            place_value(s, f, plan->io[node->io + node->in_count + k]);
    }
    f->layout++;
}

void nnrt_frame_move(nnrt_session *s, session_frame *f)
{
    place_values(s, f, f->regions[f->region_count - 1].end);
}

static void place_node(nnrt_session *s, const session_frame *f, const session_region *region,
                       uint32_t index)
{
    nnrt_node_ctx *ctx = &s->nodes[index].ctx;
    const uint32_t *io = s->plan->io + s->plan->nodes[index].io;
    for (uint32_t k = 0; k < ctx->in_count + ctx->out_count; k++)
        ctx->in[k].data = s->values[io[k]].tensor.data;
    ctx->scratch = f->base + region->total;
    ctx->pool = s->pool;
}

void nnrt_frame_place(nnrt_session *s, session_frame *f, session_region *region)
{
    if (region->layout == f->layout)
        return;
    for (uint32_t i = region->first; i < region->end; i++)
        place_node(s, f, region, i);
    region->layout = f->layout;
}

static nnc_status place_arena(nnrt_session *s, session_frame *f, session_region *region)
{
    const bool first = region->first == f->block->first_node;
    const size_t scratch = s->device != NULL ? 0 : region->scratch;
    size_t total;
    NNC_TRY(nnrt_memory_plan_more(f->blocks, region->block_count, f->block_count, region->first,
                                  f->work, &total));
    size_t all = total;
    if (!nnc_size_add(&all, total, scratch) || (s->device == NULL && all > s->arena_limit))
        NNC_FAIL(NNC_ERR_LIMIT, "activations need %zu bytes and scratch %zu, the machine has %zu",
                 total, scratch, s->arena_limit);
    NNC_TRY(take_arena(s, f, all, !first));
    region->total = total;
    region->bytes = all;
    place_values(s, f, region->end);
    nnrt_frame_place(s, f, region);
    return NNC_OK;
}

/* Lifetimes of the blocks of the regions before as those regions left them: a region that is
 * planned again may have made them longer. */
static void restore_lives(nnrt_session *s, session_frame *f, const session_region *region)
{
    const nnrt_plan *plan = s->plan;
    for (uint32_t b = 0; b < region->block_count; b++)
        f->blocks[b].last = f->blocks[b].first;
    for (uint32_t i = f->block->first_node; i < region->first; i++) {
        const nnrt_plan_node *node = &plan->nodes[i];
        for (uint32_t k = 0; k < node->out_count; k++) {
            const session_value *v = &s->values[plan->io[node->io + node->in_count + k]];
            if (v->block == SESSION_NO_BLOCK)
                continue;
            const uint32_t last = last_step(v, i);
            if (f->blocks[v->block].last < last)
                f->blocks[v->block].last = last;
        }
    }
    f->block_count = region->block_count;
}

static nnc_status open_region(nnrt_session *s, session_frame *f, uint32_t r)
{
    NNC_TRY(nnc_grow(&f->regions, &f->region_cap, (size_t)r + 1, sizeof *f->regions));
    session_region *region = &f->regions[r];
    *region = (session_region){.first = r > 0 ? f->regions[r - 1].end : f->block->first_node,
                               .block_count = r > 0 ? f->regions[r - 1].block_end : 0};
    f->region_count = r;
    if (r > 0)
        restore_lives(s, f, region);
    return NNC_OK;
}

/* What a node's reshape needs. data: data of a run; later: data that this region only computes. */
static void find_needs(const nnrt_session *s, const session_region *region, uint32_t r,
                       uint32_t index, bool *data, bool *later)
{
    const session_node *node = &s->nodes[index];
    const uint32_t *io = s->plan->io + s->plan->nodes[index].io;
    *data = *later = false;
    for (uint32_t i = 0; i < node->ctx.in_count; i++) {
        const session_value *v = &s->values[io[i]];
        if (v->known || !nnrt_node_needs(node, i))
            continue;
        *data = true;
        *later = *later || r == 0 || (v->node != SESSION_NO_NODE && v->node >= region->first);
    }
}

static nnc_status no_device(const session_node *node)
{
    NNC_FAIL(NNC_ERR_UNSUPPORTED,
             "CUDA: %s '%s': shapes depend on the data (run it on the CPU)", node->rop->name,
             node->ctx.name);
}

static nnc_status plan_region(nnrt_session *s, session_frame *f, uint32_t r)
{
    NNC_TRY(open_region(s, f, r));
    session_region *region = &f->regions[r];
    uint32_t i = region->first;
    if (r == 0) {
        f->block_count = 0;
        NNC_TRY(start_inputs(s, f));
    }
    for (bool later = false; i < end_of(f); i++) {
        find_needs(s, region, r, i, &s->nodes[i].dynamic, &later);
        if (later)
            break;
        NNC_TRY(plan_node(s, f, region, i));
    }
    if (i < end_of(f) && s->device != NULL)
        return no_device(&s->nodes[i]);
    if (i < end_of(f) && !f->split) {
        f->split = true;
        return plan_region(s, f, r);
    }
    region->end = i;
    region->block_end = f->block_count;
    f->fresh = SESSION_NO_NODE;
    NNC_TRY(place_arena(s, f, region));
    f->region_count = r + 1;
    return NNC_OK;
}

nnc_status nnrt_frame_plan(nnrt_session *s, session_frame *f)
{
    f->planned = false;
    f->fresh = SESSION_NO_NODE;
    NNC_TRY(plan_region(s, f, 0));
    f->planned = true;
    return NNC_OK;
}

/* Calls the reshape of a planned region's dynamic nodes again; *same: the plan still holds. */
static nnc_status keep_region(bool *same, nnrt_session *s, session_frame *f, session_region *region)
{
    *same = true;
    for (uint32_t i = region->first; i < region->end; i++) {
        if (!s->nodes[i].dynamic)
            continue;
        const nnrt_node_ctx *ctx = &s->nodes[i].ctx;
        const uint32_t *out = s->plan->io + s->plan->nodes[i].io + ctx->in_count;
        NNC_TRY(nnrt_node_reshape(s, i, true));
        *same = ctx->scratch_bytes <= region->scratch;
        for (uint32_t k = 0; k < ctx->out_count && *same; k++)
            *same = nnrt_shape_same(&ctx->out[k].shape, &s->values[out[k]].tensor.shape);
        if (!*same) {
            f->fresh = i;
            return NNC_OK;
        }
        place_node(s, f, region, i);
    }
    return NNC_OK;
}

nnc_status nnrt_frame_region(nnrt_session *s, session_frame *f, uint32_t r)
{
    f->fresh = SESSION_NO_NODE;
    if (r < f->region_count) {
        bool same;
        nnrt_frame_place(s, f, &f->regions[r]);
        nnc_status status = keep_region(&same, s, f, &f->regions[r]);
        if (status != NNC_OK)
            f->region_count = r;
        if (status != NNC_OK || same)
            return status;
    }
    return plan_region(s, f, r);
}
