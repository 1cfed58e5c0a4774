"""Binary convolutions beside a shortcut of real values (Bi-Real Net, arXiv 1808.00278)."""

from collections import OrderedDict

import torch
from torch import nn
from torch.nn import functional as F

from hwgen.numeric import SpecError

from .binary import BinaryWeights, Sign
from .conv import IntegerConv2d, QuantDepthwiseConv2d
from .layer import Layer, within
from .normalise import fold_batch_norm
from .straight import binarise, binarise_approx

__all__ = ["ApproxSign", "BiRealConv2d", "bi_real_twin"]

PADDING = -1
"""What stands beyond a map of signs, which have no 0."""


class ApproxSign(Sign):
    """Signs with the gradient of :func:`~hwgen.compress.straight.binarise_approx`."""

    def forward(self, x):
        return binarise_approx(x)


class BiRealConv2d(Layer):
    """``norm(conv(sign(x), alpha_k sign(w_k)))`` on real maps ``x``, in float, before rounding.

    ``alpha_k = mean |w_k|`` of a filter has no gradient of its own, so that of a weight is in
    proportion to it: ``alpha_k 1{|w| <= 1}``, the magnitude-aware gradient. Maps are padded with
    -1. In fixed point it is a convolution of signs, then a multiplication and an added constant for
    each channel, ``alpha_k`` and the norm folded into them; both of few bits, the sums exact.

    Parameters
    ----------
    conv : torch.nn.Conv2d          of one group; its bias goes, as the norm has one
    norm : torch.nn.BatchNorm2d
    scale_bits : int                2..16, of the factor of each channel in fixed point
    """

    def __init__(self, conv: nn.Conv2d, norm: nn.BatchNorm2d, scale_bits: int):
        super().__init__()
        if conv.groups != 1 or conv.padding_mode != "zeros" or isinstance(conv.padding, str):
            raise SpecError(f"must have one group, and a padding of zeros in numbers, not {conv}")
        self.weight, self.norm = nn.Parameter(conv.weight.detach().clone()), norm
        self.stride, self.padding, self.dilation = conv.stride, conv.padding, conv.dilation
        self.scale_bits = within("BiRealConv2d: scale_bits", scale_bits, 2, 16)

    def alpha(self):
        """Of each filter, (c_out,), without a gradient."""
        return self.weight.detach().abs().mean(dim=(1, 2, 3))

    def forward(self, x):
        down, across = self.padding
        x = F.pad(binarise_approx(x), (across, across, down, down), value=PADDING)
        weight = self.alpha()[:, None, None, None] * binarise(self.weight)
        return self.norm(F.conv2d(x, weight, None, self.stride, 0, self.dilation))

    @torch.no_grad()
    def constrain(self) -> None:
        """Keep latent weights where they have a gradient."""
        self.weight.clamp_(-1, 1)

    def extra_repr(self):
        return (f"{tuple(self.weight.shape)}, stride={self.stride}, padding={self.padding},"
                f" dilation={self.dilation}, scale_bits={self.scale_bits}")


def bi_real_twin(layer: BiRealConv2d, state) -> nn.Sequential:
    """Sign, convolution of signs, factor and constant of each channel: what is exported."""
    c_out, c_in, *kernel = layer.weight.shape
    matrix = IntegerConv2d(c_in, c_out, tuple(kernel), BinaryWeights(), stride=layer.stride,
                           dilation=layer.dilation, padding=layer.padding,
                           pad_value=PADDING if any(layer.padding) else 0)
    matrix.weight.copy_(layer.weight.permute(0, 2, 3, 1).flatten(1))
    scale = QuantDepthwiseConv2d(c_out, 1, bits=layer.scale_bits)
    weight, bias = fold_batch_norm(layer.alpha()[:, None], None, layer.norm)
    scale.weight.copy_(weight)
    scale.bias.copy_(bias)
    state.is_signed = True
    return nn.Sequential(OrderedDict(sign=ApproxSign(), matrix=matrix, scale=scale))
