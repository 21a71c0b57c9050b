"""Shared by the comparison scripts: paths, programs, samples, ONNX Runtime, statistics.
SPDX-License-Identifier: Apache-2.0"""
import json
import math
import os
import platform
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime as ort

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("NNC_BUILD", os.path.join(ROOT, "build", "release"))
COLLECTION = os.environ.get("NNC_COLLECTION", os.path.join(os.path.dirname(ROOT), "shared"))
WORK = os.path.join(ROOT, "build", "peers")
os.makedirs(WORK, exist_ok=True)


# ---- programs of this project ----

def program(name):
    for folder in ("", "src/cli", "tests/bench"):
        path = os.path.join(BUILD, folder, name)
        if os.path.isfile(path):
            return path
    raise SystemExit(f"{name} is not built in {BUILD}; build the preset `release` first")


def call(arguments, quiet=True):
    """Standard output of a program; its failure ends the script with what it said."""
    done = subprocess.run(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(arguments)}\nexit {done.returncode}: {done.stderr.strip()[-2000:]}")
    if not quiet:
        sys.stderr.write(done.stderr)
    return done.stdout


def shown(arguments):
    """A command line for a report, without this machine's paths."""
    words = []
    for a in arguments:
        for path, short in ((BUILD, "build/release"), (ROOT + "/", ""), (COLLECTION, "../shared")):
            a = a.replace(path, short)
        words.append(a)
    return " ".join(words)


class Samples:
    """Preprocessed samples as nncompress feeds them."""

    def __init__(self, prefix):
        self.prefix = prefix
        self.inputs = []
        while os.path.exists(f"{prefix}.{len(self.inputs)}.npy"):
            self.inputs.append(np.load(f"{prefix}.{len(self.inputs)}.npy", mmap_mode="r"))
        self.labels = np.load(prefix + ".labels.npy")
        self.held = np.load(prefix + ".held.npy")

    def __len__(self):
        return len(self.labels)


def dump_samples(model, spec, prefix, flags, calibration=False):
    command = [program("dump_samples"), model, spec, prefix, *flags]
    call(command + (["--calibration", "--samples", "300", "--seed", "0"] if calibration else []))
    return Samples(prefix)


def dump_values(model, prefix, folder, samples=None, outputs_only=False):
    command = [program("dump_values"), model, prefix, folder, "--threads", "1"]
    command += ["--samples", str(samples)] if samples else []
    call(command + (["--outputs-only"] if outputs_only else []))
    return np.load(os.path.join(folder, "output_0.npy"))


# ---- ONNX Runtime ----

NUMPY = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(uint8)": np.uint8,
         "tensor(int8)": np.int8, "tensor(int32)": np.int32, "tensor(int64)": np.int64}


def session(model, optimize=True, threads=1):
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    if not optimize:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    model = model if isinstance(model, str) else model.SerializeToString()
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def feed(s, samples, i):
    """Sample i for the inputs of a session, with batch 1 and in the types it wants."""
    out = {}
    for x, data in zip(s.get_inputs(), samples.inputs):
        one = np.asarray(data[i])
        one = one[None] if one.ndim < len(x.shape) else one
        out[x.name] = np.ascontiguousarray(one, dtype=NUMPY[x.type])
    return out


def outputs(s, samples, count=None):
    """Output 0 for every sample, [samples, numbers]."""
    name = s.get_outputs()[0].name
    return np.stack([s.run([name], feed(s, samples, i))[0].astype(np.float32).ravel()
                     for i in range(count or len(samples))])


# ---- statistics ----

def top(scores, labels, k):
    """Right answers per sample; ties go to the lower index."""
    best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return (best == labels[:, None]).any(axis=1)


def sqnr(reference, other):
    noise = np.sum((reference.astype(np.float64) - other) ** 2)
    signal = np.sum(reference.astype(np.float64) ** 2)
    return math.inf if noise == 0 else 10 * math.log10(signal / noise)


def wilson(right, n, z=1.959964):
    p = right / n
    middle = p + z * z / (2 * n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)


def paired(a, b):
    """a - b of two paired shares with a 95 % interval (Newcombe 1998, method 10)."""
    n = len(a)
    both, only_a, only_b = int((a & b).sum()), int((a & ~b).sum()), int((~a & b).sum())
    neither = n - both - only_a - only_b
    p1, p2 = (both + only_a) / n, (both + only_b) / n
    (l1, u1), (l2, u2) = wilson(both + only_a, n), wilson(both + only_b, n)
    product = float(both + only_a) * (only_b + neither) * (both + only_b) * (only_a + neither)
    cross = both * neither - only_a * only_b
    cross = max(cross - n / 2, 0) if cross > 0 else cross
    phi = cross / math.sqrt(product) if product else 0.0
    low = math.sqrt(max(0, (p1 - l1) ** 2 - 2 * phi * (p1 - l1) * (u2 - p2) + (u2 - p2) ** 2))
    high = math.sqrt(max(0, (u1 - p1) ** 2 - 2 * phi * (u1 - p1) * (p2 - l2) + (p2 - l2) ** 2))
    return p1 - p2, p1 - p2 - low, p1 - p2 + high


# ---- reports ----

def environment():
    lines = []
    with open("/proc/cpuinfo") as f:
        text = f.read()
    cpu = next((l.split(":", 1)[1].strip() for l in text.splitlines() if l.startswith("model name")), "?")
    flags = next((l for l in text.splitlines() if l.startswith("flags")), "").split()
    lines.append(f"- CPU: {cpu}, {os.cpu_count()} cores; AVX-512 VNNI: {'avx512_vnni' in flags}, "
                 f"AVX-VNNI: {'avx_vnni' in flags}")
    lines.append(f"- Linux {platform.release().split('-')[0]}, Python {platform.python_version()}, "
                 f"NumPy {np.__version__}, onnx {onnx.__version__}, ONNX Runtime {ort.__version__}")
    try:
        import openvino
        lines[-1] += f", OpenVINO {openvino.__version__.split('-')[0]}"
    except ImportError:
        pass
    commit = subprocess.run(["git", "-C", ROOT, "log", "-1", "--format=%h", "--", "src", "runtime_int8", "datasets"],
                            capture_output=True, text=True).stdout.strip()
    lines.append(f"- nncompress: commit {commit}")
    return "\n".join(lines)


def is_older(path, source):
    return not os.path.exists(path) or os.path.getmtime(path) < os.path.getmtime(source)


def load_json(path):
    with open(path) as f:
        return json.load(f)


def write(path, text):
    path = os.path.join(ROOT, path)
    with open(path, "w") as f:
        f.write(text)
    print("written:", os.path.relpath(path, ROOT))
