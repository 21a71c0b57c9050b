/* Byte order and inflation. SPDX-License-Identifier: Apache-2.0 */
#include "datasets/bytes.h"

#include <limits.h>
#include <string.h>

#include <zlib.h>

#include "base/mem.h"

#define INFLATE_START ((size_t)64 << 10)

static bool native_is_big(void)
{
    const uint16_t one = 1;
    uint8_t first;
    memcpy(&first, &one, 1);
    return first == 0;
}

void nnc_bytes_to_native(void *to, const uint8_t *from, size_t n, size_t size, bool big_endian)
{
    uint8_t *out = to;
    if (size == 1 || big_endian == native_is_big()) {
        memcpy(out, from, n * size);
        return;
    }
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < size; k++)
            out[i * size + k] = from[i * size + size - 1 - k];
}

static nnc_status grow_output(uint8_t **out, size_t *cap, size_t have, size_t max_out)
{
    if (have < *cap)
        return NNC_OK;
    if (*cap >= max_out)
        NNC_FAIL(NNC_ERR_LIMIT, "inflates to more than %zu bytes", max_out);
    size_t next = *cap ? *cap * 2 : INFLATE_START;
    if (next > max_out)
        next = max_out;
    uint8_t *p = nnc_realloc(*out, next, 1);
    if (!p)
        return NNC_ERR_LIMIT;
    *out = p;
    *cap = next;
    return NNC_OK;
}

static nnc_status inflate_all(uint8_t **out, size_t *have, z_stream *z, size_t left, size_t max_out)
{
    size_t cap = 0;
    int code = Z_OK;
    while (code != Z_STREAM_END) {
        if (z->avail_in == 0 && left > 0) {
            z->avail_in = left > UINT_MAX ? UINT_MAX : (uInt)left;
            left -= z->avail_in;
        }
        /* One byte more than allowed shows that the limit is exceeded, not just reached. */
        NNC_TRY(grow_output(out, &cap, *have, max_out + 1));
        const size_t room = cap - *have;
        z->next_out = *out + *have;
        z->avail_out = room > UINT_MAX ? UINT_MAX : (uInt)room;
        const uInt before = z->avail_out;
        code = inflate(z, Z_NO_FLUSH);
        *have += before - z->avail_out;
        if (*have > max_out)
            NNC_FAIL(NNC_ERR_LIMIT, "inflates to more than %zu bytes", max_out);
        if (code == Z_BUF_ERROR && z->avail_in == 0 && left == 0)
            NNC_FAIL(NNC_ERR_DATA, "compressed data is truncated");
        if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
            NNC_FAIL(NNC_ERR_DATA, "compressed data is damaged (%s)", z->msg ? z->msg : "zlib");
        if (code == Z_OK && z->avail_in == 0 && left == 0 && z->avail_out > 0)
            NNC_FAIL(NNC_ERR_DATA, "compressed data is truncated");
    }
    return NNC_OK;
}

nnc_status nnc_inflate(uint8_t **out, size_t *out_bytes, const uint8_t *in, size_t n,
                       nnc_inflate_form form, size_t max_out)
{
    *out = NULL;
    *out_bytes = 0;
    z_stream z;
    memset(&z, 0, sizeof(z));
    static const int windows[] = {-MAX_WBITS, MAX_WBITS, MAX_WBITS + 16};
    if (inflateInit2(&z, windows[form]) != Z_OK)
        NNC_FAIL(NNC_ERR_LIMIT, "zlib cannot start");
    z.next_in = (Bytef *)in; /* zlib's interface lacks const */
    const nnc_status status = inflate_all(out, out_bytes, &z, n, max_out);
    inflateEnd(&z);
    if (status != NNC_OK) {
        nnc_free(*out);
        *out = NULL;
        *out_bytes = 0;
    }
    return status;
}
