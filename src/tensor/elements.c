/* Loading and storing runs of elements. SPDX-License-Identifier: Apache-2.0 */
#include "tensor/elements.h"

#include <string.h>

#include "tensor/half.h"
#include "tensor/small.h"

/* Element i of 4 or 2 bits. */
static unsigned packed_at(const uint8_t *data, unsigned bits, size_t i)
{
    size_t per_byte = 8 / bits;
    return (unsigned)data[i / per_byte] >> (i % per_byte * bits) & ((1u << bits) - 1);
}

static bool load_small(double *out, int dtype, const uint8_t *data, size_t first, size_t n)
{
    if (!nnc_small_is_float(dtype)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        unsigned bits =
            dtype == NNC_DTYPE_FLOAT4E2M1 ? packed_at(data, 4, first + i) : data[first + i];
        out[i] = nnc_small_to_double(dtype, bits);
    }
    return true;
}

bool nnc_elements_load_double(double *out, int dtype, const void *data, size_t first, size_t n)
{
    switch (dtype) {
    case NNC_DTYPE_FLOAT:
        for (size_t i = 0; i < n; i++) {
            float x;
            memcpy(&x, (const float *)data + first + i, sizeof x);
            out[i] = (double)x;
        }
        return true;
    case NNC_DTYPE_DOUBLE:
        memcpy(out, (const double *)data + first, n * sizeof *out);
        return true;
    case NNC_DTYPE_FLOAT16:
        for (size_t i = 0; i < n; i++) {
            uint16_t bits;
            memcpy(&bits, (const uint16_t *)data + first + i, sizeof bits);
            out[i] = (double)nnc_f16_to_f32(bits);
        }
        return true;
    case NNC_DTYPE_BFLOAT16:
        for (size_t i = 0; i < n; i++) {
            uint16_t bits;
            memcpy(&bits, (const uint16_t *)data + first + i, sizeof bits);
            out[i] = (double)nnc_bf16_to_f32(bits);
        }
        return true;
    default:
        return load_small(out, dtype, data, first, n);
    }
}

/* Whole-byte integers of 1, 2, 4 or 8 bytes; the host is little endian as the file formats are. */
static uint64_t load_word(const uint8_t *p, unsigned width)
{
    uint64_t word = 0;
    switch (width) {
    case 1:
        return *p;
    case 2:
        memcpy(&word, p, 2);
        return word;
    case 4:
        memcpy(&word, p, 4);
        return word;
    default:
        memcpy(&word, p, 8);
        return word;
    }
}

static void store_word(uint8_t *p, unsigned width, uint64_t word)
{
    switch (width) {
    case 1:
        *p = (uint8_t)word;
        break;
    case 2:
        memcpy(p, &word, 2);
        break;
    case 4:
        memcpy(p, &word, 4);
        break;
    default:
        memcpy(p, &word, 8);
        break;
    }
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "load_word and store_word copy bytes");

static int64_t sign_extend(uint64_t word, unsigned bits)
{
    uint64_t sign = (uint64_t)1 << (bits - 1);
    return (int64_t)((word ^ sign) - sign);
}

bool nnc_elements_load_int(int64_t *out, int dtype, const void *data, size_t first, size_t n)
{
    const uint8_t *bytes = data;
    nnc_dtype_class cls = nnc_dtype_class_of(dtype);
    unsigned bits = nnc_dtype_bits(dtype);
    if (cls != NNC_DTYPE_CLASS_SINT && cls != NNC_DTYPE_CLASS_UINT && cls != NNC_DTYPE_CLASS_BOOL) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        uint64_t word = bits < 8 ? packed_at(bytes, bits, first + i)
                                 : load_word(bytes + (first + i) * (bits / 8), bits / 8);
        if (cls == NNC_DTYPE_CLASS_BOOL) {
            out[i] = word != 0;
        } else {
            out[i] = cls == NNC_DTYPE_CLASS_SINT ? sign_extend(word, bits) : (int64_t)word;
        }
    }
    return true;
}

bool nnc_elements_store_int(int dtype, void *data, size_t first, size_t n, const int64_t *values)
{
    uint8_t *bytes = data;
    nnc_dtype_class cls = nnc_dtype_class_of(dtype);
    unsigned bits = nnc_dtype_bits(dtype);
    if (cls != NNC_DTYPE_CLASS_SINT && cls != NNC_DTYPE_CLASS_UINT && cls != NNC_DTYPE_CLASS_BOOL) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        uint64_t word = cls == NNC_DTYPE_CLASS_BOOL ? values[i] != 0 : (uint64_t)values[i];
        if (bits < 8) {
            size_t per_byte = 8 / bits;
            unsigned shift = (unsigned)((first + i) % per_byte) * bits;
            unsigned mask = ((1u << bits) - 1) << shift;
            uint8_t *byte = &bytes[(first + i) / per_byte];
            *byte = (uint8_t)((*byte & ~mask) | ((unsigned)word << shift & mask));
        } else {
            store_word(bytes + (first + i) * (bits / 8), bits / 8, word);
        }
    }
    return true;
}
