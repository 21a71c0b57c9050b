/* Aligned words of memory of any type, bytes of words, division. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNRT_CUDA_KERNELS_MEMORY_CUH
#define NNRT_CUDA_KERNELS_MEMORY_CUH

#include "runtime_int8/cuda/args_divide.h"
#include "runtime_int8/cuda/simt.cuh"

struct alignas(16) words4 {
    uint32_t w[4];
};
struct alignas(16) floats4 {
    float v[4];
};

/* One access of sizeof(T) bytes, aligned to as many. */
template <class T> SIMT_FN T get(const void *p)
{
#ifdef __CUDACC__
    return *static_cast<const T *>(p);
#else
    T v;
    simt::check_aligned(p, sizeof v);
    memcpy(&v, p, sizeof v);
    return v;
#endif
}

template <class T> SIMT_FN void put(void *p, const T &v)
{
#ifdef __CUDACC__
    *static_cast<T *>(p) = v;
#else
    simt::check_aligned(p, sizeof v);
    memcpy(p, &v, sizeof v);
#endif
}

SIMT_FN uint32_t divide(uint32_t n, const nnrt_cuda_divider &d)
{
    return ((uint32_t)(((uint64_t)n * d.mul) >> 32) + n) >> d.shift;
}

SIMT_FN uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Byte k of a word. */
SIMT_FN uint32_t byte_of(uint32_t word, uint32_t k)
{
    return word >> 8 * k & 255u;
}

/* The low bytes of four numbers. */
SIMT_FN uint32_t bytes_word(const int32_t (&b)[4])
{
    return simt::perm(simt::perm((uint32_t)b[0], (uint32_t)b[1], 0x0040), simt::perm((uint32_t)b[2], (uint32_t)b[3], 0x0040),
                      0x5410);
}

/* Four bytes from any address; up to 7 bytes behind it are read. */
SIMT_FN uint32_t get_bytes(const uint8_t *p)
{
    const uint32_t skip = (uint32_t)(uintptr_t)p & 3u;
    const uint8_t *base = p - skip;
    return simt::perm(get<uint32_t>(base), get<uint32_t>(base + 4), 0x3210u + 0x1111u * skip);
}

/* ALIGNED: p is a multiple of 4. */
template <bool ALIGNED> SIMT_FN uint32_t get_four(const uint8_t *p)
{
    return ALIGNED ? get<uint32_t>(p) : get_bytes(p);
}

/* The first n <= 4 bytes of a word; ALIGNED: n is 4 and p a multiple of 4. */
template <bool ALIGNED> SIMT_FN void put_four(uint8_t *p, uint32_t word, uint32_t n)
{
    if (ALIGNED)
        put<uint32_t>(p, word);
    for (uint32_t k = 0; k < 4; k++) {
        if (!ALIGNED && k < n)
            p[k] = (uint8_t)byte_of(word, k);
    }
}

/* Number of the thread in a grid of one dim. */
SIMT_FN uint32_t grid_thread()
{
    return simt::block_x() * simt::threads() + simt::thread();
}

#endif
