/* Bounded big- and little-endian reading of elements, and inflation with a cap.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_DATASETS_BYTES_H
#define NNC_DATASETS_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

static inline uint16_t nnc_read_u16le(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t nnc_read_u32le(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint32_t nnc_read_u32be(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Copies n elements of `size` (1, 2, 4, 8) bytes; big_endian tells the order in `from`. */
void nnc_bytes_to_native(void *to, const uint8_t *from, size_t n, size_t size, bool big_endian);

typedef enum nnc_inflate_form {
    NNC_INFLATE_RAW,
    NNC_INFLATE_ZLIB,
    NNC_INFLATE_GZIP
} nnc_inflate_form;
/* Inflates at most max_out bytes; *out is from nnc_realloc and grows with the data, never ahead of
 * it. Fails: NNC_ERR_DATA (corrupt, truncated, CRC), NNC_ERR_LIMIT (more than max_out, memory). */
nnc_status nnc_inflate(uint8_t **out, size_t *out_bytes, const uint8_t *in, size_t n,
                       nnc_inflate_form form, size_t max_out);

#endif
