/* pool_row_f32: lines are joined element by element, then taps along the result.
 * SPDX-License-Identifier: Apache-2.0 Where no element is, the joined line holds the neutral one.
 * With a stride it is split by remainders first, so that every tap reads neighbours. */
#include "runtime_int8/kernels/body/body.h"
#include "runtime_int8/kernels/body/lanes.h"

/* Room for the parts of a split line, each rounded up and with LANES behind it. */
#define POOL_SPLIT (NNRT_K_POOL_ROW + NNRT_K_POOL_STRIDE * 2 * LANES)

/* joined [span + LANES] = lines joined from `at` on, neutral around them. */
LANES_INLINE void join_lines(lanes_kind kind, float *joined, const float *const *line,
                             const nnrt_k_pool_row *row, size_t span)
{
    const v16 neutral = v16_all(lanes_neutral(kind));
    const size_t at = (size_t)-row->first;
    for (size_t i = 0; i < span + LANES; i += LANES)
        v16_store(joined + i, neutral);
    for (size_t i = 0; row->lines > 0 && i < row->width; i += LANES) {
        v16 acc = v16_load(line[0] + i);
        for (size_t l = 1; l < row->lines; l++)
            acc = lanes_join(kind, acc, v16_load(line[l] + i));
        v16_store(joined + at + i, acc);
    }
    if (row->lines > 0)
        v16_store(joined + at + row->width,
                  neutral); /* what the last lanes read behind the lines */
}

/* split [stride][part] = every stride-th element, from each remainder on. */
LANES_INLINE void split_line(float *restrict split, const float *restrict joined, size_t span,
                             size_t part, size_t stride)
{
    const size_t whole = span / stride;
    for (size_t p = 0; p < stride; p++) {
        for (size_t k = whole; k < part; k++)
            split[p * part + k] = k == whole && p < span % stride ? joined[k * stride + p] : 0.0f;
    }
    if (stride == 2) {
        for (size_t k = 0; k < whole; k++) {
            split[k] = joined[2 * k];
            split[part + k] = joined[2 * k + 1];
        }
        return;
    }
    for (size_t p = 0; p < stride; p++) {
        for (size_t k = 0; k < whole; k++)
            split[p * part + k] = joined[k * stride + p];
    }
}

LANES_INLINE void pool_row(lanes_kind kind, float *y, const float *const *line,
                           const nnrt_k_pool_row *row)
{
    float joined[NNRT_K_POOL_ROW + 3 * LANES], split[POOL_SPLIT];
    const size_t span = (row->count - 1) * row->stride + (row->kernel - 1) * row->dilation + 1;
    const size_t part =
        ((span + row->stride - 1) / row->stride + LANES - 1) / LANES * LANES + LANES;
    const float *from = joined;
    join_lines(kind, joined, line, row, span);
    if (row->stride > 1) {
        from = split;
        split_line(split, joined, span, part, row->stride);
    }
    for (size_t j = 0; j < row->count; j += LANES) {
        v16 acc = v16_all(lanes_neutral(kind));
        for (size_t s = 0; s < row->kernel; s++) {
            const size_t x = s * row->dilation;
            const float *tap =
                row->stride == 1 ? from + x : from + x % row->stride * part + x / row->stride;
            acc = lanes_join(kind, acc, v16_load(tap + j));
        }
        if (row->count - j >= LANES) {
            v16_store(y + j, acc);
        } else {
            float lane[LANES];
            v16_store(lane, acc);
            memcpy(y + j, lane, (row->count - j) * sizeof *y);
        }
    }
}

void NNRT_BODY(pool_row_f32)(float *y, const float *const *line, const nnrt_k_pool_row *row,
                             int max)
{
    if (max)
        pool_row(LANES_MAX, y, line, row);
    else
        pool_row(LANES_SUM, y, line, row);
}
