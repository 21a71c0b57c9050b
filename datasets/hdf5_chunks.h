/* Chunked HDF5 storage, decoded here: the library's own filter pipeline (1.10) trusts the sizes in
 * the file and reads past its buffers when they lie. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_DATASETS_HDF5_CHUNKS_H
#define NNC_DATASETS_HDF5_CHUNKS_H

#include <hdf5.h>

#include "tensor/tensor.h"

typedef struct nnc_hdf5_chunks nnc_hdf5_chunks;

/* For a chunked data set of the given shape; `name` must stay. Filters: deflate, shuffle,
 * fletcher32. All calls need the lock of the library. Fails: NNC_ERR_DATA, NNC_ERR_LIMIT. */
nnc_status nnc_hdf5_chunks_open(nnc_hdf5_chunks **out, hid_t set, hid_t memory_type,
                                const nnc_shape *shape, const char *name);
/* Entries [first, first + n) of dim 0 as elements of the memory type. Fails: NNC_ERR_DATA. */
nnc_status nnc_hdf5_chunks_read(nnc_hdf5_chunks *chunks, void *out, size_t first, size_t n);
void nnc_hdf5_chunks_close(nnc_hdf5_chunks *chunks); /* NULL is accepted */

#endif
