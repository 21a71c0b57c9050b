/* ONNX TensorProto in a file of its own (test_data_set_N/input_0.pb). SPDX-License-Identifier:
 * Apache-2.0 Source: onnx.proto3 of ONNX 1.16, message TensorProto; wire format of protobuf. */
#ifndef NNC_DATASETS_TENSORPROTO_H
#define NNC_DATASETS_TENSORPROTO_H

#include "tensor/tensor.h"

#define NNC_TENSORPROTO_NAME_MAX 256

/* Parses n bytes. name: the tensor's name, cut to fit, "" if none. Fails: NNC_ERR_DATA (damaged
 * wire data, sizes that do not agree, external data, segments), NNC_ERR_UNSUPPORTED (strings,
 * complex), NNC_ERR_LIMIT. */
nnc_status nnc_tensorproto_parse(nnc_tensor *out, char name[NNC_TENSORPROTO_NAME_MAX],
                                 const uint8_t *bytes, size_t n);
/* The same from a file. */
nnc_status nnc_tensorproto_load(nnc_tensor *out, char name[NNC_TENSORPROTO_NAME_MAX],
                                const char *path);

#endif
