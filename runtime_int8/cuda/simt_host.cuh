/* The primitives of simt.cuh on the CPU: declarations; tests/cuda/simulator implements them.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NNRT_CUDA_SIMT_HOST_H
#define NNRT_CUDA_SIMT_HOST_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SIMT_FN static inline __attribute__((unused))

namespace simt {

struct place {
    uint32_t thread, threads;
    uint32_t block[3], grid[3];
    uint8_t *shared;
};
extern const place *now; /* of the running thread */

static inline uint32_t thread() { return now->thread; }
static inline uint32_t threads() { return now->threads; }
static inline uint32_t block_x() { return now->block[0]; }
static inline uint32_t block_y() { return now->block[1]; }
static inline uint32_t block_z() { return now->block[2]; }
static inline uint32_t grid_x() { return now->grid[0]; }
static inline uint32_t grid_y() { return now->grid[1]; }
static inline uint32_t grid_z() { return now->grid[2]; }
static inline uint8_t *shared() { return now->shared; }

/* Ends the process when p is no multiple of `bytes`: hardware would. */
void misaligned();
static inline void check_aligned(const void *p, size_t bytes)
{
    if (reinterpret_cast<uintptr_t>(p) % bytes != 0)
        misaligned();
}

void sync();
void sync_warp();
static inline void fence() {}
void copy(void *to, const void *from, uint32_t bytes);
static inline void copy16(void *to, const void *from) { copy(to, from, 16); }
static inline void copy8(void *to, const void *from) { copy(to, from, 8); }
static inline void copy4(void *to, const void *from) { copy(to, from, 4); }
void copy_commit();
void copy_wait_for(uint32_t pending);
template <int N> static inline void copy_wait() { copy_wait_for(N); }
void ldmatrix4(uint32_t (&r)[4], const void *p);
void mma(int32_t (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]);
uint32_t shfl_xor_bits(uint32_t v, uint32_t mask);
uint32_t atomic_add(uint32_t *p, uint32_t v);

template <class T> static inline T shfl_xor(T v, uint32_t mask)
{
    static_assert(sizeof(T) == 4, "32-bit values");
    uint32_t bits;
    memcpy(&bits, &v, 4);
    bits = shfl_xor_bits(bits, mask);
    memcpy(&v, &bits, 4);
    return v;
}

static inline int32_t dot4(uint32_t a, uint32_t b, int32_t c)
{
    uint32_t sum = static_cast<uint32_t>(c);
    for (int i = 0; i < 4; i++)
        sum += static_cast<uint32_t>(static_cast<int32_t>(a >> 8 * i & 255) *
                                     static_cast<int8_t>(b >> 8 * i & 255));
    return static_cast<int32_t>(sum);
}

static inline uint32_t perm(uint32_t a, uint32_t b, uint32_t s)
{
    const uint64_t bytes = static_cast<uint64_t>(b) << 32 | a;
    uint32_t r = 0;
    for (int i = 0; i < 4; i++) {
        const uint32_t pick = s >> 4 * i & 15;
        uint32_t byte = static_cast<uint32_t>(bytes >> 8 * (pick & 7)) & 255;
        if (pick & 8) /* the sign, replicated */
            byte = byte & 128 ? 255 : 0;
        r |= byte << 8 * i;
    }
    return r;
}

static inline uint32_t max4(uint32_t a, uint32_t b)
{
    uint32_t r = 0;
    for (int i = 0; i < 32; i += 8) {
        const uint32_t x = a >> i & 255, y = b >> i & 255;
        r |= (x > y ? x : y) << i;
    }
    return r;
}

template <class T> static inline T load(const T *p) { return *p; }
static inline int32_t round_even(float t) { return static_cast<int32_t>(lrintf(t)); }

} /* namespace simt */
#endif
