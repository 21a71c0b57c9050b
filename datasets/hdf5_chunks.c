/* Chunked HDF5 storage: raw chunks are undone filter by filter, with the size checked after each,
 * and gathered into slabs of whole samples. SPDX-License-Identifier: Apache-2.0 Source: HDF5 File
 * Format Specification 3.0, IV.A.2.l "Filter Pipeline"; Fletcher's checksum over big-endian 16-bit
 * words. */
#include "datasets/hdf5_chunks.h"

#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "datasets/bytes.h"
#include "datasets/limits.h"

#define SLABS 2 /* readers of neighbouring samples may stand on both sides of a border */

typedef struct slab {
    uint8_t *data; /* NULL: empty */
    size_t row;
    uint64_t used; /* time of the last use */
} slab;

struct nnc_hdf5_chunks {
    hid_t set, file_type, memory_type;
    const char *name;
    nnc_shape shape;
    hsize_t chunk[NNC_RANK_MAX];
    size_t file_element, element; /* bytes in the file and in memory */
    size_t chunk_elements;
    size_t sample_bytes; /* in memory */
    H5Z_filter_t filters[NNC_HDF5_FILTERS_MAX];
    unsigned shuffle_size[NNC_HDF5_FILTERS_MAX];
    int filter_count;
    uint8_t *chunk_data; /* one decoded chunk, in memory elements */
    uint8_t fill[16];
    slab slabs[SLABS];
    uint64_t time;
};

void nnc_hdf5_chunks_close(nnc_hdf5_chunks *c)
{
    if (!c)
        return;
    if (c->file_type >= 0)
        H5Tclose(c->file_type);
    for (int i = 0; i < SLABS; i++)
        nnc_free(c->slabs[i].data);
    nnc_free(c->chunk_data);
    nnc_free(c);
}

/* ---- opening ---- */

static nnc_status read_filters(nnc_hdf5_chunks *c, hid_t plist)
{
    c->filter_count = H5Pget_nfilters(plist);
    if (c->filter_count < 0 || c->filter_count > NNC_HDF5_FILTERS_MAX)
        NNC_FAIL(NNC_ERR_DATA, "HDF5: '%s' has %d filters, the limit is %d", c->name,
                 c->filter_count, NNC_HDF5_FILTERS_MAX);
    for (int i = 0; i < c->filter_count; i++) {
        unsigned flags = 0, values[8] = {0}, config = 0;
        size_t count = 8;
        char text[64] = "";
        c->filters[i] =
            H5Pget_filter2(plist, (unsigned)i, &flags, &count, values, sizeof(text), text, &config);
        if (c->filters[i] != H5Z_FILTER_DEFLATE && c->filters[i] != H5Z_FILTER_SHUFFLE &&
            c->filters[i] != H5Z_FILTER_FLETCHER32)
            NNC_FAIL(NNC_ERR_DATA,
                     "HDF5: '%s' uses filter %d ('%s'), known are deflate, shuffle and fletcher32. "
                     "Hint: h5repack -f GZIP=6",
                     c->name, (int)c->filters[i], text);
        c->shuffle_size[i] = count ? values[0] : 0;
    }
    return NNC_OK;
}

static nnc_status read_sizes(nnc_hdf5_chunks *c, hid_t plist)
{
    const int rank = (int)c->shape.rank;
    if (H5Pget_chunk(plist, rank, c->chunk) != rank)
        NNC_FAIL(NNC_ERR_DATA, "HDF5: '%s' has chunks of another rank", c->name);
    c->file_element = H5Tget_size(c->file_type);
    c->element = H5Tget_size(c->memory_type);
    size_t bytes = c->element > c->file_element ? c->element : c->file_element;
    size_t sample = c->element, row;
    c->chunk_elements = 1;
    for (int i = 0; i < rank; i++) {
        if (c->chunk[i] == 0 || !nnc_size_mul(&bytes, bytes, (size_t)c->chunk[i]))
            bytes = SIZE_MAX;
        if (bytes > NNC_HDF5_CHUNK_MAX)
            NNC_FAIL(NNC_ERR_DATA, "HDF5: '%s' has chunks of more bytes than the limit of %zu",
                     c->name, NNC_HDF5_CHUNK_MAX);
        c->chunk_elements *= (size_t)c->chunk[i];
        if (i > 0 && !nnc_size_mul(&sample, sample, (size_t)c->shape.dims[i]))
            sample = SIZE_MAX;
    }
    if (!nnc_size_mul(&row, sample, (size_t)c->chunk[0]) || row > NNC_HDF5_ROW_MAX)
        NNC_FAIL(NNC_ERR_LIMIT,
                 "HDF5: '%s' is stored in chunks of %llu samples, together more than "
                 "the limit of %zu bytes",
                 c->name, (unsigned long long)c->chunk[0], NNC_HDF5_ROW_MAX);
    c->sample_bytes = sample;
    c->chunk_data = nnc_realloc(NULL, bytes, 1);
    return c->chunk_data ? NNC_OK : NNC_ERR_LIMIT;
}

nnc_status nnc_hdf5_chunks_open(nnc_hdf5_chunks **out, hid_t set, hid_t memory_type,
                                const nnc_shape *shape, const char *name)
{
    *out = NULL;
    nnc_hdf5_chunks *c = nnc_calloc(1, sizeof(*c));
    if (!c)
        return NNC_ERR_LIMIT;
    c->set = set;
    c->memory_type = memory_type;
    c->shape = *shape;
    c->name = name;
    c->file_type = H5Dget_type(set);
    const hid_t plist = H5Dget_create_plist(set);
    nnc_status status = NNC_OK;
    if (c->file_type < 0 || plist < 0)
        status = nnc_error_set(NNC_ERR_DATA, "HDF5: '%s' has no readable properties", name);
    if (status == NNC_OK)
        status = read_filters(c, plist);
    if (status == NNC_OK)
        status = read_sizes(c, plist);
    if (status == NNC_OK && H5Pget_fill_value(plist, memory_type, c->fill) < 0)
        memset(c->fill, 0, sizeof(c->fill));
    if (plist >= 0)
        H5Pclose(plist);
    if (status != NNC_OK) {
        nnc_hdf5_chunks_close(c);
        return status;
    }
    *out = c;
    return NNC_OK;
}

/* ---- filters ---- */

static uint32_t fletcher32(const uint8_t *data, size_t n)
{
    uint32_t low = 0, high = 0;
    for (size_t i = 0; i < n; i += 2) {
        const uint32_t word = (uint32_t)data[i] << 8 | (i + 1 < n ? data[i + 1] : 0);
        low = (low + word) % 65535;
        high = (high + low) % 65535;
    }
    return high << 16 | low;
}

/* The library leaves sums at 65535 where the modulus gives 0; the two are the same number. */
static bool same_sum(uint32_t a, uint32_t b)
{
    return (a & 0xffff) % 65535 == (b & 0xffff) % 65535 && (a >> 16) % 65535 == (b >> 16) % 65535;
}

static nnc_status unfletcher(uint8_t *data, size_t *n, const char *name)
{
    if (*n < 4)
        NNC_FAIL(NNC_ERR_DATA, "HDF5: '%s': a chunk without its checksum", name);
    *n -= 4;
    if (!same_sum(fletcher32(data, *n), nnc_read_u32le(data + *n)))
        NNC_FAIL(NNC_ERR_DATA, "HDF5: '%s': a chunk fails its checksum", name);
    return NNC_OK;
}

/* Byte planes back to elements; a rest that is no whole element stands at the end unchanged. */
static nnc_status unshuffle(uint8_t **data, size_t n, size_t size)
{
    if (size <= 1 || n < size)
        return NNC_OK;
    uint8_t *to = nnc_realloc(NULL, n, 1);
    if (!to)
        return NNC_ERR_LIMIT;
    const size_t count = n / size;
    for (size_t k = 0; k < size; k++)
        for (size_t i = 0; i < count; i++)
            to[i * size + k] = (*data)[k * count + i];
    memcpy(to + count * size, *data + count * size, n - count * size);
    nnc_free(*data);
    *data = to;
    return NNC_OK;
}

static nnc_status undo(nnc_hdf5_chunks *c, int i, uint8_t **data, size_t *n)
{
    if (c->filters[i] == H5Z_FILTER_FLETCHER32)
        return unfletcher(*data, n, c->name);
    if (c->filters[i] == H5Z_FILTER_SHUFFLE)
        return unshuffle(data, *n, c->shuffle_size[i]);
    uint8_t *to;
    size_t bytes;
    const size_t most = c->chunk_elements * c->file_element + 4 * NNC_HDF5_FILTERS_MAX;
    const nnc_status status = nnc_inflate(&to, &bytes, *data, *n, NNC_INFLATE_ZLIB, most);
    if (status != NNC_OK)
        return nnc_error_set(NNC_ERR_DATA, "HDF5: '%s': a chunk is damaged", c->name);
    nnc_free(*data);
    *data = to;
    *n = bytes;
    return NNC_OK;
}

static nnc_status undo_filters(nnc_hdf5_chunks *c, uint8_t **data, size_t *n, uint32_t skipped)
{
    for (int i = c->filter_count - 1; i >= 0; i--)
        if (!(skipped >> i & 1))
            NNC_TRY(undo(c, i, data, n));
    if (*n != c->chunk_elements * c->file_element)
        NNC_FAIL(NNC_ERR_DATA, "HDF5: '%s': a chunk has %zu bytes, expected %zu", c->name, *n,
                 c->chunk_elements * c->file_element);
    return NNC_OK;
}

/* ---- chunks to slabs ---- */

static nnc_status read_raw(nnc_hdf5_chunks *c, const hsize_t *at, uint8_t **data, size_t *n,
                           uint32_t *skipped)
{
    hsize_t stored = 0;
    *data = NULL;
    *n = 0;
    if (H5Dget_chunk_storage_size(c->set, at, &stored) < 0)
        stored = 0; /* 1.10 fails for chunks that were never written */
    if (stored == 0)
        return NNC_OK;
    if (stored > NNC_HDF5_CHUNK_MAX * 2)
        NNC_FAIL(NNC_ERR_DATA, "HDF5: '%s': a chunk claims %llu stored bytes", c->name,
                 (unsigned long long)stored);
    *data = nnc_realloc(NULL, (size_t)stored, 1);
    if (!*data)
        return NNC_ERR_LIMIT;
    *n = (size_t)stored;
    if (H5Dread_chunk(c->set, H5P_DEFAULT, at, skipped, *data) < 0)
        NNC_FAIL(NNC_ERR_DATA, "HDF5: '%s': a chunk cannot be read", c->name);
    return NNC_OK;
}

/* Decodes the chunk at element position `at` into chunk_data, in memory elements. */
static nnc_status decode_chunk(nnc_hdf5_chunks *c, const hsize_t *at)
{
    uint8_t *data;
    size_t n;
    uint32_t skipped = 0;
    nnc_status status = read_raw(c, at, &data, &n, &skipped);
    if (status == NNC_OK && !data) {
        for (size_t i = 0; i < c->chunk_elements; i++)
            memcpy(c->chunk_data + i * c->element, c->fill, c->element);
        return NNC_OK;
    }
    if (status == NNC_OK)
        status = undo_filters(c, &data, &n, skipped);
    if (status == NNC_OK) {
        memcpy(c->chunk_data, data, n);
        if (H5Tconvert(c->file_type, c->memory_type, c->chunk_elements, c->chunk_data, NULL,
                       H5P_DEFAULT) < 0)
            status = nnc_error_set(NNC_ERR_DATA, "HDF5: '%s': values cannot be converted", c->name);
    }
    nnc_free(data);
    return status;
}

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Copies the part of chunk_data that lies inside the array into the slab: runs of the last dim. */
static void scatter(const nnc_hdf5_chunks *c, uint8_t *to, const hsize_t *at)
{
    const uint32_t rank = c->shape.rank, last = rank - 1;
    size_t inside[NNC_RANK_MAX], k[NNC_RANK_MAX] = {0};
    for (uint32_t i = 0; i < rank; i++)
        inside[i] = min_size((size_t)c->chunk[i], (size_t)c->shape.dims[i] - (size_t)at[i]);
    for (;;) {
        size_t from = 0, place = 0;
        for (uint32_t i = 0; i < rank; i++) {
            from = from * (size_t)c->chunk[i] + k[i];
            place = i == 0 ? k[0] : place * (size_t)c->shape.dims[i] + (size_t)at[i] + k[i];
        }
        const size_t run = rank == 1 ? 1 : inside[last];
        memcpy(to + place * c->element, c->chunk_data + from * c->element, run * c->element);
        uint32_t i = rank == 1 ? 1 : last; /* the run covers the last dim, unless it is the first */
        while (i-- > 0) {
            if (++k[i] < inside[i])
                break;
            k[i] = 0;
        }
        if (i == UINT32_MAX)
            return;
    }
}

static nnc_status fill_slab(nnc_hdf5_chunks *c, slab *s, size_t row)
{
    const uint32_t rank = c->shape.rank;
    hsize_t at[NNC_RANK_MAX] = {row * c->chunk[0]};
    if (!s->data)
        s->data = nnc_realloc(NULL, c->sample_bytes * (size_t)c->chunk[0], 1);
    if (!s->data)
        return NNC_ERR_LIMIT;
    s->row = SIZE_MAX; /* until it is whole */
    for (;;) {
        NNC_TRY(decode_chunk(c, at));
        scatter(c, s->data, at);
        uint32_t i = rank;
        while (i-- > 1) {
            at[i] += c->chunk[i];
            if (at[i] < (hsize_t)c->shape.dims[i])
                break;
            at[i] = 0;
        }
        if (i == 0 || rank == 1)
            break;
    }
    s->row = row;
    return NNC_OK;
}

static nnc_status find_slab(const slab **out, nnc_hdf5_chunks *c, size_t row)
{
    slab *oldest = &c->slabs[0];
    for (int i = 0; i < SLABS; i++) {
        slab *s = &c->slabs[i];
        if (s->data && s->row == row) {
            s->used = ++c->time;
            *out = s;
            return NNC_OK;
        }
        if (s->used < oldest->used)
            oldest = s;
    }
    oldest->used = ++c->time;
    *out = oldest;
    return fill_slab(c, oldest, row);
}

nnc_status nnc_hdf5_chunks_read(nnc_hdf5_chunks *c, void *out, size_t first, size_t n)
{
    uint8_t *to = out;
    const size_t per_row = (size_t)c->chunk[0];
    while (n > 0) {
        const slab *s;
        NNC_TRY(find_slab(&s, c, first / per_row));
        const size_t skip = first % per_row;
        const size_t take = min_size(n, per_row - skip);
        memcpy(to, s->data + skip * c->sample_bytes, take * c->sample_bytes);
        to += take * c->sample_bytes;
        first += take;
        n -= take;
    }
    return NNC_OK;
}
