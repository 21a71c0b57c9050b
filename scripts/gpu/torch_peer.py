#!/usr/bin/env python3
"""FP16 networks and INT8 products of PyTorch on the GPU, taking turns with nnrt-bench.

usage: torch_peer.py [--warm] [--bench NNRT_BENCH --plans FOLDER] [--json FILE] [--seconds S]
ResNet-50, MobileNetV2 and SqueezeNet 1.1 of torchvision with random weights in FP16, channels last, batch norm folded,
in a CUDA graph: once as they are (cuDNN's own search) and once compiled; the faster of the two counts. A time is that
of a replay with the inputs in place until the device is done, as nnrt-bench's bare runs. --warm only compiles, so that
a later run finds it in PyTorch's cache. SPDX-License-Identifier: Apache-2.0"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

import torch
import torchvision
try:
    from torch.fx.experimental.optimization import fuse
except ImportError:  # a PyTorch without it: batch norm stays, the note says so
    fuse = None

MODELS = {  # torchvision's constructor and our plan
    "resnet50": (torchvision.models.resnet50, "resnet50"),
    "mobilenet_v2": (torchvision.models.mobilenet_v2, "mobilenetv2-1.0"),
    "squeezenet1_1": (torchvision.models.squeezenet1_1, "squeezenet1.1"),
}
BATCHES = (1, 8, 64)
SQUARES = (2048, 4096, 8192)
started = time.monotonic()


def note(text):
    print(f"[{time.monotonic() - started:6.1f} s] {text}", file=sys.stderr, flush=True)


def network(make):
    torch.manual_seed(1)
    model = make(weights=None).eval()
    if fuse:
        model = fuse(model)
    else:
        note("batch norm is not folded")
    return model.cuda().half().to(memory_format=torch.channels_last)


def inputs(batch):
    x = torch.randn(batch, 3, 224, 224, device="cuda", dtype=torch.float16)
    return x.to(memory_format=torch.channels_last)


class Replay:
    """A captured graph with the tensors that it reads and writes."""

    def __init__(self, graph, x, y):
        self.graph, self.x, self.y = graph, x, y

    def replay(self):
        self.graph.replay()


def graph_of(function, x):
    """A CUDA graph of function(x), after runs that let libraries and compilers choose."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side), torch.inference_mode():
        for _ in range(3):
            function(x)
    torch.cuda.current_stream().wait_stream(side)
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.inference_mode(), torch.cuda.graph(graph):
        y = function(x)
    return Replay(graph, x, y)


def times(graph, seconds):
    """Milliseconds of single replays, ascending."""
    out = []
    for _ in range(5):
        graph.replay()
    torch.cuda.synchronize()
    end = time.perf_counter() + seconds
    while len(out) < 20 or time.perf_counter() < end:
        begin = time.perf_counter()
        graph.replay()
        torch.cuda.synchronize()
        out.append((time.perf_counter() - begin) * 1e3)
    return sorted(out)


def variants(model, batch):
    """Name -> graph; what fails is said and left out."""
    out = {}
    x = inputs(batch)
    makers = {"eager": lambda: model, "compiled": lambda: torch.compile(model, dynamic=False)}
    for name, make in makers.items():
        try:
            out[name] = graph_of(make(), x)
        except Exception as error:  # a peer that cannot run is no reason to stop
            note(f"{name}, batch {batch}: {type(error).__name__}: {str(error).splitlines()[0]}")
    return out


def ours(arguments, plan, batch):
    """Results of nnrt-bench, or None."""
    path = os.path.join(arguments.plans or "", plan + ".nncp")
    if not arguments.bench or not os.path.exists(path):
        return None
    with tempfile.TemporaryDirectory() as folder:
        path_json = os.path.join(folder, "ours.json")
        done = subprocess.run([arguments.bench, path, "--device", "cuda", "--batch", str(batch), "--seconds",
                               str(arguments.seconds), "--json", path_json], capture_output=True, text=True)
        if done.returncode:
            note(done.stderr.strip())
            return None
        with open(path_json) as file:
            return json.load(file)["results"][0]


def compare(arguments, name, batch, graphs):
    """Theirs, ours, theirs: a drift of the clocks shows as a difference of the two."""
    first = {k: times(g, arguments.seconds / 2) for k, g in graphs.items()}
    mine = ours(arguments, MODELS[name][1], batch)
    second = {k: times(g, arguments.seconds / 2) for k, g in graphs.items()}
    row = {"model": name, "batch": batch}
    for k in graphs:
        both = sorted(first[k] + second[k])
        row[k] = {"p50_ms": both[len(both) // 2], "min_ms": both[0], "runs": len(both),
                  "p50_before_ms": first[k][len(first[k]) // 2], "p50_after_ms": second[k][len(second[k]) // 2]}
    if graphs:
        row["best"] = min(graphs, key=lambda k: row[k]["p50_ms"])
    if mine:
        row["ours"] = {"p50_ms": mine["bare_p50_ms"], "min_ms": mine["bare_min_ms"], "runs": mine["runs"]}
    return row


def cell(row, key, scale=1.0):
    return f"{row[key]['p50_ms'] * scale:9.4f}" if key in row else f"{'-':>9}"


def print_networks(rows):
    print("FP16 of PyTorch, INT8 of ours: p50 of bare runs in ms; ratio: the faster of PyTorch's / ours; images per second")
    print(f"{'model':<16} {'batch':>5} {'eager':>9} {'compiled':>9} {'ours':>9} {'ratio':>6} {'PyTorch/s':>9} {'ours/s':>9}")
    for row in rows:
        best = row[row["best"]]["p50_ms"] if "best" in row else 0
        mine = row.get("ours", {}).get("p50_ms", 0)
        ratio = f"{best / mine:6.2f}" if best and mine else f"{'-':>6}"
        rates = [f"{row['batch'] * 1e3 / t:9.0f}" if t else f"{'-':>9}" for t in (best, mine)]
        print(f"{row['model']:<16} {row['batch']:>5} {cell(row, 'eager')} {cell(row, 'compiled')} {cell(row, 'ours')} "
              f"{ratio} {rates[0]} {rates[1]}")
    sys.stdout.flush()


def products():
    """torch._int_mm: s8 x s8 to s32, weights with K innermost."""
    rows = []
    for n in SQUARES:
        a = torch.randint(-128, 128, (n, n), device="cuda", dtype=torch.int8)
        b = torch.randint(-128, 128, (n, n), device="cuda", dtype=torch.int8)
        graph = graph_of(lambda x: torch._int_mm(x, b.t()), a)
        ms = times(graph, 0.3)
        rows.append({"size": n, "p50_ms": ms[len(ms) // 2], "tops": 2 * n ** 3 / ms[len(ms) // 2] * 1e-9})
        print(f"torch._int_mm {n}: {rows[-1]['p50_ms']:.4f} ms, {rows[-1]['tops']:.0f} TOPS", flush=True)
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--warm", action="store_true", help="compile only")
    parser.add_argument("--bench", help="nnrt-bench; without it only PyTorch is measured")
    parser.add_argument("--plans", help="folder of the plans")
    parser.add_argument("--json", help="write the results there")
    parser.add_argument("--seconds", type=float, default=0.6, help="per measurement")
    arguments = parser.parse_args()
    torch.backends.cudnn.benchmark = True
    rows = []
    result = {"torch": torch.__version__, "device": torch.cuda.get_device_name(0), "networks": rows}

    def save():
        if arguments.json:
            with open(arguments.json, "w") as file:
                json.dump(result, file, indent=1)

    for name, (make, _) in MODELS.items():
        model = network(make)
        for batch in BATCHES:
            torch._dynamo.reset()
            graphs = variants(model, batch)
            if not arguments.warm:
                rows.append(compare(arguments, name, batch, graphs))
                save()
            note(f"{name}, batch {batch}: {', '.join(graphs) or 'nothing'}")
            del graphs
    if arguments.warm:
        return
    print_networks(rows)
    result["int_mm"] = products()
    save()


if __name__ == "__main__":
    main()
