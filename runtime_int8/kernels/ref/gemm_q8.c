/* Specification of gemm_q8: int32 accumulation, then the fused epilogue. SPDX-License-Identifier: Apache-2.0 */
#include "runtime_int8/kernels/contracts.h"
#include "runtime_int8/kernels/ref/epilogue_q8.h"

static const uint8_t *row_bytes(const nnrt_k_gemm_q8_args *a, size_t t, size_t m)
{
    if (!a->offset)
        return a->x + m * a->ldx;
    int32_t offset = a->offset[t * a->offset_stride + m];
    return offset < 0 ? a->pad : a->x + (size_t)offset + t * a->tap_step;
}

void nnrt_k_gemm_q8__ref(const nnrt_k_gemm_q8_args *a, size_t m0, size_t m1, size_t n0, size_t n1)
{
    const size_t panel_bytes = a->taps * a->quads * 64;
    for (size_t n = n0; n < n1; n += 16) {
        const int8_t *panel = a->w + n / 16 * panel_bytes;
        for (size_t m = m0; m < m1; m++) {
            uint32_t acc[16];
            for (size_t j = 0; j < 16; j++)
                acc[j] = (uint32_t)a->acc0[n + j] + (a->row_add ? (uint32_t)a->row_add[m] : 0);
            for (size_t t = 0; t < a->taps; t++) {
                const uint8_t *x = row_bytes(a, t, m);
                const int8_t *w = panel + t * a->quads * 64;
                for (size_t k = 0; k < 4 * a->quads; k++)
                    for (size_t j = 0; j < 16; j++)
                        acc[j] += (uint32_t)(x[k] * w[k / 4 * 64 + j * 4 + k % 4]);
            }
            for (size_t j = 0; j < 16 && n + j < n1; j++)
                nnrt_epilogue_q8_ref(a->y, a->residual, m * a->ldy + n + j, (int32_t)acc[j],
                                     a->mult[n + j], a->epilogue);
        }
    }
}
