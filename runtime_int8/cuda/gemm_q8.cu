/* u8 x s8 GEMM with dp4a and the CPU's epilogue. SPDX-License-Identifier: Apache-2.0
 * A block of 16x16 threads makes a 64x64 tile, 4x4 outputs per thread; 16 quads of K pass through shared memory at a time. */
#include <cuda_runtime.h>

#include "runtime_int8/cuda/gemm_q8.h"
#include "tensor/requant.h"

#define TILE 64
#define QUADS 16
#define SIDE 16
#define EACH (TILE / SIDE)

struct gemm_args {
    void *y;
    const uint8_t *x;
    const int8_t *w;
    const int32_t *acc0;
    const float *mult;
    const uint8_t *residual;
    uint32_t rows, n, k, quads;
    nnrt_q8_epilogue epilogue;
};

/* acc + a . b with unsigned bytes a and signed bytes b, wrapping. */
static __device__ __forceinline__ int32_t dot4(uint32_t a, uint32_t b, int32_t acc)
{
    asm("dp4a.u32.s32 %0, %1, %2, %3;" : "=r"(acc) : "r"(a), "r"(b), "r"(acc));
    return acc;
}

/* Quad q of row m, zeros outside; bytes of the next row meet zero weights. */
static __device__ __forceinline__ uint32_t load_x(const gemm_args &g, uint32_t m, uint32_t q)
{
    if (m >= g.rows || q >= g.quads)
        return 0;
    const uint8_t *p = g.x + (size_t)m * g.k + 4 * (size_t)q;
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static __device__ __forceinline__ uint32_t load_w(const gemm_args &g, uint32_t n, uint32_t q)
{
    if (n >= (g.n + 15) / 16 * 16 || q >= g.quads)
        return 0;
    const size_t at = ((size_t)(n / 16) * g.quads + q) * 16 + n % 16;
    return reinterpret_cast<const uint32_t *>(g.w)[at];
}

static __device__ void store(const gemm_args &g, uint32_t m, uint32_t n, int32_t acc)
{
    const nnrt_q8_epilogue &e = g.epilogue;
    const size_t i = (size_t)m * g.n + n;
    float mult = g.mult[n];
    if (e.out == NNRT_Q8_OUT_F32) {
        float t = (float)acc * mult;
        t = t < e.hi ? t : e.hi;
        static_cast<float *>(g.y)[i] = t > e.lo ? t : e.lo;
        return;
    }
    int32_t q;
    if (e.residual == NNRT_Q8_RES_NONE) {
        q = nnc_requant(acc, mult, e.lo, e.hi, e.zy);
    } else {
        if (e.residual == NNRT_Q8_RES_TWICE) {
            acc = nnc_requant(acc, mult, e.lo_mid, e.hi_mid, 0);
            mult = e.mult_a;
        }
        q = nnc_requant_add(acc, mult, g.residual[i] - e.zr, e.mult_r, e.lo, e.hi, e.zy);
    }
    static_cast<uint8_t *>(g.y)[i] = (uint8_t)q;
}

static __global__ void __launch_bounds__(SIDE *SIDE) gemm_q8_kernel(const gemm_args g)
{
    __shared__ uint32_t xs[QUADS][TILE + 1], ws[QUADS][TILE + 1];
    const uint32_t tx = threadIdx.x, ty = threadIdx.y, id = ty * SIDE + tx;
    const uint32_t m0 = blockIdx.y * TILE, n0 = blockIdx.x * TILE;
    int32_t acc[EACH][EACH];
    for (int i = 0; i < EACH; i++)
        for (int j = 0; j < EACH; j++) {
            const uint32_t n = n0 + tx + j * SIDE;
            acc[i][j] = n < g.n ? g.acc0[n] : 0;
        }
    for (uint32_t q0 = 0; q0 < g.quads; q0 += QUADS) {
        for (uint32_t t = id; t < TILE * QUADS; t += SIDE * SIDE) {
            xs[t % QUADS][t / QUADS] = load_x(g, m0 + t / QUADS, q0 + t % QUADS);
            ws[t / TILE][t % TILE] = load_w(g, n0 + t % TILE, q0 + t / TILE);
        }
        __syncthreads();
        for (int q = 0; q < QUADS; q++)
            for (int i = 0; i < EACH; i++)
                for (int j = 0; j < EACH; j++)
                    acc[i][j] = dot4(xs[q][ty + i * SIDE], ws[q][tx + j * SIDE], acc[i][j]);
        __syncthreads();
    }
    for (int i = 0; i < EACH; i++)
        for (int j = 0; j < EACH; j++) {
            const uint32_t m = m0 + ty + i * SIDE, n = n0 + tx + j * SIDE;
            if (m < g.rows && n < g.n)
                store(g, m, n, acc[i][j]);
        }
}

int nnrt_cuda_gemm_q8(void *y, const uint8_t *x, const int8_t *w, const int32_t *acc0,
                      const float *mult, const uint8_t *residual, uint32_t rows, uint32_t n,
                      uint32_t k, const nnrt_q8_epilogue *epilogue, void *stream)
{
    if (rows == 0 || n == 0)
        return cudaSuccess;
    const gemm_args g = {y, x, w, acc0, mult, residual, rows, n, k, (k + 3) / 4, *epilogue};
    const dim3 grid((n + TILE - 1) / TILE, (rows + TILE - 1) / TILE), block(SIDE, SIDE);
    gemm_q8_kernel<<<grid, block, 0, static_cast<cudaStream_t>(stream)>>>(g);
    return cudaGetLastError();
}
