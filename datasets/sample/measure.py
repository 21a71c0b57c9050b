# SPDX-License-Identifier: Apache-2.0
"""Developer script: what INT8 costs the sample model, by two independent ways.

1. a fake-quantization simulation in numpy/torch (BN folded, s8 weights, u8 activations);
2. ONNX Runtime's own static QDQ quantizer. Both calibrate on calib.h5 and score test.h5.
"""

import argparse
import os
import tempfile

import h5py
import numpy as np
import onnx
import onnxruntime
import torch
import torch.nn.functional as F
from onnx import numpy_helper
from onnxruntime.quantization import (CalibrationDataReader, CalibrationMethod, QuantFormat,
                                      QuantType, quantize_static)
from onnxruntime.quantization.shape_inference import quant_pre_process


def load(path):
    with h5py.File(path) as f:
        images, labels = f["images"][:], f["labels"][:]
    x = np.ascontiguousarray(images.transpose(0, 3, 1, 2)).astype(np.float32) / np.float32(255)
    return x, labels


class Folded:
    """The network as a list of (kind, ...) steps read from the ONNX file, BN folded."""

    def __init__(self, path):
        graph = onnx.load(path).graph
        value = {t.name: numpy_helper.to_array(t).copy() for t in graph.initializer}
        self.steps, conv = [], None
        for i, n in enumerate(graph.node):
            following = graph.node[i + 1].op_type if i + 1 < len(graph.node) else ""
            a = {x.name: onnx.helper.get_attribute_value(x) for x in n.attribute}
            if n.op_type == "Conv":
                conv = (n.name, n.input[0], value[n.input[1]], a)
            elif n.op_type == "BatchNormalization":
                scale, bias, mean, var = (value[k].astype(np.float64) for k in n.input[1:])
                f = scale / np.sqrt(var + a["epsilon"])
                name, source, w, ca = conv
                act = following == "Clip"
                self.steps.append(("conv", name, source, (w * f[:, None, None, None]).astype("f4"),
                                   (bias - mean * f).astype("f4"), ca, act,
                                   graph.node[i + 1].output[0] if act else n.output[0]))
            elif n.op_type == "Gemm":
                self.steps.append(("gemm", n.name, n.input[0], value[n.input[1]],
                                   value[n.input[2]], a, False, n.output[0]))
            elif n.op_type != "Clip":
                self.steps.append((n.op_type, n.name, list(n.input), n.output[0]))

    def run(self, x, weights=None, on_tensor=lambda name, t: t):
        parts = [self._run(x[i:i + 64], weights or {}, on_tensor) for i in range(0, len(x), 64)]
        return np.concatenate(parts)

    def _run(self, x, weights, on_tensor):
        v = {"input": on_tensor("input", torch.from_numpy(x))}
        with torch.no_grad():
            for s in self.steps:
                if s[0] == "conv":
                    w = torch.from_numpy(weights.get(s[1], s[3]))
                    y = F.conv2d(v[s[2]], w, torch.from_numpy(s[4]), s[5]["strides"],
                                 s[5]["pads"][:2], groups=s[5]["group"])
                    v[s[7]] = on_tensor(s[7], y.clamp(0, 6) if s[6] else y)
                elif s[0] == "gemm":
                    w = torch.from_numpy(weights.get(s[1], s[3]))
                    v[s[7]] = v[s[2]] @ w.T + torch.from_numpy(s[4])
                elif s[0] == "MaxPool":
                    v[s[3]] = F.max_pool2d(v[s[2][0]], 2)
                elif s[0] == "Add":
                    v[s[3]] = on_tensor(s[3], v[s[2][0]] + v[s[2][1]])
                elif s[0] == "GlobalAveragePool":
                    v[s[3]] = on_tensor(s[3], v[s[2][0]].mean((2, 3), keepdim=True))
                elif s[0] == "Flatten":
                    v[s[3]] = v[s[2][0]].flatten(1)
        return v["logits"].numpy()

    def weights(self, per_channel):
        """Symmetric s8 min-max weights, dequantized."""
        out = {}
        for s in self.steps:
            if s[0] in ("conv", "gemm"):
                axes = tuple(range(1, s[3].ndim)) if per_channel else None
                scale = np.maximum(np.abs(s[3]).max(axis=axes, keepdims=True) / 127, 1e-12)
                out[s[1]] = (np.clip(np.rint(s[3] / scale), -127, 127) * scale).astype("f4")
        return out


def mse_range(values):
    """Range [lo,hi] around 0 with the least squared u8 rounding error, by grid search."""
    lo, hi = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
    best = None
    for shrink in np.linspace(0.3, 1.0, 71):
        a, b = lo * shrink, hi * shrink
        error = float(((fake(values, a, b) - values) ** 2).mean())
        if best is None or error < best[0]:
            best = (error, a, b)
    return best[1:]


def fake(t, lo, hi):
    scale = max(hi - lo, 1e-12) / 255
    zero = round(-lo / scale)
    return (torch.clamp(torch.round(t / scale) + zero, 0, 255) - zero) * scale


def activation_ranges(net, calib, method):
    """Activation ranges per tensor from the calibration images: minmax, p99.99 or mse."""
    kept = {}

    def keep(name, t):
        kept.setdefault(name, []).append(t.flatten())
        return t

    net.run(calib, on_tensor=keep)
    ranges = {}
    for name, parts in kept.items():
        t = torch.cat(parts)
        if method == "minmax":
            ranges[name] = (min(float(t.min()), 0.0), max(float(t.max()), 0.0))
        elif method == "p99.99":
            lo, hi = np.percentile(t.numpy(), [0.01, 99.99])
            ranges[name] = (min(float(lo), 0.0), max(float(hi), 0.0))
        else:
            ranges[name] = mse_range(t[:: max(1, len(t) // 400000)])
    return ranges


def top1(logits, labels):
    return 100.0 * float((logits.argmax(1) == labels).mean())


class Reader(CalibrationDataReader):
    def __init__(self, x):
        self.batches = iter([{"input": x[i:i + 64]} for i in range(0, len(x), 64)])

    def get_next(self):
        return next(self.batches, None)


def ort_logits(path, x):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return np.concatenate([session.run(None, {"input": x[i:i + 250]})[0]
                           for i in range(0, len(x), 250)])


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    args = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    args.add_argument("--dir", default=here)
    args = args.parse_args()
    path = os.path.join(args.dir, "model.onnx")
    calib, (x, y) = load(os.path.join(args.dir, "calib.h5"))[0], load(
        os.path.join(args.dir, "test.h5"))
    torch.set_num_threads(1)
    reference = ort_logits(path, x)
    base = top1(reference, y)
    net = Folded(path)
    print(f"fp32 onnxruntime {base:.2f}   folded simulation {top1(net.run(x), y):.2f}   "
          f"max difference {abs(net.run(x) - reference).max():.1e}")

    def line(name, logits):
        same = 100.0 * float((logits.argmax(1) == reference.argmax(1)).mean())
        print(f"{name:44s} {top1(logits, y):6.2f}  {top1(logits, y) - base:+6.2f}  "
              f"agrees {same:6.2f}", flush=True)

    for act in (None, "minmax", "p99.99", "mse"):
        ranges = activation_ranges(net, calib, act) if act else None
        hook = (lambda n, t: fake(t, *ranges[n])) if act else (lambda n, t: t)
        for kind, w in (("fp32", None), ("per-tensor", net.weights(False)),
                        ("per-channel", net.weights(True))):
            if act or w:
                line(f"sim  weights {kind:11s} act {act or 'fp32'}", net.run(x, w, hook))

    with tempfile.TemporaryDirectory() as tmp:
        folded = os.path.join(tmp, "folded.onnx")
        quant_pre_process(path, folded)
        for method in (CalibrationMethod.MinMax, CalibrationMethod.Percentile):
            extra = {"CalibPercentile": 99.99} if method.name == "Percentile" else {}
            for per_channel in (False, True):
                out = os.path.join(tmp, "q.onnx")
                quantize_static(folded, out, Reader(calib), quant_format=QuantFormat.QDQ,
                                per_channel=per_channel, activation_type=QuantType.QUInt8,
                                weight_type=QuantType.QInt8, calibrate_method=method,
                                extra_options=extra)
                line(f"ort  weights {'per-channel' if per_channel else 'per-tensor ':11s} "
                     f"act {method.name}", ort_logits(out, x))


if __name__ == "__main__":
    main()
