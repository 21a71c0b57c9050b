/* contract row by row, for every type. SPDX-License-Identifier: Apache-2.0 Integers wrap. */
#include "runtime_int8/kernels/float_math.h"
#include "runtime_int8/ops/contract.h"

#define CHUNK 64u /* outputs of a row summed at once */

/* Where a stretch of a row starts in both operands, and its steps along the row. */
typedef struct stretch {
    size_t at[2], step[2];
} stretch;

/* Offsets of summed index k. */
static void summed(const nnrt_contract_state *s, size_t k, size_t at[2])
{
    at[0] = at[1] = 0;
    for (uint32_t i = s->k_labels.count; i-- > 0;) {
        const uint8_t l = s->k_labels.label[i];
        const size_t index = k % s->dim[l];
        k /= s->dim[l];
        at[0] += index * s->stride[0][l];
        at[1] += index * s->stride[1][l];
    }
}

static stretch row_start(const nnrt_contract_state *s, size_t row, size_t first)
{
    stretch r = {{0, 0}, {0, 0}};
    size_t rest = row;
    for (uint32_t d = s->y_rank; d-- > 0;) {
        const uint8_t l = s->y_label[d];
        size_t index = first;
        if (d + 1 == s->y_rank) {
            r.step[0] = s->stride[0][l];
            r.step[1] = s->stride[1][l];
        } else {
            index = rest % s->y_dims[d];
            rest /= s->y_dims[d];
        }
        r.at[0] += index * s->stride[0][l];
        r.at[1] += index * s->stride[1][l];
    }
    return r;
}

/* n outputs; ADD(v, x, w) joins a product, ONE(v, x) an element of the only operand. */
#define STRETCH(name, T, A, JOIN, ONE)                                                             \
    static void name(const nnrt_node_ctx *ctx, T *y, size_t n, const stretch *r)                   \
    {                                                                                              \
        const nnrt_contract_state *s = ctx->state;                                                 \
        const T *a = (const T *)ctx->in[0].data + r->at[0];                                        \
        const T *b = ctx->in_count > 1 ? (const T *)ctx->in[1].data + r->at[1] : NULL;             \
        A v[CHUNK] = {0};                                                                          \
        for (size_t k = 0; k < s->k; k++) {                                                        \
            size_t at[2];                                                                          \
            summed(s, k, at);                                                                      \
            const T *x = a + at[0], *w = b ? b + at[1] : NULL;                                     \
            if (!b) {                                                                              \
                for (size_t j = 0; j < n; j++)                                                     \
                    v[j] = ONE(v[j], (A)x[j * r->step[0]]);                                        \
            } else if (r->step[0] == 0 && r->step[1] == 1) {                                       \
                for (size_t j = 0; j < n; j++)                                                     \
                    v[j] = JOIN(v[j], (A)x[0], (A)w[j]);                                           \
            } else {                                                                               \
                for (size_t j = 0; j < n; j++)                                                     \
                    v[j] = JOIN(v[j], (A)x[j * r->step[0]], (A)w[j * r->step[1]]);                 \
            }                                                                                      \
        }                                                                                          \
        for (size_t j = 0; j < n; j++)                                                             \
            y[j] = (T)v[j];                                                                        \
    }
#define FUSED(v, x, w) NNRT_FMA(x, w, v)
#define PLAIN(v, x, w) ((v) + (x) * (w))
#define SUM(v, x) ((v) + (x))
STRETCH(stretch_f32, float, float, FUSED, SUM)
STRETCH(stretch_f64, double, double, PLAIN, SUM)
STRETCH(stretch_8, uint8_t, uint32_t, PLAIN, SUM)
STRETCH(stretch_16, uint16_t, uint32_t, PLAIN, SUM)
STRETCH(stretch_32, uint32_t, uint32_t, PLAIN, SUM)
STRETCH(stretch_64, uint64_t, uint64_t, PLAIN, SUM)

void nnrt_contract_rows(const nnrt_node_ctx *ctx, size_t begin, size_t count)
{
    const nnrt_contract_state *s = ctx->state;
    void *const out = ctx->out[0].data;
    for (size_t row = begin; row < begin + count; row++) {
        for (size_t first = 0; first < s->row; first += CHUNK) {
            const size_t n = s->row - first < CHUNK ? s->row - first : CHUNK;
            const size_t at = row * s->row + first;
            const stretch r = row_start(s, row, first);
            switch (ctx->in[0].dtype) {
            case NNRT_F32:
                stretch_f32(ctx, (float *)out + at, n, &r);
                break;
            case NNRT_F64:
                stretch_f64(ctx, (double *)out + at, n, &r);
                break;
            case NNRT_I8:
            case NNRT_U8:
                stretch_8(ctx, (uint8_t *)out + at, n, &r);
                break;
            case NNRT_I16:
            case NNRT_U16:
                stretch_16(ctx, (uint16_t *)out + at, n, &r);
                break;
            case NNRT_I32:
            case NNRT_U32:
                stretch_32(ctx, (uint32_t *)out + at, n, &r);
                break;
            default:
                stretch_64(ctx, (uint64_t *)out + at, n, &r);
                break;
            }
        }
    }
}
