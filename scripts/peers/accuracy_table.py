#!/usr/bin/env python3
"""Accuracy of INT8 models: nncompress with its defaults against ONNX Runtime's quantizer, same samples.

usage: accuracy_table.py [--again] [--ort-only] [MODEL...]
Both tools calibrate on the same preprocessed samples and are judged on the same evaluation samples; ONNX
Runtime's best of three methods is taken in hindsight, by its accuracy on the evaluation samples. Results of
ONNX Runtime are kept under build/peers and used again unless --again is given; those of nncompress while the
program is older than they are. Writes reports/accuracy.md.
SPDX-License-Identifier: Apache-2.0"""
import argparse
import os

import numpy as np

import models
import peers
import quantize_ort


def kept(path, make, again):
    if again or not os.path.exists(path):
        value = make()
        np.save(path, value)
    return np.load(path)


def folder_of(model):
    folder = os.path.join(peers.WORK, model.name)
    os.makedirs(folder, exist_ok=True)
    return folder


def sample_sets(model):
    """Calibration and evaluation samples, and what nncompress is told about them."""
    folder, (calib, test) = folder_of(model), model.specs()
    return (peers.dump_samples(model.path, calib, folder + "/calib", model.flags, calibration=True),
            peers.dump_samples(model.path, test, folder + "/eval", model.flags), calib, test)


def ort_outputs(model, calib, test, again):
    """Outputs on the evaluation samples: float, and per method the quantized model's."""
    folder = folder_of(model)
    out = {"float": kept(folder + "/float.npy",
                         lambda: peers.outputs(peers.session(model.path), test), again)}
    for method in quantize_ort.METHODS:
        def make():
            path = f"{folder}/ort-{method}.onnx"
            quantize_ort.quantize(model.path, calib, method, path)
            return peers.outputs(peers.session(path), test)
        try:
            out[method] = kept(f"{folder}/ort-{method}.npy", make, again)
        except ValueError as e:
            print(f"{model.name}: ONNX Runtime's method {method} fails: {e}")
    return out


def compress_command(model, calib, test):
    folder = folder_of(model)
    return [peers.program("nncompress"), model.path, "--int8", "--calib", calib, "--eval", test, *model.flags,
            "-o", folder + "/nncompress.onnx", "--force", "--bench-seconds", "0", "--threads", "1"]


def nncompress_outputs(model, calib, test):
    """Outputs of the shipped file on our runtime, the report, and the outputs of the same file in ONNX Runtime."""
    folder = folder_of(model)
    command = compress_command(model, calib, test)
    result = folder + "/nncompress.onnx"
    new = peers.is_older(result, peers.program("nncompress"))
    if new:
        peers.call(command)
    stale = new or peers.is_older(folder + "/nncompress-in-ort.npy", result)
    raw = kept(folder + "/nncompress.npy", lambda: peers.dump_values(result, folder + "/eval", folder + "/values",
                                                                    outputs_only=True), stale)
    in_ort = kept(folder + "/nncompress-in-ort.npy",
                  lambda: peers.outputs(peers.session(result), peers.Samples(folder + "/eval")), stale)
    report = peers.load_json(folder + "/nncompress.json")
    return raw.reshape(len(raw), -1).astype(np.float32), report, in_ort, command


def measure(model, again, ort_only):
    calib, test, calib_spec, test_spec = sample_sets(model)
    out = ort_outputs(model, calib, test, again)
    labels = test.labels
    right = {k: peers.top(v, labels, 1) for k, v in out.items()}
    worked = [m for m in quantize_ort.METHODS if m in out]
    best = max(worked, key=lambda m: (right[m].sum(), peers.sqnr(out["float"], out[m])))
    row = {"model": model, "calib": len(calib), "eval": len(test), "best": best,
           "classes": out["float"].shape[1], "held": int(calib.held.sum()),
           "ort": {m: (right[m].mean(), peers.sqnr(out["float"], out[m])) for m in worked},
           "float": (right["float"].mean(), peers.top(out["float"], labels, 5).mean()),
           "ort_agree": (out["float"].argmax(1) == out[best].argmax(1)).mean(),
           "ort5": peers.top(out[best], labels, 5).mean(),
           "best_right": right[best]}
    if not ort_only:
        ours, report, in_ort, command = nncompress_outputs(model, calib_spec, test_spec)
        mine = peers.top(ours, labels, 1)
        row |= {"mine": (mine.mean(), peers.top(ours, labels, 5).mean()), "command": command,
                "sqnr": peers.sqnr(out["float"], ours), "report": report,
                "agree": (out["float"].argmax(1) == ours.argmax(1)).mean(),
                "drop": peers.paired(right["float"], mine), "gain": peers.paired(mine, row["best_right"]),
                "in_ort": peers.top(in_ort, labels, 1).mean(),
                "same": (in_ort.argmax(1) == ours.argmax(1)).mean()}
    return row


def interval(p):
    return f"{100 * p[0]:+.2f} [{100 * p[1]:+.2f}, {100 * p[2]:+.2f}]"


def table(rows):
    lines = ["| model | samples | FP32 top-1 / 5 | nncompress top-1 / 5 | ORT best top-1 / 5 | drop of nncompress, points "
             "| nncompress - ORT, points | SQNR dB nncompress / ORT | agreement with FP32, % nncompress / ORT |",
             "|---|---|---|---|---|---|---|---|---|"]
    for r in rows:
        five = r["classes"] > 10

        def pair(a, b):
            return f"{100 * a:.2f} / {100 * b:.2f}" if five else f"{100 * a:.2f}"
        lines.append(
            f"| {r['model'].name} | {r['calib']} / {r['eval']} | {pair(*r['float'])} | {pair(*r['mine'])} "
            f"| {pair(r['ort'][r['best']][0], r['ort5'])} ({r['best']}) | {interval(r['drop'])} "
            f"| {interval(r['gain'])} | {r['sqnr']:.1f} / {r['ort'][r['best']][1]:.1f} | {100 * r['agree']:.2f} / "
            f"{100 * r['ort_agree']:.2f} |")
    return "\n".join(lines)


def methods_table(rows):
    names = list(quantize_ort.METHODS)
    lines = ["| model | " + " | ".join(names) + " | nncompress's file in ORT | same top-1 in both runtimes |",
             "|---" * (len(names) + 3) + "|"]
    for r in rows:
        cells = [f"{100 * r['ort'][m][0]:.2f} ({r['ort'][m][1]:.1f})" if m in r["ort"] else "fails"
                 for m in names]
        lines.append(f"| {r['model'].name} | " + " | ".join(cells) +
                     f" | {100 * r['in_ort']:.2f} | {100 * r['same']:.2f} % |")
    return "\n".join(lines)


HEAD = """# Accuracy of INT8 models, nncompress and ONNX Runtime's quantizer

Same models, same preprocessed samples for both tools (`tests/bench/dump_samples.c` writes what nncompress
feeds), same evaluation samples. nncompress with its defaults on its own runtime; ONNX Runtime: static QDQ, per
channel, u8 activations, s8 weights, after its own preparation, on its CPU provider. Of ONNX Runtime's three
methods the one with the best accuracy *on the evaluation samples* is taken, which flatters it. nncompress
keeps 20 % of the calibration samples back to choose its ranges by; ONNX Runtime calibrates on all of them.
Drop: FP32 (in ONNX Runtime) minus nncompress, paired on the same samples, with a 95 % interval (Newcombe 1998,
method 10); negative: INT8 was right more often. SQNR: outputs against FP32 over all evaluation samples.

The accuracies say what quantization costs and nothing else: the images are small lossy samples, ImageNet's
probably from the training set. VWW and KWS: first half of the file by index calibrates, second half evaluates;
VWW holds persons only. CIFAR-10 and MNIST: 300 training samples, seed 0.

"""


def main():
    ap = argparse.ArgumentParser(usage=__doc__)
    ap.add_argument("models", nargs="*")
    ap.add_argument("--again", action="store_true")
    ap.add_argument("--ort-only", action="store_true")
    a = ap.parse_args()
    rows = []
    for model in models.find(a.models):
        row = measure(model, a.again, a.ort_only)
        rows.append(row)
        print(model.name, "float %.4f/%.4f" % row["float"],
              {m: (round(v[0], 4), round(v[1], 1)) for m, v in row["ort"].items()},
              "" if a.ort_only else f"nncompress {row['mine']} {row['sqnr']:.1f} dB", flush=True)
    if a.ort_only or a.models:
        return
    commands = "\n".join(peers.shown(r["command"]) for r in rows)
    peers.write("reports/accuracy.md", HEAD + table(rows) + "\n\n## ONNX Runtime's methods: top-1 (SQNR dB)\n\n" +
                methods_table(rows) + "\n\n## Environment\n\n" + peers.environment() +
                "\n\n## Commands\n\n`scripts/peers/accuracy_table.py` runs, per model:\n\n```\n" + commands +
                "\n```\n")


if __name__ == "__main__":
    main()
