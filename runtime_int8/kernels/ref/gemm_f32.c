/* gemm_f32, the specification in plain C. SPDX-License-Identifier: Apache-2.0
 * fmaf is correctly rounded with or without FMA instructions; the clone for CPUs that have them is
 * only faster. */
#include "runtime_int8/kernels/contracts.h"

#include "runtime_int8/kernels/ref/fma_clone.h"

NNRT_INLINE void ref_panel(float *y, const float *const *a, const float *w, const float *start,
                           const float *residual, size_t rows, size_t cols,
                           const nnrt_k_gemm_f32_params *p)
{
    float acc[16];
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < 16; j++)
            acc[j] = start && j < cols ? start[i * p->start_row + j] : 0.0f;
        for (size_t t = 0; t < p->taps; t++) {
            const float *x = a[t * rows + i];
            const float *wt = w + t * p->c * 16;
            for (size_t c = 0; c < p->c; c++)
                for (size_t j = 0; j < 16; j++)
                    acc[j] = __builtin_fmaf(x[c], wt[c * 16 + j], acc[j]);
        }
        for (size_t j = 0; j < cols; j++) {
            float v = acc[j] * p->alpha;
            if (residual)
                v = v + residual[i * p->y_row + j];
            y[i * p->y_row + j] = nnrt_clamp_f32(v, p->lo, p->hi);
        }
    }
}

NNRT_INLINE void ref_tile(float *y, const float *const *a, const float *w, const float *start,
                          const float *residual, size_t rows, size_t cols,
                          const nnrt_k_gemm_f32_params *p)
{
    for (size_t j = 0; j < cols; j += 16)
        ref_panel(y + j, a, w + j / 16 * p->w_panel, start ? start + j : NULL,
                  residual ? residual + j : NULL, rows, cols - j < 16 ? cols - j : 16, p);
}

NNRT_FMA_CLONE static void ref_tile_fma(float *y, const float *const *a, const float *w,
                                        const float *start, const float *residual, size_t rows,
                                        size_t cols, const nnrt_k_gemm_f32_params *p)
{
    ref_tile(y, a, w, start, residual, rows, cols, p);
}

void nnrt_k_gemm_f32__ref(float *y, const float *const *a, const float *w, const float *start,
                          const float *residual, size_t rows, size_t cols,
                          const nnrt_k_gemm_f32_params *p)
{
    if (NNRT_CPU_HAS_FMA)
        ref_tile_fma(y, a, w, start, residual, rows, cols, p);
    else
        ref_tile(y, a, w, start, residual, rows, cols, p);
}
