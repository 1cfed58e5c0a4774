"""Networks of the literature, built of the layers here."""

from torch import nn

from .binary import Sign
from .conv import BatchNorm2d, Flatten
from .fixed import QuantInput
from .named import BinaryConv2d, BinaryLinear
from .normalise import BatchNorm

__all__ = ["cnv"]


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
