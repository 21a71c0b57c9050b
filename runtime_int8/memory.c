/* Arena planning: offsets for blocks with lifetimes. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/memory.h"

#include "base/mem.h"

struct order {
    size_t bytes;
    size_t index;
};

/* Largest first, then the caller's order. */
static bool before(struct order a, struct order b)
{
    return a.bytes != b.bytes ? a.bytes > b.bytes : a.index < b.index;
}

static void sift(struct order *order, size_t root, size_t count)
{
    for (size_t child; (child = 2 * root + 1) < count; root = child) {
        child += child + 1 < count && before(order[child], order[child + 1]);
        if (!before(order[root], order[child]))
            return;
        const struct order top = order[root];
        order[root] = order[child];
        order[child] = top;
    }
}

/* Heapsort: qsort may take memory, which a run must not. */
static void sort(struct order *order, size_t count)
{
    for (size_t i = count / 2; i-- > 0;)
        sift(order, i, count);
    for (size_t i = count; i-- > 1;) {
        const struct order top = order[0];
        order[0] = order[i];
        order[i] = top;
        sift(order, 0, i);
    }
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

/* Puts a block with an offset into the list of placed ones. */
static void insert(const nnrt_memory_block *blocks, size_t *placed, size_t *done, size_t index,
                   size_t *total)
{
    const size_t end =
        blocks[index].offset + ((blocks[index].bytes + NNRT_MEMORY_ALIGN - 1) & ~(size_t)63);
    size_t at = (*done)++;
    while (at > 0 && blocks[placed[at - 1]].offset > blocks[index].offset) {
        placed[at] = placed[at - 1];
        at--;
    }
    placed[at] = index;
    *total = end > *total ? end : *total;
}

static nnc_status place_all(nnrt_memory_block *blocks, const struct order *order, size_t count,
                            size_t *placed, size_t *done, size_t *total)
{
    for (size_t i = 0; i < count; i++) {
        nnrt_memory_block *block = &blocks[order[i].index];
        block->offset = 0;
        if (block->bytes == 0)
            continue;
        if (block->bytes > SIZE_MAX / 4)
            NNC_FAIL(NNC_ERR_LIMIT, "a tensor of %zu bytes is too large", block->bytes);
        size_t bytes = (block->bytes + NNRT_MEMORY_ALIGN - 1) & ~(size_t)63;
        if (!find_offset(&block->offset, blocks, placed, *done, block, bytes))
            NNC_FAIL(NNC_ERR_LIMIT, "activation memory exceeds the address space");
        insert(blocks, placed, done, order[i].index, total);
    }
    return NNC_OK;
}

nnc_status nnrt_memory_plan_more(nnrt_memory_block *blocks, size_t fixed, size_t count,
                                 uint32_t step, void *work, size_t *total)
{
    _Static_assert(sizeof(struct order) + sizeof(size_t) == NNRT_MEMORY_WORK, "work of a block");
    struct order *order = work;
    size_t *placed = (size_t *)(order + count), done = 0;
    *total = 0;
    for (size_t i = 0; i < fixed; i++) {
        if (blocks[i].bytes != 0 && blocks[i].last >= step)
            insert(blocks, placed, &done, i, total);
    }
    for (size_t i = fixed; i < count; i++)
        order[i - fixed] = (struct order){blocks[i].bytes, i};
    sort(order, count - fixed);
    return place_all(blocks, order, count - fixed, placed, &done, total);
}

nnc_status nnrt_memory_plan(nnrt_memory_block *blocks, size_t count, size_t *total)
{
    *total = 0;
    if (count == 0)
        return NNC_OK;
    void *work = nnc_calloc(count, NNRT_MEMORY_WORK);
    if (work == NULL)
        return NNC_ERR_LIMIT;
    nnc_status status = nnrt_memory_plan_more(blocks, 0, count, 0, work, total);
    nnc_free(work);
    return status;
}
