/* Sessions: creation, shapes, views. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/session.h"

#include <string.h>
#include <unistd.h>

#include "runtime_int8/kernels/cpu.h"
#include "runtime_int8/ops/util.h"
#include "runtime_int8/session_device.h"

static nnc_status init_variables(nnrt_session *s)
{
    for (size_t id = 0; id < s->plan->value_count; id++) {
        const nnrt_plan_value *v = &s->plan->values[id];
        if (v->kind != NNRT_VALUE_VARIABLE)
            continue;
        s->variables[id] = nnc_alloc_aligned(v->bytes);
        if (s->variables[id] == NULL)
            return NNC_ERR_LIMIT;
        memcpy(s->variables[id], s->plan->constants + v->data, v->bytes);
    }
    return NNC_OK;
}

static void keep_value(session_value *v)
{
    v->last_use = SESSION_END;
    v->read = true;
}

/* Who computes a value, and the node after which no one reads it: known from the plan alone. */
static void init_uses(nnrt_session *s)
{
    const nnrt_plan *plan = s->plan;
    for (uint32_t id = 0; id < plan->value_count; id++)
        s->values[id].node = SESSION_NO_NODE;
    for (uint32_t i = 0; i < plan->node_count; i++) {
        const nnrt_plan_node *node = &plan->nodes[i];
        for (uint32_t k = 0; k < node->in_count; k++) {
            session_value *v = &s->values[plan->io[node->io + k]];
            v->last_use = i;
            v->read = true;
        }
        for (uint32_t k = 0; k < node->out_count; k++)
            s->values[plan->io[node->io + node->in_count + k]].node = i;
    }
    for (size_t b = 0; b < plan->block_count; b++) {
        const nnrt_plan_block *block = &plan->blocks[b];
        for (uint32_t i = 0; i < block->in_count + block->out_count; i++)
            keep_value(&s->values[plan->io[block->io + i]]);
    }
    for (size_t id = 0; id < plan->value_count; id++) {
        if (plan->values[id].kind == NNRT_VALUE_OUTPUT)
            keep_value(&s->values[id]);
    }
}

/* Constants and variables: the same for all shapes. */
static void init_stored(nnrt_session *s)
{
    const nnrt_plan *plan = s->plan;
    for (uint32_t id = 0; id < plan->value_count; id++) {
        const nnrt_plan_value *v = &plan->values[id];
        session_value *value = &s->values[id];
        value->tensor.dtype = (nnrt_dtype)v->dtype;
        value->block = SESSION_NO_BLOCK;
        value->source = id;
        value->known = v->kind == NNRT_VALUE_CONST;
        if (v->kind != NNRT_VALUE_CONST && v->kind != NNRT_VALUE_VARIABLE)
            continue;
        value->tensor.shape = nnrt_plan_shape(plan, id);
        value->tensor.bytes = v->bytes;
        value->tensor.data = v->kind == NNRT_VALUE_CONST
                                 ? (void *)(uintptr_t)(plan->constants + v->data)
                                 : s->variables[id];
    }
}

static void init_nodes(nnrt_session *s)
{
    const nnrt_plan *plan = s->plan;
    nnrt_tensor *next = s->tensors;
    for (size_t i = 0; i < plan->node_count; i++) {
        const nnrt_plan_node *node = &plan->nodes[i];
        s->nodes[i].rop = nnrt_rop_find(node->rop);
        s->nodes[i].ctx = (nnrt_node_ctx){
            .name = nnrt_plan_string(plan, node->name),
            .params = plan->params + node->params,
            .in_count = node->in_count,
            .out_count = node->out_count,
            .in = next,
            .out = next + node->in_count,
            .isa = s->isa,
            .session = s,
        };
        for (uint32_t k = 0; k < node->in_count + node->out_count; k++) {
            if (plan->values[plan->io[node->io + k]].rank == NNRT_RANK_ANY)
                s->nodes[i].late_check = true;
        }
        next += node->in_count + node->out_count;
    }
}

static size_t physical_memory(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    size_t bytes;
    if (pages <= 0 || page <= 0 || !nnc_size_mul(&bytes, (size_t)pages, (size_t)page))
        return SIZE_MAX / 4;
    return bytes;
}

static size_t tensor_count(const nnrt_plan *plan)
{
    size_t n = 0;
    for (size_t i = 0; i < plan->node_count; i++)
        n += (size_t)plan->nodes[i].in_count + plan->nodes[i].out_count;
    return n;
}

static nnc_status init_frame(session_frame *f, const nnrt_plan *plan, const nnrt_plan_block *block)
{
    const uint32_t inputs = block->in_count;
    size_t values = inputs;
    for (uint32_t i = 0; i < block->node_count; i++)
        values += plan->nodes[block->first_node + i].out_count;
    f->block = block;
    f->fresh = SESSION_NO_NODE;
    f->shapes = nnc_calloc((size_t)inputs + 1, sizeof *f->shapes);
    f->symbols = nnc_calloc((size_t)inputs + 1, NNRT_RANK_MAX * sizeof *f->symbols);
    f->blocks = nnc_calloc(values + 1, sizeof *f->blocks);
    f->work = nnc_calloc(values + 1, NNRT_MEMORY_WORK);
    f->inputs = nnc_calloc((size_t)inputs + 1, sizeof *f->inputs);
    f->input_caps = nnc_calloc((size_t)inputs + 1, sizeof *f->input_caps);
    if (f->shapes == NULL || f->symbols == NULL || f->blocks == NULL || f->work == NULL ||
        f->inputs == NULL || f->input_caps == NULL)
        return NNC_ERR_LIMIT;
    return NNC_OK;
}

static void deinit_frame(session_frame *f)
{
    for (uint32_t i = 0; f->inputs != NULL && i < f->block->in_count; i++)
        nnc_free(f->inputs[i]);
    nnc_free(f->shapes);
    nnc_free(f->symbols);
    nnc_free(f->blocks);
    nnc_free(f->work);
    nnc_free(f->inputs);
    nnc_free(f->input_caps);
    nnc_free(f->regions);
    nnc_free(f->arena);
}

static nnc_status init_frames(nnrt_session *s)
{
    for (size_t b = 0; b < s->plan->block_count; b++) {
        NNC_TRY(init_frame(&s->frames[b], s->plan, &s->plan->blocks[b]));
        s->frames[b].inner = s->frames[b].split = b > 0;
    }
    return NNC_OK;
}

static nnc_status create(nnrt_session *s, const nnrt_session_options *options)
{
    const nnrt_plan *plan = s->plan;
    nnrt_isa best = NNRT_ISA_REF;
    NNC_TRY(nnrt_isa_detect(&best));
    s->isa = options->isa_max < (uint32_t)best ? (nnrt_isa)options->isa_max : best;
    s->profile = options->profile != 0;
    s->arena_limit = physical_memory();
    s->last_parallel = SESSION_END;
    s->values = nnc_calloc(plan->value_count + 1, sizeof *s->values);
    s->nodes = nnc_calloc(plan->node_count + 1, sizeof *s->nodes);
    s->tensors = nnc_calloc(tensor_count(plan) + 1, sizeof *s->tensors);
    s->frames = nnc_calloc(plan->block_count, sizeof *s->frames);
    s->variables = nnc_calloc(plan->value_count + 1, sizeof *s->variables);
    if (s->values == NULL || s->nodes == NULL || s->tensors == NULL || s->frames == NULL ||
        s->variables == NULL)
        return NNC_ERR_LIMIT;
    NNC_TRY(init_variables(s));
    NNC_TRY(nnrt_pool_create(&s->pool, options->threads));
    init_uses(s);
    init_stored(s);
    init_nodes(s);
    return init_frames(s);
}

nnc_status nnrt_session_leave_device(nnrt_session *s)
{
    const char *message = nnrt_error_message();
    const size_t bytes = strlen(message) + 1;
    nnc_free(s->device_note);
    s->device_note = nnc_calloc(bytes, 1);
    if (s->device_note == NULL)
        return NNC_ERR_LIMIT;
    memcpy(s->device_note, message, bytes);
    nnrt_session_device_destroy(s);
    return NNC_OK;
}

/* Where the session runs. AUTO goes on with the CPU when the device cannot. */
static nnc_status choose_device(nnrt_session *s, nnrt_model *model,
                                const nnrt_session_options *options)
{
    if (options->device == NNRT_DEVICE_CPU)
        return NNC_OK;
    if (options->device > NNRT_DEVICE_AUTO)
        NNC_FAIL(NNC_ERR_USAGE, "device %u, expected 0..%d", options->device, NNRT_DEVICE_AUTO);
    s->device_auto = options->device == NNRT_DEVICE_AUTO;
    nnc_status status = nnrt_session_device_create(s, model, options->device_index);
    if (s->device_auto && (status == NNC_ERR_DEVICE || status == NNC_ERR_UNSUPPORTED))
        return nnrt_session_leave_device(s);
    return status;
}

nnrt_status nnrt_session_create(nnrt_session **out, const nnrt_model *model,
                                const nnrt_session_options *options)
{
    *out = NULL;
    nnrt_session_options o = {.size = sizeof o, .isa_max = NNRT_ISA_BEST};
    if (options != NULL) {
        if (options->size < sizeof options->size || options->size > 4096)
            return (nnrt_status)nnc_error_set(NNC_ERR_USAGE, "session options of %zu bytes",
                                              options->size);
        memcpy(&o, options, options->size < sizeof o ? options->size : sizeof o);
    }
    nnrt_session *s = nnc_calloc(1, sizeof *s);
    if (s == NULL)
        return NNRT_ERR_LIMIT;
    s->plan = &model->plan;
    nnc_status status = create(s, &o);
    if (status == NNC_OK) /* a model is constant but for the devices it was uploaded to */
        status = choose_device(s, (nnrt_model *)(uintptr_t)model, &o);
    if (status != NNC_OK) {
        nnrt_session_destroy(s);
        return (nnrt_status)status;
    }
    *out = s;
    return NNRT_OK;
}

void nnrt_session_destroy(nnrt_session *s)
{
    if (s == NULL)
        return;
    nnrt_session_device_destroy(s);
    nnc_free(s->device_note);
    nnrt_pool_destroy(s->pool);
    for (size_t i = 0; s->nodes != NULL && i < s->plan->node_count; i++) {
        nnc_free(s->nodes[i].state);
        nnc_free(s->nodes[i].host);
        for (uint32_t k = 0; k < s->nodes[i].buffer_count; k++)
            nnc_free(s->nodes[i].buffers[k].data);
        nnc_free(s->nodes[i].buffers);
    }
    for (size_t i = 0; s->variables != NULL && i < s->plan->value_count; i++)
        nnc_free(s->variables[i]);
    for (size_t b = 0; s->frames != NULL && b < s->plan->block_count; b++)
        deinit_frame(&s->frames[b]);
    nnc_free(s->values);
    nnc_free(s->nodes);
    nnc_free(s->tensors);
    nnc_free(s->frames);
    nnc_free(s->variables);
    nnc_free(s);
}

/* A dim must be the declared number, and equal symbols must get equal numbers. */
static nnc_status check_dim(const nnrt_session *s, session_frame *f, uint32_t *symbols,
                            uint32_t input, uint32_t i, const nnrt_plan_dim *dim, int64_t size)
{
    if (size < 0 || size > NNRT_DIM_MAX)
        NNC_FAIL(NNC_ERR_USAGE, "input %u: dim %u is %lld, expected 0..%d", input, i,
                 (long long)size, NNRT_DIM_MAX);
    if (dim->kind == NNRT_DIM_CONST && dim->value != size)
        NNC_FAIL(NNC_ERR_USAGE, "input %u: dim %u is %lld, the model takes %lld", input, i,
                 (long long)size, (long long)dim->value);
    if (dim->kind == NNRT_DIM_CONST || dim->name == 0)
        return NNC_OK;
    for (uint32_t k = 0; k < *symbols; k++) {
        if (f->symbols[k].name == dim->name && f->symbols[k].value != size)
            NNC_FAIL(NNC_ERR_USAGE, "input %u: dim %u (%s) is %lld, but %lld elsewhere", input, i,
                     nnrt_plan_string(s->plan, dim->name), (long long)size,
                     (long long)f->symbols[k].value);
    }
    f->symbols[(*symbols)++] = (session_symbol){dim->name, size};
    return NNC_OK;
}

static nnc_status check_shapes(const nnrt_session *s, session_frame *f, const nnrt_shape *shapes,
                               uint32_t count)
{
    const nnrt_plan *plan = s->plan;
    uint32_t symbols = 0;
    if (count != f->block->in_count)
        NNC_FAIL(NNC_ERR_USAGE, "%u input shapes, the model takes %u", count, f->block->in_count);
    for (uint32_t i = 0; i < count; i++) {
        const nnrt_plan_value *v = &plan->values[plan->io[f->block->io + i]];
        if (v->rank == NNRT_RANK_ANY && shapes[i].rank <= NNRT_RANK_MAX)
            continue;
        if (shapes[i].rank != v->rank)
            NNC_FAIL(NNC_ERR_USAGE, "input %u ('%s'): rank %u, the model takes %u", i,
                     nnrt_plan_string(plan, v->name), shapes[i].rank, v->rank);
        for (uint32_t d = 0; d < v->rank; d++)
            NNC_TRY(check_dim(s, f, &symbols, i, d, &plan->dims[v->dims + d], shapes[i].dims[d]));
    }
    return NNC_OK;
}

nnc_status nnrt_frame_check(const nnrt_session *s, session_frame *f)
{
    return check_shapes(s, f, f->shapes, f->block->in_count);
}

nnc_status nnrt_session_plan(nnrt_session *s)
{
    s->iterations = 0;
    s->last_parallel = SESSION_END;
    nnc_status status = nnrt_frame_plan(s, &s->frames[0]);
    if (status == NNC_OK && s->device != NULL)
        status = nnrt_session_device_lower(s);
    if (s->device == NULL || !s->device_auto ||
        (status != NNC_ERR_DEVICE && status != NNC_ERR_UNSUPPORTED))
        return status;
    NNC_TRY(nnrt_session_leave_device(s));
    return nnrt_frame_plan(s, &s->frames[0]);
}

static nnc_status reshape(nnrt_session *s, const nnrt_shape *shapes, uint32_t count)
{
    session_frame *f = &s->frames[0];
    NNC_TRY(check_shapes(s, f, shapes, count));
    bool same = s->phase == SESSION_READY;
    for (uint32_t i = 0; i < count && same; i++)
        same = nnrt_shape_same(&shapes[i], &f->shapes[i]);
    if (same)
        return NNC_OK;
    for (uint32_t i = 0; i < count; i++)
        f->shapes[i] = shapes[i];
    s->phase = SESSION_FAILED;
    NNC_TRY(nnrt_session_plan(s));
    s->phase = SESSION_READY;
    return NNC_OK;
}

nnrt_status nnrt_session_reshape(nnrt_session *session, const nnrt_shape *shapes, uint32_t count)
{
    return (nnrt_status)reshape(session, shapes, count);
}

nnc_status nnrt_session_ready(nnrt_session *s)
{
    if (s->phase == SESSION_READY)
        return NNC_OK;
    if (s->phase == SESSION_FAILED)
        NNC_FAIL(NNC_ERR_USAGE, "the session's last reshape failed");
    const session_frame *f = &s->frames[0];
    for (uint32_t i = 0; i < f->block->in_count; i++) {
        f->shapes[i] = nnrt_plan_shape(s->plan, s->plan->io[f->block->io + i]);
        for (uint32_t d = 0; d < f->shapes[i].rank; d++) {
            if (f->shapes[i].dims[d] < 0)
                f->shapes[i].dims[d] = 1;
        }
    }
    return reshape(s, f->shapes, f->block->in_count);
}

/* i counts inputs, then outputs. */
static void set_view(nnrt_view *view, const nnrt_session *s, uint32_t i)
{
    const nnrt_tensor *t = &s->values[s->plan->io[s->plan->blocks[0].io + i]].tensor;
    void *data = s->device != NULL ? nnrt_session_device_host(s, i) : t->data;
    *view = (nnrt_view){data, t->bytes, t->dtype, t->shape};
}

nnrt_status nnrt_session_input(nnrt_session *session, uint32_t i, nnrt_view *view)
{
    const nnrt_plan_block *block = &session->plan->blocks[0];
    if (i >= block->in_count)
        return (nnrt_status)nnc_error_set(NNC_ERR_USAGE, "input %u of %u", i, block->in_count);
    nnc_status status = nnrt_session_ready(session);
    if (status != NNC_OK)
        return (nnrt_status)status;
    set_view(view, session, i);
    return NNRT_OK;
}

nnrt_status nnrt_session_output(nnrt_session *session, uint32_t i, nnrt_view *view)
{
    const nnrt_plan_block *block = &session->plan->blocks[0];
    if (i >= block->out_count)
        return (nnrt_status)nnc_error_set(NNC_ERR_USAGE, "output %u of %u", i, block->out_count);
    nnc_status status = nnrt_session_ready(session);
    if (status != NNC_OK)
        return (nnrt_status)status;
    if (!nnrt_frame_complete(&session->frames[0]))
        return (nnrt_status)nnc_error_set(
            NNC_ERR_USAGE, "output %u ('%s'): shapes depend on the data and are known after a run", i,
            nnrt_plan_string(session->plan, session->plan->output_names[i]));
    set_view(view, session, block->in_count + i);
    return NNRT_OK;
}

nnrt_status nnrt_session_variable(nnrt_session *session, const char *name, nnrt_view *view)
{
    const nnrt_plan *plan = session->plan;
    for (uint32_t id = 0; id < plan->value_count; id++) {
        const nnrt_plan_value *v = &plan->values[id];
        if (v->kind != NNRT_VALUE_VARIABLE || strcmp(nnrt_plan_string(plan, v->name), name) != 0)
            continue;
        *view = (nnrt_view){session->variables[id], v->bytes, (nnrt_dtype)v->dtype,
                            nnrt_plan_shape(plan, id)};
        return NNRT_OK;
    }
    return (nnrt_status)nnc_error_set(NNC_ERR_USAGE, "no variable '%s'", name);
}

nnrt_device_kind nnrt_session_device_of(const nnrt_session *session)
{
    return session->device != NULL ? NNRT_DEVICE_CUDA : NNRT_DEVICE_CPU;
}

const char *nnrt_session_device_name(const nnrt_session *session)
{
    return session->device != NULL ? nnrt_session_device_info(session)->name : NULL;
}

const char *nnrt_session_device_note(const nnrt_session *session)
{
    return session->device_note;
}

size_t nnrt_session_arena_bytes(const nnrt_session *session)
{
    size_t all = 0;
    for (size_t b = 0; b < session->plan->block_count; b++) {
        const session_frame *f = &session->frames[b];
        size_t most = 0;
        for (uint32_t r = 0; r < f->region_count; r++)
            most = f->regions[r].bytes > most ? f->regions[r].bytes : most;
        for (uint32_t i = 0; i < f->block->in_count; i++)
            most += f->input_caps[i];
        all += most;
    }
    return all;
}
