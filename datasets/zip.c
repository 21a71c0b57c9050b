/* ZIP directory and members. SPDX-License-Identifier: Apache-2.0 */
#include "datasets/zip.h"

#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "base/map.h"
#include "datasets/bytes.h"

#define END_BYTES 22
#define ENTRY_BYTES 46
#define LOCAL_BYTES 30
#define COMMENT_MAX 65535

/* The end record: last signature whose comment reaches exactly to the end of the file. */
static const uint8_t *find_end(const uint8_t *bytes, size_t n)
{
    if (n < END_BYTES)
        return NULL;
    const size_t last = n - END_BYTES;
    const size_t first = last > COMMENT_MAX ? last - COMMENT_MAX : 0;
    for (size_t i = last + 1; i-- > first;)
        if (nnc_read_u32le(bytes + i) == 0x06054b50 &&
            i + END_BYTES + nnc_read_u16le(bytes + i + 20) == n)
            return bytes + i;
    return NULL;
}

/* The data of a member stands after its local header, whose name and extra lengths are its own. */
static nnc_status locate(nnc_zip_member *m, const uint8_t *bytes, size_t limit, size_t offset)
{
    if (offset > limit || limit - offset < LOCAL_BYTES ||
        nnc_read_u32le(bytes + offset) != 0x04034b50)
        NNC_FAIL(NNC_ERR_DATA, "zip: member '%s' has no header", m->name);
    const uint8_t *local = bytes + offset;
    const size_t start =
        offset + LOCAL_BYTES + nnc_read_u16le(local + 26) + nnc_read_u16le(local + 28);
    if (start > limit || limit - start < m->packed)
        NNC_FAIL(NNC_ERR_DATA, "zip: member '%s' reaches past the end", m->name);
    m->data = bytes + start;
    return NNC_OK;
}

static nnc_status check_member(const nnc_zip_member *m, const uint8_t *entry)
{
    if (nnc_read_u16le(entry + 8) & 1)
        NNC_FAIL(NNC_ERR_DATA, "zip: member '%s' is encrypted", m->name);
    if (m->packed == UINT32_MAX || m->size == UINT32_MAX ||
        nnc_read_u32le(entry + 42) == UINT32_MAX)
        NNC_FAIL(NNC_ERR_DATA, "zip: member '%s' is ZIP64 (over 4 GiB), which is not read",
                 m->name);
    if (m->method != 0 && m->method != 8)
        NNC_FAIL(NNC_ERR_DATA, "zip: member '%s' uses method %u, known are stored and deflated",
                 m->name, m->method);
    if (m->method == 0 && m->packed != m->size)
        NNC_FAIL(NNC_ERR_DATA, "zip: stored member '%s' has %u and %u bytes", m->name, m->packed,
                 m->size);
    return NNC_OK;
}

static nnc_status read_entry(nnc_zip_member *m, nnc_arena *arena, const uint8_t *bytes,
                             const uint8_t *entry, const uint8_t *directory)
{
    const size_t name = nnc_read_u16le(entry + 28);
    m->name = nnc_arena_strndup(arena, (const char *)entry + ENTRY_BYTES, name);
    if (!m->name)
        return NNC_ERR_LIMIT;
    if (strlen(m->name) != name)
        NNC_FAIL(NNC_ERR_DATA, "zip: NUL in a member name");
    m->method = nnc_read_u16le(entry + 10);
    m->crc = nnc_read_u32le(entry + 16);
    m->packed = nnc_read_u32le(entry + 20);
    m->size = nnc_read_u32le(entry + 24);
    NNC_TRY(check_member(m, entry));
    return locate(m, bytes, (size_t)(directory - bytes), nnc_read_u32le(entry + 42));
}

static int by_place(const void *a, const void *b)
{
    const nnc_zip_member *x = *(const nnc_zip_member *const *)a;
    const nnc_zip_member *y = *(const nnc_zip_member *const *)b;
    return x->data < y->data ? -1 : x->data > y->data;
}

/* Overlapping members are how one small file becomes many large ones. */
static nnc_status check_overlap(const nnc_zip *zip)
{
    const nnc_zip_member **order = nnc_calloc(zip->count, sizeof(*order));
    if (!order)
        return NNC_ERR_LIMIT;
    for (size_t i = 0; i < zip->count; i++)
        order[i] = &zip->members[i];
    if (zip->count)
        qsort(order, zip->count, sizeof(*order), by_place);
    nnc_status status = NNC_OK;
    for (size_t i = 1; i < zip->count && status == NNC_OK; i++)
        if (order[i]->data < order[i - 1]->data + order[i - 1]->packed)
            status = nnc_error_set(NNC_ERR_DATA, "zip: members '%s' and '%s' overlap",
                                   order[i - 1]->name, order[i]->name);
    nnc_free(order);
    return status;
}

static nnc_status check_names(const nnc_zip *zip)
{
    nnc_map *seen = nnc_map_create();
    nnc_status status = seen ? NNC_OK : NNC_ERR_LIMIT;
    for (size_t i = 0; i < zip->count && status == NNC_OK; i++) {
        bool existed = false;
        status = nnc_map_put(seen, zip->members[i].name, 0, &existed);
        if (status == NNC_OK && existed)
            status = nnc_error_set(NNC_ERR_DATA, "zip: two members are named '%s'",
                                   zip->members[i].name);
    }
    nnc_map_destroy(seen);
    return status;
}

nnc_status nnc_zip_open(nnc_zip *out, nnc_arena *arena, const uint8_t *bytes, size_t n)
{
    memset(out, 0, sizeof(*out));
    const uint8_t *end = find_end(bytes, n);
    if (!end)
        NNC_FAIL(NNC_ERR_DATA, "zip: no end record; the file is truncated or no archive");
    const size_t count = nnc_read_u16le(end + 10);
    const size_t size = nnc_read_u32le(end + 12), offset = nnc_read_u32le(end + 16);
    const size_t room = (size_t)(end - bytes);
    if (count == 0xffff || size == UINT32_MAX || offset == UINT32_MAX)
        NNC_FAIL(NNC_ERR_DATA, "zip: a ZIP64 archive (over 4 GiB), which is not read");
    if (nnc_read_u16le(end + 4) != 0 || nnc_read_u16le(end + 8) != count)
        NNC_FAIL(NNC_ERR_DATA, "zip: one part of a split archive");
    if (offset > room || room - offset < size)
        NNC_FAIL(NNC_ERR_DATA, "zip: the directory reaches past the end");
    if (count > NNC_ZIP_MEMBERS_MAX)
        NNC_FAIL(NNC_ERR_LIMIT, "zip: %zu members, the limit is %d", count, NNC_ZIP_MEMBERS_MAX);
    out->members = nnc_arena_alloc(arena, count ? count : 1, sizeof(*out->members));
    if (!out->members)
        return NNC_ERR_LIMIT;
    const uint8_t *at = bytes + offset, *stop = at + size;
    for (size_t i = 0; i < count; i++) {
        if (stop - at < ENTRY_BYTES || nnc_read_u32le(at) != 0x02014b50)
            NNC_FAIL(NNC_ERR_DATA, "zip: damaged directory");
        const size_t entry = ENTRY_BYTES + (size_t)nnc_read_u16le(at + 28) +
                             nnc_read_u16le(at + 30) + nnc_read_u16le(at + 32);
        if ((size_t)(stop - at) < entry)
            NNC_FAIL(NNC_ERR_DATA, "zip: damaged directory");
        NNC_TRY(read_entry(&out->members[i], arena, bytes, at, bytes + offset));
        out->count = i + 1;
        at += entry;
    }
    NNC_TRY(check_names(out));
    return check_overlap(out);
}

nnc_status nnc_zip_peek(uint8_t *out, size_t *got, const nnc_zip_member *m, size_t want)
{
    if (want > m->size)
        want = m->size;
    *got = want;
    if (m->method == 0) {
        memcpy(out, m->data, want);
        return NNC_OK;
    }
    z_stream z;
    memset(&z, 0, sizeof(z));
    if (inflateInit2(&z, -MAX_WBITS) != Z_OK)
        NNC_FAIL(NNC_ERR_LIMIT, "zlib cannot start");
    z.next_in = (Bytef *)m->data; /* zlib's interface lacks const */
    z.avail_in = m->packed;
    z.next_out = out;
    z.avail_out = (uInt)want;
    const int code = want ? inflate(&z, Z_SYNC_FLUSH) : Z_OK;
    inflateEnd(&z);
    if ((code != Z_OK && code != Z_STREAM_END) || z.avail_out)
        NNC_FAIL(NNC_ERR_DATA, "zip: member '%s' is damaged", m->name);
    return NNC_OK;
}

nnc_status nnc_zip_read(const uint8_t **out, uint8_t **owned, const nnc_zip_member *m)
{
    *owned = NULL;
    *out = m->data;
    if (m->method == 8) {
        size_t n;
        nnc_status status = nnc_inflate(owned, &n, m->data, m->packed, NNC_INFLATE_RAW, m->size);
        if (status == NNC_OK && n != m->size)
            status = nnc_error_set(NNC_ERR_DATA, "%zu bytes, expected %u", n, m->size);
        if (status != NNC_OK) {
            nnc_free(*owned);
            *owned = NULL;
            return nnc_error_prepend(status, "zip: member '%s'", m->name);
        }
        *out = *owned;
    }
    uint32_t crc = (uint32_t)crc32(0, NULL, 0);
    crc = (uint32_t)crc32(crc, *out, m->size);
    if (crc != m->crc) {
        nnc_free(*owned);
        *owned = NULL;
        NNC_FAIL(NNC_ERR_DATA, "zip: member '%s' fails its CRC", m->name);
    }
    return NNC_OK;
}
