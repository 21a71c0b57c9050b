/* Limits of model files; the wire format's are in scan.h. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_ONNX_LIMITS_H
#define NNC_ONNX_LIMITS_H

#include <stdint.h>

#define NNC_ONNX_FILE_BYTES ((uint64_t)2 << 30)
#define NNC_ONNX_EXTERNAL_BYTES ((uint64_t)1 << 40)
#define NNC_ONNX_DENSE_BYTES ((uint64_t)1 << 30)
#define NNC_ONNX_TENSOR_MAX ((uint64_t)64 << 30)
#define NNC_ONNX_DECODE_FACTOR 16
#define NNC_ONNX_DECODE_BYTES ((uint64_t)64 << 20) /* and this */
#define NNC_ONNX_STACK_BYTES ((uint64_t)64 << 20)
enum {
    NNC_ONNX_NODES_MAX = 1000000,
    NNC_ONNX_TENSORS_MAX = 1000000,
    NNC_ONNX_OUTPUTS_MAX = 10000,
    NNC_ONNX_ATTRIBUTES_MAX = 1000,
    NNC_ONNX_CAPTURES_MAX = 10000,
    NNC_ONNX_SUBGRAPHS_MAX = 16,
    NNC_ONNX_CALLS_MAX = 100,
    NNC_ONNX_FUNCTIONS_MAX = 10000,
    NNC_ONNX_ERRORS_MAX = 10
};

#endif
