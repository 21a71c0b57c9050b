/* Opens a plan image: header, sections, indices. SPDX-License-Identifier: Apache-2.0
 * Nothing read from the image is used as an index or size before it has been checked here or in
 * plan_check.c. */
#include "runtime_int8/plan.h"

#include <string.h>

#include "base/hash.h"

#define SECTION_MAX 64u

typedef struct section_rule {
    char kind[5];
    bool metadata;  /* hash always checked */
    bool must;      /* absent: refused */
    size_t element; /* bytes is a multiple */
} section_rule;

enum {
    S_STRS,
    S_DIMS,
    S_VALS,
    S_QPAR,
    S_NODE,
    S_IOLS,
    S_PARM,
    S_BLKS,
    S_SIGN,
    S_CNST,
    S_PROV,
    S_COUNT
};
static const section_rule rules[S_COUNT] = {
    [S_STRS] = {"STRS", true, true, 1},
    [S_DIMS] = {"DIMS", true, true, sizeof(nnrt_plan_dim)},
    [S_VALS] = {"VALS", true, true, sizeof(nnrt_plan_value)},
    [S_QPAR] = {"QPAR", true, true, sizeof(nnrt_plan_quant)},
    [S_NODE] = {"NODE", true, true, sizeof(nnrt_plan_node)},
    [S_IOLS] = {"IOLS", true, true, sizeof(uint32_t)},
    [S_PARM] = {"PARM", true, true, 1},
    [S_BLKS] = {"BLKS", true, true, sizeof(nnrt_plan_block)},
    [S_SIGN] = {"SIGN", true, true, sizeof(uint32_t)},
    [S_CNST] = {"CNST", false, true, 1},
    [S_PROV] = {"PROV", true, false, sizeof(uint32_t)},
};

static nnc_status check_header(const nnrt_plan_header **out, const void *image, size_t bytes)
{
    if (bytes < sizeof(nnrt_plan_header))
        NNC_FAIL(NNC_ERR_MODEL, "plan of %zu bytes is shorter than its header of %zu", bytes,
                 sizeof(nnrt_plan_header));
    if (((uintptr_t)image & (NNRT_PLAN_ALIGN - 1)) != 0)
        NNC_FAIL(NNC_ERR_USAGE, "plan in memory is not %u-byte aligned", NNRT_PLAN_ALIGN);
    const nnrt_plan_header *h = image;
    if (memcmp(h->magic, NNRT_PLAN_MAGIC, sizeof h->magic) != 0)
        NNC_FAIL(NNC_ERR_MODEL, "not a runtime plan (wrong magic)");
    if (h->major != NNRT_PLAN_MAJOR)
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "plan format %u.%u, this build reads %u.x", h->major,
                 h->minor, NNRT_PLAN_MAJOR);
    if (h->file_bytes != bytes)
        NNC_FAIL(NNC_ERR_MODEL, "plan has %zu bytes, its header says %llu", bytes,
                 (unsigned long long)h->file_bytes);
    if (h->section_count > SECTION_MAX ||
        sizeof *h + h->section_count * sizeof(nnrt_plan_section) > bytes)
        NNC_FAIL(NNC_ERR_MODEL, "plan of %zu bytes with %u sections", bytes, h->section_count);
    *out = h;
    return NNC_OK;
}

static nnc_status check_header_hash(const nnrt_plan_header *h)
{
    uint8_t copy[sizeof(nnrt_plan_header) + SECTION_MAX * sizeof(nnrt_plan_section)];
    size_t bytes = sizeof *h + h->section_count * sizeof(nnrt_plan_section);
    memcpy(copy, h, bytes);
    memset(copy + offsetof(nnrt_plan_header, hash), 0, sizeof h->hash);
    if (nnc_hash64(copy, bytes, 0) != h->hash)
        NNC_FAIL(NNC_ERR_MODEL, "plan header is damaged (hash differs)");
    return NNC_OK;
}

static nnc_status check_section(const nnrt_plan_section **found, const uint8_t *image, size_t bytes,
                                const nnrt_plan_section *s, uint32_t flags)
{
    if (s->offset > bytes || s->bytes > bytes - s->offset || s->offset % NNRT_PLAN_ALIGN != 0)
        NNC_FAIL(NNC_ERR_MODEL, "section '%.4s' at %llu with %llu bytes leaves the plan of %zu",
                 s->kind, (unsigned long long)s->offset, (unsigned long long)s->bytes, bytes);
    unsigned i = 0;
    while (i < S_COUNT && memcmp(rules[i].kind, s->kind, 4) != 0)
        i++;
    if (i == S_COUNT) {
        if (s->flags & NNRT_SECTION_REQUIRED)
            NNC_FAIL(NNC_ERR_UNSUPPORTED, "plan needs section '%.4s', unknown to this build",
                     s->kind);
        return NNC_OK;
    }
    if (found[i] != NULL)
        NNC_FAIL(NNC_ERR_MODEL, "section '%.4s' appears twice", s->kind);
    if (s->bytes % rules[i].element != 0)
        NNC_FAIL(NNC_ERR_MODEL, "section '%.4s' has %llu bytes, no multiple of %zu", s->kind,
                 (unsigned long long)s->bytes, rules[i].element);
    if ((rules[i].metadata || (flags & NNRT_VERIFY)) &&
        nnc_hash64(image + s->offset, s->bytes, 0) != s->hash)
        NNC_FAIL(NNC_ERR_MODEL, "section '%.4s' is damaged (hash differs)", s->kind);
    found[i] = s;
    return NNC_OK;
}

static nnc_status find_sections(const nnrt_plan_section **found, const uint8_t *image, size_t bytes,
                                const nnrt_plan_header *h, uint32_t flags)
{
    const nnrt_plan_section *table = (const nnrt_plan_section *)(const void *)(h + 1);
    for (uint32_t i = 0; i < h->section_count; i++)
        NNC_TRY(check_section(found, image, bytes, &table[i], flags));
    for (unsigned i = 0; i < S_COUNT; i++) {
        if (rules[i].must && found[i] == NULL)
            NNC_FAIL(NNC_ERR_MODEL, "plan has no section '%s'", rules[i].kind);
    }
    return NNC_OK;
}

/* SIGN and PROV: head, output names, pairs. */
static nnc_status parse_sign(const nnrt_plan *plan, const nnrt_plan_section *s, size_t outputs,
                             const uint32_t **names, const nnrt_plan_pair **pairs, size_t *count)
{
    const nnrt_plan_sign *head = (const void *)(plan->image + s->offset);
    if (s->bytes < sizeof *head)
        NNC_FAIL(NNC_ERR_MODEL, "section '%.4s' has %llu bytes, expected at least %zu", s->kind,
                 (unsigned long long)s->bytes, sizeof *head);
    uint64_t want = sizeof *head + (uint64_t)head->output_count * sizeof(uint32_t) +
                    (uint64_t)head->pair_count * sizeof(nnrt_plan_pair);
    if (head->output_count != outputs || want != s->bytes)
        NNC_FAIL(NNC_ERR_MODEL,
                 "section '%.4s' names %u outputs in %llu bytes, expected %zu in %llu", s->kind,
                 head->output_count, (unsigned long long)s->bytes, outputs,
                 (unsigned long long)want);
    const uint32_t *words = (const void *)(head + 1);
    *names = words;
    *pairs = (const void *)(words + head->output_count);
    *count = head->pair_count;
    for (size_t i = 0; i < head->output_count + 2 * *count; i++) {
        if (words[i] >= plan->string_bytes)
            NNC_FAIL(NNC_ERR_MODEL, "section '%.4s': string at %u of %zu", s->kind, words[i],
                     plan->string_bytes);
    }
    return NNC_OK;
}

static nnc_status set_views(nnrt_plan *plan, const nnrt_plan_section *const *found)
{
    const uint8_t *image = plan->image;
    plan->strings = (const char *)image + found[S_STRS]->offset;
    plan->string_bytes = found[S_STRS]->bytes;
    if (plan->string_bytes == 0 || plan->strings[plan->string_bytes - 1] != '\0')
        NNC_FAIL(NNC_ERR_MODEL, "section 'STRS' does not end in NUL");
    plan->dims = (const void *)(image + found[S_DIMS]->offset);
    plan->dim_count = found[S_DIMS]->bytes / sizeof *plan->dims;
    plan->values = (const void *)(image + found[S_VALS]->offset);
    plan->value_count = found[S_VALS]->bytes / sizeof *plan->values;
    plan->quants = (const void *)(image + found[S_QPAR]->offset);
    plan->quant_count = found[S_QPAR]->bytes / sizeof *plan->quants;
    plan->nodes = (const void *)(image + found[S_NODE]->offset);
    plan->node_count = found[S_NODE]->bytes / sizeof *plan->nodes;
    plan->io = (const void *)(image + found[S_IOLS]->offset);
    plan->io_count = found[S_IOLS]->bytes / sizeof *plan->io;
    plan->blocks = (const void *)(image + found[S_BLKS]->offset);
    plan->block_count = found[S_BLKS]->bytes / sizeof *plan->blocks;
    plan->params = image + found[S_PARM]->offset;
    plan->param_bytes = found[S_PARM]->bytes;
    plan->constants = image + found[S_CNST]->offset;
    plan->constant_bytes = found[S_CNST]->bytes;
    if (plan->constant_bytes < NNRT_PLAN_TAIL)
        NNC_FAIL(NNC_ERR_MODEL, "section 'CNST' has %zu bytes, expected at least %u",
                 plan->constant_bytes, NNRT_PLAN_TAIL);
    if (plan->value_count >= NNRT_NONE || plan->node_count >= NNRT_NONE)
        NNC_FAIL(NNC_ERR_LIMIT, "plan with %zu values and %zu nodes", plan->value_count,
                 plan->node_count);
    return NNC_OK;
}

nnc_status nnrt_plan_parse(nnrt_plan *plan, const void *image, size_t bytes, uint32_t flags)
{
    const nnrt_plan_header *header = NULL;
    const nnrt_plan_section *found[S_COUNT] = {NULL};
    *plan = (nnrt_plan){.image = image};
    NNC_TRY(check_header(&header, image, bytes));
    NNC_TRY(check_header_hash(header));
    NNC_TRY(find_sections(found, image, bytes, header, flags));
    NNC_TRY(set_views(plan, found));
    if (plan->block_count == 0)
        NNC_FAIL(NNC_ERR_MODEL, "plan without blocks");
    NNC_TRY(parse_sign(plan, found[S_SIGN], plan->blocks[0].out_count, &plan->output_names,
                       &plan->sign, &plan->sign_count));
    const uint32_t *no_names;
    if (found[S_PROV] != NULL)
        NNC_TRY(parse_sign(plan, found[S_PROV], 0, &no_names, &plan->prov, &plan->prov_count));
    return nnrt_plan_check_graph(plan);
}

const char *nnrt_plan_string(const nnrt_plan *plan, uint32_t offset)
{
    return plan->strings + offset;
}

nnrt_shape nnrt_plan_shape(const nnrt_plan *plan, uint32_t value)
{
    const nnrt_plan_value *v = &plan->values[value];
    nnrt_shape shape = {.rank = v->rank != NNRT_RANK_ANY ? v->rank : 0};
    for (uint32_t i = 0; i < shape.rank; i++) {
        const nnrt_plan_dim *dim = &plan->dims[v->dims + i];
        shape.dims[i] = dim->kind == NNRT_DIM_CONST ? dim->value : -1;
    }
    return shape;
}
