/* Philox 4x32-10: J. Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* Counter words 0 and 1 count blocks, 2 and 3 hold the stream; the key is the seed. */
void nnc_rng_init(nnc_rng *rng, uint64_t seed, uint64_t stream)
{
    memset(rng, 0, sizeof *rng);
    rng->key[0] = (uint32_t)seed;
    rng->key[1] = (uint32_t)(seed >> 32);
    rng->counter[2] = (uint32_t)stream;
    rng->counter[3] = (uint32_t)(stream >> 32);
    rng->used = 4;
}

/* Constants of section 3.3 of the paper: the multipliers and the Weyl increments of the key. */
static void philox(uint32_t out[4], const uint32_t counter[4], const uint32_t key[2])
{
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53 * c0;
        uint64_t p1 = (uint64_t)0xCD9E8D57 * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)p1;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)p0;
        k0 += 0x9E3779B9;
        k1 += 0xBB67AE85;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

uint32_t nnc_rng_u32(nnc_rng *rng)
{
    if (rng->used >= 4) {
        philox(rng->out, rng->counter, rng->key);
        rng->used = 0;
        rng->counter[0]++;
        if (rng->counter[0] == 0) {
            rng->counter[1]++;
        }
    }
    return rng->out[rng->used++];
}

/* D. Lemire, "Fast Random Integer Generation in an Interval", TOMACS 2019, algorithm 5. */
uint32_t nnc_rng_below(nnc_rng *rng, uint32_t n)
{
    assert(n > 0);
    uint64_t m = (uint64_t)nnc_rng_u32(rng) * n;
    if ((uint32_t)m < n) {
        uint32_t threshold = (0u - n) % n;
        while ((uint32_t)m < threshold) {
            m = (uint64_t)nnc_rng_u32(rng) * n;
        }
    }
    return (uint32_t)(m >> 32);
}

float nnc_rng_uniform(nnc_rng *rng)
{
    return (float)(nnc_rng_u32(rng) >> 8) * 0x1p-24f;
}

float nnc_rng_normal(nnc_rng *rng)
{
    /* The first factor is in (0, 1], so that the logarithm is finite. Two words per number, the
     * second normal of the pair is not kept: the stream position stays a plain count. */
    double u = ((double)nnc_rng_u32(rng) + 1.0) * 0x1p-32;
    double v = (double)nnc_rng_u32(rng) * 0x1p-32;
    return (float)(sqrt(-2.0 * log(u)) * cos(6.283185307179586476925 * v));
}
