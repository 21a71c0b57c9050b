"""Labelled classifiers of the model collection and the data they are calibrated and evaluated on.
SPDX-License-Identifier: Apache-2.0"""
import dataclasses
import os

import peers

TORCH = ["--scale", "1/255", "--mean", ".485,.456,.406", "--std", ".229,.224,.225"]
IMAGENET = ("imagenet/calib", "imagenet/eval")
CIFAR = ("cifar10/train", "cifar10/test")


@dataclasses.dataclass(frozen=True)
class Classifier:
    name: str
    data: tuple  # calibration, evaluation; "halves:FILE" for both halves of one HDF5 file
    flags: list  # preprocessing, as nncompress takes it

    @property
    def path(self):
        return os.path.join(peers.COLLECTION, "models", self.name, "model.onnx")

    def specs(self):
        """Paths of calibration and evaluation samples."""
        if self.data[0].startswith("halves:"):
            return halves(self.data[0][len("halves:"):])
        return tuple(os.path.join(peers.COLLECTION, "data", d) for d in self.data)


CLASSIFIERS = [
    Classifier("squeezenet1.1", IMAGENET, ["--preprocess", "imagenet-torch"]),
    Classifier("squeezenet1.0-fp16", IMAGENET,
               ["--color", "bgr", "--scale", "1", "--mean", "104,117,123", "--crop", "224"]),
    Classifier("mobilenetv2-1.0", IMAGENET, ["--preprocess", "mobilenet", "--label-offset", "1"]),
    Classifier("mobilenetv1-0.25", IMAGENET, ["--preprocess", "mobilenet"]),
    Classifier("resnet18-pq", IMAGENET, ["--preprocess", "imagenet-torch"]),
    Classifier("resnet20-cifar10", CIFAR, TORCH),
    Classifier("resnet56-cifar10", CIFAR, TORCH),
    Classifier("resnet56-groupsl-cifar10", CIFAR, ["--preprocess", "cifar"]),
    Classifier("resnet8-cifar10", CIFAR, ["--preprocess", "raw"]),
    Classifier("cnn-cifar10", CIFAR, ["--preprocess", "half"]),
    Classifier("cct4-cifar10", CIFAR, ["--preprocess", "cifar10-torch"]),
    Classifier("mobilenetv1-vww", ("halves:vww/vww.h5",), ["--preprocess", "unit"]),
    Classifier("dscnn-kws", ("halves:kws/kws.h5",), []),
    Classifier("mnist-cnn", ("mnist/train-images-idx3-ubyte.gz", "mnist/t10k-images-idx3-ubyte.gz"),
               ["--preprocess", "mnist-raw"]),
]


def find(names):
    known = {c.name: c for c in CLASSIFIERS}
    unknown = [n for n in names if n not in known]
    if unknown:
        raise SystemExit(f"unknown model {unknown[0]!r}; known: {', '.join(known)}")
    return [known[n] for n in names] or CLASSIFIERS


def halves(name):
    """First half of the samples for calibration, second half for evaluation, by index."""
    import h5py
    source = os.path.join(peers.COLLECTION, "data", name)
    out = []
    with h5py.File(source) as f:
        n = len(f["labels"])
        for part, span in (("first", slice(0, n // 2)), ("second", slice(n // 2, n))):
            path = os.path.join(peers.WORK, os.path.basename(name)[:-3] + f"-{part}-half.h5")
            with h5py.File(path, "w") as g:
                for key in f:
                    g[key] = f[key][span]
            out.append(path)
    return tuple(out)
