/* xxh3 and SHA-256 (FIPS 180-4). SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/file.h"
#include "base/mem.h"

uint64_t nnc_hash64(const void *data, size_t bytes, uint64_t seed)
{
    return XXH3_64bits_withSeed(data, bytes, seed);
}

/* FIPS 180-4, 4.2.2: fractional parts of the cube roots of the first 64 primes. */
static const uint32_t sha256_k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t rotr(uint32_t x, unsigned n)
{
    return (x >> n) | (x << (32 - n));
}

static uint32_t load_be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void store_be32(uint8_t *p, uint32_t x)
{
    p[0] = (uint8_t)(x >> 24);
    p[1] = (uint8_t)(x >> 16);
    p[2] = (uint8_t)(x >> 8);
    p[3] = (uint8_t)x;
}

/* FIPS 180-4, 6.2.2. */
static void sha256_block(uint32_t state[8], const uint8_t block[64])
{
    uint32_t w[64];
    for (int t = 0; t < 16; t++) {
        w[t] = load_be32(block + 4 * t);
    }
    for (int t = 16; t < 64; t++) {
        uint32_t s0 = rotr(w[t - 15], 7) ^ rotr(w[t - 15], 18) ^ (w[t - 15] >> 3);
        uint32_t s1 = rotr(w[t - 2], 17) ^ rotr(w[t - 2], 19) ^ (w[t - 2] >> 10);
        w[t] = w[t - 16] + s0 + w[t - 7] + s1;
    }
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (int t = 0; t < 64; t++) {
        uint32_t big1 = rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25);
        uint32_t t1 = h + big1 + ((e & f) ^ (~e & g)) + sha256_k[t] + w[t];
        uint32_t big0 = rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22);
        uint32_t t2 = big0 + ((a & b) ^ (a & c) ^ (b & c));
        h = g;
        g = f;
        f = e;
        e = d + t1;
        d = c;
        c = b;
        b = a;
        a = t1 + t2;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
    state[5] += f;
    state[6] += g;
    state[7] += h;
}

void nnc_sha256_init(nnc_sha256 *ctx)
{
    /* FIPS 180-4, 5.3.3. */
    static const uint32_t initial[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    memcpy(ctx->state, initial, sizeof initial);
    ctx->bytes = 0;
}

void nnc_sha256_update(nnc_sha256 *ctx, const void *data, size_t bytes)
{
    const uint8_t *p = data;
    size_t filled = (size_t)(ctx->bytes % 64);
    ctx->bytes += bytes;
    if (filled > 0 && bytes >= 64 - filled) {
        memcpy(ctx->block + filled, p, 64 - filled);
        sha256_block(ctx->state, ctx->block);
        p += 64 - filled;
        bytes -= 64 - filled;
        filled = 0;
    }
    if (filled == 0) {
        for (; bytes >= 64; p += 64, bytes -= 64) {
            sha256_block(ctx->state, p);
        }
    }
    if (bytes > 0) {
        memcpy(ctx->block + filled, p, bytes);
    }
}

void nnc_sha256_final(nnc_sha256 *ctx, uint8_t digest[32])
{
    static const uint8_t padding[64] = {0x80};
    uint64_t bits = ctx->bytes * 8;
    size_t filled = (size_t)(ctx->bytes % 64);
    nnc_sha256_update(ctx, padding, filled < 56 ? 56 - filled : 120 - filled);
    uint8_t length[8];
    store_be32(length, (uint32_t)(bits >> 32));
    store_be32(length + 4, (uint32_t)bits);
    nnc_sha256_update(ctx, length, sizeof length);
    for (int i = 0; i < 8; i++) {
        store_be32(digest + 4 * i, ctx->state[i]);
    }
}

void nnc_sha256_hex(const uint8_t digest[32], char hex[65])
{
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < 32; i++) {
        hex[2 * i] = digits[digest[i] >> 4];
        hex[2 * i + 1] = digits[digest[i] & 15];
    }
    hex[64] = '\0';
}

/* Reads instead of mapping: a file that shrinks meanwhile is an error here, not a SIGBUS. */
nnc_status nnc_sha256_file(char hex[65], const char *path)
{
    enum { CHUNK = 256 * 1024 };
    int fd;
    uint64_t bytes;
    NNC_TRY(nnc_file_open(&fd, &bytes, path));
    uint8_t *chunk = nnc_calloc(CHUNK, 1);
    if (chunk == NULL) {
        close(fd);
        return NNC_ERR_LIMIT;
    }
    nnc_sha256 ctx;
    nnc_sha256_init(&ctx);
    nnc_status status = NNC_OK;
    while (ctx.bytes < bytes) {
        ssize_t n = read(fd, chunk, CHUNK);
        if (n > 0) {
            nnc_sha256_update(&ctx, chunk, (size_t)n);
        } else if (n == 0 || errno != EINTR) {
            status = nnc_error_set(NNC_ERR_IO, "'%s': reading stopped at byte %llu of %llu", path,
                                   (unsigned long long)ctx.bytes, (unsigned long long)bytes);
            break;
        }
    }
    nnc_free(chunk);
    close(fd);
    if (status == NNC_OK) {
        uint8_t digest[32];
        nnc_sha256_final(&ctx, digest);
        nnc_sha256_hex(digest, hex);
    }
    return status;
}

void nnc_hash_library(nnc_library *out)
{
    *out = (nnc_library){.name = "xxHash"}; /* inlined: there is no other version at run time */
    snprintf(out->version, sizeof(out->version), "%d.%d.%d", XXH_VERSION_MAJOR, XXH_VERSION_MINOR,
             XXH_VERSION_RELEASE);
}
