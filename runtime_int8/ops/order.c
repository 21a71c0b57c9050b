/* Sorting keys of any element type, and a stable sort by them. SPDX-License-Identifier: Apache-2.0
 */
#include "runtime_int8/ops/order.h"

#include <string.h>

#include "runtime_int8/ops/util.h"
#include "tensor/half.h"

#define INSERTION 32u
#define MERGE 512u
#define DIGIT 8u

uint32_t nnrt_order_bits(nnrt_dtype dtype)
{
    /* Half types are compared as float32. */
    if (dtype == NNRT_F16 || dtype == NNRT_BF16)
        return 32;
    return (uint32_t)nnrt_dtype_bytes(dtype) * 8;
}

/* Negative numbers have their bits turned round, the others their sign set. No branches, so that
 * loops vectorize. */
static uint64_t key_f32(uint32_t bits)
{
    uint32_t v = bits == 0x80000000u ? 0 : bits;
    uint32_t key = v ^ (-(v >> 31) | 0x80000000u);
    return (bits & 0x7fffffffu) > 0x7f800000u ? UINT32_MAX : key;
}

static uint64_t key_f64(uint64_t bits)
{
    uint64_t v = bits == 0x8000000000000000u ? 0 : bits;
    uint64_t key = v ^ (-(v >> 63) | 0x8000000000000000u);
    return (bits & 0x7fffffffffffffffu) > 0x7ff0000000000000u ? UINT64_MAX : key;
}

static uint64_t key_of_float(float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    return key_f32(bits);
}

static uint64_t key_f16(uint16_t v)
{
    return key_of_float(nnc_f16_to_f32(v));
}

static uint64_t key_bf16(uint16_t v)
{
    return key_of_float(nnc_bf16_to_f32(v));
}

#define KEY_INT(NAME, TYPE, UTYPE, FLIP)                                                           \
    static uint64_t NAME(TYPE v)                                                                   \
    {                                                                                              \
        return (UTYPE)((UTYPE)v ^ (UTYPE)(FLIP));                                                  \
    }
KEY_INT(key_u8, uint8_t, uint8_t, 0)
KEY_INT(key_i8, int8_t, uint8_t, 0x80u)
KEY_INT(key_u16, uint16_t, uint16_t, 0)
KEY_INT(key_i16, int16_t, uint16_t, 0x8000u)
KEY_INT(key_u32, uint32_t, uint32_t, 0)
KEY_INT(key_i32, int32_t, uint32_t, 0x80000000u)
KEY_INT(key_u64, uint64_t, uint64_t, 0)
KEY_INT(key_i64, int64_t, uint64_t, 0x8000000000000000u)

#define KEYS(TYPE, KEY)                                                                            \
    if (step == 1)                                                                                 \
        for (size_t i = 0; i < n; i++)                                                             \
            keys[i] = KEY(((const TYPE *)t->data)[first + i]);                                     \
    else                                                                                           \
        for (size_t i = 0; i < n; i++)                                                             \
        keys[i] = KEY(((const TYPE *)t->data)[first + i * step])

void nnrt_order_keys(uint64_t *keys, const nnrt_tensor *t, size_t first, size_t step, size_t n,
                     bool descending)
{
    switch (t->dtype) {
    case NNRT_F32:
        KEYS(uint32_t, key_f32);
        break;
    case NNRT_F64:
        KEYS(uint64_t, key_f64);
        break;
    case NNRT_F16:
        KEYS(uint16_t, key_f16);
        break;
    case NNRT_BF16:
        KEYS(uint16_t, key_bf16);
        break;
    case NNRT_I8:
        KEYS(int8_t, key_i8);
        break;
    case NNRT_U16:
        KEYS(uint16_t, key_u16);
        break;
    case NNRT_I16:
        KEYS(int16_t, key_i16);
        break;
    case NNRT_U32:
        KEYS(uint32_t, key_u32);
        break;
    case NNRT_I32:
        KEYS(int32_t, key_i32);
        break;
    case NNRT_U64:
        KEYS(uint64_t, key_u64);
        break;
    case NNRT_I64:
        KEYS(int64_t, key_i64);
        break;
    default:
        KEYS(uint8_t, key_u8);
        break; /* U8, BOOL */
    }
    uint32_t bits = nnrt_order_bits(t->dtype);
    uint64_t mask = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
    for (size_t i = 0; i < n && descending; i++)
        keys[i] ^= mask;
}

static void insertion(nnrt_order_item *items, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        nnrt_order_item item = items[i];
        size_t at = i;
        for (; at > 0 && items[at - 1].key > item.key; at--)
            items[at] = items[at - 1];
        items[at] = item;
    }
}

static void merge(nnrt_order_item *out, const nnrt_order_item *a, size_t na,
                  const nnrt_order_item *b, size_t nb)
{
    size_t i = 0, k = 0;
    while (i < na && k < nb)
        *out++ = b[k].key < a[i].key ? b[k++] : a[i++];
    memcpy(out, a + i, (na - i) * sizeof *a);
    memcpy(out + (na - i), b + k, (nb - k) * sizeof *b);
}

static void merge_sort(nnrt_order_item *items, nnrt_order_item *tmp, size_t n)
{
    nnrt_order_item *from = items, *to = tmp;
    for (size_t i = 0; i < n; i += INSERTION)
        insertion(items + i, n - i < INSERTION ? n - i : INSERTION);
    for (size_t run = INSERTION; run < n; run *= 2) {
        for (size_t i = 0; i < n; i += 2 * run) {
            size_t a = n - i < run ? n - i : run, rest = n - i - a;
            merge(to + i, from + i, a, from + i + a, rest < run ? rest : run);
        }
        nnrt_order_item *swap = from;
        from = to;
        to = swap;
    }
    if (from != items)
        memcpy(items, from, n * sizeof *items);
}

/* By digits, the least significant first; a digit that all keys share is left out. */
static void radix_sort(nnrt_order_item *items, nnrt_order_item *tmp, size_t n, uint32_t bits)
{
    nnrt_order_item *from = items, *to = tmp;
    for (uint32_t shift = 0; shift < bits; shift += DIGIT) {
        size_t start[1u << DIGIT] = {0};
        for (size_t i = 0; i < n; i++)
            start[from[i].key >> shift & 0xff]++;
        if (start[from[0].key >> shift & 0xff] == n)
            continue;
        size_t sum = 0;
        for (size_t d = 0; d < 1u << DIGIT; d++) {
            size_t count = start[d];
            start[d] = sum;
            sum += count;
        }
        for (size_t i = 0; i < n; i++)
            to[start[from[i].key >> shift & 0xff]++] = from[i];
        nnrt_order_item *swap = from;
        from = to;
        to = swap;
    }
    if (from != items)
        memcpy(items, from, n * sizeof *items);
}

void nnrt_order_sort(nnrt_order_item *items, nnrt_order_item *tmp, size_t n, uint32_t bits)
{
    if (n <= INSERTION)
        insertion(items, n);
    else if (n < MERGE)
        merge_sort(items, tmp, n);
    else
        radix_sort(items, tmp, n, bits);
}
