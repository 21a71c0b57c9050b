#!/usr/bin/env python3
"""Holds the targets of nncompress to their readers: what `check --target` predicts against what ONNX Runtime and OpenVINO execute.

usage: target_check.py [MODEL...]     (names of models.py)
Every model is quantized once for all targets (one calibration). The files for ONNX Runtime and OpenVINO are opened and run there on evaluation
samples, and their outputs compared with ours. Integer nodes are counted in ONNX Runtime's optimized graph by operator (its fused nodes have no
names) and in OpenVINO's runtime model by name and precision. TensorRT does not run here: its files are held to the rules only.
Writes reports/targets.md when no model is named.
SPDX-License-Identifier: Apache-2.0"""
import argparse
import collections
import json
import os
import subprocess

import numpy as np
import onnx
import onnxruntime as ort

import models
import peers

MODELS = ["resnet8-cifar10", "resnet20-cifar10", "cnn-cifar10", "mobilenetv1-vww", "dscnn-kws"]
TARGETS = ["ort", "portable", "openvino", "trt10"]
RUNS = [("ort", "ort", "ORT"), ("portable", "portable", "ORT"), ("openvino", "openvino", "OpenVINO"),
        ("portable", "openvino", "OpenVINO")]  # file, rules, reader
SAMPLES = 100
INTEGER = {  # in ONNX Runtime's optimized graph
    "Conv": ("QLinearConv", "ConvInteger"), "Gemm": ("QGemm",),
    "MatMul": ("QLinearMatMul", "MatMulIntegerToFloat", "MatMulInteger", "DynamicQuantizeMatMul"),
    "Add": ("QLinearAdd",), "Mul": ("QLinearMul",), "Concat": ("QLinearConcat",),
    "AveragePool": ("QLinearAveragePool",), "GlobalAveragePool": ("QLinearGlobalAveragePool",),
    "Sigmoid": ("QLinearSigmoid",), "LeakyRelu": ("QLinearLeakyRelu",), "Softmax": ("QLinearSoftmax",)}


def make(model, folder):
    """One file per target; their rows of the report."""
    calib, test = model.specs()
    peers.call([peers.program("nncompress"), model.path, "--int8", "--calib", calib, "--samples", "100", "--eval", test,
                *model.flags, "--target", ",".join(TARGETS), "--bench-seconds", "0", "--no-write-recipe", "-f", "-q",
                "-o", folder + "/targets.onnx"])
    return {row["name"]: row for row in peers.load_json(folder + "/targets.json")["targets"]}


def predicted(path, rules):
    """Nodes of the file that compute in integers by the rules: {op: names}."""
    done = subprocess.run([peers.program("nncompress"), "check", path, "--target", rules, "--json"],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    if done.returncode not in (0, 1):
        raise SystemExit(f"check --target {rules} {path}: exit {done.returncode}")
    row = json.loads(done.stdout)["targets"][0]
    left = {f["node"] for f in row.get("findings", []) if f["effect"] != "risk"}
    out = collections.defaultdict(set)
    for n in onnx.load(path).graph.node:
        if n.op_type in INTEGER and (n.name or n.output[0]) not in left:
            out[n.op_type].add(n.name or n.output[0])
    return out


def in_ort(path):
    """Integer nodes that ONNX Runtime executes, per operator of the file."""
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.optimized_model_filepath = os.path.join(peers.WORK, "optimized.onnx")
    ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    ops = collections.Counter(n.op_type for n in onnx.load(options.optimized_model_filepath, load_external_data=False).graph.node)
    return {op: sum(ops[q] for q in INTEGER[op]) for op in INTEGER}


def in_openvino(path, names):
    """Names of the file's nodes that are part of an 8-bit layer of OpenVINO's runtime model. A layer that took in what follows may bear the name
    of the node's result, clamped or quantized."""
    import openvino
    aliases = {}
    nodes = onnx.load(path).graph.node
    readers = collections.defaultdict(list)
    for n in nodes:
        for x in n.input:
            readers[x].append(n)
    for n in nodes:
        values = [n.output[0]] + [r.output[0] for r in readers[n.output[0]] if r.op_type in ("Relu", "Clip")]
        aliases[n.name or n.output[0]] = {n.name or n.output[0], *values, *(v + "_QuantizeLinear_Output" for v in values),
                                         *(v.removesuffix("_QuantizeLinear_Input") for v in values)}
    model = openvino.Core().compile_model(path, "CPU").get_runtime_model()
    out = collections.defaultdict(set)
    for layer in model.get_ops():
        info = layer.get_rt_info()
        parts = set(info["originalLayersNames"].astype(str).split(",")) if "originalLayersNames" in info else set()
        if "runtimePrecision" in info and info["runtimePrecision"].astype(str) in ("u8", "i8"):
            for op, known in names.items():
                out[op] |= {n for n in known if aliases[n] & parts}
    return out


def openvino_outputs(path, samples, count):
    import openvino
    compiled = openvino.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    request = compiled.create_infer_request()
    s = peers.session(path)
    return np.stack([request.infer(peers.feed(s, samples, i))[0].astype(np.float32).ravel() for i in range(count)])


def all_names(path):
    out = collections.defaultdict(set)
    for n in onnx.load(path).graph.node:
        if n.op_type in INTEGER:
            out[n.op_type].add(n.name or n.output[0])
    return out


def counts(known, said, found):
    """'Conv 9/9/9, Add 3/3/0': in the file, predicted, executed; and whether the last two agree."""
    words, equal = [], True
    for op in sorted(known):
        n = found[op] if isinstance(found[op], int) else len(found[op])
        words.append(f"{op} {len(known[op])}/{len(said[op])}/{n}")
        equal = equal and len(said[op]) == n
    return ", ".join(words), equal


def one(model):
    folder = os.path.join(peers.WORK, model.name)
    os.makedirs(folder, exist_ok=True)
    rows = make(model, folder)
    samples = peers.dump_samples(model.path, model.specs()[1], folder + "/eval", model.flags)
    count = min(SAMPLES, len(samples))
    table = []
    for target, rules, reader in RUNS:
        path = f"{folder}/targets.{target}.onnx"
        known, said = all_names(path), predicted(path, rules)
        found = in_ort(path) if reader == "ORT" else in_openvino(path, known)
        ours = peers.dump_values(path, samples.prefix, folder + "/values", count, outputs_only=True)
        ours = ours.reshape(len(ours), -1).astype(np.float32)
        theirs = peers.outputs(peers.session(path), samples, count) if reader == "ORT" else openvino_outputs(path, samples, count)
        words, equal = counts(known, said, found)
        table.append((model.name, target, reader, words, equal, (ours.argmax(1) == theirs.argmax(1)).mean(), peers.sqnr(ours, theirs)))
    return rows, table


HEAD = """# Targets held to their readers

Written by `scripts/peers/target_check.py`: ONNX Runtime {ort}, OpenVINO {openvino}, one CPU with VNNI. Every model was calibrated once (100
samples) and written for four targets. Accuracy and size are those of the report of `nncompress`; each file was reopened and run on the bundled
runtime, bit for bit as in memory. **No TensorRT engine was built**: trt10 files are held to the rules of `docs/targets.md` only.

| model | target | file | top-1 FP32 | top-1 INT8 | drop, points | 95 % | nodes in INT8 / float by the rules |
|---|---|---|---|---|---|---|---|
"""

MIDDLE = """
## What the readers execute

Per operator: nodes in the file / predicted in INT8 by `check --target` / executed in INT8. Same top-1 and SQNR: the reader's outputs against
ours on {samples} evaluation samples; OpenVINO with float32 for what is not INT8.

| model | file | reader | nodes / predicted / executed | prediction | same top-1 | SQNR dB |
|---|---|---|---|---|---|---|
"""


def number(x, digits=2, scale=1.0):
    return "–" if x is None else f"{scale * x:.{digits}f}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("models", nargs="*")
    names = parser.parse_args().models
    accuracy, executed = [], []
    for model in models.find(names or MODELS):
        rows, table = one(model)
        for name, r in rows.items():
            accuracy.append(f"| {model.name} | {name} | {r['bytes'] / 1e6:.2f} MB, {r['size_ratio']:.2f}x | {number(r.get('top1_fp32'), 2, 100)} % | "
                            f"{number(r.get('top1_int8'), 2, 100)} % | {number(r.get('drop'), 2, 100)} | "
                            f"{number(r.get('drop_low'), 2, 100)} to {number(r.get('drop_high'), 2, 100)} | "
                            f"{r['nodes']['int8']} / {r['nodes']['float']} |")
        for name, target, reader, words, equal, same, sqnr in table:
            executed.append(f"| {name} | {target} | {reader} | {words} | {'met' if equal else '**missed**'} | {100 * same:.1f} % | {sqnr:.1f} |")
        print("\n".join(accuracy[-len(rows):] + executed[-len(table):]), flush=True)
    if not names:
        import openvino
        notes = open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "targets_notes.md"), encoding="utf-8").read()
        with open(os.path.join(peers.ROOT, "reports", "targets.md"), "w", encoding="utf-8") as f:
            f.write(HEAD.format(ort=ort.__version__, openvino=openvino.__version__.split("-")[0]) + "\n".join(accuracy) + "\n"
                    + MIDDLE.format(samples=SAMPLES) + "\n".join(executed) + "\n\n" + notes)


if __name__ == "__main__":
    main()
