/* What kernels are written in: the few primitives of a thread block, for nvcc and for the simulator.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A kernel file (kernels/<subject>.cuh) includes this alone for the machine: no CUDA header, no
 * __global__, no __shared__, no threadIdx. Under nvcc the functions are the hardware's instructions;
 * elsewhere simt_host.cuh runs the same thread-block code with every thread as a coroutine, checks
 * barriers and delays asynchronous copies until they are waited for. C++14.
 *
 *   SIMT_FN                       before every function of a kernel file
 *   simt::thread()                0 .. threads - 1 in the block;  warp = thread() / 32, lane = thread() % 32
 *   simt::block_x/y/z(), grid_x/y/z(), threads()
 *   simt::shared()                the block's dynamic shared memory, 128-byte aligned
 *   simt::sync()                  barrier of the block, reached by all its threads
 *   simt::sync_warp()             barrier of the warp
 *   simt::copy16/8/4(to, from)    asynchronous copy of 16/8/4 aligned bytes, global to shared
 *   simt::copy_commit()           closes a group of them
 *   simt::copy_wait<N>()          until at most N of this thread's groups are pending (then sync() for other threads)
 *   simt::ldmatrix4(r, p)         four 8x8 matrices of 16-bit pairs: lane l gives the address of row l % 8 of matrix l / 8
 *   simt::mma(c, a, b)            c[4] += a[4] (16x32 u8, row) * b[2] (32x8 s8, column), wrapping; the fragments of
 *                                 mma.m16n8k32: a[0] row lane/4, bytes 4*(lane%4)..; a[1] row+8; a[2], a[3] the same 16 bytes on;
 *                                 b[0] column lane/4, bytes 4*(lane%4)..; b[1] 16 bytes on; c[0], c[1] row lane/4, columns
 *                                 2*(lane%4), +1; c[2], c[3] row+8
 *   simt::dot4(a, b, c)           c + four u8 of a times four s8 of b, wrapping
 *   simt::perm(a, b, s)           bytes of {a, b} picked by the nibbles of s (prmt)
 *   simt::max4(a, b)              bytewise unsigned maximum
 *   simt::shfl_xor(v, mask)       v of lane ^ mask (int32_t, float); all 32 lanes call
 *   simt::atomic_add(p, v)        on uint32_t in global memory; returns the old value
 *   simt::fence()                 earlier writes are seen by other blocks before later ones
 *   simt::load(p)                 read of global memory that no thread of the grid writes (read-only path)
 *   simt::round_even(t)           float to nearest int32, ties to even */
#ifndef NNRT_CUDA_SIMT_CUH
#define NNRT_CUDA_SIMT_CUH

#include <stddef.h>
#include <stdint.h>

#ifndef __CUDACC__
#include "runtime_int8/cuda/simt_host.cuh"
#else

#define SIMT_FN static __device__ __forceinline__

namespace simt {

SIMT_FN uint32_t thread() { return threadIdx.x; }
SIMT_FN uint32_t threads() { return blockDim.x; }
SIMT_FN uint32_t block_x() { return blockIdx.x; }
SIMT_FN uint32_t block_y() { return blockIdx.y; }
SIMT_FN uint32_t block_z() { return blockIdx.z; }
SIMT_FN uint32_t grid_x() { return gridDim.x; }
SIMT_FN uint32_t grid_y() { return gridDim.y; }
SIMT_FN uint32_t grid_z() { return gridDim.z; }

SIMT_FN uint8_t *shared()
{
    extern __shared__ __align__(128) uint8_t simt_shared_bytes[];
    return simt_shared_bytes;
}

SIMT_FN void sync() { __syncthreads(); }
SIMT_FN void sync_warp() { __syncwarp(); }
SIMT_FN void fence() { __threadfence(); }

SIMT_FN uint32_t shared_address(const void *p)
{
    return static_cast<uint32_t>(__cvta_generic_to_shared(p));
}

/* sm_75 has no asynchronous copy: the load and the store happen here. */
SIMT_FN void copy16(void *to, const void *from)
{
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(shared_address(to)), "l"(from) : "memory");
#else
    *static_cast<uint4 *>(to) = *static_cast<const uint4 *>(from);
#endif
}

SIMT_FN void copy8(void *to, const void *from)
{
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.ca.shared.global [%0], [%1], 8;" ::"r"(shared_address(to)), "l"(from) : "memory");
#else
    *static_cast<uint2 *>(to) = *static_cast<const uint2 *>(from);
#endif
}

SIMT_FN void copy4(void *to, const void *from)
{
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.ca.shared.global [%0], [%1], 4;" ::"r"(shared_address(to)), "l"(from) : "memory");
#else
    *static_cast<uint32_t *>(to) = *static_cast<const uint32_t *>(from);
#endif
}

SIMT_FN void copy_commit()
{
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}

template <int N> SIMT_FN void copy_wait()
{
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.wait_group %0;" ::"n"(N) : "memory");
#endif
}

SIMT_FN void ldmatrix4(uint32_t (&r)[4], const void *p)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(shared_address(p))
                 : "memory");
}

/* sm_75 has the 8x8x16 form alone; its fragments are halves of the larger one's. */
SIMT_FN void mma8(int32_t &c0, int32_t &c1, uint32_t a, uint32_t b)
{
    asm volatile("mma.sync.aligned.m8n8k16.row.col.s32.u8.s8.s32 {%0,%1}, {%2}, {%3}, {%0,%1};"
                 : "+r"(c0), "+r"(c1)
                 : "r"(a), "r"(b));
}

SIMT_FN void mma(int32_t (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2])
{
#if __CUDA_ARCH__ >= 800
    asm volatile("mma.sync.aligned.m16n8k32.row.col.s32.u8.s8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                 : "+r"(c[0]), "+r"(c[1]), "+r"(c[2]), "+r"(c[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
    mma8(c[0], c[1], a[0], b[0]);
    mma8(c[0], c[1], a[2], b[1]);
    mma8(c[2], c[3], a[1], b[0]);
    mma8(c[2], c[3], a[3], b[1]);
#endif
}

SIMT_FN int32_t dot4(uint32_t a, uint32_t b, int32_t c)
{
    int32_t d;
    asm("dp4a.u32.s32 %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(c));
    return d;
}

SIMT_FN uint32_t perm(uint32_t a, uint32_t b, uint32_t s) { return __byte_perm(a, b, s); }
SIMT_FN uint32_t max4(uint32_t a, uint32_t b) { return __vmaxu4(a, b); }
template <class T> SIMT_FN T shfl_xor(T v, uint32_t mask)
{
    return __shfl_xor_sync(0xffffffffu, v, static_cast<int>(mask));
}
SIMT_FN uint32_t atomic_add(uint32_t *p, uint32_t v) { return atomicAdd(p, v); }
template <class T> SIMT_FN T load(const T *p) { return __ldg(p); }
SIMT_FN int32_t round_even(float t) { return __float2int_rn(t); }

} /* namespace simt */
#endif
#endif
