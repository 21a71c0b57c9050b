/* State to bytes and back. SPDX-License-Identifier: Apache-2.0 */
#include "base/archive.h"

#include <string.h>

void nnc_archive_bytes(nnc_archive *a, void *p, size_t n)
{
    if (a->out) {
        nnc_str_append_n(a->out, p, n);
        return;
    }
    if (a->failed || n > a->bytes - a->at) {
        a->failed = true;
        memset(p, 0, n);
        return;
    }
    memcpy(p, a->data + a->at, n);
    a->at += n;
}

void nnc_archive_bool(nnc_archive *a, bool *value)
{
    uint8_t byte = *value;
    NNC_ARCHIVE(a, byte);
    a->failed = a->failed || byte > 1;
    *value = byte == 1;
}

size_t nnc_archive_count(nnc_archive *a, size_t count, size_t least)
{
    uint64_t n = count;
    NNC_ARCHIVE(a, n);
    if (!a->out && n > (a->bytes - a->at) / (least ? least : 1)) {
        a->failed = true;
        return 0;
    }
    return (size_t)n;
}

void nnc_archive_array(nnc_archive *a, const void **items, size_t n, size_t size)
{
    if (a->out) {
        if (n) {
            nnc_str_append_n(a->out, *items, n * size);
        }
        return;
    }
    *items = NULL;
    if (a->failed || n > (a->bytes - a->at) / size) {
        a->failed = true;
        return;
    }
    void *copy = nnc_arena_alloc(a->arena, n + 1, size);
    if (!copy) {
        a->failed = true;
        return;
    }
    nnc_archive_bytes(a, copy, n * size);
    *items = copy;
}

void nnc_archive_text(nnc_archive *a, const char **text)
{
    bool present = *text != NULL;
    nnc_archive_bool(a, &present);
    if (!present) {
        *text = NULL;
        return;
    }
    size_t n = nnc_archive_count(a, a->out ? strlen(*text) : 0, 1);
    nnc_archive_array(a, (const void **)text, n, 1); /* the arena's extra element is the NUL */
    if (!*text) {
        *text = "";
    }
}

nnc_status nnc_archive_status(const nnc_archive *a)
{
    if (a->out) {
        return nnc_str_status(a->out);
    }
    if (a->failed) {
        NNC_FAIL(NNC_ERR_DATA, "ends early or is damaged at byte %zu of %zu", a->at, a->bytes);
    }
    return NNC_OK;
}
