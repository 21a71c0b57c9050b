/* Hashes: xxh3 for integrity and keys, SHA-256 for provenance. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_BASE_HASH_H
#define NNC_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/facts.h"

uint64_t nnc_hash64(const void *data, size_t bytes, uint64_t seed);

typedef struct nnc_sha256 {
    uint32_t state[8];
    uint64_t bytes;
    uint8_t block[64];
} nnc_sha256;
/* FIPS 180-4. */
void nnc_sha256_init(nnc_sha256 *ctx);
void nnc_sha256_update(nnc_sha256 *ctx, const void *data, size_t bytes);
void nnc_sha256_final(nnc_sha256 *ctx, uint8_t digest[32]);
/* 64 hexadecimal digits and NUL. */
void nnc_sha256_hex(const uint8_t digest[32], char hex[65]);
nnc_status nnc_sha256_file(char hex[65], const char *path);

/* The library inside. */
void nnc_hash_library(nnc_library *out);

#endif
