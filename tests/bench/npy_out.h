/* Writes .npy files sample by sample; the number of samples is known at the end. For developers' tools:
 * failures end the program. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_TESTS_BENCH_NPY_OUT_H
#define NNC_TESTS_BENCH_NPY_OUT_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensor/tensor.h"

#define NPY_HEADER 256 /* fixed, so that it can be written last */

typedef struct npy_out {
    FILE *file;
    char path[1024];
    nnc_dtype dtype;
    nnc_shape shape; /* of the array without its first dimension */
    size_t count;
} npy_out;

static inline void npy_die(const char *path, const char *what)
{
    fprintf(stderr, "%s: %s\n", path, what);
    exit(1);
}

static inline const char *npy_type(nnc_dtype dtype)
{
    switch ((int)dtype) {
    case NNC_DTYPE_FLOAT:
        return "<f4";
    case NNC_DTYPE_FLOAT16:
        return "<f2";
    case NNC_DTYPE_UINT8:
        return "|u1";
    case NNC_DTYPE_INT8:
        return "|i1";
    case NNC_DTYPE_INT32:
        return "<i4";
    case NNC_DTYPE_INT64:
        return "<i8";
    default:
        return NULL;
    }
}

/* shape: of one entry; the array gets one more dimension in front. */
static inline void npy_open(npy_out *out, const char *path, nnc_dtype dtype, const nnc_shape *shape)
{
    static const char blank[NPY_HEADER];
    *out = (npy_out){.dtype = dtype, .shape = *shape};
    if (!npy_type(dtype))
        npy_die(path, "element type has no .npy form here");
    snprintf(out->path, sizeof(out->path), "%s", path);
    out->file = fopen(path, "wb");
    if (!out->file || fwrite(blank, 1, NPY_HEADER, out->file) != NPY_HEADER)
        npy_die(path, "cannot be written");
}

static inline void npy_add(npy_out *out, const void *data, size_t bytes)
{
    if (fwrite(data, 1, bytes, out->file) != bytes)
        npy_die(out->path, "cannot be written");
    out->count++;
}

static inline void npy_close(npy_out *out)
{
    char header[NPY_HEADER + 1] = "\x93NUMPY\x01";
    memset(header + 10, ' ', NPY_HEADER - 10);
    header[8] = (char)((NPY_HEADER - 10) & 255);
    header[9] = (char)((NPY_HEADER - 10) >> 8);
    char dims[160];
    size_t used = (size_t)snprintf(dims, sizeof(dims), "%zu,", out->count);
    for (uint32_t d = 0; d < out->shape.rank && used < sizeof(dims); d++)
        used += (size_t)snprintf(dims + used, sizeof(dims) - used, "%lld,",
                                 (long long)out->shape.dims[d]);
    char text[240];
    int n = snprintf(text, sizeof(text), "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }",
                     npy_type(out->dtype), dims);
    if (used >= sizeof(dims) || n < 0 || n > NPY_HEADER - 11)
        npy_die(out->path, "shape is too long for the header");
    memcpy(header + 10, text, (size_t)n);
    header[NPY_HEADER - 1] = '\n';
    if (fseek(out->file, 0, SEEK_SET) != 0 || fwrite(header, 1, NPY_HEADER, out->file) != NPY_HEADER ||
        fclose(out->file) != 0)
        npy_die(out->path, "cannot be written");
}

#endif
