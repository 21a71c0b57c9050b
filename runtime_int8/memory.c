/* Arena planning: offsets for blocks with lifetimes. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/memory.h"

#include <stdlib.h>

#include "base/mem.h"

struct order {
    size_t bytes;
    size_t index;
};

/* Largest first, then the caller's order. */
static int compare_size(const void *pa, const void *pb)
{
    const struct order *a = pa, *b = pb;
    if (a->bytes != b->bytes)
        return a->bytes < b->bytes ? 1 : -1;
    return a->index < b->index ? -1 : a->index > b->index;
}

/* Smallest gap that holds `bytes` among the placed blocks alive together with `block`; else after
 * the last of them. placed: indices by ascending offset. */
static bool find_offset(size_t *out, const nnrt_memory_block *blocks, const size_t *placed,
                        size_t count, const nnrt_memory_block *block, size_t bytes)
{
    size_t best = SIZE_MAX, best_gap = SIZE_MAX, end = 0;
    for (size_t i = 0; i < count; i++) {
        const nnrt_memory_block *p = &blocks[placed[i]];
        if (p->last < block->first || block->last < p->first)
            continue;
        if (p->offset > end) {
            size_t gap = p->offset - end;
            if (gap >= bytes && gap < best_gap) {
                best_gap = gap;
                best = end;
            }
        }
        size_t p_end = p->offset + ((p->bytes + NNRT_MEMORY_ALIGN - 1) & ~(size_t)63);
        if (p_end > end)
            end = p_end;
    }
    *out = best != SIZE_MAX ? best : end;
    return bytes <= SIZE_MAX / 2 - *out;
}

static nnc_status place_all(nnrt_memory_block *blocks, const struct order *order, size_t count,
                            size_t *placed, size_t *total)
{
    size_t done = 0;
    *total = 0;
    for (size_t i = 0; i < count; i++) {
        nnrt_memory_block *block = &blocks[order[i].index];
        block->offset = 0;
        if (block->bytes == 0)
            continue;
        if (block->bytes > SIZE_MAX / 4)
            NNC_FAIL(NNC_ERR_LIMIT, "a tensor of %zu bytes is too large", block->bytes);
        size_t bytes = (block->bytes + NNRT_MEMORY_ALIGN - 1) & ~(size_t)63;
        if (!find_offset(&block->offset, blocks, placed, done, block, bytes))
            NNC_FAIL(NNC_ERR_LIMIT, "activation memory exceeds the address space");
        if (block->offset + bytes > *total)
            *total = block->offset + bytes;
        size_t at = done++;
        while (at > 0 && blocks[placed[at - 1]].offset > block->offset) {
            placed[at] = placed[at - 1];
            at--;
        }
        placed[at] = order[i].index;
    }
    return NNC_OK;
}

nnc_status nnrt_memory_plan(nnrt_memory_block *blocks, size_t count, size_t *total)
{
    *total = 0;
    if (count == 0)
        return NNC_OK;
    struct order *order = nnc_calloc(count, sizeof *order);
    size_t *placed = nnc_calloc(count, sizeof *placed);
    nnc_status status = order != NULL && placed != NULL ? NNC_OK : NNC_ERR_LIMIT;
    if (status == NNC_OK) {
        for (size_t i = 0; i < count; i++)
            order[i] = (struct order){blocks[i].bytes, i};
        qsort(order, count, sizeof *order, compare_size);
        status = place_all(blocks, order, count, placed, total);
    }
    nnc_free(order);
    nnc_free(placed);
    return status;
}
