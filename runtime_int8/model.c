/* Loaded plans: opening, signature, metadata. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/model.h"

#include <string.h>

#include "base/mem.h"

const char *nnrt_version(void)
{
    return NNC_VERSION;
}

const char *nnrt_error_message(void)
{
    return nnc_error_message();
}

static nnc_status load_file(nnrt_model *model, const char *path, uint32_t flags)
{
    NNC_TRY(nnc_file_map_open(&model->map, path, UINT64_MAX / 4));
    model->mapped = true;
    nnc_status status = nnrt_plan_parse(&model->plan, model->map.data, model->map.bytes, flags);
    return status == NNC_OK ? NNC_OK : nnc_error_prepend(status, "%s", path);
}

static nnrt_status finish_load(nnrt_model **out, nnrt_model *model, nnc_status status)
{
    if (status != NNC_OK) {
        nnrt_model_destroy(model);
        return (nnrt_status)status;
    }
    *out = model;
    return NNRT_OK;
}

static nnrt_model *create(void)
{
    nnrt_model *model = nnc_calloc(1, sizeof *model);
    if (model != NULL)
        pthread_mutex_init(&model->lock, NULL);
    return model;
}

nnrt_status nnrt_model_load(nnrt_model **out, const char *path, uint32_t flags)
{
    *out = NULL;
    nnrt_model *model = create();
    if (model == NULL)
        return NNRT_ERR_LIMIT;
    return finish_load(out, model, load_file(model, path, flags));
}

nnrt_status nnrt_model_load_memory(nnrt_model **out, const void *plan, size_t bytes, uint32_t flags)
{
    *out = NULL;
    nnrt_model *model = create();
    if (model == NULL)
        return NNRT_ERR_LIMIT;
    return finish_load(out, model, nnrt_plan_parse(&model->plan, plan, bytes, flags));
}

void nnrt_model_destroy(nnrt_model *model)
{
    if (model == NULL)
        return;
    while (model->devices != NULL) {
        nnrt_device *device = model->devices;
        model->devices = device->next;
        nnrt_device_close(device);
    }
    if (model->mapped)
        nnc_file_map_close(&model->map);
    pthread_mutex_destroy(&model->lock);
    nnc_free(model);
}

nnc_status nnrt_model_device(nnrt_device **out, nnrt_model *model, uint32_t index)
{
    nnc_status status = NNC_OK;
    pthread_mutex_lock(&model->lock);
    nnrt_device *device = model->devices;
    while (device != NULL && device->index != index)
        device = device->next;
    if (device == NULL && (status = nnrt_device_open(&device, index)) == NNC_OK) {
        device->next = model->devices;
        model->devices = device;
    }
    pthread_mutex_unlock(&model->lock);
    *out = device;
    return status;
}

uint32_t nnrt_model_input_count(const nnrt_model *model)
{
    return model->plan.blocks[0].in_count;
}

uint32_t nnrt_model_output_count(const nnrt_model *model)
{
    return model->plan.blocks[0].out_count;
}

static void value_info(const nnrt_model *model, uint32_t id, uint32_t name, nnrt_io_info *info)
{
    *info = (nnrt_io_info){.name = nnrt_plan_string(&model->plan, name),
                           .dtype = (nnrt_dtype)model->plan.values[id].dtype,
                           .shape = nnrt_plan_shape(&model->plan, id)};
}

nnrt_status nnrt_model_input(const nnrt_model *model, uint32_t i, nnrt_io_info *info)
{
    const nnrt_plan_block *block = &model->plan.blocks[0];
    if (i >= block->in_count)
        return (nnrt_status)nnc_error_set(NNC_ERR_USAGE, "input %u of %u", i, block->in_count);
    uint32_t id = model->plan.io[block->io + i];
    value_info(model, id, model->plan.values[id].name, info);
    return NNRT_OK;
}

nnrt_status nnrt_model_output(const nnrt_model *model, uint32_t i, nnrt_io_info *info)
{
    const nnrt_plan_block *block = &model->plan.blocks[0];
    if (i >= block->out_count)
        return (nnrt_status)nnc_error_set(NNC_ERR_USAGE, "output %u of %u", i, block->out_count);
    uint32_t id = model->plan.io[block->io + block->in_count + i];
    value_info(model, id, model->plan.output_names[i], info);
    return NNRT_OK;
}

static const char *find_pair(const nnrt_plan *plan, const nnrt_plan_pair *pairs, size_t count,
                             const char *key)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(nnrt_plan_string(plan, pairs[i].key), key) == 0)
            return nnrt_plan_string(plan, pairs[i].value);
    }
    return NULL;
}

const char *nnrt_model_metadata(const nnrt_model *model, const char *key)
{
    const nnrt_plan *plan = &model->plan;
    const char *value = find_pair(plan, plan->sign, plan->sign_count, key);
    return value != NULL ? value : find_pair(plan, plan->prov, plan->prov_count, key);
}

size_t nnrt_model_constant_bytes(const nnrt_model *model)
{
    return model->plan.constant_bytes - NNRT_PLAN_TAIL;
}
