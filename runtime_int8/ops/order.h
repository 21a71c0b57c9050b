/* Sorting keys of any element type, and a stable sort by them. SPDX-License-Identifier: Apache-2.0
 */
#ifndef NNRT_OPS_ORDER_H
#define NNRT_OPS_ORDER_H

#include <stddef.h>

#include "runtime_int8/ops/rop.h"

/* Significant low bits of a type's keys: 8, 16, 32 or 64. */
uint32_t nnrt_order_bits(nnrt_dtype dtype);
/* Keys of n elements, the k-th at first + k * step. Keys are ordered as the numbers are: -0 equals
 * +0, every NaN is one key above all numbers. descending: the other way round. */
void nnrt_order_keys(uint64_t *keys, const nnrt_tensor *t, size_t first, size_t step, size_t n,
                     bool descending);

typedef struct nnrt_order_item {
    uint64_t key;
    uint32_t index;
    uint32_t extra;
} nnrt_order_item;
/* Sorts by key, equal keys stay in their order. tmp: n items. bits: of the keys. */
void nnrt_order_sort(nnrt_order_item *items, nnrt_order_item *tmp, size_t n, uint32_t bits);

#endif
