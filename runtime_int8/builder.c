/* Builds plan images: values, constants, nodes. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/builder.h"

#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/map.h"
#include "base/mem.h"
#include "runtime_int8/builder_impl.h"
#include "runtime_int8/ops/util.h"

/* Appends `bytes` (zeros when data is NULL), padding the start to `align`; returns the offset. */
static nnc_status bytes_append(builder_bytes *list, size_t *offset, const void *data, size_t bytes,
                               size_t align)
{
    size_t at = (list->bytes + align - 1) & ~(align - 1);
    size_t end;
    if (!nnc_size_add(&end, at, bytes) || end > UINT64_MAX / 4)
        NNC_FAIL(NNC_ERR_LIMIT, "plan section of more than %zu bytes", list->bytes);
    NNC_TRY(nnc_grow(&list->data, &list->cap, end, 1));
    if (end == list->bytes) {
        *offset = at;
        return NNC_OK;
    }
    memset(list->data + list->bytes, 0, end - list->bytes);
    if (data != NULL && bytes != 0)
        memcpy(list->data + at, data, bytes);
    list->bytes = end;
    *offset = at;
    return NNC_OK;
}

static nnc_status fail(nnrt_builder *b, nnc_status status)
{
    if (b->status == NNC_OK) {
        b->status = status;
        snprintf(b->message, sizeof b->message, "%s", nnc_error_message());
    }
    return status;
}

nnc_status nnrt_builder_status(const nnrt_builder *b)
{
    return b->status == NNC_OK ? NNC_OK : nnc_error_set(b->status, "%s", b->message);
}

static nnc_status add_block(nnrt_builder *b, uint32_t name)
{
    if (b->block_count == UINT32_MAX)
        NNC_FAIL(NNC_ERR_LIMIT, "plan with more than %u blocks", b->block_count);
    NNC_TRY(nnc_grow(&b->blocks, &b->block_cap, (size_t)b->block_count + 1, sizeof *b->blocks));
    b->blocks[b->block_count] = (builder_block){.name = name, .parent = b->open};
    b->open = b->block_count++;
    return NNC_OK;
}

nnrt_builder *nnrt_builder_create(void)
{
    nnrt_builder *b = nnc_calloc(1, sizeof *b);
    if (b == NULL)
        return NULL;
    b->string_map = nnc_map_create();
    b->const_map = nnc_map_create();
    size_t at;
    if (b->string_map == NULL || b->const_map == NULL || add_block(b, 0) != NNC_OK ||
        bytes_append(&b->section[BUILDER_STRS], &at, "", 1, 1) != NNC_OK) {
        nnrt_builder_destroy(b);
        return NULL;
    }
    return b;
}

void nnrt_builder_destroy(nnrt_builder *b)
{
    if (b == NULL)
        return;
    nnc_map_destroy(b->string_map);
    nnc_map_destroy(b->const_map);
    for (unsigned i = 0; i < BUILDER_SECTIONS; i++)
        nnc_free(b->section[i].data);
    for (uint32_t i = 0; i < b->block_count; i++) {
        nnc_free(b->blocks[i].nodes.data);
        nnc_free(b->blocks[i].inputs.data);
        nnc_free(b->blocks[i].outputs.data);
    }
    nnc_free(b->blocks);
    nnc_free(b->output_names.data);
    nnc_free(b->sign_pairs.data);
    nnc_free(b);
}

/* STRS offset of a string, stored once. */
static nnc_status string_offset(nnrt_builder *b, uint32_t *out, const char *s)
{
    *out = 0;
    if (s == NULL || s[0] == '\0' || nnc_map_get(b->string_map, s, out))
        return NNC_OK;
    size_t at;
    NNC_TRY(bytes_append(&b->section[BUILDER_STRS], &at, s, strlen(s) + 1, 1));
    if (at > INT32_MAX)
        NNC_FAIL(NNC_ERR_LIMIT, "names of a plan exceed 2 GiB");
    *out = (uint32_t)at;
    return nnc_map_put(b->string_map, s, *out, NULL);
}

int64_t nnrt_builder_symbol(nnrt_builder *b, const char *name)
{
    uint32_t offset = 0;
    if (b->status == NNC_OK && string_offset(b, &offset, name) != NNC_OK)
        fail(b, NNC_ERR_LIMIT);
    return -1 - (int64_t)offset;
}

static nnc_status add_dims(nnrt_builder *b, uint32_t *first, const nnrt_shape *shape)
{
    *first = (uint32_t)(b->section[BUILDER_DIMS].bytes / sizeof(nnrt_plan_dim));
    for (uint32_t i = 0; i < shape->rank; i++) {
        nnrt_plan_dim dim = {.kind = NNRT_DIM_CONST, .value = shape->dims[i]};
        if (shape->dims[i] == NNRT_DIM_UNKNOWN)
            dim = (nnrt_plan_dim){.kind = NNRT_DIM_SYMBOL};
        else if (shape->dims[i] < 0)
            dim = (nnrt_plan_dim){.kind = NNRT_DIM_SYMBOL, .name = (uint32_t)(-1 - shape->dims[i])};
        size_t at;
        NNC_TRY(bytes_append(&b->section[BUILDER_DIMS], &at, &dim, sizeof dim, 8));
    }
    return NNC_OK;
}

static nnc_status add_value(nnrt_builder *b, nnrt_plan_value *value, const char *name,
                            const nnrt_shape *shape, const nnrt_plan_quant *quant)
{
    const nnrt_shape any = {.rank = 0};
    const bool ranked = shape->rank != NNRT_RANK_ANY;
    if (ranked && shape->rank > NNRT_RANK_MAX)
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "value '%s' has rank %u, a plan holds at most %d",
                 name != NULL ? name : "", shape->rank, NNRT_RANK_MAX);
    if (nnrt_dtype_bytes(value->dtype) == 0)
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "value '%s' has type %s, which a plan cannot hold",
                 name != NULL ? name : "", nnrt_dtype_name(value->dtype));
    NNC_TRY(string_offset(b, &value->name, name));
    NNC_TRY(add_dims(b, &value->dims, ranked ? shape : &any));
    value->rank = shape->rank;
    value->quant = NNRT_NONE;
    size_t at;
    if (quant != NULL) {
        NNC_TRY(bytes_append(&b->section[BUILDER_QPAR], &at, quant, sizeof *quant, 8));
        value->quant = (uint32_t)(at / sizeof *quant);
    }
    NNC_TRY(bytes_append(&b->section[BUILDER_VALS], &at, value, sizeof *value, 8));
    b->value_count++;
    return NNC_OK;
}

uint32_t nnrt_builder_value(nnrt_builder *b, nnrt_value_kind kind, const char *name,
                            nnrt_dtype dtype, const nnrt_shape *shape, uint32_t layout,
                            const nnrt_plan_quant *quant)
{
    if (b->status != NNC_OK)
        return NNRT_NONE;
    nnrt_plan_value value = {.kind = kind, .dtype = dtype, .layout = layout};
    nnc_status status = add_value(b, &value, name, shape, quant);
    if (status != NNC_OK) {
        fail(b, status);
        return NNRT_NONE;
    }
    return b->value_count - 1;
}

/* CNST offset of the bytes; equal constants are stored once. */
static nnc_status add_bytes(nnrt_builder *b, uint64_t *offset, const void *data, size_t bytes,
                            bool share)
{
    builder_bytes *list = &b->section[BUILDER_CNST];
    char key[64];
    snprintf(key, sizeof key, "%016llx:%zu", (unsigned long long)nnc_hash64(data, bytes, 0), bytes);
    uint32_t unit;
    size_t at;
    if (share && nnc_map_get(b->const_map, key, &unit)) {
        at = (size_t)unit * NNRT_PLAN_ALIGN;
        if (memcmp(list->data + at, data, bytes) == 0) {
            *offset = at;
            return NNC_OK;
        }
    }
    NNC_TRY(bytes_append(list, &at, data, bytes, NNRT_PLAN_ALIGN));
    *offset = at;
    if (share && at / NNRT_PLAN_ALIGN < UINT32_MAX)
        return nnc_map_put(b->const_map, key, (uint32_t)(at / NNRT_PLAN_ALIGN), NULL);
    return NNC_OK;
}

static nnc_status add_const(nnrt_builder *b, nnrt_plan_value *value, const char *name,
                            const nnrt_shape *shape, const void *data, size_t bytes)
{
    size_t want = nnrt_dtype_bytes(value->dtype);
    for (uint32_t i = 0; i < shape->rank && i < NNRT_RANK_MAX; i++) {
        if (shape->dims[i] < 0 || !nnc_size_mul(&want, want, (size_t)shape->dims[i]))
            NNC_FAIL(NNC_ERR_MODEL, "constant '%s' has an unknown or too large shape", name);
    }
    if (want != bytes)
        NNC_FAIL(NNC_ERR_MODEL, "constant '%s' has %zu bytes, its shape needs %zu",
                 name != NULL ? name : "", bytes, want);
    value->bytes = bytes;
    NNC_TRY(add_bytes(b, &value->data, data, bytes, value->kind == NNRT_VALUE_CONST));
    return add_value(b, value, name, shape, NULL);
}

static uint32_t stored_value(nnrt_builder *b, nnrt_value_kind kind, const char *name,
                             nnrt_dtype dtype, const nnrt_shape *shape, const void *data,
                             size_t bytes)
{
    if (b->status != NNC_OK)
        return NNRT_NONE;
    nnrt_plan_value value = {.kind = kind, .dtype = dtype};
    nnc_status status = add_const(b, &value, name, shape, data, bytes);
    if (status != NNC_OK) {
        fail(b, status);
        return NNRT_NONE;
    }
    return b->value_count - 1;
}

uint32_t nnrt_builder_const(nnrt_builder *b, const char *name, nnrt_dtype dtype,
                            const nnrt_shape *shape, const void *data, size_t bytes)
{
    return stored_value(b, NNRT_VALUE_CONST, name, dtype, shape, data, bytes);
}

uint32_t nnrt_builder_variable(nnrt_builder *b, const char *name, nnrt_dtype dtype,
                               const nnrt_shape *shape, const void *data, size_t bytes)
{
    return stored_value(b, NNRT_VALUE_VARIABLE, name, dtype, shape, data, bytes);
}

static nnc_status add_node(nnrt_builder *b, nnrt_plan_node *node, const char *name,
                           const void *params, const uint32_t *in, const uint32_t *out)
{
    const nnrt_rop *rop = nnrt_rop_find(node->rop);
    if (rop == NULL)
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "'%s': no runtime operator %u in this build", name,
                 node->rop);
    if (node->params_bytes != rop->params_bytes)
        NNC_FAIL(NNC_ERR_INTERNAL, "'%s': %u bytes of parameters, %s takes %u", name,
                 node->params_bytes, rop->name, rop->params_bytes);
    size_t at;
    NNC_TRY(string_offset(b, &node->name, name));
    NNC_TRY(bytes_append(&b->section[BUILDER_PARM], &at, params, node->params_bytes, 8));
    node->params = (uint32_t)at;
    NNC_TRY(bytes_append(&b->section[BUILDER_IOLS], &at, in, node->in_count * sizeof *in, 4));
    node->io = (uint32_t)(at / sizeof *in);
    NNC_TRY(bytes_append(&b->section[BUILDER_IOLS], &at, out, node->out_count * sizeof *out, 4));
    if (b->section[BUILDER_PARM].bytes > UINT32_MAX || at / 4 > UINT32_MAX)
        NNC_FAIL(NNC_ERR_LIMIT, "'%s': plan with more than 4 GiB of parameters", name);
    return bytes_append(&b->blocks[b->open].nodes, &at, node, sizeof *node, 8);
}

void nnrt_builder_node(nnrt_builder *b, uint32_t rop, const char *name, const void *params,
                       size_t params_bytes, const uint32_t *in, uint32_t in_count,
                       const uint32_t *out, uint32_t out_count)
{
    if (b->status != NNC_OK)
        return;
    nnrt_plan_node node = {.rop = rop,
                           .block = b->open,
                           .params_bytes = (uint32_t)params_bytes,
                           .in_count = in_count,
                           .out_count = out_count};
    nnc_status status = add_node(b, &node, name != NULL ? name : "", params, in, out);
    if (status != NNC_OK)
        fail(b, status);
}

static void append_u32(nnrt_builder *b, builder_bytes *list, uint32_t v)
{
    size_t at;
    if (b->status == NNC_OK && bytes_append(list, &at, &v, sizeof v, 4) != NNC_OK)
        fail(b, NNC_ERR_LIMIT);
}

uint32_t nnrt_builder_block_begin(nnrt_builder *b, const char *name)
{
    uint32_t offset = 0;
    nnc_status status = b->status;
    if (status == NNC_OK && (status = string_offset(b, &offset, name)) == NNC_OK)
        status = add_block(b, offset);
    if (status == NNC_OK)
        return b->open;
    fail(b, status);
    return NNRT_NONE;
}

void nnrt_builder_block_end(nnrt_builder *b)
{
    if (b->status == NNC_OK && b->open == 0)
        fail(b, nnc_error_set(NNC_ERR_INTERNAL, "the graph's block cannot be ended"));
    if (b->status == NNC_OK)
        b->open = b->blocks[b->open].parent;
}

void nnrt_builder_input(nnrt_builder *b, uint32_t value)
{
    append_u32(b, &b->blocks[b->open].inputs, value);
}

void nnrt_builder_output(nnrt_builder *b, uint32_t value, const char *name)
{
    uint32_t offset = 0;
    if (b->status == NNC_OK && string_offset(b, &offset, name) != NNC_OK)
        fail(b, NNC_ERR_LIMIT);
    append_u32(b, &b->blocks[b->open].outputs, value);
    if (b->open == 0)
        append_u32(b, &b->output_names, offset);
}

void nnrt_builder_metadata(nnrt_builder *b, const char *section, const char *key, const char *value)
{
    if (b->status != NNC_OK)
        return;
    builder_bytes *list = strcmp(section, "PROV") == 0   ? &b->section[BUILDER_PROV]
                          : strcmp(section, "SIGN") == 0 ? &b->sign_pairs
                                                         : NULL;
    if (list == NULL) {
        fail(b, nnc_error_set(NNC_ERR_INTERNAL, "metadata section '%s', expected SIGN or PROV",
                              section));
        return;
    }
    uint32_t k = 0, v = 0;
    if (string_offset(b, &k, key) != NNC_OK || string_offset(b, &v, value) != NNC_OK)
        fail(b, NNC_ERR_LIMIT);
    append_u32(b, list, k);
    append_u32(b, list, v);
}
