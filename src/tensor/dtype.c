/* Element types. SPDX-License-Identifier: Apache-2.0 */
#include "tensor/dtype.h"

#include "base/mem.h"

typedef struct dtype_row {
    const char *name;
    unsigned bits;
    nnc_dtype_class cls;
} dtype_row;

static const dtype_row dtype_rows[NNC_DTYPE_COUNT] = {
#define X(id, number, name, bits, cls) [number] = {name, bits, NNC_DTYPE_CLASS_##cls},
#include "tensor/dtypes.def"
#undef X
};

static const dtype_row *row_of(int dtype)
{
    return &dtype_rows[dtype > 0 && dtype < NNC_DTYPE_COUNT ? dtype : NNC_DTYPE_UNDEFINED];
}

const char *nnc_dtype_name(int dtype)
{
    return row_of(dtype)->name;
}

unsigned nnc_dtype_bits(int dtype)
{
    return row_of(dtype)->bits;
}

nnc_dtype_class nnc_dtype_class_of(int dtype)
{
    return row_of(dtype)->cls;
}

bool nnc_dtype_bytes(size_t *out, int dtype, size_t count)
{
    unsigned bits = nnc_dtype_bits(dtype);
    if (bits == 0) {
        return false;
    }
    if (bits >= 8) {
        return nnc_size_mul(out, count, bits / 8);
    }
    size_t per_byte = 8 / bits;
    *out = count / per_byte + (count % per_byte != 0);
    return true;
}
