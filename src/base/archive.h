/* State to bytes and back: one function per type walks its fields in both directions. SPDX-License-Identifier: Apache-2.0
 * For files that the same build reads again; the caller guards them with a check sum. Errors are sticky: after the first one values that
 * are read are zero, and nnc_archive_status tells. */
#ifndef NNC_BASE_ARCHIVE_H
#define NNC_BASE_ARCHIVE_H

#include "base/mem.h"
#include "base/str.h"

typedef struct nnc_archive {
    nnc_str *out;        /* writing: bytes are appended here; NULL: reading */
    const uint8_t *data; /* reading */
    size_t bytes, at;
    nnc_arena *arena;    /* reading: texts and arrays live here */
    bool failed;
} nnc_archive;

/* Writes or reads n bytes at p. */
void nnc_archive_bytes(nnc_archive *a, void *p, size_t n);
#define NNC_ARCHIVE(a, field) nnc_archive_bytes((a), &(field), sizeof(field))
/* One byte, 0 or 1. */
void nnc_archive_bool(nnc_archive *a, bool *value);
/* A text; NULL is kept apart from "". Reading: a copy in the arena. */
void nnc_archive_text(nnc_archive *a, const char **text);
/* Number of elements that follow, each of at least `least` bytes: a number that the rest cannot hold fails. */
size_t nnc_archive_count(nnc_archive *a, size_t count, size_t least);
/* An array of n elements of `size` bytes. Reading: in the arena. */
void nnc_archive_array(nnc_archive *a, const void **items, size_t n, size_t size);
/* NNC_ERR_DATA for bytes that end early or do not fit, NNC_ERR_LIMIT for memory. */
nnc_status nnc_archive_status(const nnc_archive *a);

#endif
