/* A second compilation of a reference kernel with FMA instructions: the same bits, since fmaf is
 * correctly rounded either way, but fast enough to run whole models. SPDX-License-Identifier:
 * Apache-2.0 */
#ifndef NNRT_KERNELS_REF_FMA_CLONE_H
#define NNRT_KERNELS_REF_FMA_CLONE_H

#define NNRT_INLINE static inline __attribute__((always_inline))

#if defined(__x86_64__)
#define NNRT_FMA_CLONE __attribute__((target("avx2,fma")))
#define NNRT_CPU_HAS_FMA (__builtin_cpu_supports("fma") && __builtin_cpu_supports("avx2"))
#else
#define NNRT_FMA_CLONE
#define NNRT_CPU_HAS_FMA 0
#endif

#endif
