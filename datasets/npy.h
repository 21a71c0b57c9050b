/* NumPy's .npy format, versions 1 to 3. SPDX-License-Identifier: Apache-2.0
 * Source: numpy.lib.format. Objects (pickles) and structures are refused. */
#ifndef NNC_DATASETS_NPY_H
#define NNC_DATASETS_NPY_H

#include <stdbool.h>

#include "tensor/tensor.h"

typedef struct nnc_npy {
    nnc_dtype dtype;
    nnc_shape shape;
    bool big_endian;
    bool fortran;        /* first index fastest */
    const uint8_t *data; /* inside the given bytes */
    size_t data_bytes;
} nnc_npy;

/* Parses a header at the start of `bytes` (n). total: bytes of the whole array file, which may be
 * more than n when only its beginning is at hand (data is NULL then). Fails: NNC_ERR_DATA. */
nnc_status nnc_npy_parse(nnc_npy *out, const uint8_t *bytes, size_t n, uint64_t total);
/* Entries [first, first + n) of dim 0 in C order and native byte order. */
void nnc_npy_read(void *to, const nnc_npy *npy, size_t first, size_t n);

#endif
