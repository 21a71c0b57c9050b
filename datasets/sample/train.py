# SPDX-License-Identifier: Apache-2.0
"""Developer script: makes calib.h5, test.h5, model.onnx and test_data_set_0 of this folder.

The product never runs it. It stands in until the project can train the sample by itself.
Needs numpy, h5py, onnx, onnxruntime and torch (CPU). usage: train.py [--out DIR] [--epochs N]
"""

import argparse
import os
import time

import h5py
import numpy as np
import onnxruntime
import torch
from onnx import numpy_helper

import glyphs
import model

SEED_TRAIN, SEED_CALIB, SEED_TEST, SEED_GAINS, SEED_TORCH = 1000, 2, 3, 4, 5
CALIB_COUNT, TEST_COUNT = 512, 2000
RARE_SHARE, RARE_RANGE, STRETCH = 1 / 64, (32.0, 64.0), 1.5
PREPROCESS = "unit"  # x / 255, RGB, NCHW


def to_input(images):
    """uint8 NHWC -> float32 NCHW in [0,1]."""
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2)).astype(np.float32) / np.float32(255)


def write_h5(path, images, labels):
    with h5py.File(path, "w") as f:
        chunk = (min(50, len(images)), *images.shape[1:])
        d = f.create_dataset("images", data=images, chunks=chunk, compression="gzip",
                             compression_opts=9)
        d.attrs["layout"] = "NHWC"
        d.attrs["preprocess"] = PREPROCESS
        d = f.create_dataset("labels", data=labels, chunks=labels.shape, compression="gzip")
        d.attrs["classes"] = ",".join(glyphs.CLASSES)


def accuracy(net, images, labels):
    net.eval()
    hit = 0
    with torch.no_grad():
        for at in range(0, len(images), 500):
            logits = net(torch.from_numpy(to_input(images[at:at + 500])))
            hit += int((logits.argmax(1).numpy() == labels[at:at + 500]).sum())
    return hit / len(images)


def parameter_groups(net, decay):
    """Weight decay on convolution and classifier weights only."""
    plain = [p for p in net.parameters() if p.ndim == 1]
    return [{"params": [p for p in net.parameters() if p.ndim > 1], "weight_decay": decay},
            {"params": plain, "weight_decay": 0.0}]


def train(net, epochs, per_epoch, batch, rate):
    """Every epoch sees newly drawn images; AdamW with a one-cycle learning rate."""
    steps = epochs * (per_epoch // batch)
    optimizer = torch.optim.AdamW(parameter_groups(net, 0.02), lr=rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, steps, pct_start=0.15)
    loss_of = torch.nn.CrossEntropyLoss()
    for epoch in range(epochs):
        images, labels = glyphs.draw(SEED_TRAIN + epoch, per_epoch)
        net.train()
        begin, total = time.time(), 0.0
        for at in range(0, per_epoch - batch + 1, batch):
            x = torch.from_numpy(to_input(images[at:at + batch]))
            loss = loss_of(net(x), torch.from_numpy(labels[at:at + batch]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch}: loss {total / (per_epoch // batch):.4f}, "
              f"{time.time() - begin:.0f} s", flush=True)


def write_reference(folder, path, image):
    """One sample and ONNX Runtime's answer in the layout of the ONNX backend tests."""
    os.makedirs(folder, exist_ok=True)
    x = to_input(image[None])
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    y = session.run(["logits"], {"input": x})[0]
    for name, stem, value in (("input", "input_0", x), ("logits", "output_0", y)):
        with open(os.path.join(folder, stem + ".pb"), "wb") as f:
            f.write(numpy_helper.from_array(value, name).SerializeToString())


def main():
    args = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    args.add_argument("--out", default=os.path.dirname(os.path.abspath(__file__)))
    args.add_argument("--epochs", type=int, default=20)
    args.add_argument("--per-epoch", type=int, default=16384)
    args.add_argument("--threads", type=int, default=2)
    args = args.parse_args()
    torch.manual_seed(SEED_TORCH)
    torch.set_num_threads(args.threads)
    calib, test = glyphs.draw(SEED_CALIB, CALIB_COUNT), glyphs.draw(SEED_TEST, TEST_COUNT)
    write_h5(os.path.join(args.out, "calib.h5"), *calib)
    write_h5(os.path.join(args.out, "test.h5"), *test)

    net = model.SampleNet(len(glyphs.CLASSES), SEED_GAINS, RARE_SHARE, RARE_RANGE)
    print("parameters:", sum(p.numel() for p in net.parameters()))
    train(net, args.epochs, args.per_epoch, 64, 4e-3)
    print(f"top-1 on the test set: {100 * accuracy(net, *test):.2f} %")
    path = os.path.join(args.out, "model.onnx")
    model.export(net, path, {"nncompress.preprocess": PREPROCESS,
                             "nncompress.classes": ",".join(glyphs.CLASSES)}, STRETCH)
    write_reference(os.path.join(args.out, "test_data_set_0"), path, test[0][0])


if __name__ == "__main__":
    main()
