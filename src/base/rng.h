/* Counter-based random numbers (Philox 4x32-10, Salmon et al., SC 2011): the same numbers for any
 * thread count and resume point. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_BASE_RNG_H
#define NNC_BASE_RNG_H

#include <stdint.h>

typedef struct nnc_rng {
    uint32_t key[2];
    uint32_t counter[4];
    uint32_t out[4];
    uint32_t used;
} nnc_rng;

/* stream separates uses of one seed (layer, sample, stage). */
void nnc_rng_init(nnc_rng *rng, uint64_t seed, uint64_t stream);
uint32_t nnc_rng_u32(nnc_rng *rng);
/* Uniform in [0, n), unbiased; n > 0. */
uint32_t nnc_rng_below(nnc_rng *rng, uint32_t n);
/* Uniform in [0, 1) with 24 bits. */
float nnc_rng_uniform(nnc_rng *rng);
/* Standard normal (Box-Muller). */
float nnc_rng_normal(nnc_rng *rng);

#endif
