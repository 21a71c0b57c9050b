#!/usr/bin/env python3
"""Quantizes a model with ONNX Runtime's own tool, on the samples that nncompress used.

usage: quantize_ort.py MODEL PREFIX [--method minmax|entropy|percentile] [-o OUT.onnx]
MODEL: a float ONNX file. PREFIX: samples written by dump_samples. Static QDQ, per channel, u8 activations,
s8 weights, after ONNX Runtime's own preparation (shape inference, fusing of BatchNormalization).
SPDX-License-Identifier: Apache-2.0"""
import argparse
import logging
import os
import tempfile

import numpy as np
import onnx
from onnx import numpy_helper
from onnxruntime import quantization as q

import peers

METHODS = {"minmax": q.CalibrationMethod.MinMax, "entropy": q.CalibrationMethod.Entropy,
           "percentile": q.CalibrationMethod.Percentile}
OPSET = 13  # the first with per-channel QuantizeLinear


class Reader(q.CalibrationDataReader):
    """Feeds samples in spans, so that ONNX Runtime need not keep all activations of all samples at once."""

    def __init__(self, samples, model):
        self.samples = samples
        self.session = peers.session(model)
        self.set_range(0, len(samples))

    def __len__(self):
        return len(self.samples)

    def set_range(self, start_index, end_index):
        self.next, self.end = start_index, end_index

    def get_next(self):
        if self.next >= self.end:
            return None
        self.next += 1
        return peers.feed(self.session, self.samples, self.next - 1)


def widened(model):
    """float16 becomes float32 everywhere: the tool quantizes float32 models."""
    half, single = onnx.TensorProto.FLOAT16, onnx.TensorProto.FLOAT
    for value in [*model.graph.input, *model.graph.output, *model.graph.value_info]:
        if value.type.tensor_type.elem_type == half:
            value.type.tensor_type.elem_type = single
    tensors = list(model.graph.initializer)
    tensors += [a.t for node in model.graph.node for a in node.attribute if a.HasField("t")]
    for tensor in tensors:
        if tensor.data_type == half:
            array = numpy_helper.to_array(tensor).astype(np.float32)
            tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
    for node in model.graph.node:
        for a in node.attribute:
            if node.op_type == "Cast" and a.name == "to" and a.i == half:
                a.i = single
    return model


def prepared(path, folder):
    """Float32, recent opset, ONNX Runtime's own preparation. Returns the path of the result."""
    model = widened(onnx.load(path))
    names = {t.name for t in model.graph.initializer}
    inputs = [i for i in model.graph.input if i.name not in names]
    del model.graph.input[:]
    model.graph.input.extend(inputs)
    opset = next(o.version for o in model.opset_import if o.domain in ("", "ai.onnx"))
    if opset < OPSET:
        model.ir_version = max(model.ir_version, 4)
        model = onnx.version_converter.convert_version(model, OPSET)
    source, result = os.path.join(folder, "source.onnx"), os.path.join(folder, "prepared.onnx")
    onnx.save(model, source)
    q.quant_pre_process(source, result, skip_symbolic_shape=True)
    return result


def stride(n):
    return next(s for s in (10, 8, 7, 6, 5, 4, 3, 2, 1) if n % s == 0)


def quantize(path, samples, method, out):
    """Writes OUT and returns its path."""
    logging.getLogger().setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        model = prepared(path, folder)

        def static(**extra):
            q.quantize_static(model, out, Reader(samples, model), quant_format=q.QuantFormat.QDQ,
                              per_channel=True, activation_type=q.QuantType.QUInt8,
                              weight_type=q.QuantType.QInt8, calibrate_method=METHODS[method],
                              extra_options={"CalibStridedMinMax": stride(len(samples)), **extra})
        try:
            static()
        except ValueError as e:
            # Its widening of weight scales for small biases fails on some Gemm weights ("truth value of an array").
            print(f"{path}: {e}; again without adjusting weights for int32 biases")
            static(QDQDisableWeightAdjustForInt32Bias=True)
    return out


def main():
    ap = argparse.ArgumentParser(usage=__doc__)
    ap.add_argument("model")
    ap.add_argument("prefix")
    ap.add_argument("--method", choices=METHODS, default="minmax")
    ap.add_argument("-o", "--output")
    a = ap.parse_args()
    out = a.output or os.path.basename(a.model)[:-len(".onnx")] + f".ort-{a.method}.onnx"
    print(quantize(a.model, peers.Samples(a.prefix), a.method, out))


if __name__ == "__main__":
    main()
