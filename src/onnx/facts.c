/* Limits of model files as a table, and the library that decodes them. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "onnx/limits.h"
#include "onnx/onnx.h"
#include "onnx/scan.h"

#include <protobuf-c/protobuf-c.h>

const nnc_limit nnc_onnx_limit_table[] = {
    {"model file", "size", NNC_ONNX_FILE_BYTES, NNC_LIMIT_BYTES, NULL},
    {"model file", "external data together", NNC_ONNX_EXTERNAL_BYTES, NNC_LIMIT_BYTES, NULL},
    {"model file", "heap for decoding, times the file's size", NNC_ONNX_DECODE_FACTOR, NNC_LIMIT_COUNT, NULL},
    {"model file", "heap for decoding, and this", NNC_ONNX_DECODE_BYTES, NNC_LIMIT_BYTES, NULL},
    {"model file", "stack for decoding", NNC_ONNX_STACK_BYTES, NNC_LIMIT_BYTES, NULL},
    {"model file", "nesting of messages", NNC_ONNX_DEPTH_MAX, NNC_LIMIT_COUNT, NULL},
    {"model file", "messages", NNC_ONNX_MESSAGES_MAX, NNC_LIMIT_COUNT, NULL},
    {"model file", "unknown fields", NNC_ONNX_UNKNOWN_MAX, NNC_LIMIT_COUNT, NULL},
    {"model file", "length of a name", NNC_ONNX_NAME_MAX, NNC_LIMIT_BYTES, NULL},
    {"model file", "length of a documentation text", NNC_ONNX_TEXT_MAX, NNC_LIMIT_BYTES, NULL},
    {"model file", "oldest opset", NNC_ONNX_OPSET_MIN, NNC_LIMIT_COUNT, NULL},
    {"model file", "newest opset", NNC_ONNX_OPSET_MAX, NNC_LIMIT_COUNT, NULL},
    {"model file", "oldest IR version", NNC_ONNX_IR_MIN, NNC_LIMIT_COUNT, NULL},
    {"model file", "newest IR version", NNC_ONNX_IR_MAX, NNC_LIMIT_COUNT, NULL},
    {"model graph", "nodes, functions expanded", NNC_ONNX_NODES_MAX, NNC_LIMIT_COUNT, NULL},
    {"model graph", "initializers", NNC_ONNX_TENSORS_MAX, NNC_LIMIT_COUNT, NULL},
    {"model graph", "outputs", NNC_ONNX_OUTPUTS_MAX, NNC_LIMIT_COUNT, NULL},
    {"model graph", "attributes of a node", NNC_ONNX_ATTRIBUTES_MAX, NNC_LIMIT_COUNT, NULL},
    {"model graph", "values a subgraph takes from outside", NNC_ONNX_CAPTURES_MAX, NNC_LIMIT_COUNT, NULL},
    {"model graph", "depth of subgraphs", NNC_ONNX_SUBGRAPHS_MAX, NNC_LIMIT_COUNT, NULL},
    {"model graph", "functions", NNC_ONNX_FUNCTIONS_MAX, NNC_LIMIT_COUNT, NULL},
    {"model graph", "depth of function calls", NNC_ONNX_CALLS_MAX, NNC_LIMIT_COUNT, NULL},
    {"model graph", "errors that check lists", NNC_ONNX_ERRORS_MAX, NNC_LIMIT_COUNT, NULL},
    {"tensor", "dimensions", NNC_RANK_MAX, NNC_LIMIT_COUNT, NULL},
    {"tensor", "size", NNC_ONNX_TENSOR_MAX, NNC_LIMIT_BYTES, NULL},
    {"tensor", "sparse tensors made dense, together", NNC_ONNX_DENSE_BYTES, NNC_LIMIT_BYTES, NULL},
    {NULL, NULL, 0, NNC_LIMIT_COUNT, NULL},
};

void nnc_onnx_library(nnc_library *out)
{
    *out = (nnc_library){.name = "protobuf-c", .built = PROTOBUF_C_VERSION};
    snprintf(out->version, sizeof(out->version), "%s", protobuf_c_version());
}
