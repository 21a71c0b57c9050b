/* Writes the sections of a builder as one image. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "runtime_int8/builder_impl.h"

static const char section_kind[BUILDER_SECTIONS][5] = {
    "STRS", "DIMS", "VALS", "QPAR", "NODE", "IOLS", "PARM", "BLKS", "SIGN", "PROV", "CNST"};

static nnc_status append(builder_bytes *list, const void *data, size_t bytes)
{
    size_t end;
    if (!nnc_size_add(&end, list->bytes, bytes))
        NNC_FAIL(NNC_ERR_LIMIT, "plan section of more than %zu bytes", list->bytes);
    NNC_TRY(nnc_grow(&list->data, &list->cap, end, 1));
    if (bytes != 0)
        memcpy(list->data + list->bytes, data, bytes);
    list->bytes = end;
    return NNC_OK;
}

static nnc_status close_block(nnrt_builder *b, const builder_block *from)
{
    const uint32_t word = sizeof(uint32_t);
    const nnrt_plan_block block = {
        .name = from->name,
        .first_node = (uint32_t)(b->section[BUILDER_NODE].bytes / sizeof(nnrt_plan_node)),
        .node_count = (uint32_t)(from->nodes.bytes / sizeof(nnrt_plan_node)),
        .in_count = (uint32_t)(from->inputs.bytes / word),
        .out_count = (uint32_t)(from->outputs.bytes / word),
        .io = (uint32_t)(b->section[BUILDER_IOLS].bytes / word),
    };
    NNC_TRY(append(&b->section[BUILDER_NODE], from->nodes.data, from->nodes.bytes));
    NNC_TRY(append(&b->section[BUILDER_IOLS], from->inputs.data, from->inputs.bytes));
    NNC_TRY(append(&b->section[BUILDER_IOLS], from->outputs.data, from->outputs.bytes));
    return append(&b->section[BUILDER_BLKS], &block, sizeof block);
}

/* Blocks, the signature and the constants' tail; done once, when nothing more can be added. */
static nnc_status close_sections(nnrt_builder *b)
{
    for (uint32_t i = 0; i < b->block_count; i++)
        NNC_TRY(close_block(b, &b->blocks[i]));
    nnrt_plan_sign sign = {(uint32_t)(b->blocks[0].outputs.bytes / sizeof(uint32_t)),
                           (uint32_t)(b->sign_pairs.bytes / sizeof(nnrt_plan_pair))};
    NNC_TRY(append(&b->section[BUILDER_SIGN], &sign, sizeof sign));
    NNC_TRY(append(&b->section[BUILDER_SIGN], b->output_names.data, b->output_names.bytes));
    NNC_TRY(append(&b->section[BUILDER_SIGN], b->sign_pairs.data, b->sign_pairs.bytes));
    builder_bytes pairs = b->section[BUILDER_PROV];
    b->section[BUILDER_PROV] = (builder_bytes){0};
    nnrt_plan_sign prov = {0, (uint32_t)(pairs.bytes / sizeof(nnrt_plan_pair))};
    nnc_status status = append(&b->section[BUILDER_PROV], &prov, sizeof prov);
    if (status == NNC_OK)
        status = append(&b->section[BUILDER_PROV], pairs.data, pairs.bytes);
    nnc_free(pairs.data);
    NNC_TRY(status);
    static const uint8_t zeros[NNRT_PLAN_TAIL];
    return append(&b->section[BUILDER_CNST], zeros, sizeof zeros);
}

static void write_image(const nnrt_builder *b, uint8_t *image, const nnrt_plan_section *table,
                        size_t bytes)
{
    nnrt_plan_header header = {.major = NNRT_PLAN_MAJOR,
                               .minor = NNRT_PLAN_MINOR,
                               .file_bytes = bytes,
                               .section_count = BUILDER_SECTIONS};
    memcpy(header.magic, NNRT_PLAN_MAGIC, sizeof header.magic);
    size_t table_bytes = BUILDER_SECTIONS * sizeof *table;
    /* The build id names the contents: equal plans have equal ids. */
    header.build_id = nnc_hash64(table, table_bytes, 0);
    memcpy(image, &header, sizeof header);
    memcpy(image + sizeof header, table, table_bytes);
    header.hash = nnc_hash64(image, sizeof header + table_bytes, 0);
    memcpy(image, &header, sizeof header);
    for (unsigned i = 0; i < BUILDER_SECTIONS; i++) {
        if (table[i].bytes != 0)
            memcpy(image + table[i].offset, b->section[i].data, table[i].bytes);
    }
}

nnc_status nnrt_builder_finish(nnrt_builder *b, void **image, size_t *bytes)
{
    *image = NULL;
    *bytes = 0;
    if (b->status != NNC_OK)
        NNC_FAIL(b->status, "%s", b->message);
    if (b->section[BUILDER_BLKS].bytes != 0)
        NNC_FAIL(NNC_ERR_INTERNAL, "a plan builder can be finished once");
    NNC_TRY(close_sections(b));
    nnrt_plan_section table[BUILDER_SECTIONS];
    memset(table, 0, sizeof table);
    uint64_t at = sizeof(nnrt_plan_header) + sizeof table;
    for (unsigned i = 0; i < BUILDER_SECTIONS; i++) {
        uint64_t align = i == BUILDER_CNST ? NNRT_PLAN_PAGE : NNRT_PLAN_ALIGN;
        at = (at + align - 1) & ~(align - 1);
        memcpy(table[i].kind, section_kind[i], sizeof table[i].kind);
        table[i].flags = i == BUILDER_PROV ? 0 : NNRT_SECTION_REQUIRED;
        table[i].offset = at;
        table[i].bytes = b->section[i].bytes;
        table[i].hash = nnc_hash64(b->section[i].data, b->section[i].bytes, 0);
        at += table[i].bytes;
    }
    uint8_t *out = nnc_alloc_aligned(at);
    if (out == NULL)
        return NNC_ERR_LIMIT;
    write_image(b, out, table, at);
    *image = out;
    *bytes = at;
    return NNC_OK;
}
