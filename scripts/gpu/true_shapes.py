#!/usr/bin/env python3
"""Writes a ResNet-50 v1.5 with true shapes, any batch size and random weights (no accuracy meaning) as ONNX.

usage: true_shapes.py FOLDER_OF_gen_models.py OUT.onnx
Uses the generator of the model collection; unlike its own files, the first dimension is free and no two weights are
equal, so that a plan has the size of a trained model's. Needs only Python's standard library.
SPDX-License-Identifier: Apache-2.0"""
import sys


def free_batch(gen):
    """Model inputs and outputs get a named first dimension."""
    def value_info(graph, name, dtype, dims):
        shape = gen.fb(1, gen.fb(2, "N")) + b"".join(gen.fb(1, gen.fv(1, d)) for d in dims[1:])
        return gen.fb(1, name) + gen.fb(2, gen.fb(1, gen.fv(1, dtype) + gen.fb(2, shape)))
    gen.G.vinfo = value_info


def different_weights(gen):
    """Every weight starts at another place of the generator's block of random numbers."""
    block, plain = gen.blkf, gen.G.fconst

    def constant(graph, dims, scale, name=None):
        at = 4099 * len(graph.init) % len(block)
        gen.blkf = block[at:] + block[:at]
        made = plain(graph, dims, scale, name)
        gen.blkf = block
        return made
    gen.G.fconst = constant


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__.split("\n\n")[1].split("\n")[0])
    sys.path.insert(0, sys.argv[1])
    import gen_models
    free_batch(gen_models)
    different_weights(gen_models)
    gen_models.resnet50(0).save(sys.argv[2])


if __name__ == "__main__":
    main()
