/* dwconv_f32, the specification in plain C. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/kernels/contracts.h"

#include "runtime_int8/kernels/ref/fma_clone.h"

NNRT_INLINE void ref_run(float *y, const float *x, const nnrt_k_dwconv_f32_row *row, const float *w,
                         const float *bias, const float *residual, size_t count,
                         const nnrt_k_dwconv_f32_params *p)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t c = 0; c < p->channels; c++) {
            const float *wc = w + c / 16 * 16 * p->r * p->s + c % 16;
            float v = bias ? bias[c] : 0.0f;
            for (size_t k = 0; k < p->r * p->s; k++) {
                const nnrt_k_dwconv_f32_row *in = &row[k / p->s];
                const size_t j = i * p->stride + k % p->s * p->dilation;
                const ptrdiff_t at = in->offset + (ptrdiff_t)(j * p->x_step + c);
                v = __builtin_fmaf(j >= in->first && j < in->end ? x[at] : 0.0f, wc[k * 16], v);
            }
            if (residual)
                v = v + residual[i * p->y_step + c];
            y[i * p->y_step + c] = nnrt_clamp_f32(v, p->lo, p->hi);
        }
    }
}

NNRT_FMA_CLONE static void ref_run_fma(float *y, const float *x, const nnrt_k_dwconv_f32_row *row,
                                       const float *w, const float *bias, const float *residual,
                                       size_t count, const nnrt_k_dwconv_f32_params *p)
{
    ref_run(y, x, row, w, bias, residual, count, p);
}

void nnrt_k_dwconv_f32__ref(float *y, const float *x, const nnrt_k_dwconv_f32_row *row,
                            const float *w, const float *bias, const float *residual, size_t count,
                            const nnrt_k_dwconv_f32_params *p)
{
    if (NNRT_CPU_HAS_FMA)
        ref_run_fma(y, x, row, w, bias, residual, count, p);
    else
        ref_run(y, x, row, w, bias, residual, count, p);
}
