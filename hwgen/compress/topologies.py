"""Networks of the literature, built of the layers here."""

import numpy as np
import torch
from torch import nn

from .binary import Sign
from .conv import BatchNorm2d, Flatten
from .fixed import QuantInput
from .named import BinaryConv2d, BinaryLinear
from .normalise import BatchNorm

__all__ = ["cnv", "random_cnv"]


def cnv(*, classes: int = 10, channels=(64, 128, 256), hidden: int = 512, bits: int = 8):
    """CNV of FINN (arXiv 1612.07119), binarised: for RGB images of 32 x 32, ``bits`` each.

    Six convolutions of 3 x 3 without padding, two of each of ``channels``, pools of 2 x 2 behind
    the second and the fourth, then dense layers of ``hidden``, ``hidden`` and ``classes``. All
    weights are signs and all activations but the pixels; 1 542 848 weights as it stands.
    """
    layers, c_in = [QuantInput(bits=bits)], 3
    for k, c_out in enumerate(channels):
        for _ in range(2):
            layers += [BinaryConv2d(c_in, c_out, 3), BatchNorm2d(c_out), Sign()]
            c_in = c_out
        if k < 2:
            layers.append(nn.MaxPool2d(2))
    layers.append(Flatten())
    for n_out in (hidden, hidden):
        layers += [BinaryLinear(c_in, n_out), BatchNorm(n_out), Sign()]
        c_in = n_out
    layers.append(BinaryLinear(c_in, classes))
    return nn.Sequential(*layers)


def random_cnv(seed: int):
    """:func:`cnv` with seeded random weights, and norms such as a training leaves.

    These neither leave all signs alike nor start from zero, so that every layer matters.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = cnv()
    rng = np.random.default_rng(seed)
    spread = 1500.0     # of sums of 27 pixels of 8 bits
    for layer in module.modules():
        if isinstance(layer, BatchNorm):
            n = layer.num_features
            for tensor, values in ((layer.weight.data, rng.normal(1, 0.5, n)),
                                   (layer.bias.data, rng.normal(0, 0.3, n)),
                                   (layer.running_mean, rng.normal(0, spread / 4, n)),
                                   (layer.running_var, np.full(n, spread**2))):
                tensor.copy_(tensor.new_tensor(values))
            spread = 20.0
    return module.eval()
