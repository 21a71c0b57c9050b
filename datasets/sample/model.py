# SPDX-License-Identifier: Apache-2.0
"""The bundled sample network (PyTorch) and its export to ONNX with BatchNormalization kept."""

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

OPSET = 17
WIDTHS = (24, 40, 64)
HEAD = 160


class GainNorm(nn.Module):
    """BatchNorm whose scale and shift are a trained part times a fixed gain per channel.

    Trained MobileNets end with expansion channels of very unequal range: the depthwise
    convolution and the normalization behind such a channel absorb any range it has, so nothing
    in training pulls the ranges together. A short training on small data does not drift that
    far; the fixed gains put the network there from its first step. They are drawn once, never
    trained, and vanish from the exported model: only scale*gain and shift*gain are written.
    """

    def __init__(self, channels, gain=None):
        super().__init__()
        self.bn = nn.BatchNorm2d(channels)
        self.register_buffer("gain", torch.ones(channels) if gain is None else gain)

    def forward(self, x):
        return self.bn(x) * self.gain[:, None, None]


RARE_BELOW = 1 / 16


def stretch_of(gain, factor):
    """Per channel: `factor` for the rare low-gain channels, 1 for the others.

    Dividing such a channel by `factor` and multiplying its depthwise filter by it changes no
    result: ReLU6 is positively homogeneous below its upper end, and a gain under RARE_BELOW
    keeps the channel from ever reaching 6 (it would take 96 standard deviations).
    """
    return torch.where(gain < RARE_BELOW, factor, 1.0).to(torch.float32)


def draw_gains(channels, rng, rare_share, rare_range):
    """Most channels get a gain in [1/3,1]; a rare share of them one in 1/rare_range."""
    gain = np.exp(-rng.uniform(0.0, np.log(3.0), channels))
    rare = rng.permutation(channels)[:max(1, round(channels * rare_share))]
    low, high = rare_range
    gain[rare] = np.exp(-rng.uniform(np.log(low), np.log(high), len(rare)))
    return torch.tensor(gain, dtype=torch.float32)


class ConvNorm(nn.Module):
    """Conv without bias, normalization and, where asked for, ReLU6."""

    def __init__(self, cin, cout, kernel, stride=1, groups=1, act=True, gain=None):
        super().__init__()
        self.conv = nn.Conv2d(cin, cout, kernel, stride, kernel // 2, groups=groups, bias=False)
        self.norm = GainNorm(cout, gain)
        self.act = act

    def forward(self, x):
        x = self.norm(self.conv(x))
        return torch.clamp(x, 0.0, 6.0) if self.act else x


class Block(nn.Module):
    """Inverted residual: 1x1 expansion, 3x3 depthwise, linear 1x1 projection."""

    def __init__(self, cin, cout, stride, gain):
        super().__init__()
        mid = 4 * cin
        self.expand = ConvNorm(cin, mid, 1, gain=gain(mid))
        self.depthwise = ConvNorm(mid, mid, 3, stride, groups=mid)
        self.project = ConvNorm(mid, cout, 1, act=False)
        self.residual = stride == 1 and cin == cout

    def forward(self, x):
        y = self.project(self.depthwise(self.expand(x)))
        return x + y if self.residual else y


class SampleNet(nn.Module):
    """input [N,3,32,32] in [0,1] -> logits [N,classes]."""

    def __init__(self, classes, seed, rare_share, rare_range):
        super().__init__()
        rng = np.random.Generator(np.random.PCG64(seed))
        a, b, c = WIDTHS

        def gain(channels):
            return draw_gains(channels, rng, rare_share, rare_range)

        self.stem = ConvNorm(3, a, 3)
        self.pool = nn.MaxPool2d(2)
        self.blocks = nn.ModuleList([Block(a, a, 1, gain), Block(a, b, 2, gain),
                                     Block(b, b, 1, gain), Block(b, c, 1, gain),
                                     Block(c, c, 1, gain), Block(c, c, 1, gain)])
        self.head = ConvNorm(c, HEAD, 1)
        self.classifier = nn.Linear(HEAD, classes)

    def forward(self, x):
        x = self.pool(self.stem(x))
        for block in self.blocks:
            x = block(x)
        x = self.head(x).mean((2, 3))
        return self.classifier(x)


class _Writer:
    """Collects ONNX nodes and initializers."""

    def __init__(self):
        self.nodes, self.tensors = [], []
        self.tensor("relu6.min", np.float32(0.0))
        self.tensor("relu6.max", np.float32(6.0))

    def tensor(self, name, value):
        if isinstance(value, torch.Tensor):
            value = value.detach().cpu().numpy()
        self.tensors.append(numpy_helper.from_array(np.asarray(value, np.float32), name))
        return name

    def node(self, op, name, inputs, output=None, **attributes):
        output = output or name + ".out"
        self.nodes.append(helper.make_node(op, inputs, [output], name, **attributes))
        return output

    def conv_norm(self, name, m, x, out_stretch=1.0, in_stretch=None):
        """in_stretch: factors [C] that a depthwise filter takes over from its input channels."""
        k, p = m.conv.kernel_size[0], m.conv.padding[0]
        weight = m.conv.weight if in_stretch is None else (
            m.conv.weight * in_stretch[:, None, None, None])
        weight = self.tensor(name + ".conv.weight", weight)
        x = self.node("Conv", name + ".conv", [x, weight], kernel_shape=[k, k],
                      strides=list(m.conv.stride), pads=[p] * 4, dilations=[1, 1],
                      group=m.conv.groups)
        bn, gain = m.norm.bn, m.norm.gain
        x = self.node("BatchNormalization", name + ".bn",
                      [x, self.tensor(name + ".bn.scale", bn.weight * gain / out_stretch),
                       self.tensor(name + ".bn.bias", bn.bias * gain / out_stretch),
                       self.tensor(name + ".bn.mean", bn.running_mean),
                       self.tensor(name + ".bn.var", bn.running_var)], epsilon=bn.eps)
        if m.act:
            x = self.node("Clip", name + ".relu6", [x, "relu6.min", "relu6.max"])
        return x


def export(net, path, metadata, stretch):
    """Writes the network as ONNX: float32, symbolic batch N, one node per layer.

    stretch: how much further the rare channels' ranges are moved apart (stretch_of).
    """
    w = _Writer()
    x = w.conv_norm("stem", net.stem, "input")
    x = w.node("MaxPool", "pool", [x], kernel_shape=[2, 2], strides=[2, 2])
    for i, block in enumerate(net.blocks):
        name, shortcut = f"block{i}", x
        factor = stretch_of(block.expand.norm.gain, stretch)
        x = w.conv_norm(name + ".expand", block.expand, x, out_stretch=factor)
        x = w.conv_norm(name + ".depthwise", block.depthwise, x, in_stretch=factor)
        x = w.conv_norm(name + ".project", block.project, x)
        if block.residual:
            x = w.node("Add", name + ".add", [shortcut, x])
    x = w.conv_norm("head", net.head, x)
    x = w.node("GlobalAveragePool", "gap", [x])
    x = w.node("Flatten", "flatten", [x], axis=1)
    fc = net.classifier
    w.node("Gemm", "classifier", [x, w.tensor("classifier.weight", fc.weight),
                                  w.tensor("classifier.bias", fc.bias)], "logits", transB=1)
    graph = helper.make_graph(
        w.nodes, "nncompress_sample",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", 3, 32, 32])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", fc.out_features])],
        w.tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)],
                              ir_version=8, producer_name="nncompress", producer_version="sample")
    helper.set_model_props(model, metadata)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)
