#!/usr/bin/env python3
"""Latency of nncompress's runtime and ONNX Runtime on the same files, in alternating short rounds.

usage: latency_table.py [--rounds 5] [--seconds 1] [--threads 1,2] [--floor 500] [MODEL...]
Files: the classifiers of models.py with their INT8 files from accuracy_table.py, and the true-shape models of
../shared/bench (made on first use). Every round runs nncompress and then ONNX Runtime on all files of a model.
The machine's ceiling (`nncompress bench`) is taken before and after each model; a model whose rounds saw less
than --floor GMAC/s of INT8 is measured again, at most 3 times, and is marked if that did not help. Writes
reports/latency.md.
SPDX-License-Identifier: Apache-2.0"""
import argparse
import json
import os
import subprocess
import sys
import time

import numpy as np
import onnxruntime as ort

import accuracy_table
import models
import peers

SHAPES = {"r50": "ResNet-50", "mbv2": "MobileNetV2", "sq11": "SqueezeNet 1.1"}


def generated():
    """True-shape models with random weights: {title: {kind: path}}."""
    folder = os.path.join(peers.WORK, "shapes")
    if not os.path.exists(folder + "/r50_i8.onnx"):
        os.makedirs(folder, exist_ok=True)
        peers.call([sys.executable, os.path.join(peers.COLLECTION, "bench/gen_models.py"), folder])
    return {f"{title} (shape)": {"f32": f"{folder}/{key}_f32.onnx", "int8": f"{folder}/{key}_i8.onnx"}
            for key, title in SHAPES.items()}


def trained():
    out = {}
    for m in models.CLASSIFIERS:
        folder = accuracy_table.folder_of(m)
        out[m.name] = {"f32": m.path, "int8": folder + "/nncompress.onnx", "ort-int8": folder + "/ort-minmax.onnx"}
    return out


class Contender:
    """A file in ONNX Runtime with bound inputs and outputs."""

    def __init__(self, path, threads):
        self.session = peers.session(path, threads=threads)
        self.binding = self.session.io_binding()
        rng = np.random.default_rng(1)
        for x in self.session.get_inputs():
            dims = [d if isinstance(d, int) and d > 0 else 1 for d in x.shape]
            value = rng.standard_normal(dims).astype(peers.NUMPY[x.type])
            self.binding.bind_ortvalue_input(x.name, ort.OrtValue.ortvalue_from_numpy(value))
        for y in self.session.get_outputs():
            self.binding.bind_output(y.name)
        for _ in range(5):
            self.session.run_with_iobinding(self.binding)

    def round(self, seconds):
        times, end = [], time.perf_counter() + seconds
        while time.perf_counter() < end or len(times) < 5:
            start = time.perf_counter()
            self.session.run_with_iobinding(self.binding)
            times.append((time.perf_counter() - start) * 1e3)
        return float(np.median(times)), float(np.min(times))


def ours_round(files, threads, seconds):
    """Median and minimum of each file, and the INT8 ceiling of a core at that moment."""
    out = json.loads(peers.call([peers.program("nncompress"), "bench", *files, "--threads", str(threads),
                                 "--seconds", str(seconds), "--warmup", "0.1", "--json"]))
    ceiling = out["ceiling"]["int8_gmacs_per_core"]
    return [(r["latency_p50_ms"], r["latency_min_ms"]) for r in out["results"]], ceiling


def measure(files, threads, rounds, seconds):
    """{tool, kind: (median of medians, minimum)} and the lowest ceiling."""
    seen, ceilings = {}, []
    contenders = {kind: Contender(path, threads) for kind, path in files.items()}
    ours = [k for k in files if k != "ort-int8"]
    for _ in range(rounds):
        results, ceiling = ours_round([files[k] for k in ours], threads, seconds)
        ceilings.append(ceiling)
        for kind, pair in zip(ours, results):
            seen.setdefault(("nncompress", kind), []).append(pair)
        for kind, c in contenders.items():
            seen.setdefault(("ort", kind), []).append(c.round(seconds))
    ceilings.append(ours_round([files[ours[-1]]], threads, 0.05)[1])
    return {k: (float(np.median([p for p, _ in v])), min(m for _, m in v)) for k, v in seen.items()}, min(ceilings)


def quiet(files, threads, a):
    best = None
    for _ in range(3):
        result = measure(files, threads, a.rounds, a.seconds)
        best = result if best is None or result[1] > best[1] else best
        if best[1] >= a.floor:
            break
    return best


def line(name, threads, found, ceiling, floor):
    def cell(key):
        return "%.3f / %.3f" % found[key] if key in found else ""

    def ratio(a, b):
        return "%.2f" % (found[a][1] / found[b][1])
    own = ("ort", "ort-int8") if ("ort", "ort-int8") in found else ("ort", "int8")
    best = min([("ort", "int8"), own], key=lambda k: found[k][1])
    mark = "" if ceiling >= floor else " (disturbed)"
    return (f"| {name} | {threads} | {cell(('nncompress', 'f32'))} | {cell(('ort', 'f32'))} | "
            f"{cell(('nncompress', 'int8'))} | {cell(('ort', 'int8'))} | {cell(('ort', 'ort-int8'))} | "
            f"{ratio(('ort', 'f32'), ('nncompress', 'f32'))} | {ratio(best, ('nncompress', 'int8'))} | "
            f"{ratio(('nncompress', 'f32'), ('nncompress', 'int8'))} | {ceiling:.0f}{mark} |")


HEAD = """# Latency: nncompress's runtime and ONNX Runtime

Median / minimum in ms of one run with batch 1; {rounds} alternating rounds of {seconds:g} s per file and tool, the
median of the rounds' medians and the minimum of all runs. INT8: the file that nncompress wrote (of the shape
models: the collection's QDQ file) in both runtimes; last INT8 column: the file that ONNX Runtime's quantizer
made of the same model (MinMax), in ONNX Runtime. Factors are ONNX Runtime's minimum divided by ours (INT8: its
better file); above 1 ours is faster. The minimum is what the code can do, the median what the machine allowed. Ceiling: INT8 GMAC/s of one core measured in between (lowest of the
rounds); "disturbed" marks models whose ceiling stayed below {floor:g}, so that other load took part.

| model | threads | FP32 ours | FP32 ORT | INT8 ours | INT8 ORT | INT8 ORT, its own file | FP32 factor | INT8 factor | our FP32 / INT8 | ceiling |
|---|---|---|---|---|---|---|---|---|---|---|
"""


def main():
    ap = argparse.ArgumentParser(usage=__doc__)
    ap.add_argument("models", nargs="*")
    ap.add_argument("--rounds", type=int, default=5)
    ap.add_argument("--seconds", type=float, default=1)
    ap.add_argument("--threads", default="1,2")
    ap.add_argument("--floor", type=float, default=500)
    a = ap.parse_args()
    everything = trained() | generated()
    lines = []
    for name in a.models or everything:
        for threads in (int(t) for t in a.threads.split(",")):
            found, ceiling = quiet(everything[name], threads, a)
            lines.append(line(name, threads, found, ceiling, a.floor))
            print(lines[-1], flush=True)
    if not a.models:
        load = subprocess.run(["uptime"], capture_output=True, text=True).stdout.split("load average:")[-1].strip()
        peers.write("reports/latency.md", HEAD.format(rounds=a.rounds, seconds=a.seconds, floor=a.floor) +
                    "\n".join(lines) + "\n\n## Environment\n\n" + peers.environment() +
                    f"\n- load average at the end: {load}\n\n## Command\n\n`scripts/peers/latency_table.py " +
                    f"--rounds {a.rounds} --seconds {a.seconds:g} --threads {a.threads}`\n")


if __name__ == "__main__":
    main()
