/* Quantization parameters of a value. SPDX-License-Identifier: Apache-2.0
 * real = (q - zero_point[c]) * scale[c], c the index along `axis` (divided by `group` if group > 0). */
#ifndef NNC_TENSOR_QPARAMS_H
#define NNC_TENSOR_QPARAMS_H

#include "tensor/tensor.h"

typedef struct nnc_qparams {
    nnc_dtype dtype;     /* storage grid: UINT8, INT8, INT32 (bias), UINT4, ... */
    int32_t qmin, qmax;  /* integers in use, within dtype (symmetric weights: -127..127) */
    int32_t axis;        /* -1: per tensor */
    int64_t group;       /* elements along axis that share one scale; 0: one scale per index. With group > 0 the
                          * scales have the value's shape, its dim `axis` replaced by ceil(dim / group) */
    size_t count;        /* number of scales, 1 per tensor */
    float *scale;        /* [count], normal, positive, finite */
    int32_t *zero_point; /* [count] */
} nnc_qparams;

/* Heap copies: scale and zero_point are owned. zero_point NULL means zeros. qmin/qmax are set to the dtype's
 * range. Fails: NNC_ERR_LIMIT; NNC_ERR_MODEL for a scale that is not normal, positive, finite, or a zero
 * point outside the dtype. */
nnc_status nnc_qparams_create(nnc_qparams **out, nnc_dtype dtype, int32_t axis, size_t count,
                              const float *scale, const int32_t *zero_point);
nnc_status nnc_qparams_copy(nnc_qparams **out, const nnc_qparams *q);
void nnc_qparams_destroy(nnc_qparams *q); /* NULL accepted */
bool nnc_qparams_equal(const nnc_qparams *a, const nnc_qparams *b);
bool nnc_qparams_per_tensor(const nnc_qparams *q);

/* Quantizes float32 x onto the grid q (ONNX QuantizeLinear: true division, round half to even, saturate to
 * qmin..qmax, NaN -> qmax), giving a tensor of dtype q->dtype (2 to 32 bits; INT32 divides in double). Fails:
 * NNC_ERR_MODEL if axis or number of scales do not fit the shape, NNC_ERR_UNSUPPORTED, NNC_ERR_LIMIT. */
nnc_status nnc_quantize_tensor(nnc_tensor *out, const nnc_tensor *x, const nnc_qparams *q);
/* Inverse: float32 (q - zero_point) * scale. Fails the same way; NNC_ERR_MODEL if the dtypes differ. */
nnc_status nnc_dequantize_tensor(nnc_tensor *out, const nnc_tensor *q, const nnc_qparams *p);

#endif
