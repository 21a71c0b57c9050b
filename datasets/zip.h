/* ZIP archives in memory, for .npz: central directory, stored and deflated members, with limits.
 * SPDX-License-Identifier: Apache-2.0
 * Source: PKWARE APPNOTE 6.3.10. ZIP64, encryption and other methods are refused. */
#ifndef NNC_DATASETS_ZIP_H
#define NNC_DATASETS_ZIP_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"

#define NNC_ZIP_MEMBERS_MAX 4096
/* All members of one archive that are opened, together. */
#define NNC_ZIP_BYTES_MAX ((size_t)2 << 30)

typedef struct nnc_zip_member {
    const char *name;
    const uint8_t *data; /* compressed bytes, inside the archive */
    uint32_t packed, size, crc;
    uint16_t method; /* 0 stored, 8 deflated */
} nnc_zip_member;

typedef struct nnc_zip {
    nnc_zip_member *members; /* arena */
    size_t count;
} nnc_zip;

/* Reads the directory of an archive; the bytes must stay. Fails: NNC_ERR_DATA (damaged, duplicate
 * or overlapping members, ZIP64, encrypted), NNC_ERR_LIMIT. */
nnc_status nnc_zip_open(nnc_zip *out, nnc_arena *arena, const uint8_t *bytes, size_t n);
/* The first bytes of a member, at most `want`: enough to look at a header without inflating the
 * rest. */
nnc_status nnc_zip_peek(uint8_t *out, size_t *got, const nnc_zip_member *member, size_t want);
/* The whole member, CRC checked: *owned (nnc_free) or, when stored, NULL and *out inside the
 * archive. */
nnc_status nnc_zip_read(const uint8_t **out, uint8_t **owned, const nnc_zip_member *member);

#endif
