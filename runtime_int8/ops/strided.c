/* Copies between strided views of any rank. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/ops/strided.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#define TASK_BYTES 131072u

void nnrt_strided_init(nnrt_strided *s, size_t size)
{
    *s = (nnrt_strided){.size = size};
}

void nnrt_strided_dim(nnrt_strided *s, size_t dim, ptrdiff_t xs, ptrdiff_t ys)
{
    uint32_t r = s->rank;
    if (dim == 1)
        return;
    if (r > 0 && s->xs[r - 1] == (ptrdiff_t)dim * xs && s->ys[r - 1] == (ptrdiff_t)dim * ys) {
        s->dims[r - 1] *= dim;
        s->xs[r - 1] = xs;
        s->ys[r - 1] = ys;
        return;
    }
    assert(r < NNRT_STRIDED_RANK);
    s->dims[r] = dim;
    s->xs[r] = xs;
    s->ys[r] = ys;
    s->rank = r + 1;
}

void nnrt_strided_finish(nnrt_strided *s)
{
    if (s->rank == 0) {
        s->rank = 1;
        s->dims[0] = 1;
        s->xs[0] = 1;
        s->ys[0] = 1;
    }
    s->rows = 1;
    for (uint32_t i = 0; i + 1 < s->rank; i++)
        s->rows *= s->dims[i];
    size_t row = s->dims[s->rank - 1] * s->size;
    if (row == 0)
        s->rows = 0;
    s->row_tile = row == 0 || row >= TASK_BYTES ? 1 : TASK_BYTES / row;
}

struct task {
    const nnrt_strided *s;
    uint8_t *y;
    const uint8_t *x;
};

#define COPY_ROW(TYPE, NAME)                                                                       \
    static void NAME(TYPE *y, const TYPE *x, size_t n, ptrdiff_t ys, ptrdiff_t xs)                 \
    {                                                                                              \
        for (size_t i = 0; i < n; i++)                                                             \
            y[(ptrdiff_t)i * ys] = x[(ptrdiff_t)i * xs];                                           \
    }
COPY_ROW(uint8_t, copy_8)
COPY_ROW(uint16_t, copy_16)
COPY_ROW(uint32_t, copy_32)
COPY_ROW(uint64_t, copy_64)

static void copy_row(const nnrt_strided *s, uint8_t *y, const uint8_t *x)
{
    uint32_t last = s->rank - 1;
    size_t n = s->dims[last];
    ptrdiff_t xs = s->xs[last], ys = s->ys[last];
    if (xs == 1 && ys == 1)
        memcpy(y, x, n * s->size);
    else if (s->size == 1)
        copy_8(y, x, n, ys, xs);
    else if (s->size == 2)
        copy_16((uint16_t *)(void *)y, (const uint16_t *)(const void *)x, n, ys, xs);
    else if (s->size == 4)
        copy_32((uint32_t *)(void *)y, (const uint32_t *)(const void *)x, n, ys, xs);
    else
        copy_64((uint64_t *)(void *)y, (const uint64_t *)(const void *)x, n, ys, xs);
}

static void run_rows(void *user, size_t begin, size_t count)
{
    const struct task *t = user;
    const nnrt_strided *s = t->s;
    ptrdiff_t size = (ptrdiff_t)s->size;
    for (size_t row = begin; row < begin + count; row++) {
        ptrdiff_t xo = 0, yo = 0;
        size_t rest = row;
        for (uint32_t i = s->rank - 1; i-- > 0;) {
            ptrdiff_t k = (ptrdiff_t)(rest % s->dims[i]);
            rest /= s->dims[i];
            xo += k * s->xs[i];
            yo += k * s->ys[i];
        }
        copy_row(s, t->y + yo * size, t->x + xo * size);
    }
}

void nnrt_strided_run(const nnrt_strided *s, nnrt_pool *pool, void *y, const void *x)
{
    struct task t = {s, y, x};
    nnrt_parallel_tiles(pool, run_rows, &t, s->rows, s->row_tile);
}
