#!/usr/bin/env python3
"""Opens nncompress's INT8 files in ONNX Runtime and OpenVINO and compares answers and integers.

usage: open_in_peers.py [MODEL...]     (names of models.py; after accuracy_table.py, which makes the files)
Answers: outputs on the evaluation samples. Integers: the output of every QuantizeLinear (of a MatMul whose result
stays float: its accumulators), against the integers of our runtime at the same place (tests/bench/dump_values.c), in two ways: free, the whole network as it runs,
where one difference spreads; and alone, every layer fed with our integers, which isolates the layers.
Writes reports/peers.md.
SPDX-License-Identifier: Apache-2.0"""
import argparse
import collections
import csv
import os

import numpy as np
import onnx
from onnx import helper, numpy_helper

import accuracy_table
import models
import peers

ANSWERS = 500   # samples for top-1 agreement
INTEGERS = 16   # samples for the comparison of integers; fewer for large models


class Ours:
    """Integers of our runtime by value name, [samples, 1, ...]."""

    def __init__(self, folder):
        self.arrays = {}
        with open(os.path.join(folder, "values.tsv")) as f:
            for row in csv.DictReader(f, delimiter="\t", quoting=csv.QUOTE_NONE):
                self.arrays[row["value"]] = np.load(os.path.join(folder, row["file"]))


class Place:
    """A QuantizeLinear of the file: its output, what computes it, and our integers there; or a MatMul with float
    result: unit is the step of its accumulators."""

    def __init__(self, node, op, ours, unit=None):
        self.output, self.op, self.ours, self.unit = node.output[0], op, ours, unit

    def integers(self, array):
        return array.astype(np.int64) if self.unit is None else np.rint(array / self.unit).astype(np.int64)


def integer_matmuls(model, ours):
    """MatMul nodes between two DequantizeLinear, with a float result that our runtime has too."""
    made = {o: n for n in model.graph.node for o in n.output}
    numbers = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    out = []
    for n in model.graph.node:
        readers = [made.get(x) for x in n.input]
        if n.op_type == "MatMul" and n.output[0] in ours.arrays and all(
                r is not None and r.op_type == "DequantizeLinear" for r in readers):
            scales = [numbers[r.input[1]].astype(np.float64) for r in readers]
            out.append(Place(n, "MatMul", ours.arrays[n.output[0]], scales[0] * scales[1]))
    return out


def computing_op(model):
    """Function that names what computes a value: Conv, Conv+Relu, Add, ..."""
    made = {o: n for n in model.graph.node for o in n.output}

    def name(value):
        node, tail = made.get(value), ""
        while node is not None and node.op_type in ("Relu", "Clip") and node.input[0] in made:
            before = made[node.input[0]]
            if before.op_type in ("DequantizeLinear", "QuantizeLinear"):
                break
            tail, node = "+" + node.op_type + tail, before
        return (node.op_type if node is not None else "input") + tail
    return name


def places(model, ours):
    """Every QuantizeLinear of an activation that our runtime has integers for, and how many it has not."""
    constants = {t.name for t in model.graph.initializer}
    name = computing_op(model)
    dequantized = collections.defaultdict(list)
    for n in model.graph.node:
        if n.op_type == "DequantizeLinear":
            dequantized[n.input[0]] += n.output
    out, missing = [], []
    for n in model.graph.node:
        if n.op_type != "QuantizeLinear" or n.input[0] in constants:
            continue
        candidates = [*dequantized[n.output[0]], n.input[0], n.output[0]]
        found = next((ours.arrays[c] for c in candidates if c in ours.arrays), None)
        if found is None:
            missing.append(n.input[0])
        else:
            out.append(Place(n, name(n.input[0]), found))
    return out + integer_matmuls(model, ours), missing


def exposing(model, where):
    """The model with every QuantizeLinear's integers as a further output."""
    out = onnx.ModelProto()
    out.CopyFrom(model)
    for p in where:
        kind = helper.np_dtype_to_tensor_dtype(p.ours.dtype)
        out.graph.output.append(helper.make_tensor_value_info(p.output, kind, None))
    return out


def alone(model, where):
    """The same with every reader of those integers fed from a graph input, NAME.fed."""
    out = exposing(model, where)
    fed = {p.output: p.output + ".fed" for p in where if p.unit is None}
    for n in out.graph.node:
        for k, x in enumerate(n.input):
            n.input[k] = fed.get(x, x)
    for p in (p for p in where if p.unit is None):
        kind = helper.np_dtype_to_tensor_dtype(p.ours.dtype)
        out.graph.input.append(helper.make_tensor_value_info(fed[p.output], kind, p.ours.shape[1:]))
    return out


class Count:
    def __init__(self):
        self.places, self.equal, self.total, self.largest = set(), 0, 0, 0

    def add(self, name, a, b):
        differs = a.ravel() - b.ravel()
        self.places.add(name)
        self.total += differs.size
        self.equal += int((differs == 0).sum())
        self.largest = max(self.largest, int(np.abs(differs).max()))

    def __str__(self):
        if self.equal == self.total:
            return "all"
        others = self.total - self.equal
        share = f"all but {others}" if others < 1e-5 * self.total else f"{100 * self.equal / self.total:.3f} %"
        return f"{share} (max {self.largest})"


def compare(runner, where, count, feeds, counts):
    """Runs `count` samples; counts[op] gathers equal integers. feeds: our integers go in."""
    for i in range(count):
        extra = {p.output + ".fed": p.ours[i] for p in where if p.unit is None} if feeds else {}
        got = runner(i, extra)
        for p in where:
            counts[p.op].add(p.output, p.integers(got[p.output]), p.integers(p.ours[i]))


def one(samples, i, dtype):
    """Input 0 of sample i with batch 1."""
    x = np.asarray(samples.inputs[0][i])
    return np.ascontiguousarray(x.reshape((1, *samples.inputs[0].shape[-3:])), dtype=dtype)


def ort_runner(model, samples, optimize=True):
    s = peers.session(model, optimize)
    names = [o.name for o in s.get_outputs()]
    x = s.get_inputs()[0]

    def run(i, extra):
        return dict(zip(names, s.run(names, {x.name: one(samples, i, peers.NUMPY[x.type])} | extra)))
    return run


def plain_runner(model, samples):
    return ort_runner(model, samples, optimize=False)


def openvino_runner(model, samples):
    compiled = openvino_model(model)
    inputs = {next(iter(p.names)): p for p in compiled.inputs}
    x = compiled.input(0)

    def run(i, extra):
        got = compiled({x: one(samples, i, x.get_element_type().to_dtype())} |
                       {inputs[k]: v for k, v in extra.items()})
        return {name: got[p] for p in compiled.outputs for name in p.names}
    return run


RUNNERS = {"ORT": ort_runner, "ORT plain": plain_runner, "OpenVINO": openvino_runner}
WAYS = {"alone": True, "free": False}
TITLES = [(way, runner) for way in WAYS for runner in RUNNERS]


def openvino_model(model):
    """Compiled for the CPU with float32 where it is not INT8: bfloat16 would be the default here."""
    import openvino
    core = openvino.Core()
    loaded = core.read_model(model if isinstance(model, str) else model.SerializeToString())
    return core.compile_model(loaded, "CPU", {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 2})


def openvino_outputs(path, samples, count):
    compiled = openvino_model(path)
    dtype = compiled.input(0).get_element_type().to_dtype()
    return np.stack([np.asarray(compiled(one(samples, i, dtype))[0], dtype=np.float32).ravel()
                     for i in range(count)])


def answers(path, folder, samples):
    """Per runtime: top-1 accuracy, agreement with ours, SQNR against ours, share of outputs equal bit for bit."""
    count = min(ANSWERS, len(samples))
    ours = peers.dump_values(path, samples.prefix, folder + "/values", count, outputs_only=True)
    ours = ours.reshape(len(ours), -1).astype(np.float32)
    got = {"ours": ours, "ORT": peers.outputs(peers.session(path), samples, count),
           "ORT plain": peers.outputs(peers.session(path, optimize=False), samples, count),
           "OpenVINO": openvino_outputs(path, samples, count)}
    return count, {k: (peers.top(v, samples.labels[:count], 1).mean(), (v.argmax(1) == ours.argmax(1)).mean(),
                       peers.sqnr(ours, v), (v == ours).all(axis=1).mean()) for k, v in got.items()}


def integers(path, folder, samples, totals):
    count = min(INTEGERS if samples.inputs[0][0].size < 50000 else 4, len(samples))
    peers.dump_values(path, samples.prefix, folder + "/integers", count)
    model = onnx.load(path)
    where, missing = places(model, Ours(folder + "/integers"))
    own = {}
    for way, runner in TITLES:
        counts = own[way, runner] = collections.defaultdict(Count)
        built = (alone if WAYS[way] else exposing)(model, where)
        compare(RUNNERS[runner](built, samples), where, count, WAYS[way], counts)
        for op, c in counts.items():
            t = totals[way, runner][op]
            t.places |= {(path, name) for name in c.places}
            t.equal, t.total, t.largest = t.equal + c.equal, t.total + c.total, max(t.largest, c.largest)
    return len(where), missing, own


HEAD = """# nncompress's INT8 files in other runtimes

Every file is opened unchanged by ONNX Runtime (CPU provider) and OpenVINO (CPU, float32 where it is not INT8).
"ORT plain": graph optimizations off, so that ONNX Runtime computes in float between DequantizeLinear and
QuantizeLinear.

"""


def summed(counts):
    out = Count()
    for c in counts.values():
        out.equal, out.total, out.largest = out.equal + c.equal, out.total + c.total, max(out.largest, c.largest)
    return out


def row(*cells):
    return "| " + " | ".join(str(c) for c in cells) + " |"


def report(rows, totals):
    others = [k for k in rows[0]["answers"] if k != "ours"]
    lines = ["## Answers", "", "Top-1 accuracy, and per runtime: top-1 there; same top-1 as ours; SQNR of the outputs "
             "against ours; share of samples whose outputs are equal to ours bit for bit.", "",
             row("model", "samples", "top-1 ours", *others), "|---" * (3 + len(others)) + "|"]
    for r in rows:
        cells = [f"{100 * t:.2f} %; {100 * a:.2f} %; {s:.1f} dB; {100 * e:.1f} %"
                 for k, (t, a, s, e) in r["answers"].items() if k != "ours"]
        lines.append(row(r["name"], r["samples"], f"{100 * r['answers']['ours'][0]:.2f} %", *cells))
    heads = [f"{way}, {runner}" for way, runner in TITLES]
    lines += ["", "## Integers per model", "", "Share of integers equal to ours over all QuantizeLinear outputs. Alone: every "
              "layer fed with our integers, so that layers are compared one by one; free: the network as it runs, where "
              "one difference spreads. max: largest difference in levels.", "", row("model", "places", *heads),
              "|---" * (2 + len(heads)) + "|"]
    for r in rows:
        n, missing, own = r["integers"]
        lines.append(row(r["name"], f"{n}{f' (+{len(missing)} without counterpart)' if missing else ''}",
                         *(summed(own[t]) for t in TITLES)))
    lines += ["", "## Integers per operator", "", "All models together, by what computes the quantized value. Add and Mul "
              "include float nodes whose result is quantized (LayerNormalization's and Gelu's last ones).", "",
              row("operator", "places", "integers", *heads), "|---" * (3 + len(heads)) + "|"]
    first = totals[TITLES[0]]
    for op in sorted(first, key=lambda o: -first[o].total):
        lines.append(row(op, len(first[op].places), first[op].total, *(totals[t][op] for t in TITLES)))
    return "\n".join(lines)


def main():
    ap = argparse.ArgumentParser(usage=__doc__)
    ap.add_argument("models", nargs="*")
    a = ap.parse_args()
    rows, totals = [], collections.defaultdict(lambda: collections.defaultdict(Count))
    for model in models.find(a.models):
        folder = accuracy_table.folder_of(model)
        path, samples = folder + "/nncompress.onnx", peers.Samples(folder + "/eval")
        count, agreement = answers(path, folder, samples)
        found = integers(path, folder, samples, totals)
        rows.append({"name": model.name, "samples": count, "answers": agreement, "integers": found})
        print(model.name, {k: "%.4f %.4f %.1f dB %.3f" % v for k, v in agreement.items()},
              f"{found[0]} places, {len(found[1])} without counterpart {found[1][:3]}",
              {"/".join(t): str(summed(c)) for t, c in found[2].items()},
              {o: str(c) for o, c in found[2]["alone", "ORT"].items()}, flush=True)
    if not a.models:
        notes = os.path.join(peers.ROOT, "scripts/peers/differences.md")
        with open(notes) as f:
            explained = f.read()
        peers.write("reports/peers.md", HEAD + report(rows, totals) + "\n\n" + explained +
                    "\n## Environment\n\n" + peers.environment() + "\n")


if __name__ == "__main__":
    main()
